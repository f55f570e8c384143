/* What the drivers of products share. */
#ifndef HL_GEMM_INTERNAL_H
#define HL_GEMM_INTERNAL_H

#include "gemm/gemm.h"

static inline int64_t at_least(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
static inline int64_t round_up(int64_t a, int64_t b) { return divide_up(a, b) * b; }

static inline const float *hl_gemm_a_row(const hl_gemm_a *a, int64_t i) {
  return a->data + (a->rows ? a->rows[i] : i) * a->ld;
}

/* A finished tile goes to the epilogue, or else into C. */
void hl_gemm_give(const hl_kernels *kernels, const hl_gemm *gemm, float *tile, int64_t i0, int64_t mr, int64_t j0,
                  int64_t nr);

/* turned.c: bytes of scratch, and rows [i0, i1) of a product for which hl_gemm_turned holds; i0 % HL_PANEL == 0. */
int64_t hl_turned_scratch(const hl_kernels *kernels, const hl_gemm *g);
void hl_turned_run(const hl_kernels *kernels, const hl_gemm *g, int64_t i0, int64_t i1, void *scratch);

#endif
