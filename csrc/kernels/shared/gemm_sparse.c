/* Products whose left operand is mostly zeros: kernels.h states the contract. Each multiply-add of these reads its own
   row of B, so that loads from the L1 cache are what they wait for: a pass is as wide as the registers allow, for one
   place and one broadcast of A to serve many columns. */
#include "kernels/shared/isa.h"
#include "simd.h"

/* Computes an address once. Compilers would rather have it computed by each load, from a base and an index; but a
   multiply-add of such an operand is two instructions to the CPU, and these loops wait for their number. */
#define HL_KEEP_POINTER(p) __asm__("" : "+r"(p))

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* panels is a constant at every call. Returns whether a sum is a negative zero. */
ALWAYS_INLINE int32_t sum_rows(const hl_sparse_args *g, const int panels) {
  const hl_sparse_entry *entry = g->entries;
  const float *b[HL_SPARSE_PANELS];
  for (int q = 0; q < panels; ++q)
    b[q] = g->b + q * g->b_stride;
  i32x16 least = i32_set1(0); /* as integers, a negative zero is the least */
  for (int64_t i = 0; i < g->rows; ++i) {
    f32x16 sum[2 * HL_SPARSE_PANELS];
    float *c = g->c + i * HL_PANEL;
#pragma GCC unroll 8
    for (int v = 0; v < 2 * panels; ++v)
      sum[v] = g->accumulate ? f32_load(c + v / 2 * g->c_stride + v % 2 * HL_LANES) : f32_set1(0.0f);
    for (const hl_sparse_entry *end = entry + g->counts[i]; entry != end; ++entry) {
      const f32x16 left = f32_set1(entry->value);
      const uint64_t at = entry->at;
#pragma GCC unroll 4
      for (int q = 0; q < panels; ++q) {
        const float *right = b[q] + at;
        HL_KEEP_POINTER(right);
        sum[2 * q] = f32_mac(left, f32_load(right), sum[2 * q]);
        sum[2 * q + 1] = f32_mac(left, f32_load(right + HL_LANES), sum[2 * q + 1]);
      }
    }
#pragma GCC unroll 8
    for (int v = 0; v < 2 * panels; ++v) {
      least = i32_min(least, f32_bits(sum[v]));
      f32_store(c + v / 2 * g->c_stride + v % 2 * HL_LANES, sum[v]);
    }
  }
  return m32_any(i32_eq(least, i32_set1(INT32_MIN)));
}

int32_t HL_ISA_NAME(gemm_sparse)(const hl_sparse_args *args) {
  switch (args->panels) {
#if HL_SPARSE_PANELS == 4
  case 4:
    return sum_rows(args, 4);
  case 3:
    return sum_rows(args, 3);
#endif
#if HL_SPARSE_PANELS >= 2
  case 2:
    return sum_rows(args, 2);
#endif
  default:
    return sum_rows(args, 1);
  }
}

/* Without a branch, which could not be foreseen. */
ALWAYS_INLINE hl_sparse_entry *append(hl_sparse_entry *end, int64_t p, float x) {
  *end = (hl_sparse_entry){(uint32_t)p * HL_PANEL, x};
  return end + (x != 0.0f);
}

ALWAYS_INLINE hl_sparse_entry *list_row(hl_sparse_entry *entries, const float *x, int64_t k) {
  int64_t p = 0;
#ifdef HL_COMPRESS
  const i32x16 step = i32_set1(HL_LANES * HL_PANEL);
  i32x16 at = i32_mul(i32_iota(), i32_set1(HL_PANEL));
  for (; p + HL_LANES <= k; p += HL_LANES, at = i32_add(at, step))
    entries += f32_compress(entries, at, f32_load(x + p));
#endif
  for (; p < k; ++p)
    entries = append(entries, p, x[p]);
  return entries;
}

#ifdef HL_COMPRESS
/* Up to 16 columns, turned into rows. */
static hl_sparse_entry *list_columns(hl_sparse_entry *entries, int32_t *counts, const float *const *a, int64_t first,
                                     int64_t columns, int64_t k) {
  float turned[HL_LANES * HL_SPARSE_DEPTH];
  for (int64_t p = 0; p < k; p += HL_LANES) {
    f32x16 x[HL_LANES];
#pragma GCC unroll 16
    for (int64_t r = 0; r < HL_LANES; ++r)
      x[r] = p + r < k ? f32_load_some(a[p + r] + first, columns) : f32_set1(0.0f);
    f32_transpose16(x);
#pragma GCC unroll 16
    for (int64_t i = 0; i < HL_LANES; ++i)
      f32_store(turned + i * HL_SPARSE_DEPTH + p, x[i]);
  }
  for (int64_t i = 0; i < columns; ++i) {
    hl_sparse_entry *end = list_row(entries, turned + i * HL_SPARSE_DEPTH, (k + HL_LANES - 1) / HL_LANES * HL_LANES);
    counts[i] = (int32_t)(end - entries);
    entries = end;
  }
  return entries;
}
#else
static hl_sparse_entry *list_columns(hl_sparse_entry *entries, int32_t *counts, const float *const *a, int64_t first,
                                     int64_t columns, int64_t k) {
  for (int64_t i = 0; i < columns; ++i) {
    const hl_sparse_entry *start = entries;
    for (int64_t p = 0; p < k; ++p)
      entries = append(entries, p, a[p][first + i]);
    counts[i] = (int32_t)(entries - start);
  }
  return entries;
}
#endif

void HL_ISA_NAME(gemm_list)(hl_sparse_entry *entries, int32_t *counts, const float *const *a, int32_t a_trans,
                            int64_t first, int64_t rows, int64_t k) {
  if (a_trans) {
    for (int64_t i = 0; i < rows; i += HL_LANES)
      entries = list_columns(entries, counts + i, a, first + i, rows - i < HL_LANES ? rows - i : HL_LANES, k);
    return;
  }
  for (int64_t i = 0; i < rows; ++i) {
    hl_sparse_entry *end = list_row(entries, a[first + i], k);
    counts[i] = (int32_t)(end - entries);
    entries = end;
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
