/* The elementwise kernels of kernels.def, each a function of vectors and a loop around it. */
#include <string.h>

#include "kernels/shared/isa.h"
#include "kernels/shared/math_exp.h"
#include "kernels/shared/math_trig.h"
#include "kernels/shared/sign.h"
#include "simd.h"

#define V(name) static inline f32x16 v_##name
#define I(name) static inline i32x16 v_##name

V(neg_f)(f32x16 x) { return f32_neg(x); }
V(abs_f)(f32x16 x) { return f32_abs(x); }
V(sign_f)(f32x16 x) { return f32_sign(x); }
V(floor_f)(f32x16 x) { return f32_floor(x); }
V(ceil_f)(f32x16 x) { return f32_ceil(x); }
V(round_f)(f32x16 x) { return f32_round(x); }
V(sqrt_f)(f32x16 x) { return f32_sqrt(x); }
V(exp_f)(f32x16 x) { return v_exp(x); }
V(expm1_f)(f32x16 x) { return v_expm1(x); }
V(log_f)(f32x16 x) { return v_log(x); }
V(log1p_f)(f32x16 x) { return v_log1p(x); }
V(tanh_f)(f32x16 x) { return v_tanh(x); }
V(sigmoid_f)(f32x16 x) { return v_sigmoid(x); }
V(erf_f)(f32x16 x) { return v_erf(x); }
V(sin_f)(f32x16 x) { return v_sin(x); }
V(cos_f)(f32x16 x) { return v_cos(x); }
I(isnan_f)(f32x16 x) { return m32_to_i32(f32_isnan(x)); }
I(neg_i)(i32x16 x) { return i32_sub(i32_set1(0), x); }
I(abs_i)(i32x16 x) { return i32_select(i32_lt(x, i32_set1(0)), i32_sub(i32_set1(0), x), x); }
I(sign_i)(i32x16 x) { return i32_sub(m32_to_i32(i32_lt(i32_set1(0), x)), m32_to_i32(i32_lt(x, i32_set1(0)))); }
I(not_b)(i32x16 x) { return m32_to_i32(i32_eq(x, i32_set1(0))); }
I(f2i)(f32x16 x) { return f32_to_i32(x); }
V(i2f)(i32x16 x) { return i32_to_f32(x); }
I(f2b)(f32x16 x) { return m32_to_i32(m32_not(f32_eq(x, f32_set1(0.0f)))); }
I(i2b)(i32x16 x) { return m32_to_i32(m32_not(i32_eq(x, i32_set1(0)))); }

V(add_f)(f32x16 a, f32x16 b) { return f32_add(a, b); }
V(sub_f)(f32x16 a, f32x16 b) { return f32_sub(a, b); }
V(mul_f)(f32x16 a, f32x16 b) { return f32_mul(a, b); }
V(div_f)(f32x16 a, f32x16 b) { return f32_div(a, b); }
V(max_f)(f32x16 a, f32x16 b) { return f32_select(m32_or(f32_lt(b, a), f32_isnan(a)), a, b); }
V(min_f)(f32x16 a, f32x16 b) { return f32_select(m32_or(f32_lt(a, b), f32_isnan(a)), a, b); }
V(pow_f)(f32x16 a, f32x16 b) { return v_pow(a, b); }
/* fmodf is exact everywhere, and far from a division and a multiply-add when a/b is large. */
V(mod_f)(f32x16 a, f32x16 b) {
  float x[HL_LANES], y[HL_LANES];
  f32_store(x, a);
  f32_store(y, b);
  for (int l = 0; l < HL_LANES; ++l)
    x[l] = fmodf(x[l], y[l]);
  f32x16 rest = f32_load(x), zero = f32_set1(0.0f);
  i32x16 differ = i32_xor(m32_to_i32(f32_lt(rest, zero)), m32_to_i32(f32_lt(b, zero)));
  f32x16 moved = f32_select(i32_eq(differ, i32_set1(1)), f32_add(rest, b), rest);
  return f32_select(f32_eq(rest, zero), i32_as_f32(f32_sign_bit(b)), moved);
}
I(eq_f)(f32x16 a, f32x16 b) { return m32_to_i32(f32_eq(a, b)); }
I(ne_f)(f32x16 a, f32x16 b) { return m32_to_i32(m32_not(f32_eq(a, b))); }
I(lt_f)(f32x16 a, f32x16 b) { return m32_to_i32(f32_lt(a, b)); }
I(le_f)(f32x16 a, f32x16 b) { return m32_to_i32(f32_le(a, b)); }
I(add_i)(i32x16 a, i32x16 b) { return i32_add(a, b); }
I(sub_i)(i32x16 a, i32x16 b) { return i32_sub(a, b); }
I(mul_i)(i32x16 a, i32x16 b) { return i32_mul(a, b); }
/* No CPU divides integers in vectors; in 64 bits INT32_MIN / -1 needs no exception. */
#define LANE_BY_LANE(name, expression)                                                                                 \
  I(name)(i32x16 a, i32x16 b) {                                                                                        \
    float left[HL_LANES], right[HL_LANES];                                                                             \
    i32_store(left, a);                                                                                                \
    i32_store(right, b);                                                                                               \
    for (int l = 0; l < HL_LANES; ++l) {                                                                               \
      int32_t x32, y32;                                                                                                \
      memcpy(&x32, left + l, sizeof x32);                                                                              \
      memcpy(&y32, right + l, sizeof y32);                                                                             \
      int64_t x = x32, y = y32 == 0 ? 1 : y32; /* see below for 0 */                                                   \
      int32_t result = (int32_t)(uint32_t)(uint64_t)(expression);                                                      \
      memcpy(left + l, &result, sizeof result);                                                                        \
    }                                                                                                                  \
    return i32_select(i32_eq(b, i32_set1(0)), i32_set1(0), i32_load(left));                                            \
  }
