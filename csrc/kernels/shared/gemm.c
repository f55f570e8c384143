/* Register tiles of products: kernels.h states the contract. One function per number of rows, so that the rows left
   over at the bottom of a matrix run at full speed, each of them one loop over k with all sums in registers. */
#include <stddef.h>

#include "kernels/shared/isa.h"
#include "simd.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* mr, vectors and trans are constants at every call: the loops over them unroll, and `sum` becomes registers. */
ALWAYS_INLINE void tile(const hl_gemm_args *g, int64_t j, const int mr, const int vectors, const int trans) {
  f32x16 sum[HL_GEMM_MAX_MR][HL_GEMM_VECTORS];
  float *c = g->c + j;
#pragma GCC unroll 16
  for (int i = 0; i < mr; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v)
      sum[i][v] = g->accumulate ? f32_load(c + i * g->ldc + v * HL_LANES) : f32_set1(0.0f);

  /* 12 row pointers of A, a position and b are all the general registers there are: so the position runs from -k to 0,
     in bytes, beside pointers to the ends of the rows, and rows of B follow each other. */
  const int64_t k = g->k, i0 = g->i0;
  const char *row[HL_GEMM_MAX_MR]; /* of A, when it is not transposed */
  if (!trans) {
#pragma GCC unroll 16
    for (int i = 0; i < mr; ++i)
      row[i] = (const char *)(g->a[i] + k);
  }
  const float *b = g->b + j;
  const float *const *next = g->a;
  const int64_t step = (int64_t)sizeof(float);
  for (int64_t at = -k * step; at != 0; at += step, b += HL_PANEL) {
    f32x16 right[HL_GEMM_VECTORS];
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v)
      right[v] = f32_load(b + v * HL_LANES);
    const float *column = trans ? *next++ + i0 : NULL;
    /* One register and constant offsets, please: GCC would rather keep i0 + i in a register for each i. */
    __asm__("" : "+r"(column));
    if (trans)
      __builtin_prefetch(column + 2 * mr - 1); /* the next tile's part of this row: too far from here to be foreseen */
#pragma GCC unroll 16
    for (int i = 0; i < mr; ++i) {
      f32x16 left = f32_set1(trans ? column[i] : *(const float *)(row[i] + at));
#pragma GCC unroll 2
      for (int v = 0; v < vectors; ++v)
        sum[i][v] = f32_mac(left, right[v], sum[i][v]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < mr; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v)
      f32_store(c + i * g->ldc + v * HL_LANES, sum[i][v]);
}

typedef void (*tile_fn)(const hl_gemm_args *g, int64_t j);

#define TILE(name, mr, vectors, trans)                                                                                 \
  static void name##_##mr##x##vectors(const hl_gemm_args *g, int64_t j) { tile(g, j, mr, vectors, trans); }
/* FOR_ROWS_<n>(F, ...) is F for 1..n rows. */
#define FOR_ROWS_2(F, ...) F(__VA_ARGS__, 1) F(__VA_ARGS__, 2)
#define FOR_ROWS_6(F, ...)                                                                                             \
  FOR_ROWS_2(F, __VA_ARGS__) F(__VA_ARGS__, 3) F(__VA_ARGS__, 4) F(__VA_ARGS__, 5) F(__VA_ARGS__, 6)
#define FOR_ROWS_12(F, ...)                                                                                            \
  FOR_ROWS_6(F, __VA_ARGS__)                                                                                           \
  F(__VA_ARGS__, 7) F(__VA_ARGS__, 8) F(__VA_ARGS__, 9) F(__VA_ARGS__, 10) F(__VA_ARGS__, 11) F(__VA_ARGS__, 12)
#define FOR_ROWS_14(F, ...) FOR_ROWS_12(F, __VA_ARGS__) F(__VA_ARGS__, 13) F(__VA_ARGS__, 14)
#define FOR_ROWS_PASTE(n) FOR_ROWS_##n
#define FOR_ROWS(n) FOR_ROWS_PASTE(n)

#define DEFINE(name, vectors, trans, mr) TILE(name, mr, vectors, trans)
#define ENTRY(name, vectors, mr) [mr] = name##_##mr##x##vectors,

FOR_ROWS(HL_GEMM_MR_NN)(DEFINE, nn, 1, 0)
    FOR_ROWS(HL_GEMM_MR_TN)(DEFINE, tn, 1, 1) static const tile_fn nn_narrow[HL_GEMM_MR_NN + 1] = {
        FOR_ROWS(HL_GEMM_MR_NN)(ENTRY, nn, 1)};
static const tile_fn tn_narrow[HL_GEMM_MR_TN + 1] = {FOR_ROWS(HL_GEMM_MR_TN)(ENTRY, tn, 1)};

#if HL_GEMM_VECTORS == 2
FOR_ROWS(HL_GEMM_MR_NN)(DEFINE, nn, 2, 0)
    FOR_ROWS(HL_GEMM_MR_TN)(DEFINE, tn, 2, 1) static const tile_fn nn_wide[HL_GEMM_MR_NN + 1] = {
        FOR_ROWS(HL_GEMM_MR_NN)(ENTRY, nn, 2)};
static const tile_fn tn_wide[HL_GEMM_MR_TN + 1] = {FOR_ROWS(HL_GEMM_MR_TN)(ENTRY, tn, 2)};
#define RUN(kind, g)                                                                                                   \
  if (g->nr > HL_LANES)                                                                                                \
    kind##_wide[g->mr](g, 0);                                                                                          \
  else                                                                                                                 \
    kind##_narrow[g->mr](g, 0);
#else
#define RUN(kind, g)                                                                                                   \
  kind##_narrow[g->mr](g, 0);                                                                                          \
  if (g->nr > HL_LANES)                                                                                                \
    kind##_narrow[g->mr](g, HL_LANES);
#endif

void HL_ISA_NAME(gemm_nn)(const hl_gemm_args *args) { RUN(nn, args) }
void HL_ISA_NAME(gemm_tn)(const hl_gemm_args *args){RUN(tn, args)}

/* One row times one or more whole panels. */
ALWAYS_INLINE void thin(const hl_gemm_args *g, int64_t panel, const int panels) {
  f32x16 sum[2 * HL_THIN_PANELS];
  float *c = g->c + panel * HL_PANEL;
#pragma GCC unroll 8
  for (int v = 0; v < 2 * panels; ++v)
    sum[v] = g->accumulate ? f32_load(c + v * HL_LANES) : f32_set1(0.0f);
  const float *a = g->a[0], *end = a + g->k, *b = g->b + panel * g->b_stride;
  const int64_t stride = g->b_stride;
  for (; a != end; ++a, b += HL_PANEL) {
    f32x16 left = f32_set1(*a);
#pragma GCC unroll 8
    for (int v = 0; v < 2 * panels; ++v)
      sum[v] = f32_mac(left, f32_load(b + v / 2 * stride + v % 2 * HL_LANES), sum[v]);
  }
#pragma GCC unroll 8
  for (int v = 0; v < 2 * panels; ++v)
    f32_store(c + v * HL_LANES, sum[v]);
}

void HL_ISA_NAME(gemm_thin)(const hl_gemm_args *args) {
  int64_t panels = (args->nr + HL_PANEL - 1) / HL_PANEL, q = 0;
  for (; q + HL_GEMM_THIN_PASS <= panels; q += HL_GEMM_THIN_PASS)
    thin(args, q, HL_GEMM_THIN_PASS);
  for (; q < panels; ++q)
    thin(args, q, 1);
}
