/* 16 float or int32 lanes in one zmm register, masks in k registers. See kernels/shared/README.md for the contract. */
#ifndef HL_SIMD_H
#define HL_SIMD_H

#include <immintrin.h>
#include <stdint.h>

#include "kernels/shared/transpose_x86.h"

/* Register tiles: 12 x 2 (rows: their pointers fill the general registers) and 14 x 2 (packed) accumulators of the 32
   registers, the rest for a row of B and a broadcast. */
#define HL_GEMM_MR_ROWS 12
#define HL_GEMM_MR_PACKED 14
#define HL_GEMM_VECTORS 2
#define HL_CHAIN_WIDTH 4    /* vectors that a chain works on at once */
#define HL_GEMM_THIN_PASS 4 /* panels at once for a single row */
#define HL_SPARSE_PANELS 4  /* panels at once of a product with few nonzeros: 8 accumulators hide latency */

typedef __m512 f32x16;
typedef __m512i i32x16;
typedef __mmask16 m32x16;

static inline f32x16 f32_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void f32_store(float *p, f32x16 x) { _mm512_storeu_ps(p, x); }
static inline f32x16 f32_load_some(const float *p, int64_t n) {
  return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}
static inline void f32_store_some(float *p, f32x16 x, int64_t n) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), x);
}
static inline f32x16 f32_set1(float x) { return _mm512_set1_ps(x); }
static inline f32x16 f32_add(f32x16 a, f32x16 b) { return _mm512_add_ps(a, b); }
static inline f32x16 f32_sub(f32x16 a, f32x16 b) { return _mm512_sub_ps(a, b); }
static inline f32x16 f32_mul(f32x16 a, f32x16 b) { return _mm512_mul_ps(a, b); }
static inline f32x16 f32_div(f32x16 a, f32x16 b) { return _mm512_div_ps(a, b); }
static inline f32x16 f32_fma(f32x16 a, f32x16 b, f32x16 c) { return _mm512_fmadd_ps(a, b, c); }
static inline f32x16 f32_fnma(f32x16 a, f32x16 b, f32x16 c) { return _mm512_fnmadd_ps(a, b, c); }
static inline f32x16 f32_mac(f32x16 a, f32x16 b, f32x16 c) { return _mm512_fmadd_ps(a, b, c); }
/* sum + *left * right, the broadcast being part of the multiply-add: a register tile then issues a fifth fewer
   instructions, which is what it waits for when another thread shares the core. Written out because GCC takes a
   broadcast of its own as soon as there are two uses; and the plain one beside it because it would have its sums
   change registers. */
