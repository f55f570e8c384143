/* exp, log and their kin on 16 lanes. Errors, against exact values (csrc/tests/test_math.c): at most 2 units in the
   last place (4 for erf and pow), denormal results included. Coefficients come from tools/fit_polynomials.py. */
#ifndef HL_MATH_EXP_H
#define HL_MATH_EXP_H

#include <math.h>

#include "simd.h"

#define LN2_HIGH 0x1.62e43p-1f
#define LN2_LOW -0x1.05c61p-29f
#define LOG2_E 0x1.715476p+0f

static inline f32x16 f32_polynomial(f32x16 x, const float *coefficients, int count) {
  f32x16 sum = f32_set1(coefficients[count - 1]);
#pragma GCC unroll 16
  for (int i = count - 2; i >= 0; --i)
    sum = f32_fma(sum, x, f32_set1(coefficients[i]));
  return sum;
}
#define POLYNOMIAL(x, ...)                                                                                             \
  f32_polynomial(x, (const float[]){__VA_ARGS__}, (int)(sizeof((const float[]){__VA_ARGS__}) / sizeof(float)))

static inline f32x16 f32_abs(f32x16 x) { return i32_as_f32(i32_and(f32_bits(x), i32_set1(0x7fffffff))); }
static inline i32x16 f32_sign_bit(f32x16 x) { return i32_and(f32_bits(x), i32_set1(INT32_MIN)); }
/* Flips the sign of x where the bit is set. */
static inline f32x16 f32_flip(f32x16 x, i32x16 sign_bit) { return i32_as_f32(i32_xor(f32_bits(x), sign_bit)); }
static inline f32x16 f32_neg(f32x16 x) { return f32_flip(x, i32_set1(INT32_MIN)); }

/* Limits x to [low, high] and lets NaN pass. */
static inline f32x16 f32_clamp(f32x16 x, float low, float high) {
  f32x16 least = f32_set1(low), most = f32_set1(high);
  x = f32_select(f32_lt(x, least), least, x);
  return f32_select(f32_lt(most, x), most, x);
}

/* 2^n for n in [-126, 127]. */
static inline f32x16 f32_power_of_two(i32x16 n) { return i32_as_f32(i32_shl(i32_add(n, i32_set1(127)), 23)); }

/* x * 2^n for n in [-252, 254] in two steps: overflow and denormal results come out of the second, rounded once. */
static inline f32x16 f32_scale(f32x16 x, i32x16 n) {
  i32x16 half = i32_sra(n, 1);
  return f32_mul(f32_mul(x, f32_power_of_two(half)), f32_power_of_two(i32_sub(n, half)));
}

/* (e^r - 1 - r) / r^2 for |r| <= ln(2)/2. */
static inline f32x16 exp_tail(f32x16 r) {
  return POLYNOMIAL(r, 0x1p-1f, 0x1.555554p-3f, 0x1.5554fp-5f, 0x1.111308p-7f, 0x1.6d4366p-10f, 0x1.9e0754p-13f);
}

/* e^(high + low) for |high| <= 120 and |low| far below it: 2^n e^r. */
static inline f32x16 exp_extended(f32x16 high, f32x16 low) {
  f32x16 n = f32_round(f32_mul(high, f32_set1(LOG2_E)));
  f32x16 exact = f32_fnma(n, f32_set1(LN2_HIGH), high); /* the difference has few enough bits */
  f32x16 rest = f32_fnma(n, f32_set1(LN2_LOW), low);
  f32x16 r = f32_add(exact, rest);
  f32x16 lost = f32_add(f32_sub(exact, r), rest);
  f32x16 power = f32_add(f32_set1(1.0f), f32_add(r, f32_fma(f32_mul(r, r), exp_tail(r), lost)));
  return f32_scale(power, f32_to_i32(n));
}

