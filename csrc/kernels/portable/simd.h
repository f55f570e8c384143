/* 16 lanes in plain C11, for any CPU. There is no fused multiply-add here: where the mathematical functions rely on
   one, it is done in double precision, which differs from a fused one in rare last bits; products multiply, then add.
   See kernels/shared/README.md. */
#ifndef HL_SIMD_H
#define HL_SIMD_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Register tiles: 2 x 16 take 8 of SSE2's 16 registers. */
#define HL_GEMM_MR_ROWS 2
#define HL_GEMM_MR_PACKED 2
#define HL_GEMM_VECTORS 1
#define HL_CHAIN_WIDTH 1
#define HL_GEMM_THIN_PASS 1 /* panels at once for a single row */
#define HL_SPARSE_PANELS 1

typedef struct f32x16 {
  float v[16];
} f32x16;
typedef struct i32x16 {
  int32_t v[16];
} i32x16;
typedef i32x16 m32x16; /* lanes 0 or -1 */

#define LANES(type, expression)                                                                                        \
  type z;                                                                                                              \
  for (int l = 0; l < 16; ++l)                                                                                         \
    z.v[l] = (expression);                                                                                             \
  return z
#define WRAP(expression) ((int32_t)(uint32_t)(expression))

static inline f32x16 f32_load(const float *p) {
  f32x16 z;
  memcpy(&z, p, sizeof z);
  return z;
}
static inline void f32_store(float *p, f32x16 x) { memcpy(p, &x, sizeof x); }

#include "kernels/shared/some_by_copy.h"

static inline f32x16 f32_set1(float x) { LANES(f32x16, x); }
static inline f32x16 f32_add(f32x16 a, f32x16 b) { LANES(f32x16, a.v[l] + b.v[l]); }
static inline f32x16 f32_sub(f32x16 a, f32x16 b) { LANES(f32x16, a.v[l] - b.v[l]); }
static inline f32x16 f32_mul(f32x16 a, f32x16 b) { LANES(f32x16, a.v[l] * b.v[l]); }
static inline f32x16 f32_div(f32x16 a, f32x16 b) { LANES(f32x16, a.v[l] / b.v[l]); }
static inline f32x16 f32_fma(f32x16 a, f32x16 b, f32x16 c) { LANES(f32x16, (float)((double)a.v[l] * b.v[l] + c.v[l])); }
static inline f32x16 f32_fnma(f32x16 a, f32x16 b, f32x16 c) {
  LANES(f32x16, (float)(c.v[l] - (double)a.v[l] * b.v[l]));
}
static inline f32x16 f32_mac(f32x16 a, f32x16 b, f32x16 c) { LANES(f32x16, a.v[l] * b.v[l] + c.v[l]); }
static inline f32x16 f32_sqrt(f32x16 x) { LANES(f32x16, sqrtf(x.v[l])); }
static inline f32x16 f32_round(f32x16 x) { LANES(f32x16, rintf(x.v[l])); }
static inline f32x16 f32_floor(f32x16 x) { LANES(f32x16, floorf(x.v[l])); }
static inline f32x16 f32_ceil(f32x16 x) { LANES(f32x16, ceilf(x.v[l])); }

static inline i32x16 i32_load(const float *p) {
  i32x16 z;
  memcpy(&z, p, sizeof z);
  return z;
}
static inline void i32_store(float *p, i32x16 x) { memcpy(p, &x, sizeof x); }
#define LOW(x, l) ((uint64_t)(uint32_t)(x).v[(l) & ~1])
#define PRODUCT(a, b, l) (LOW(a, l) * LOW(b, l))
static inline i32x16 u64_mul(i32x16 a, i32x16 b) { LANES(i32x16, WRAP(PRODUCT(a, b, l) >> (l % 2 ? 32 : 0))); }
static inline i32x16 u64_high(i32x16 x) { LANES(i32x16, l % 2 ? 0 : x.v[l + 1]); }
static inline i32x16 u64_join(i32x16 low, i32x16 high) { LANES(i32x16, l % 2 ? high.v[l - 1] : low.v[l]); }
static inline i32x16 u64_even(i32x16 a, i32x16 b) { LANES(i32x16, l % 4 < 2 ? a.v[l] : b.v[l - 2]); }
static inline i32x16 u64_odd(i32x16 a, i32x16 b) { LANES(i32x16, l % 4 < 2 ? a.v[l + 2] : b.v[l]); }
static inline i32x16 i32_set1(int32_t x) { LANES(i32x16, x); }
static inline i32x16 i32_iota(void) { LANES(i32x16, l); }
static inline i32x16 i32_add(i32x16 a, i32x16 b) { LANES(i32x16, WRAP((uint32_t)a.v[l] + (uint32_t)b.v[l])); }
static inline i32x16 i32_sub(i32x16 a, i32x16 b) { LANES(i32x16, WRAP((uint32_t)a.v[l] - (uint32_t)b.v[l])); }
static inline i32x16 i32_mul(i32x16 a, i32x16 b) { LANES(i32x16, WRAP((uint32_t)a.v[l] * (uint32_t)b.v[l])); }
static inline i32x16 i32_and(i32x16 a, i32x16 b) { LANES(i32x16, a.v[l] & b.v[l]); }
static inline i32x16 i32_or(i32x16 a, i32x16 b) { LANES(i32x16, a.v[l] | b.v[l]); }
static inline i32x16 i32_xor(i32x16 a, i32x16 b) { LANES(i32x16, a.v[l] ^ b.v[l]); }
static inline i32x16 i32_shl(i32x16 x, int bits) { LANES(i32x16, WRAP((uint32_t)x.v[l] << bits)); }
static inline i32x16 i32_sra(i32x16 x, int bits) { LANES(i32x16, x.v[l] >> bits); }

