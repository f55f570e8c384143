/* The compiled form of a tile program, shared by the files of csrc/tile. */
#ifndef HL_TILE_INTERNAL_H
#define HL_TILE_INTERNAL_H

#include "tile/tile.h"

#define HL_TILE_LANES 3072 /* lanes of all live registers together: 12 KB, which leave room for memory operands */
#define HL_TASK_COST 24576 /* lowest price of a task */
#define HL_MAX_TASKS 512   /* per step */

/* How an operand is reached, decided once. */
typedef enum hl_access {
  HL_ACCESS_SPLAT = 0, /* one value for all */
  HL_ACCESS_COLUMNS,   /* FULL: a contiguous vector of columns, the same for every row */
  HL_ACCESS_ROWS,      /* FULL: contiguous within a row. ROW: contiguous over rows */
  HL_ACCESS_TURNED,    /* FULL: contiguous over rows, strided over columns */
  HL_ACCESS_STRIDED,
  HL_ACCESS_PANEL
} hl_access;

typedef struct hl_tile_operand {
  int32_t slot;
  int32_t access;
  int32_t indexed; /* dimension 0 goes through the row numbers when there are any */
  int32_t direct;  /* may stand for a register in the DIRECT variant (panels: in both) */
  int64_t offset;
  int64_t row_stride; /* of the only outer dimension, or of the innermost of several */
  int64_t col_stride;
  int64_t strides[HL_MAX_OUTER];
  int64_t low, high; /* range of addresses within the slot's space, of one batch row for mapped slots */
} hl_tile_operand;

typedef enum hl_code_kind {
  HL_CODE_ELEMENTWISE,
  HL_CODE_ROWREDUCE,
  HL_CODE_CHAIN,
  HL_CODE_LOAD,
  HL_CODE_STORE,
  HL_CODE_SPLAT,
  HL_CODE_EXPAND,
  HL_CODE_IOTA_ROW,
  HL_CODE_IOTA_COL,
  HL_CODE_UNIFORM,
  HL_CODE_MASK /* int32 1 in the valid columns, 0 in the padding of a panel */
} hl_code_kind;

typedef struct hl_tile_code {
  union {
    hl_elementwise_fn elementwise;
    hl_rowreduce_fn rowreduce;
    hl_chain_fn chain;
  } call;
  int16_t kind;
  int16_t full;         /* dst (or the stored register) is FULL */
  int32_t dst, a, b, c; /* locations; 0 is none */
  int32_t operand;      /* chains: where their locations start in the tile's chain_locs */
  uint32_t imm;         /* chains: how many these are */
} hl_tile_code;

typedef struct hl_tile_section {
  hl_tile_code *code;
  int32_t count;
} hl_tile_section;

typedef struct hl_tile_reduce_spec {
  int32_t combine, full, slot;
  int32_t loc[2]; /* per variant */
  int64_t offset;
  int64_t acc;     /* lanes from state->reduce */
  int64_t partial; /* lanes from state->partials */
  int64_t width;   /* lanes of one block's partial */
} hl_tile_reduce_spec;

enum { HL_VARIANT_DIRECT = 0, HL_VARIANT_COPY = 1 };

struct hl_tile {
  const hl_kernels *kernels;
  /* The domain after collapsing. */
  int32_t lanes_mode, epilogue, nouter, panels;
  int64_t outer[HL_MAX_OUTER];
  int64_t rows, cols;
  /* Tiles: tile_rows x block_cols; a task is task_rows x task_blocks column blocks. */
  int64_t tile_rows, block_cols, nblocks;
  int64_t unit_rows; /* rows of a reduction block, or tile_rows */
  int64_t task_rows, task_blocks, row_tasks, ntasks, cost;
  int64_t reduce_blocks;
  /* Code. */
  hl_tile_operand *operands;
  int32_t noperands;
  hl_tile_section once, columns, masks, body[2];
  int32_t masked[2]; /* whether the body of a variant needs the masks */
  hl_tile_code *code_block;
  int32_t *chain_locs;
  int32_t nchain_locs;
  const char *chain; /* name of the longest chain, NULL without any */
  hl_tile_reduce_spec *reductions;
  int32_t nreductions;
  /* Locations: 0 none, then FULL registers, ROW registers, the product, operands. */
  int32_t nfull, nrow, product_loc, operand_loc, nlocs;
  int32_t *direct_operands; /* operands that need a pointer per tile, each address once */
  int32_t ndirect;
  int32_t *bound_slots;
  int32_t nbound;
  int64_t full_lanes, row_lanes, reduce_lanes, partial_lanes;
};

typedef struct hl_tile_extent {
  int64_t r0, rows, c0, cols, ld;
  int64_t lanes_full, lanes_row;
} hl_tile_extent;

/* run.c: the program over one tile; returns the variant that was used. */
int hl_tile_run(hl_tile_state *s, const hl_tile_extent *e);

/* memory.c */
void hl_tile_load(const hl_tile_state *s, const hl_tile_operand *o, int full, float *dst, const hl_tile_extent *e);
void hl_tile_store(const hl_tile_state *s, const hl_tile_operand *o, int full, const float *src,
                   const hl_tile_extent *e);
/* Address of element (row, col) of an operand that is not indexed and has at most one outer dimension. */
static inline float *hl_tile_address(const hl_tile_state *s, const hl_tile_operand *o, int64_t row, int64_t col) {
  float *base = s->bases[o->slot] + o->offset;
  if (o->access == HL_ACCESS_PANEL)
    return base + (col / HL_PANEL) * s->tile->rows * HL_PANEL + row * HL_PANEL + col % HL_PANEL;
  return base + row * o->row_stride + col * o->col_stride;
}

/* collapse.c: the domain and operand strides in normal form. strides[o * HL_MAX_OUTER + d], col_strides[o]. */
typedef struct hl_tile_shape {
  int32_t nouter, lanes_mode, pinned;
  int64_t outer[HL_MAX_OUTER];
  int64_t rows, cols;
} hl_tile_shape;
void hl_tile_collapse(hl_tile_shape *shape, hl_operand *operands, int32_t noperands, int may_flatten, int panels);

/* check.c */
hl_status hl_tile_check(const hl_tile_domain *domain, const hl_program *program, const hl_tile_memory *slots,
                        int32_t nslots, int64_t *low_high, char error[HL_ERROR_TEXT]);
int64_t hl_tile_round16(int64_t n);

#endif
