/* The sign of a float, which keeps NaN and the sign of zero. */
#ifndef HL_SIGN_H
#define HL_SIGN_H

#include "simd.h"

static inline f32x16 f32_sign(f32x16 x) {
  f32x16 zero = f32_set1(0.0f);
  return f32_select(f32_lt(zero, x), f32_set1(1.0f), f32_select(f32_lt(x, zero), f32_set1(-1.0f), x));
}

#endif
