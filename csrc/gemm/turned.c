/* Products of few columns whose A is transposed, as the gradient of an output layer's weights is: its transpose is
   computed, op(B)' A with A as the right operand, and turned back tile by tile. A is read in place, but for indexed
   rows and the last columns; every register tile is full, where 32 columns' worth of tiles would be mostly padding.
   Each element is the same chain. */
#include <string.h>

#include "gemm/internal.h"

enum { K_MOST = 2048 }; /* as many columns of packed B stay in the L2 cache */

int32_t hl_gemm_turned(const hl_gemm *g) {
  return g->a.trans && g->n > 0 && g->n <= HL_LANES && g->k > 0 && g->k <= K_MOST;
}

/* Scratch: the tile that is given, its transpose, op(B)' as packed tiles, and a panel of A. */
enum { TILE = HL_PANEL * HL_LANES };

int64_t hl_turned_scratch(const hl_kernels *kernels, const hl_gemm *g) {
  const int64_t mr = kernels->gemm_mr_packed, columns = (g->n + mr - 1) / mr * mr;
  const int64_t packed = (columns * g->k + HL_LANES - 1) / HL_LANES * HL_LANES;
  return (int64_t)sizeof(float) * (2 * TILE + packed + (g->a.layout == HL_PANELS ? 0 : HL_PANEL * g->k));
}

static void pack_columns(const hl_kernels *kernels, const hl_gemm *g, float *columns) {
  const hl_gemm_b *b = &g->b;
  const int64_t mr = kernels->gemm_mr_packed, ld = b->layout == HL_PANELS ? HL_PANEL : b->ld;
  for (int64_t j = 0; j < g->n; j += mr) {
    float *to = columns + j * g->k;
    const int64_t width = at_most(g->n - j, mr);
    if (!b->trans) { /* a single panel, or rows */
      /* A copy of fixed size takes no call. What it takes too much of is there, and is overwritten by the next ones. */
      const int64_t safe = (g->k - 1) * ld + g->n - j - HL_LANES;
      int64_t p = 0;
      for (; p * ld <= safe && (p + 1) * mr + HL_LANES <= g->k * mr; ++p)
        memcpy(to + p * mr, b->data + p * ld + j, sizeof(float) * HL_LANES);
      for (; p < g->k; ++p)
        memcpy(to + p * mr, b->data + p * ld + j, sizeof(float) * (size_t)width);
      continue;
    }
    for (int64_t p = 0; p < g->k; ++p)
      for (int64_t c = 0; c < width; ++c)
        to[p * mr + c] = b->layout == HL_PANELS ? b->data[(p / HL_PANEL * b->ld + j + c) * HL_PANEL + p % HL_PANEL]
                                                : b->data[(j + c) * ld + p];
  }
}

/* Columns [i, i+32) of A as a panel, filled up with zeros. */
static void copy_panel(const hl_kernels *kernels, const hl_gemm *g, int64_t i, float *panel) {
  const int64_t width = at_most(g->m - i, HL_PANEL);
  for (int64_t p = 0; p < g->k; ++p)
    kernels->copy_rows(panel + p * HL_PANEL, HL_PANEL, hl_gemm_a_row(&g->a, p) + i, 0, 1, width, HL_PANEL);
}

void hl_turned_run(const hl_kernels *kernels, const hl_gemm *g, int64_t i0, int64_t i1, void *scratch) {
  float *tile = scratch, *turned = tile + TILE, *columns = turned + TILE;
  float *panel = (float *)scratch + hl_turned_scratch(kernels, g) / (int64_t)sizeof(float) - HL_PANEL * g->k;
  pack_columns(kernels, g, columns);
  memset(turned + g->n * HL_PANEL, 0, sizeof(float) * (size_t)(TILE - g->n * HL_PANEL));
  for (int64_t i = i0; i < i1; i += HL_PANEL) {
    hl_gemm_args args = {.k = g->k, .nr = HL_PANEL, .ldc = HL_PANEL, .b_step = HL_PANEL};
    if (g->a.layout == HL_PANELS) {
      args.b = g->a.data + i * g->k;
    } else if (g->a.rows == NULL && i + HL_PANEL <= g->m) {
      args.b = g->a.data + i;
      args.b_step = g->a.ld;
    } else {
      copy_panel(kernels, g, i, panel);
      args.b = panel;
    }
    for (int64_t j = 0; j < g->n; j += kernels->gemm_mr_packed) {
      const float *from = columns + j * g->k;
      args.a = &from;
      args.c = turned + j * HL_PANEL;
      args.mr = (int32_t)at_most(g->n - j, kernels->gemm_mr_packed);
      kernels->gemm_packed(&args);
    }
    kernels->transpose(tile, HL_LANES, turned, HL_PANEL, HL_LANES, HL_PANEL);
    hl_gemm_give(kernels, g, tile, i, at_most(i1 - i, HL_PANEL), 0, g->n);
  }
}
