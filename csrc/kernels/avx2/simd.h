/* 16 float or int32 lanes in two ymm registers; masks are all-ones lanes. See kernels/shared/README.md. */
#ifndef HL_SIMD_H
#define HL_SIMD_H

#include <immintrin.h>
#include <stdint.h>

/* Register tiles: 6 x 16, twelve accumulators of the 16 registers; a panel of 32 columns is done in two halves. */
#define HL_GEMM_MR_ROWS 6
#define HL_GEMM_MR_PACKED 6
#define HL_GEMM_VECTORS 1
#define HL_CHAIN_WIDTH 1
#define HL_GEMM_THIN_PASS 2 /* panels at once for a single row */
#define HL_SPARSE_PANELS 2

typedef struct f32x16 {
  __m256 lo, hi;
} f32x16;
typedef struct i32x16 {
  __m256i lo, hi;
} i32x16;
typedef i32x16 m32x16;

#define F1(f, x) ((f32x16){f((x).lo), f((x).hi)})
#define F2(f, a, b) ((f32x16){f((a).lo, (b).lo), f((a).hi, (b).hi)})
#define F3(f, a, b, c) ((f32x16){f((a).lo, (b).lo, (c).lo), f((a).hi, (b).hi, (c).hi)})
#define I1(f, x) ((i32x16){f((x).lo), f((x).hi)})
#define I2(f, a, b) ((i32x16){f((a).lo, (b).lo), f((a).hi, (b).hi)})
#define COMPARE(a, b, how)                                                                                             \
  ((m32x16){_mm256_castps_si256(_mm256_cmp_ps((a).lo, (b).lo, how)),                                                   \
            _mm256_castps_si256(_mm256_cmp_ps((a).hi, (b).hi, how))})