static inline f32x16 v_exp(f32x16 x) {
  x = f32_clamp(x, -105.0f, 90.0f); /* beyond, the result is 0 or infinity all the same */
  f32x16 n = f32_round(f32_mul(x, f32_set1(LOG2_E)));
  f32x16 r = f32_fnma(n, f32_set1(LN2_LOW), f32_fnma(n, f32_set1(LN2_HIGH), x));
  f32x16 power = f32_add(f32_set1(1.0f), f32_fma(f32_mul(r, r), exp_tail(r), r));
  return f32_scale(power, f32_to_i32(n));
}

static inline f32x16 v_expm1(f32x16 given) {
  f32x16 x = f32_clamp(given, -30.0f, 89.0f);
  f32x16 n = f32_round(f32_mul(x, f32_set1(LOG2_E)));
  f32x16 exact = f32_fnma(n, f32_set1(LN2_HIGH), x);
  f32x16 r = f32_fnma(n, f32_set1(LN2_LOW), exact);
  f32x16 lost = f32_fnma(n, f32_set1(LN2_LOW), f32_sub(exact, r));
  f32x16 small = f32_add(r, f32_fma(f32_mul(r, r), exp_tail(r), lost)); /* e^r - 1 */
  /* 2^n small + (2^n - 1), halved on the way because 2^128 does not exist. */
  f32x16 half = f32_power_of_two(i32_sub(f32_to_i32(n), i32_set1(1)));
  f32x16 y = f32_fma(small, half, f32_sub(half, f32_set1(0.5f)));
  y = f32_add(y, y);
  return f32_select(f32_eq(given, f32_set1(0.0f)), given, y); /* -0 */
}

/* Splits x > 0 into 2^e m with sqrt(1/2) <= m < sqrt(2). */
static inline f32x16 split_exponent(f32x16 x, f32x16 *e) {
  m32x16 denormal = f32_lt(x, f32_set1(0x1p-126f));
  x = f32_select(denormal, f32_mul(x, f32_set1(0x1p25f)), x);
  i32x16 sqrt_half = i32_set1(0x3f3504f3);
  i32x16 offset = i32_sub(f32_bits(x), sqrt_half);
  i32x16 exponent = i32_sub(i32_sra(offset, 23), i32_select(denormal, i32_set1(25), i32_set1(0)));
  *e = i32_to_f32(exponent);
  return i32_as_f32(i32_add(i32_and(offset, i32_set1(0x007fffff)), sqrt_half));
}

/* e ln(2) + log(1 + f) for 1 + f in [sqrt(1/2), sqrt(2)]. */
static inline f32x16 log_of_parts(f32x16 e, f32x16 f) {
  f32x16 tail = POLYNOMIAL(f, 0x1.555546p-2f, -0x1.00000ap-2f, 0x1.99a546p-3f, -0x1.555ae4p-3f, 0x1.232cfap-3f,
                           -0x1.fc4dap-4f, 0x1.e7a54ep-4f, -0x1.dd651p-4f, 0x1.11c874p-4f);
  f32x16 square = f32_mul(f, f);
  f32x16 small = f32_fma(f32_mul(square, f), tail, f32_mul(square, f32_set1(-0.5f)));
  small = f32_fma(e, f32_set1(LN2_LOW), small);
  return f32_fma(e, f32_set1(LN2_HIGH), f32_add(f, small));
}

/* Puts right what log(x) is at and below 0 and at infinity. */
static inline f32x16 log_edges(f32x16 y, f32x16 x) {
  f32x16 zero = f32_set1(0.0f), infinity = f32_set1(INFINITY);
  y = f32_select(f32_eq(x, infinity), infinity, y);
  y = f32_select(f32_eq(x, zero), f32_neg(infinity), y);
  return f32_select(f32_lt(x, zero), f32_set1(NAN), f32_select(f32_isnan(x), x, y));
}

static inline f32x16 v_log(f32x16 x) {
  f32x16 e, m = split_exponent(x, &e);
  return log_edges(log_of_parts(e, f32_sub(m, f32_set1(1.0f))), x);
}

