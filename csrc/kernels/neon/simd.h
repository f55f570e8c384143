/* 16 float or int32 lanes in four 128-bit registers of AArch64; masks are all-ones lanes. See kernels/shared/README.md.
 */
#ifndef HL_SIMD_H
#define HL_SIMD_H

#if !defined(__aarch64__)
#error "the NEON kernels are for AArch64: 32-bit NEON flushes denormals and has no directed rounding"
#endif
#include <arm_neon.h>
#include <stdint.h>

/* Register tiles: 6 x 16, 24 accumulators of the 32 registers; a panel of 32 columns is done in two halves. */
#define HL_GEMM_MR_ROWS 6
#define HL_GEMM_MR_PACKED 6
#define HL_GEMM_VECTORS 1
#define HL_CHAIN_WIDTH 1
#define HL_GEMM_THIN_PASS 2 /* panels at once for a single row */
#define HL_SPARSE_PANELS 1

typedef struct f32x16 {
  float32x4_t a, b, c, d;
} f32x16;
typedef struct i32x16 {
  int32x4_t a, b, c, d;
} i32x16;
typedef i32x16 m32x16;

#define F1(f, x) ((f32x16){f((x).a), f((x).b), f((x).c), f((x).d)})
#define F2(f, x, y) ((f32x16){f((x).a, (y).a), f((x).b, (y).b), f((x).c, (y).c), f((x).d, (y).d)})
#define I1(f, x) ((i32x16){f((x).a), f((x).b), f((x).c), f((x).d)})
#define I2(f, x, y) ((i32x16){f((x).a, (y).a), f((x).b, (y).b), f((x).c, (y).c), f((x).d, (y).d)})
#define SIGNED(m) vreinterpretq_s32_u32(m)
#define M2(f, x, y)                                                                                                    \
  ((m32x16){SIGNED(f((x).a, (y).a)), SIGNED(f((x).b, (y).b)), SIGNED(f((x).c, (y).c)), SIGNED(f((x).d, (y).d))})

static inline f32x16 f32_load(const float *p) {
  return (f32x16){vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)};
}
static inline void f32_store(float *p, f32x16 x) {
  vst1q_f32(p, x.a);
  vst1q_f32(p + 4, x.b);
  vst1q_f32(p + 8, x.c);
  vst1q_f32(p + 12, x.d);
}

#include "kernels/shared/some_by_copy.h"

static inline f32x16 f32_set1(float x) {
  float32x4_t all = vdupq_n_f32(x);
  return (f32x16){all, all, all, all};
}
static inline f32x16 f32_add(f32x16 x, f32x16 y) { return F2(vaddq_f32, x, y); }
static inline f32x16 f32_sub(f32x16 x, f32x16 y) { return F2(vsubq_f32, x, y); }
static inline f32x16 f32_mul(f32x16 x, f32x16 y) { return F2(vmulq_f32, x, y); }
static inline f32x16 f32_div(f32x16 x, f32x16 y) { return F2(vdivq_f32, x, y); }
static inline f32x16 f32_fma(f32x16 x, f32x16 y, f32x16 z) {
  return (f32x16){vfmaq_f32(z.a, x.a, y.a), vfmaq_f32(z.b, x.b, y.b), vfmaq_f32(z.c, x.c, y.c),
                  vfmaq_f32(z.d, x.d, y.d)};
}
static inline f32x16 f32_fnma(f32x16 x, f32x16 y, f32x16 z) {
  return (f32x16){vfmsq_f32(z.a, x.a, y.a), vfmsq_f32(z.b, x.b, y.b), vfmsq_f32(z.c, x.c, y.c),
                  vfmsq_f32(z.d, x.d, y.d)};
}
static inline f32x16 f32_mac(f32x16 x, f32x16 y, f32x16 z) { return f32_fma(x, y, z); }
static inline f32x16 f32_sqrt(f32x16 x) { return F1(vsqrtq_f32, x); }
static inline f32x16 f32_round(f32x16 x) { return F1(vrndnq_f32, x); }
static inline f32x16 f32_floor(f32x16 x) { return F1(vrndmq_f32, x); }
static inline f32x16 f32_ceil(f32x16 x) { return F1(vrndpq_f32, x); }

