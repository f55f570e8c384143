/* Products as tiles. The caller (plan) splits the work: a task is a range of rows times a range of 32-column slabs. */
#ifndef HL_GEMM_H
#define HL_GEMM_H

#include <stdint.h>

#include "core/status.h"
#include "kernels/kernels.h"

typedef enum hl_layout { HL_ROW_MAJOR = 0, HL_PANELS = 1 } hl_layout;

/* op(A) is m x k. Without trans, row i is at `rows ? data + rows[i]*ld : data + i*ld`; with trans, A is stored k x m
   and row p (of k) is found the same way: an indexed mini-batch needs no gather in either role. As HL_PANELS of the
   stored matrix, whose row count is then `ld`, it has no `rows`. */
typedef struct hl_gemm_a {
  const float *data;
  int64_t ld;
  const int64_t *rows; /* NULL, or the row numbers (not multiplied by ld) */
  int32_t trans;
  hl_layout layout;
  int32_t tiled;       /* hl_gemm_tiled */
  const float *packed; /* if tiled: NULL, or what hl_gemm_pack made of all of A */
} hl_gemm_a;

/* op(B) is k x n. Stored row-major with ld (k x n, or n x k with trans), or as HL_PANELS of the stored matrix, whose
   row count is then `ld`. */
typedef struct hl_gemm_b {
  const float *data;
  int64_t ld;
  int32_t trans;
  hl_layout layout;
  const float *packed; /* NULL, or what hl_gemm_pack made of all of op(B): panels of k rows */
  int32_t finite;      /* known to be: who leaves out terms need not look */
} hl_gemm_b;

/* Receives each finished tile: rows [i0, i0+mr), columns [j0, j0+nr), j0 % HL_PANEL == 0, tile is
   [mr][hl_gemm_tile_ld], 64-byte aligned, L1-resident, and may be overwritten. mr <= HL_GEMM_EPILOGUE_ROWS. */
#define HL_GEMM_EPILOGUE_ROWS 32
static inline int64_t hl_gemm_tile_ld(int64_t n) { return n <= HL_LANES ? HL_LANES : HL_PANEL; }
typedef void (*hl_epilogue_fn)(void *ctx, float *tile, int64_t i0, int64_t mr, int64_t j0, int64_t nr);

typedef struct hl_gemm {
  int64_t m, n, k;
  hl_gemm_a a;
  hl_gemm_b b;
  hl_epilogue_fn epilogue; /* NULL: store to c */
  void *ctx;
  float *c; /* row-major [m, ldc], or HL_PANELS of an m x n matrix */
  int64_t ldc;
  hl_layout c_layout;
  /* Slabs of B that the last hl_gemm_run has left packed in its scratch, for the next one with the same scratch; no
     slabs at first, and when the operands change. */
  int64_t kept_from, kept_to;
} hl_gemm;

/* Whether A is read from packed tiles: always with trans, else where enough slabs pass over it to be worth the copy.
   `in_place`: it is not to be copied without need, being rows of an input. */
int32_t hl_gemm_tiled(const hl_kernels *kernels, int64_t m, int64_t n, int64_t k, int32_t a_trans, int32_t in_place);
/* Whether the transpose of C is computed instead, because C has few columns and A is transposed: A is then the right
   operand, read in place if it is in panels, and register tiles are full. Each element is the same chain. */
int32_t hl_gemm_turned(const hl_gemm *gemm);
/* Bytes of scratch one thread needs for this product (register tile, pointers, a packed tile of A, packed panels). Here
   and below, only the shape and the layout of the operands are looked at where there is no data yet. */
int64_t hl_gemm_scratch(const hl_kernels *kernels, const hl_gemm *gemm);
/* How many rows and 32-column slabs a task should take so that tasks are neither too many nor too few. Depends on
   shapes and layouts alone. epilogue: what it costs for a row of a slab, in multiply-adds. */
void hl_gemm_tasking(const hl_kernels *kernels, const hl_gemm *gemm, int64_t epilogue, int64_t *task_rows,
                     int64_t *task_slabs);
/* Tiles of A and slabs of B are packed by whoever computes with them, or once for all. What the latter takes, a = 0 if
   it should not be done (A is not tiled, a single slab, or too large to be kept), b = 0 if B is used in place as well.
 */
typedef struct hl_gemm_packing {
  int64_t a, b; /* elements, B's behind A's */
  int64_t tasks;
} hl_gemm_packing;
hl_gemm_packing hl_gemm_packs(const hl_kernels *kernels, const hl_gemm *gemm);
void hl_gemm_pack(const hl_kernels *kernels, const hl_gemm *gemm, int64_t task, float *packed);
/* Makes the product read what the tasks above have made. */
void hl_gemm_use_packed(const hl_kernels *kernels, hl_gemm *gemm, const float *packed);
/* Computes rows [i0, i1) of slabs [s0, s1). k == 0 gives zeros. No allocation. If A is packed, i0 is a multiple of
   gemm_mr_packed. */
void hl_gemm_run(const hl_kernels *kernels, hl_gemm *gemm, int64_t i0, int64_t i1, int64_t s0, int64_t s1,
                 void *scratch);

/* Layout conversions between row-major [k, n] (leading dimension ld) and panels. */
int64_t hl_panels_size(int64_t k, int64_t n); /* elements */
void hl_pack_panels(float *panels, const float *src, int64_t ld, int64_t k, int64_t n);
void hl_unpack_panels(float *dst, int64_t ld, const float *panels, int64_t k, int64_t n);

#endif
