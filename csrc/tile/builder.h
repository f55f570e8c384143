/* State of one compilation. Values are numbered by the instruction that makes them (single assignment), so the caller's
   register numbers do not matter for speed. */
#ifndef HL_TILE_BUILDER_H
#define HL_TILE_BUILDER_H

#include "tile/internal.h"

enum { HL_LEVEL_BODY = 0, HL_LEVEL_COLUMNS = 1, HL_LEVEL_ONCE = 2 };

typedef struct hl_tile_value {
  int32_t last;  /* last instruction that reads it, ninstructions for reductions, -1 for none */
  int32_t place; /* provisional location, see emit.c */
  int8_t level;  /* section that computes it */
  int8_t full;
  int8_t alias;  /* this instruction only renames its input */
  int8_t narrow; /* FULL, but only the first lanes are read */
} hl_tile_value;

/* A chain found in the program: the value of the program for each value of the pattern. Its last instruction runs it,
   the others have become part of that. */
typedef struct hl_tile_match {
  hl_chain chain;
  int32_t last;
  int32_t values[HL_CHAIN_VALUES];
} hl_tile_match;

typedef struct hl_tile_builder {
  hl_tile *tile;
  const hl_kernels *kernels;
  const hl_tile_domain *domain;
  const hl_program *program;
  const hl_tile_memory *slots;
  int64_t *low_high;     /* per operand */
  hl_operand *operands;  /* with collapsed strides */
  int32_t (*uses)[3];    /* per instruction: values read, -1 for none */
  hl_tile_value *values; /* per instruction, then product, mask, zero */
  int32_t *current;      /* per register: its value now */
  int32_t *free_full, *free_row;
  uint8_t *row_only, *stored;  /* per operand */
  int32_t product, mask, zero; /* value numbers */
  int32_t panel_store;
  int32_t live; /* most values alive at once */
  hl_tile_match *matches;
  int32_t nmatches;
  int32_t *match_of; /* per instruction: the match it is part of, or -1 */
} hl_tile_builder;

int hl_tile_overlaps(const hl_tile_builder *b, int32_t i, int32_t j);
void hl_tile_geometry(hl_tile_builder *b, int whole_row);
void hl_tile_find_chains(hl_tile_builder *b);
void hl_tile_emit(hl_tile_builder *b);

#endif