static inline i32x16 f32_bits(f32x16 x) { return I1(vreinterpretq_s32_f32, x); }
static inline f32x16 i32_as_f32(i32x16 x) { return F1(vreinterpretq_f32_s32, x); }
static inline f32x16 i32_to_f32(i32x16 x) { return F1(vcvtq_f32_s32, x); }
static inline i32x16 i32_load(const float *p) { return f32_bits(f32_load(p)); }
static inline void i32_store(float *p, i32x16 x) { f32_store(p, i32_as_f32(x)); }
#define WIDE(x) vreinterpretq_u64_s32(x)
#define LANES32(x) vreinterpretq_s32_u64(x)
#define MULTIPLY(x, y) LANES32(vmull_u32(vmovn_u64(WIDE(x)), vmovn_u64(WIDE(y))))
#define HIGH(x) LANES32(vshrq_n_u64(WIDE(x), 32))
#define JOIN(low, high) LANES32(vsliq_n_u64(WIDE(low), WIDE(high), 32))
#define EVEN(x, y) LANES32(vzip1q_u64(WIDE(x), WIDE(y)))
#define ODD(x, y) LANES32(vzip2q_u64(WIDE(x), WIDE(y)))
static inline i32x16 u64_mul(i32x16 x, i32x16 y) { return I2(MULTIPLY, x, y); }
static inline i32x16 u64_high(i32x16 x) { return I1(HIGH, x); }
static inline i32x16 u64_join(i32x16 low, i32x16 high) { return I2(JOIN, low, high); }
static inline i32x16 u64_even(i32x16 x, i32x16 y) { return I2(EVEN, x, y); }
static inline i32x16 u64_odd(i32x16 x, i32x16 y) { return I2(ODD, x, y); }
static inline i32x16 i32_set1(int32_t x) {
  int32x4_t all = vdupq_n_s32(x);
  return (i32x16){all, all, all, all};
}
static inline i32x16 i32_iota(void) {
  const int32_t first[4] = {0, 1, 2, 3};
  int32x4_t iota = vld1q_s32(first);
  return (i32x16){iota, vaddq_s32(iota, vdupq_n_s32(4)), vaddq_s32(iota, vdupq_n_s32(8)),
                  vaddq_s32(iota, vdupq_n_s32(12))};
}
static inline i32x16 i32_add(i32x16 x, i32x16 y) { return I2(vaddq_s32, x, y); }
static inline i32x16 i32_sub(i32x16 x, i32x16 y) { return I2(vsubq_s32, x, y); }
static inline i32x16 i32_mul(i32x16 x, i32x16 y) { return I2(vmulq_s32, x, y); }
static inline i32x16 i32_and(i32x16 x, i32x16 y) { return I2(vandq_s32, x, y); }
static inline i32x16 i32_or(i32x16 x, i32x16 y) { return I2(vorrq_s32, x, y); }
static inline i32x16 i32_xor(i32x16 x, i32x16 y) { return I2(veorq_s32, x, y); }
#define i32_shl(x, bits)                                                                                               \
  ((i32x16){vshlq_n_s32((x).a, bits), vshlq_n_s32((x).b, bits), vshlq_n_s32((x).c, bits), vshlq_n_s32((x).d, bits)})
#define i32_sra(x, bits)                                                                                               \
  ((i32x16){vshrq_n_s32((x).a, bits), vshrq_n_s32((x).b, bits), vshrq_n_s32((x).c, bits), vshrq_n_s32((x).d, bits)})

