/* Compiled tile programs.

   Two modes. GRID: registers are FULL ([rows][ld] lanes, ld a multiple of 16) or ROW (one lane per row, padded to 16).
   LANES: the domain is one-dimensional (one column), so every register is a vector with one lane per row; domains whose
   operands are all contiguous or scalar are flattened to this mode, which wastes no padding.

   Code comes in sections: `once` (constants, scalars) is run when a thread enters the step, `columns` (row vectors such
   as a bias) when the column block changes, then `masks` if its stores need them, and the body for every tile. The body
   has two variants: DIRECT uses memory in place of registers where a tile is contiguous and aligned there; COPY goes
   through registers except for panels. */
#ifndef HL_TILE_H
#define HL_TILE_H

#include <stdint.h>

#include "core/status.h"
#include "kernels/kernels.h"
#include "tile/program.h"

#define HL_REDUCE_ROWS 64    /* rows of a block of the cross-row reduction tree in GRID mode */
#define HL_REDUCE_LANES 1024 /* the same in LANES mode */
#define HL_ERROR_TEXT 320    /* bytes of an error message buffer */

typedef enum hl_mapping { HL_MAP_NONE = 0, HL_MAP_INPUT, HL_MAP_OUTPUT } hl_mapping;

/* What the compiler must know of a slot. Slots with the same space may overlap: they cover start .. start + size. */
typedef struct hl_tile_memory {
  int32_t space;
  int32_t mapping;  /* INPUT and OUTPUT: dimension 0 is a row of row_size elements of the batch */
  int32_t readonly; /* const and input slots */
  int32_t aligned;  /* whether element 0 is (or, for bound slots, may turn out to be) 64-byte aligned */
  int32_t bound;
  int64_t start, size, row_size;
} hl_tile_memory;

typedef struct hl_tile_domain {
  int32_t nouter;
  int32_t interpreted; /* look for no chains */
  int32_t epilogue;    /* rows x 32 register tiles of a product in register 0; max_rows is then the most rows of one */
  int64_t outer[HL_MAX_OUTER];
  int64_t cols;
  int64_t max_rows;
  int64_t batch_size;
} hl_tile_domain;

typedef struct hl_tile hl_tile;

/* Checks and compiles. On failure *tile is NULL and error holds the reason. */
hl_status hl_tile_compile(const hl_kernels *kernels, const hl_tile_domain *domain, const hl_program *program,
                          const hl_tile_memory *slots, int32_t nslots, hl_tile **tile, char error[HL_ERROR_TEXT]);
void hl_tile_free(hl_tile *tile);

int64_t hl_tile_scratch(const hl_tile *tile);  /* bytes per thread */
int64_t hl_tile_partials(const hl_tile *tile); /* bytes per step, shared by the threads; 0 without reductions */
int64_t hl_tile_ntasks(const hl_tile *tile);
int64_t hl_tile_cost(const hl_tile *tile); /* of the whole domain */
/* Name of the (longest) chain that runs compiled, or NULL. */
const char *hl_tile_chain(const hl_tile *tile);
/* Whether every bound slot that the DIRECT variant touches has an aligned base. */
int hl_tile_aligned(const hl_tile *tile, float *const *bases);

/* Range of elements that a stored operand covers, in the slot's space. */
void hl_tile_stored_range(const hl_tile *tile, int32_t operand, int64_t *low, int64_t *high);

/* An epilogue that is one chain: its places in the tile at hand, and which of them are where in other tiles. */
typedef struct hl_tile_lone {
  int64_t nr;   /* columns of the tiles that this is known for, -1 for none, */
  int64_t slab; /* and their first column, -1 for any */
  hl_chain_fn chain;
  float *places[HL_CHAIN_PLACES];
  int32_t npanels, nproducts;
  int32_t far; /* so much memory that the next tile's is worth being fetched ahead */
  int32_t panels[HL_CHAIN_PLACES], products[HL_CHAIN_PLACES]; /* numbers of places */
  float *starts[HL_CHAIN_PLACES];                             /* of panels */
} hl_tile_lone;

/* One thread's view of one step. */
typedef struct hl_tile_state {
  const hl_tile *tile;
  float *const *bases; /* base of every slot; for mapped slots that of the batch's first row, or of row 0 if `rows` */
  const int64_t *rows; /* row numbers of the batch in the input arrays, or NULL */
  float **loc;
  float *full, *row, *reduce;
  float *partials;
  int32_t direct;
  int64_t columns_at; /* column block that the `columns` section was run for, -1 for none */
  hl_tile_lone lone;  /* epilogues */
} hl_tile_state;

void hl_tile_begin(hl_tile_state *state, const hl_tile *tile, void *scratch, void *partials, float *const *bases,
                   const int64_t *rows, int32_t direct);
void hl_tile_task(hl_tile_state *state, int64_t task);
/* Combines the partials of the blocks and writes the reductions: once, after every task is done. */
void hl_tile_reduce(hl_tile_state *state);
/* hl_epilogue_fn over an hl_tile_state. */
void hl_tile_epilogue(void *state, float *product, int64_t i0, int64_t mr, int64_t j0, int64_t nr);

#endif