static inline f32x16 f32_load(const float *p) { return (f32x16){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
static inline void f32_store(float *p, f32x16 x) {
  _mm256_storeu_ps(p, x.lo);
  _mm256_storeu_ps(p + 8, x.hi);
}
static inline f32x16 f32_set1(float x) { return (f32x16){_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
static inline f32x16 f32_add(f32x16 a, f32x16 b) { return F2(_mm256_add_ps, a, b); }
static inline f32x16 f32_sub(f32x16 a, f32x16 b) { return F2(_mm256_sub_ps, a, b); }
static inline f32x16 f32_mul(f32x16 a, f32x16 b) { return F2(_mm256_mul_ps, a, b); }
static inline f32x16 f32_div(f32x16 a, f32x16 b) { return F2(_mm256_div_ps, a, b); }
static inline f32x16 f32_fma(f32x16 a, f32x16 b, f32x16 c) { return F3(_mm256_fmadd_ps, a, b, c); }
static inline f32x16 f32_fnma(f32x16 a, f32x16 b, f32x16 c) { return F3(_mm256_fnmadd_ps, a, b, c); }
static inline f32x16 f32_mac(f32x16 a, f32x16 b, f32x16 c) { return f32_fma(a, b, c); }
static inline f32x16 f32_sqrt(f32x16 x) { return F1(_mm256_sqrt_ps, x); }
#define ROUND(x, how) ((f32x16){_mm256_round_ps((x).lo, (how) | 8), _mm256_round_ps((x).hi, (how) | 8)})
static inline f32x16 f32_round(f32x16 x) { return ROUND(x, _MM_FROUND_TO_NEAREST_INT); }
static inline f32x16 f32_floor(f32x16 x) { return ROUND(x, _MM_FROUND_TO_NEG_INF); }
static inline f32x16 f32_ceil(f32x16 x) { return ROUND(x, _MM_FROUND_TO_POS_INF); }

static inline i32x16 i32_load(const float *p) {
  return (i32x16){_mm256_loadu_si256((const __m256i *)p), _mm256_loadu_si256((const __m256i *)(p + 8))};
}
static inline void i32_store(float *p, i32x16 x) {
  _mm256_storeu_si256((__m256i *)p, x.lo);
  _mm256_storeu_si256((__m256i *)(p + 8), x.hi);
}
static inline i32x16 u64_mul(i32x16 a, i32x16 b) { return I2(_mm256_mul_epu32, a, b); }
static inline i32x16 u64_high(i32x16 x) { return (i32x16){_mm256_srli_epi64(x.lo, 32), _mm256_srli_epi64(x.hi, 32)}; }
#define JOIN(low, high) _mm256_blend_epi32(low, _mm256_slli_epi64(high, 32), 0xAA)
static inline i32x16 u64_join(i32x16 low, i32x16 high) { return I2(JOIN, low, high); }
static inline i32x16 u64_even(i32x16 a, i32x16 b) { return I2(_mm256_unpacklo_epi64, a, b); }
static inline i32x16 u64_odd(i32x16 a, i32x16 b) { return I2(_mm256_unpackhi_epi64, a, b); }
static inline i32x16 i32_set1(int32_t x) { return (i32x16){_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
static inline i32x16 i32_iota(void) {
  return (i32x16){_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15)};
}
static inline i32x16 i32_add(i32x16 a, i32x16 b) { return I2(_mm256_add_epi32, a, b); }
static inline i32x16 i32_sub(i32x16 a, i32x16 b) { return I2(_mm256_sub_epi32, a, b); }
static inline i32x16 i32_mul(i32x16 a, i32x16 b) { return I2(_mm256_mullo_epi32, a, b); }
static inline i32x16 i32_and(i32x16 a, i32x16 b) { return I2(_mm256_and_si256, a, b); }
static inline i32x16 i32_or(i32x16 a, i32x16 b) { return I2(_mm256_or_si256, a, b); }
static inline i32x16 i32_xor(i32x16 a, i32x16 b) { return I2(_mm256_xor_si256, a, b); }
#define i32_shl(x, bits) ((i32x16){_mm256_slli_epi32((x).lo, bits), _mm256_slli_epi32((x).hi, bits)})
#define i32_sra(x, bits) ((i32x16){_mm256_srai_epi32((x).lo, bits), _mm256_srai_epi32((x).hi, bits)})

static inline i32x16 f32_bits(f32x16 x) { return I1(_mm256_castps_si256, x); }
static inline f32x16 i32_as_f32(i32x16 x) { return F1(_mm256_castsi256_ps, x); }
static inline f32x16 i32_to_f32(i32x16 x) { return F1(_mm256_cvtepi32_ps, x); }
static inline i32x16 f32_to_i32(f32x16 x) { return I1(_mm256_cvttps_epi32, x); }

static inline m32x16 f32_lt(f32x16 a, f32x16 b) { return COMPARE(a, b, _CMP_LT_OQ); }
static inline m32x16 f32_le(f32x16 a, f32x16 b) { return COMPARE(a, b, _CMP_LE_OQ); }
static inline m32x16 f32_eq(f32x16 a, f32x16 b) { return COMPARE(a, b, _CMP_EQ_OQ); }
static inline m32x16 f32_isnan(f32x16 x) { return COMPARE(x, x, _CMP_UNORD_Q); }
static inline m32x16 i32_eq(i32x16 a, i32x16 b) { return I2(_mm256_cmpeq_epi32, a, b); }
static inline i32x16 i32_min(i32x16 a, i32x16 b) { return I2(_mm256_min_epi32, a, b); }
static inline m32x16 i32_lt(i32x16 a, i32x16 b) { return I2(_mm256_cmpgt_epi32, b, a); }
static inline f32x16 f32_load_some(const float *p, int64_t n) {
  const m32x16 some = i32_lt(i32_iota(), i32_set1((int32_t)n));
  return (f32x16){_mm256_maskload_ps(p, some.lo), _mm256_maskload_ps(p + 8, some.hi)};
}
static inline void f32_store_some(float *p, f32x16 x, int64_t n) {
  const m32x16 some = i32_lt(i32_iota(), i32_set1((int32_t)n));
  _mm256_maskstore_ps(p, some.lo, x.lo);
  _mm256_maskstore_ps(p + 8, some.hi, x.hi);
}
static inline m32x16 m32_and(m32x16 a, m32x16 b) { return i32_and(a, b); }
static inline m32x16 m32_or(m32x16 a, m32x16 b) { return i32_or(a, b); }
static inline m32x16 m32_not(m32x16 m) { return i32_xor(m, i32_set1(-1)); }
static inline int m32_any(m32x16 m) {
  __m256i any = _mm256_or_si256(m.lo, m.hi);
  return !_mm256_testz_si256(any, any);
}
static inline i32x16 m32_to_i32(m32x16 m) { return i32_and(m, i32_set1(1)); }
static inline f32x16 f32_select(m32x16 m, f32x16 a, f32x16 b) {
  return (f32x16){_mm256_blendv_ps(b.lo, a.lo, _mm256_castsi256_ps(m.lo)),
                  _mm256_blendv_ps(b.hi, a.hi, _mm256_castsi256_ps(m.hi))};
}
static inline i32x16 i32_select(m32x16 m, i32x16 a, i32x16 b) {
  return f32_bits(f32_select(m, i32_as_f32(a), i32_as_f32(b)));
}

static inline f32x16 f32_swap8(f32x16 x) { return (f32x16){x.hi, x.lo}; }
static inline f32x16 f32_swap4(f32x16 x) {
  return (f32x16){_mm256_permute2f128_ps(x.lo, x.lo, 1), _mm256_permute2f128_ps(x.hi, x.hi, 1)};
}
static inline f32x16 f32_swap2(f32x16 x) {
  return (f32x16){_mm256_permute_ps(x.lo, 0x4E), _mm256_permute_ps(x.hi, 0x4E)};
}
static inline f32x16 f32_swap1(f32x16 x) {
  return (f32x16){_mm256_permute_ps(x.lo, 0xB1), _mm256_permute_ps(x.hi, 0xB1)};
}
static inline float f32_first(f32x16 x) { return _mm256_cvtss_f32(x.lo); }

#undef F1
#undef F2
#undef F3
#undef I1
#undef I2
#undef COMPARE
#undef ROUND

#include "kernels/shared/transpose_x86.h"

#endif
