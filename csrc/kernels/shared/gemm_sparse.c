/* Products whose left operand is mostly zeros: kernels.h states the contract. Each multiply-add of these reads its own
   row of B, so that loads from the L1 cache are what they wait for: a pass is as wide as the registers allow, for one
   broadcast of A to serve many columns, and works on several rows at once, for their chains to overlap. */
#include "kernels/shared/isa.h"
#include "simd.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* panels is a constant at every call. Returns whether a sum is a negative zero. */
ALWAYS_INLINE int32_t groups(const hl_sparse_args *g, const int panels) {
  enum { ROWS = HL_SPARSE_ROWS, MOST = 2 * HL_SPARSE_PANELS };
  const hl_sparse_entry *entry = g->entries;
  const float *b[HL_SPARSE_PANELS];
  for (int q = 0; q < panels; ++q)
    b[q] = g->b + q * g->b_stride;
  const i32x16 negative_zero = i32_set1(INT32_MIN);
  m32x16 found = i32_eq(i32_set1(0), negative_zero);
  for (int64_t n = 0; n < g->ngroups; ++n) {
    const int32_t *rows = g->rows + n * ROWS;
    f32x16 sum[ROWS][MOST];
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 8
      for (int v = 0; v < 2 * panels; ++v)
        sum[r][v] = g->accumulate ? f32_load(g->c + v / 2 * g->c_stride + rows[r] * HL_PANEL + v % 2 * HL_LANES)
                                  : f32_set1(0.0f);
    for (const hl_sparse_entry *end = entry + (int64_t)g->counts[n] * ROWS; entry != end; entry += ROWS) {
#pragma GCC unroll 8
      for (int r = 0; r < ROWS; ++r) {
        const f32x16 left = f32_set1(entry[r].value);
        const uint32_t at = entry[r].at;
#pragma GCC unroll 8
        for (int v = 0; v < 2 * panels; ++v)
          sum[r][v] = f32_mac(left, f32_load(b[v / 2] + at + v % 2 * HL_LANES), sum[r][v]);
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 8
      for (int v = 0; v < 2 * panels; ++v) {
        found = m32_or(found, i32_eq(f32_bits(sum[r][v]), negative_zero));
        f32_store(g->c + v / 2 * g->c_stride + rows[r] * HL_PANEL + v % 2 * HL_LANES, sum[r][v]);
      }
  }
  return m32_any(found);
}

int32_t HL_ISA_NAME(gemm_sparse)(const hl_sparse_args *args) {
#if HL_SPARSE_PANELS == 2
  if (args->panels == 2)
    return groups(args, 2);
#endif
  return groups(args, 1);
}

void HL_ISA_NAME(gemm_compress)(uint32_t *at, float *values, int64_t room, int32_t *counts, const float *src,
                                int64_t ld, int64_t rows, int64_t n, uint32_t first) {
  for (int64_t i = 0; i < rows; ++i) {
    const float *x = src + i * ld;
    uint32_t *list = at + i * room;
    float *list_values = values + i * room;
    int64_t count = counts[i], j = 0;
#ifdef HL_COMPRESS
    i32x16 places = i32_add(i32_mul(i32_iota(), i32_set1(HL_PANEL)), i32_set1((int32_t)first));
    for (; j + HL_LANES <= n; j += HL_LANES, places = i32_add(places, i32_set1(HL_LANES * HL_PANEL)))
      count += f32_compress(list_values + count, list + count, f32_load(x + j), places);
#endif
    for (; j < n; ++j) { /* without a branch, which could not be foreseen */
      list[count] = first + (uint32_t)j * HL_PANEL;
      list_values[count] = x[j];
      count += x[j] != 0.0f;
    }
    counts[i] = (int32_t)count;
  }
}

int32_t HL_ISA_NAME(finite)(const float *x, int64_t n) {
  const f32x16 zero = f32_set1(0.0f);
  f32x16 a = zero, b = zero, c = zero, d = zero; /* 0 * x is not 0, but NaN, where x is not finite */
  int64_t i = 0;
  for (; i + 4 * HL_LANES <= n; i += 4 * HL_LANES) {
    a = f32_mac(f32_load(x + i), zero, a);
    b = f32_mac(f32_load(x + i + HL_LANES), zero, b);
    c = f32_mac(f32_load(x + i + 2 * HL_LANES), zero, c);
    d = f32_mac(f32_load(x + i + 3 * HL_LANES), zero, d);
  }
  for (; i < n; i += HL_LANES)
    a = f32_mac(f32_load(x + i), zero, a);
  return !m32_any(f32_isnan(f32_add(f32_add(a, b), f32_add(c, d))));
}