LANE_BY_LANE(div_i, x / y - (x % y != 0 && (x < 0) != (y < 0)))
LANE_BY_LANE(mod_i, x % y + (x % y != 0 && (x < 0) != (y < 0) ? y : 0))
I(max_i)(i32x16 a, i32x16 b) { return i32_select(i32_lt(b, a), a, b); }
I(min_i)(i32x16 a, i32x16 b) { return i32_select(i32_lt(a, b), a, b); }
I(eq_i)(i32x16 a, i32x16 b) { return m32_to_i32(i32_eq(a, b)); }
I(ne_i)(i32x16 a, i32x16 b) { return m32_to_i32(m32_not(i32_eq(a, b))); }
I(lt_i)(i32x16 a, i32x16 b) { return m32_to_i32(i32_lt(a, b)); }
I(le_i)(i32x16 a, i32x16 b) { return m32_to_i32(m32_not(i32_lt(b, a))); }
I(and_b)(i32x16 a, i32x16 b) { return i32_and(a, b); }
I(or_b)(i32x16 a, i32x16 b) { return i32_or(a, b); }
I(xor_b)(i32x16 a, i32x16 b) { return i32_xor(a, b); }

#define LOAD_f f32_load
#define LOAD_i i32_load
#define LOAD_b i32_load
#define STORE_f f32_store
#define STORE_i i32_store
#define STORE_b i32_store

#define HL_UNARY(name, in, out)                                                                                        \
  void HL_ISA_NAME(name)(float *dst, const float *a, const float *b, const float *c, int64_t n) {                      \
    (void)b, (void)c;                                                                                                  \
    for (int64_t i = 0; i < n; i += HL_LANES)                                                                          \
      STORE_##out(dst + i, v_##name(LOAD_##in(a + i)));                                                                \
  }
#define HL_BINARY(name, in, out)                                                                                       \
  void HL_ISA_NAME(name)(float *dst, const float *a, const float *b, const float *c, int64_t n) {                      \
    (void)c;                                                                                                           \
    for (int64_t i = 0; i < n; i += HL_LANES)                                                                          \
      STORE_##out(dst + i, v_##name(LOAD_##in(a + i), LOAD_##in(b + i)));                                              \
  }
#include "kernels/kernels.def"

void HL_ISA_NAME(select)(float *dst, const float *a, const float *b, const float *c, int64_t n) {
  for (int64_t i = 0; i < n; i += HL_LANES) {
    m32x16 chosen = m32_not(i32_eq(i32_load(a + i), i32_set1(0)));
    i32_store(dst + i, i32_select(chosen, i32_load(b + i), i32_load(c + i)));
  }
}