static inline f32x16 v_log1p(f32x16 x) {
  f32x16 one = f32_set1(1.0f);
  f32x16 u = f32_add(one, x); /* 1 + x = u + lost, exactly */
  f32x16 part = f32_sub(u, one);
  f32x16 lost = f32_add(f32_sub(one, f32_sub(u, part)), f32_sub(x, part));
  f32x16 e, m = split_exponent(u, &e);
  i32x16 down = f32_to_i32(f32_clamp(e, -1.0f, 127.0f)); /* beyond, nothing was lost */
  lost = f32_mul(lost, i32_as_f32(i32_shl(i32_sub(i32_set1(127), down), 23)));
  f32x16 y = log_of_parts(e, f32_add(f32_sub(m, one), lost));
  y = log_edges(y, u);
  return f32_select(f32_eq(x, f32_set1(0.0f)), x, y); /* -0 */
}

static inline f32x16 v_tanh(f32x16 x) {
  f32x16 square = f32_mul(x, x);
  f32x16 tail = POLYNOMIAL(square, -0x1.555554p-2f, 0x1.11107ap-3f, -0x1.b9f19p-5f, 0x1.63a616p-6f, -0x1.0c64d2p-7f,
                           0x1.1a45cap-9f);
  f32x16 near = f32_fma(f32_mul(x, square), tail, x);
  near = f32_select(f32_eq(x, f32_set1(0.0f)), x, near); /* -0 */
  f32x16 size = f32_abs(x);
  f32x16 e = v_exp(f32_mul(f32_set1(2.0f), f32_clamp(size, 0.0f, 20.0f))); /* tanh(20) is 1 */
  f32x16 far = f32_sub(f32_set1(1.0f), f32_div(f32_set1(2.0f), f32_add(e, f32_set1(1.0f))));
  return f32_select(f32_lt(size, f32_set1(0.625f)), near, f32_flip(far, f32_sign_bit(x)));
}

static inline f32x16 v_sigmoid(f32x16 x) {
  f32x16 one = f32_set1(1.0f);
  f32x16 e = exp_extended(f32_clamp(f32_neg(f32_abs(x)), -105.0f, 0.0f), f32_set1(0.0f)); /* never overflows */
  m32x16 negative = f32_lt(x, f32_set1(0.0f));
  f32x16 top = f32_select(negative, e, one), bottom = f32_add(one, e), bottom_low = f32_sub(e, f32_sub(bottom, one));
  f32x16 y = f32_div(top, bottom);
  /* One step of refinement takes back the rounding of the sum and the quotient. */
  f32x16 left = f32_fnma(y, bottom_low, f32_fnma(y, bottom, top));
  return f32_fma(left, f32_select(negative, f32_sub(one, y), y), y);
}

static inline f32x16 v_erf(f32x16 x) {
  f32x16 square = f32_mul(x, x);
  f32x16 near = f32_fma(x,
                        POLYNOMIAL(square, 0x1.06eba8p-3f, -0x1.812742p-2f, 0x1.ce2de6p-4f, -0x1.b80c08p-6f,
                                   0x1.54b154p-8f, -0x1.a97ffep-11f, 0x1.5a7072p-14f),
                        x);
  f32x16 size = f32_abs(x), t = f32_clamp(size, 0.0f, 3.95f); /* erf(3.95) rounds to 1 */
  /* log(1 - erf(t)) */
  f32x16 decay = f32_fma(t,
                         POLYNOMIAL(t, -0x1.074dd6p-3f, -0x1.4567b4p-1f, -0x1.afb464p-4f, 0x1.75d3b8p-6f,
                                    -0x1.8bb5f2p-9f, 0x1.58562cp-14f, 0x1.483c08p-15f, -0x1.276eacp-18f),
                         f32_neg(t));
  f32x16 far = f32_sub(f32_set1(1.0f), v_exp(decay));
  return f32_select(f32_lt(size, f32_set1(0.9375f)), near, f32_flip(far, f32_sign_bit(x)));
}

