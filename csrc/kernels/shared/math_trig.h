/* sin and cos on 16 lanes, at most 2 units in the last place off, for every float. */
#ifndef HL_MATH_TRIG_H
#define HL_MATH_TRIG_H

#include "kernels/shared/math_exp.h"

/* x = n pi/2 + r + r_low with |r| a little over pi/4 at most; only the last two bits of n count. */
typedef struct reduced {
  f32x16 r, r_low;
  i32x16 n;
} reduced;

/* Up to here the quadrant is right and pi/2 in three floats is long enough. */
#define TRIG_VECTOR_LIMIT 65536.0f

/* One lane of a large argument (Payne and Hanek): the bits of 2/pi that matter times x's 24 bits, in integers. */
static inline void reduce_large(float x, float *r, float *r_low, int32_t *n) {
  static const uint32_t two_over_pi[] = {0,           0xA2F9836Eu, 0x4E441529u, 0xFC2757D1u, 0xF534DDC0u,
                                         0xDB629599u, 0x3C439041u, 0xFE5163ABu, 0xDEBBC561u};
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  int exponent = (int)(bits >> 23 & 0xff) - 150; /* |x| = mantissa * 2^exponent, exponent in [-7, 104] */
  if (exponent > 104) {                          /* infinity or NaN */
    *r = *r_low = NAN;
    *n = 0;
    return;
  }
  uint64_t mantissa = (bits & 0x7fffffu) | 0x800000u;
  /* 96 bits of 2/pi from the one that weighs 2 after the shift by the exponent: what lies above is a multiple of 4. */
  int start = exponent + 30, word = start / 32, shift = start % 32;
  uint32_t window[3];
  for (int i = 0; i < 3; ++i)
    window[i] = (uint32_t)((((uint64_t)two_over_pi[word + i] << 32 | two_over_pi[word + i + 1]) << shift) >> 32);
  uint64_t low = mantissa * window[2], middle = mantissa * window[1] + (low >> 32);
  uint64_t quadrants = ((mantissa * window[0]) << 32) + middle; /* modulo 4, in units of 2^-62 */
  uint64_t rounded = quadrants + (1ull << 61);
  int64_t fraction = (int64_t)(quadrants - (rounded & 3ull << 62));
  double angle = (double)fraction * 0x1.921fb54442d18p-62; /* pi/2 * 2^-62 */
  int32_t quadrant = (int32_t)(rounded >> 62);
  if (bits >> 31) {
    angle = -angle;
    quadrant = -quadrant;
  }
  *r = (float)angle;
  *r_low = (float)(angle - (double)*r);
  *n = quadrant;
}

static inline reduced trig_reduce(f32x16 x) {
  reduced z;
  f32x16 n = f32_round(f32_mul(x, f32_set1(0x1.45f306p-1f)));
  f32x16 first = f32_fnma(n, f32_set1(0x1.921fb6p+0f), x); /* exact */
  /* first - n*c = second + lost to twice the precision: x may be next to a multiple of pi/2, where little is left */
  f32x16 c = f32_set1(-0x1.777a5cp-25f), product = f32_mul(n, c), product_low = f32_fma(n, c, f32_neg(product));
  f32x16 second = f32_sub(first, product), moved = f32_sub(second, first);
  f32x16 lost = f32_sub(f32_sub(first, f32_sub(second, moved)), f32_add(product, moved));
  lost = f32_sub(lost, product_low);
  f32x16 rest = f32_fnma(n, f32_set1(-0x1.ee59dap-50f), lost);
  z.r = f32_add(second, rest);
  z.r_low = f32_add(f32_sub(second, z.r), rest);
  z.n = f32_to_i32(n);
  m32x16 large = m32_not(f32_le(f32_abs(x), f32_set1(TRIG_VECTOR_LIMIT)));
  if (m32_any(large)) {
    float lanes[HL_LANES], r[HL_LANES], r_low[HL_LANES], quadrants[HL_LANES];
    f32_store(lanes, f32_select(large, x, f32_set1(TRIG_VECTOR_LIMIT)));
    for (int l = 0; l < HL_LANES; ++l) {
      int32_t quadrant;
      reduce_large(lanes[l], &r[l], &r_low[l], &quadrant);
      quadrants[l] = (float)quadrant;
    }
    z.r = f32_select(large, f32_load(r), z.r);
    z.r_low = f32_select(large, f32_load(r_low), z.r_low);
    z.n = i32_select(large, f32_to_i32(f32_load(quadrants)), z.n);
  }
  return z;
}

/* sin(x) for quadrants = n, cos(x) for quadrants = n + 1. */
static inline f32x16 trig_of(reduced z, i32x16 quadrants) {
  f32x16 square = f32_mul(z.r, z.r), half = f32_mul(square, f32_set1(0.5f)), one = f32_set1(1.0f);
  f32x16 tail = POLYNOMIAL(square, -0x1.555556p-3f, 0x1.111164p-7f, -0x1.a0482p-13f, 0x1.77bf7p-19f);
  f32x16 sine = f32_add(z.r, f32_fma(f32_mul(z.r, square), tail, z.r_low));
  tail = POLYNOMIAL(square, 0x1.555556p-5f, -0x1.6c175p-10f, 0x1.a063c6p-16f, -0x1.32b052p-22f);
  f32x16 head = f32_sub(one, half);
  f32x16 lost = f32_sub(f32_sub(one, head), half);
  f32x16 cosine = f32_add(head, f32_add(lost, f32_fma(f32_mul(square, square), tail, f32_neg(f32_mul(z.r, z.r_low)))));
  m32x16 odd = i32_eq(i32_and(quadrants, i32_set1(1)), i32_set1(1));
  return f32_flip(f32_select(odd, cosine, sine), i32_shl(i32_and(quadrants, i32_set1(2)), 30));
}

static inline f32x16 v_sin(f32x16 x) {
  reduced z = trig_reduce(x);
  return f32_select(f32_eq(x, f32_set1(0.0f)), x, trig_of(z, z.n)); /* -0 */
}

static inline f32x16 v_cos(f32x16 x) {
  reduced z = trig_reduce(x);
  return trig_of(z, i32_add(z.n, i32_set1(1)));
}

#endif