static inline i32x16 f32_bits(f32x16 x) {
  i32x16 z;
  memcpy(&z, &x, sizeof z);
  return z;
}
static inline f32x16 i32_as_f32(i32x16 x) {
  f32x16 z;
  memcpy(&z, &x, sizeof z);
  return z;
}
static inline f32x16 i32_to_f32(i32x16 x) { LANES(f32x16, (float)x.v[l]); }
static inline i32x16 f32_to_i32(f32x16 x) {
  LANES(i32x16, x.v[l] >= -2147483648.0f && x.v[l] < 2147483648.0f ? (int32_t)x.v[l] : INT32_MIN);
}

static inline m32x16 f32_lt(f32x16 a, f32x16 b) { LANES(m32x16, -(a.v[l] < b.v[l])); }
static inline m32x16 f32_le(f32x16 a, f32x16 b) { LANES(m32x16, -(a.v[l] <= b.v[l])); }
static inline m32x16 f32_eq(f32x16 a, f32x16 b) { LANES(m32x16, -(a.v[l] == b.v[l])); }
static inline m32x16 f32_isnan(f32x16 x) { LANES(m32x16, -(x.v[l] != x.v[l])); }
static inline m32x16 i32_eq(i32x16 a, i32x16 b) { LANES(m32x16, -(a.v[l] == b.v[l])); }
static inline i32x16 i32_min(i32x16 a, i32x16 b) { LANES(i32x16, a.v[l] < b.v[l] ? a.v[l] : b.v[l]); }
static inline m32x16 i32_lt(i32x16 a, i32x16 b) { LANES(m32x16, -(a.v[l] < b.v[l])); }
static inline m32x16 m32_and(m32x16 a, m32x16 b) { return i32_and(a, b); }
static inline m32x16 m32_or(m32x16 a, m32x16 b) { return i32_or(a, b); }
static inline m32x16 m32_not(m32x16 m) { LANES(m32x16, ~m.v[l]); }
static inline int m32_any(m32x16 m) {
  int32_t any = 0;
  for (int l = 0; l < 16; ++l)
    any |= m.v[l];
  return any != 0;
}
static inline i32x16 m32_to_i32(m32x16 m) { LANES(i32x16, m.v[l] & 1); }
static inline i32x16 i32_select(m32x16 m, i32x16 a, i32x16 b) { LANES(i32x16, (a.v[l] & m.v[l]) | (b.v[l] & ~m.v[l])); }
static inline f32x16 f32_select(m32x16 m, f32x16 a, f32x16 b) {
  return i32_as_f32(i32_select(m, f32_bits(a), f32_bits(b)));
}

static inline f32x16 f32_swap8(f32x16 x) { LANES(f32x16, x.v[l ^ 8]); }
static inline f32x16 f32_swap4(f32x16 x) { LANES(f32x16, x.v[l ^ 4]); }
static inline f32x16 f32_swap2(f32x16 x) { LANES(f32x16, x.v[l ^ 2]); }
static inline f32x16 f32_swap1(f32x16 x) { LANES(f32x16, x.v[l ^ 1]); }
static inline float f32_first(f32x16 x) { return x.v[0]; }

#undef LANES
#undef WRAP

#define HL_TRANSPOSE_BLOCK 4
/* dst[c*ldd + r] = src[r*lds + c] for r, c < 4. */
static inline void f32_transpose_block(float *dst, int64_t ldd, const float *src, int64_t lds) {
  for (int r = 0; r < 4; ++r)
    for (int c = 0; c < 4; ++c)
      dst[c * ldd + r] = src[r * lds + c];
}

#endif