/* x^y = e^(y log|x|) with the logarithm in two floats (some 30 bits), then the many special cases of IEEE 754. */
static inline f32x16 v_pow(f32x16 x, f32x16 y) {
  const f32x16 zero = f32_set1(0.0f), one = f32_set1(1.0f), two = f32_set1(2.0f), infinity = f32_set1(INFINITY);
  f32x16 size = f32_abs(x);

  /* log(m) = 2 atanh(s), s = (m - 1) / (m + 1) = s + s_low */
  f32x16 e, f = f32_sub(split_exponent(size, &e), one);
  f32x16 divisor = f32_add(two, f), divisor_low = f32_sub(f, f32_sub(divisor, two));
  f32x16 s = f32_div(f, divisor);
  f32x16 s_low = f32_div(f32_fnma(s, divisor_low, f32_fnma(s, divisor, f)), divisor);
  f32x16 square = f32_mul(s, s);
  f32x16 tail = POLYNOMIAL(square, 0x1.555554p-2f, 0x1.999bd4p-3f, 0x1.23f1ap-3f, 0x1.ec1e38p-4f);
  f32x16 log_m = f32_add(s, s), log_m_low = f32_fma(s, f32_mul(square, tail), s_low);
  log_m_low = f32_add(log_m_low, log_m_low);
  /* + e ln(2), and the sum again as two floats */
  f32x16 shift = f32_mul(e, f32_set1(LN2_HIGH));
  f32x16 shift_low = f32_fma(e, f32_set1(LN2_LOW), f32_fma(e, f32_set1(LN2_HIGH), f32_neg(shift)));
  f32x16 sum = f32_add(shift, log_m); /* |shift| > |log_m|, or it is 0 */
  f32x16 sum_low = f32_add(f32_add(f32_sub(shift, sum), log_m), f32_add(shift_low, log_m_low));
  f32x16 log_x = f32_add(sum, sum_low), log_x_low = f32_add(f32_sub(sum, log_x), sum_low);

  f32x16 product = f32_mul(y, log_x);
  f32x16 high = f32_clamp(product, -120.0f, 120.0f); /* e^120 is infinity, e^-120 is 0 */
  f32x16 low = f32_fma(y, log_x_low, f32_fma(y, log_x, f32_neg(product)));
  low = f32_select(f32_eq(high, product), low, zero);
  f32x16 power = exp_extended(high, low);

  /* |x| of 0, 1 and infinity, and infinite y */
  m32x16 falls = m32_or(m32_and(f32_lt(size, one), f32_lt(zero, y)), m32_and(f32_lt(one, size), f32_lt(y, zero)));
  m32x16 extreme = m32_or(m32_or(f32_eq(size, zero), f32_eq(size, infinity)), f32_eq(f32_abs(y), infinity));
  power = f32_select(extreme, f32_select(falls, zero, infinity), power);
  power = f32_select(f32_eq(size, one), one, power);

  /* negative x */
  m32x16 whole = f32_eq(f32_floor(y), y); /* infinities too */
  f32x16 half = f32_mul(y, f32_set1(0.5f));
  m32x16 odd = m32_and(m32_and(whole, m32_not(f32_eq(f32_floor(half), half))),
                       f32_lt(f32_abs(y), f32_set1(0x1p24f))); /* larger floats are even */
  power = f32_flip(power, i32_select(odd, f32_sign_bit(x), i32_set1(0)));
  m32x16 undefined = m32_and(m32_and(f32_lt(x, zero), m32_not(f32_eq(size, infinity))), m32_not(whole));
  power = f32_select(undefined, f32_set1(NAN), power);

  power = f32_select(m32_or(f32_isnan(x), f32_isnan(y)), f32_set1(NAN), power);
  return f32_select(m32_or(f32_eq(y, zero), f32_eq(x, one)), one, power); /* even of NaN */
}

#endif