#define HL_BROADCAST_MAC
static inline f32x16 f32_broadcast_mac(const float *left, f32x16 right, f32x16 sum) {
  __asm__("vfmadd231ps %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(right), "m"(*left));
  return sum;
}
static inline f32x16 f32_plain_mac(f32x16 left, f32x16 right, f32x16 sum) {
  __asm__("vfmadd231ps %2, %1, %0" : "+v"(sum) : "v"(right), "v"(left));
  return sum;
}
static inline f32x16 f32_round(f32x16 x) {
  return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
static inline f32x16 f32_floor(f32x16 x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
static inline f32x16 f32_ceil(f32x16 x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC); }

static inline i32x16 i32_load(const float *p) { return _mm512_loadu_si512(p); }
static inline void i32_store(float *p, i32x16 x) { _mm512_storeu_si512(p, x); }
static inline i32x16 u64_mul(i32x16 a, i32x16 b) { return _mm512_mul_epu32(a, b); }
static inline i32x16 u64_high(i32x16 x) { return _mm512_srli_epi64(x, 32); }
static inline i32x16 u64_join(i32x16 low, i32x16 high) { return _mm512_mask_shuffle_epi32(low, 0xAAAA, high, 0xA0); }
static inline i32x16 u64_even(i32x16 a, i32x16 b) { return _mm512_unpacklo_epi64(a, b); }
static inline i32x16 u64_odd(i32x16 a, i32x16 b) { return _mm512_unpackhi_epi64(a, b); }
static inline i32x16 i32_set1(int32_t x) { return _mm512_set1_epi32(x); }
static inline i32x16 i32_iota(void) { return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
static inline i32x16 i32_add(i32x16 a, i32x16 b) { return _mm512_add_epi32(a, b); }
static inline i32x16 i32_sub(i32x16 a, i32x16 b) { return _mm512_sub_epi32(a, b); }
static inline i32x16 i32_mul(i32x16 a, i32x16 b) { return _mm512_mullo_epi32(a, b); }
static inline i32x16 i32_and(i32x16 a, i32x16 b) { return _mm512_and_si512(a, b); }
static inline i32x16 i32_or(i32x16 a, i32x16 b) { return _mm512_or_si512(a, b); }
static inline i32x16 i32_xor(i32x16 a, i32x16 b) { return _mm512_xor_si512(a, b); }
#define i32_shl(x, bits) _mm512_slli_epi32(x, bits)
#define i32_sra(x, bits) _mm512_srai_epi32(x, bits)

static inline i32x16 f32_bits(f32x16 x) { return _mm512_castps_si512(x); }
static inline f32x16 i32_as_f32(i32x16 x) { return _mm512_castsi512_ps(x); }
static inline f32x16 i32_to_f32(i32x16 x) { return _mm512_cvtepi32_ps(x); }
static inline i32x16 f32_to_i32(f32x16 x) { return _mm512_cvttps_epi32(x); }

static inline m32x16 f32_lt(f32x16 a, f32x16 b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
static inline m32x16 f32_le(f32x16 a, f32x16 b) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
static inline m32x16 f32_eq(f32x16 a, f32x16 b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
static inline m32x16 f32_isnan(f32x16 x) { return _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q); }
static inline m32x16 i32_eq(i32x16 a, i32x16 b) { return _mm512_cmpeq_epi32_mask(a, b); }
static inline i32x16 i32_min(i32x16 a, i32x16 b) { return _mm512_min_epi32(a, b); }
static inline m32x16 i32_lt(i32x16 a, i32x16 b) { return _mm512_cmplt_epi32_mask(a, b); }
static inline m32x16 m32_and(m32x16 a, m32x16 b) { return (m32x16)(a & b); }
static inline m32x16 m32_or(m32x16 a, m32x16 b) { return (m32x16)(a | b); }
static inline m32x16 m32_not(m32x16 m) { return (m32x16)~m; }
static inline int m32_any(m32x16 m) { return m != 0; }
static inline i32x16 m32_to_i32(m32x16 m) { return _mm512_maskz_set1_epi32(m, 1); }
static inline f32x16 f32_select(m32x16 m, f32x16 a, f32x16 b) { return _mm512_mask_blend_ps(m, b, a); }
static inline i32x16 i32_select(m32x16 m, i32x16 a, i32x16 b) { return _mm512_mask_blend_epi32(m, b, a); }

static inline f32x16 f32_swap8(f32x16 x) { return _mm512_shuffle_f32x4(x, x, 0x4E); }
static inline f32x16 f32_swap4(f32x16 x) { return _mm512_shuffle_f32x4(x, x, 0xB1); }
static inline f32x16 f32_swap2(f32x16 x) { return _mm512_permute_ps(x, 0x4E); }
static inline f32x16 f32_swap1(f32x16 x) { return _mm512_permute_ps(x, 0xB1); }
/* The square root of the IEEE standard, bit for bit, at half the price, and the divider stays free for the division
   that comes after it in an optimizer. g goes to sqrt(x) and h to 1 / (2 sqrt(x)); the last step adds what is missing,
   from an exact residual. Tests go through all floats. A seed off by up to 2^-14 either way does not change a bit, so
   the make of the CPU does not matter. Below 2^-100 residuals would be denormal; above are infinity and NaN. */
#define HL_QUICK_SQRT
enum { HL_SQRT_LOWEST = 0x0D800000 /* 2^-100 */, HL_SQRT_HIGHEST = 0x7F7FFFFF };
/* How far beyond the lowest, as unsigned numbers; 0 for zeros of both signs, and for denormals where they count as
   such. f32_quick_sqrt is right where this is at most HL_SQRT_HIGHEST - HL_SQRT_LOWEST. */
static inline i32x16 sqrt_excess(f32x16 x) {
  return _mm512_maskz_sub_epi32(_mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_NEQ_UQ), f32_bits(x),
                                _mm512_set1_epi32(HL_SQRT_LOWEST));
}
/* Whether all lanes of every other of n vectors have quick roots. */
static inline __attribute__((always_inline)) int f32_have_quick_sqrt(const f32x16 *x, const int n) {
  i32x16 most = sqrt_excess(x[0]);
#pragma GCC unroll 4
  for (int i = 2; i < n; i += 2)
    most = _mm512_max_epu32(most, sqrt_excess(x[i]));
  return _mm512_cmpgt_epu32_mask(most, _mm512_set1_epi32(HL_SQRT_HIGHEST - HL_SQRT_LOWEST)) == 0;
}
static inline f32x16 f32_quick_sqrt(f32x16 x) {
  const m32x16 nonzero = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_NEQ_UQ);
  const f32x16 half = _mm512_set1_ps(0.5f), seed = _mm512_maskz_rsqrt14_ps(nonzero, x); /* 0 makes 0 of 0 */
  f32x16 g = _mm512_mul_ps(x, seed), h = _mm512_mul_ps(half, seed);
  f32x16 r = _mm512_fnmadd_ps(h, g, half);
  g = _mm512_fmadd_ps(g, r, g);
  h = _mm512_fmadd_ps(h, r, h);
  return _mm512_fmadd_ps(_mm512_fnmadd_ps(g, g, x), h, g);
}
static inline f32x16 f32_slow_sqrt(f32x16 x) { return _mm512_sqrt_ps(x); }
static inline f32x16 f32_sqrt(f32x16 x) {
  return __builtin_expect(f32_have_quick_sqrt(&x, 1), 1) ? f32_quick_sqrt(x) : f32_slow_sqrt(x);
}

/* Writes pairs of the nonzero lanes of x and the same lanes of `at`, and returns how many. 16 pairs may be overwritten.
 */
#define HL_COMPRESS
static inline int64_t f32_compress(void *pairs, i32x16 at, f32x16 x) {
  const __mmask16 some = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_NEQ_UQ);
  const __m512 places = _mm512_castsi512_ps(_mm512_maskz_compress_epi32(some, at));
  const __m512 values = _mm512_maskz_compress_ps(some, x);
  const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const __m512i high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  _mm512_storeu_ps(pairs, _mm512_permutex2var_ps(places, low, values));
  _mm512_storeu_ps((float *)pairs + 16, _mm512_permutex2var_ps(places, high, values));
  return __builtin_popcount(some);
}
/* x[j][i] and x[i][j] change places, i and j < 16. */
static inline void f32_transpose16(f32x16 *x) {
  f32x16 quad[16];
  HL_TURN_FOURS(_mm512, quad, x, 16)
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) { /* lanes of four: rows 0-3, 4-7, 8-11, 12-15 of columns i, i + 4, i + 8, i + 12 */
    const f32x16 even = _mm512_shuffle_f32x4(quad[i], quad[i + 4], 0x88),
                 odd = _mm512_shuffle_f32x4(quad[i], quad[i + 4], 0xDD);
    const f32x16 even2 = _mm512_shuffle_f32x4(quad[i + 8], quad[i + 12], 0x88);
    const f32x16 odd2 = _mm512_shuffle_f32x4(quad[i + 8], quad[i + 12], 0xDD);
    x[i] = _mm512_shuffle_f32x4(even, even2, 0x88);
    x[i + 4] = _mm512_shuffle_f32x4(odd, odd2, 0x88);
    x[i + 8] = _mm512_shuffle_f32x4(even, even2, 0xDD);
    x[i + 12] = _mm512_shuffle_f32x4(odd, odd2, 0xDD);
  }
}
static inline float f32_first(f32x16 x) { return _mm512_cvtss_f32(x); }

#endif
