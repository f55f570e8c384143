/* Products of few columns whose A is transposed and in panels, as the gradient of an output layer's weights is: its
   transpose is computed, op(B)' A with A's panels as the right operand, and turned back tile by tile. A is read in
   place and every register tile is full, where 32 columns' worth of tiles would be mostly padding. Each element is the
   same chain. */
#include <string.h>

#include "gemm/internal.h"

enum { K_MOST = 2048 }; /* as many columns of packed B stay in the L2 cache */

static int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }

int32_t hl_gemm_turned(const hl_gemm *g) {
  return g->a.trans && g->a.layout == HL_PANELS && g->n > 0 && g->n <= HL_LANES && g->k > 0 && g->k <= K_MOST;
}

/* Scratch: the tile that is given, its transpose, and op(B)' as packed tiles. */
enum { TILE = HL_PANEL * HL_LANES };

int64_t hl_turned_scratch(const hl_kernels *kernels, const hl_gemm *g) {
  const int64_t mr = kernels->gemm_mr_packed, columns = (g->n + mr - 1) / mr * mr;
  return (int64_t)sizeof(float) * (2 * TILE + columns * g->k);
}

static void pack_columns(const hl_kernels *kernels, const hl_gemm *g, float *columns) {
  const hl_gemm_b *b = &g->b;
  const int64_t mr = kernels->gemm_mr_packed, ld = b->layout == HL_PANELS ? HL_PANEL : b->ld;
  for (int64_t j = 0; j < g->n; j += mr) {
    float *to = columns + j * g->k;
    const int64_t width = at_most(g->n - j, mr);
    if (!b->trans) { /* a single panel, or rows */
      for (int64_t p = 0; p < g->k; ++p)
        memcpy(to + p * mr, b->data + p * ld + j, sizeof(float) * (size_t)width);
      continue;
    }
    for (int64_t p = 0; p < g->k; ++p)
      for (int64_t c = 0; c < width; ++c)
        to[p * mr + c] = b->layout == HL_PANELS ? b->data[(p / HL_PANEL * b->ld + j + c) * HL_PANEL + p % HL_PANEL]
                                                : b->data[(j + c) * ld + p];
  }
}

void hl_turned_run(const hl_kernels *kernels, const hl_gemm *g, int64_t i0, int64_t i1, void *scratch) {
  float *tile = scratch, *turned = tile + TILE, *columns = turned + TILE;
  pack_columns(kernels, g, columns);
  memset(turned + g->n * HL_PANEL, 0, sizeof(float) * (size_t)(TILE - g->n * HL_PANEL));
  for (int64_t i = i0; i < i1; i += HL_PANEL) {
    for (int64_t j = 0; j < g->n; j += kernels->gemm_mr_packed) {
      const float *from = columns + j * g->k;
      hl_gemm_args args = {.k = g->k, .a = &from, .b = g->a.data + i * g->k, .nr = HL_PANEL, .ldc = HL_PANEL};
      args.c = turned + j * HL_PANEL;
      args.mr = (int32_t)at_most(g->n - j, kernels->gemm_mr_packed);
      kernels->gemm_packed(&args);
    }
    kernels->transpose(tile, HL_LANES, turned, HL_PANEL, HL_LANES, HL_PANEL);
    hl_gemm_give(g, tile, i, at_most(i1 - i, HL_PANEL), 0, g->n);
  }
}