static inline m32x16 f32_lt(f32x16 x, f32x16 y) { return M2(vcltq_f32, x, y); }
static inline m32x16 f32_le(f32x16 x, f32x16 y) { return M2(vcleq_f32, x, y); }
static inline m32x16 f32_eq(f32x16 x, f32x16 y) { return M2(vceqq_f32, x, y); }
static inline m32x16 i32_eq(i32x16 x, i32x16 y) { return M2(vceqq_s32, x, y); }
static inline i32x16 i32_min(i32x16 x, i32x16 y) { return I2(vminq_s32, x, y); }
static inline m32x16 i32_lt(i32x16 x, i32x16 y) { return M2(vcltq_s32, x, y); }
static inline m32x16 m32_and(m32x16 x, m32x16 y) { return i32_and(x, y); }
static inline m32x16 m32_or(m32x16 x, m32x16 y) { return i32_or(x, y); }
static inline m32x16 m32_not(m32x16 m) { return I1(vmvnq_s32, m); }
static inline m32x16 f32_isnan(f32x16 x) { return m32_not(f32_eq(x, x)); }
static inline int m32_any(m32x16 m) {
  int32x4_t any = vorrq_s32(vorrq_s32(m.a, m.b), vorrq_s32(m.c, m.d));
  return vmaxvq_u32(vreinterpretq_u32_s32(any)) != 0;
}
static inline i32x16 m32_to_i32(m32x16 m) { return i32_and(m, i32_set1(1)); }
#define PICK(part) vbslq_s32(vreinterpretq_u32_s32(m.part), x.part, y.part)
static inline i32x16 i32_select(m32x16 m, i32x16 x, i32x16 y) { return (i32x16){PICK(a), PICK(b), PICK(c), PICK(d)}; }
static inline f32x16 f32_select(m32x16 m, f32x16 x, f32x16 y) {
  return i32_as_f32(i32_select(m, f32_bits(x), f32_bits(y)));
}
/* The instruction saturates and takes NaN to 0; x86 gives INT32_MIN for both, and so do we. */
static inline i32x16 f32_to_i32(f32x16 x) {
  m32x16 fits = m32_and(f32_le(f32_set1(-2147483648.0f), x), f32_lt(x, f32_set1(2147483648.0f)));
  return i32_select(fits, I1(vcvtq_s32_f32, x), i32_set1(INT32_MIN));
}

#define ROTATE2(v) vextq_f32(v, v, 2)
static inline f32x16 f32_swap8(f32x16 x) { return (f32x16){x.c, x.d, x.a, x.b}; }
static inline f32x16 f32_swap4(f32x16 x) { return (f32x16){x.b, x.a, x.d, x.c}; }
static inline f32x16 f32_swap2(f32x16 x) { return F1(ROTATE2, x); }
static inline f32x16 f32_swap1(f32x16 x) { return F1(vrev64q_f32, x); }
static inline float f32_first(f32x16 x) { return vgetq_lane_f32(x.a, 0); }

#define HL_TRANSPOSE_BLOCK 4
/* dst[c*ldd + r] = src[r*lds + c] for r, c < 4. */
static inline void f32_transpose_block(float *dst, int64_t ldd, const float *src, int64_t lds) {
  float32x4x2_t ab = vtrnq_f32(vld1q_f32(src), vld1q_f32(src + lds));
  float32x4x2_t cd = vtrnq_f32(vld1q_f32(src + 2 * lds), vld1q_f32(src + 3 * lds));
  vst1q_f32(dst, vcombine_f32(vget_low_f32(ab.val[0]), vget_low_f32(cd.val[0])));
  vst1q_f32(dst + ldd, vcombine_f32(vget_low_f32(ab.val[1]), vget_low_f32(cd.val[1])));
  vst1q_f32(dst + 2 * ldd, vcombine_f32(vget_high_f32(ab.val[0]), vget_high_f32(cd.val[0])));
  vst1q_f32(dst + 3 * ldd, vcombine_f32(vget_high_f32(ab.val[1]), vget_high_f32(cd.val[1])));
}

#undef F1
#undef F2
#undef I1
#undef I2
#undef M2
#undef SIGNED
#undef PICK
#undef ROTATE2

#endif
