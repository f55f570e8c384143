/* Row reductions: 16 lanes side by side, then a tree across them (kernels.h). */
#include <math.h>
#include <string.h>

#include "kernels/shared/isa.h"
#include "simd.h"

static inline m32x16 first_lanes(int64_t count) { return i32_lt(i32_iota(), i32_set1((int32_t)count)); }
static inline i32x16 i32_swap(i32x16 x, int apart) {
  f32x16 lanes = i32_as_f32(x); /* moved, not computed with: bits stay */
  return f32_bits(apart == 8   ? f32_swap8(lanes)
                  : apart == 4 ? f32_swap4(lanes)
                  : apart == 2 ? f32_swap2(lanes)
                               : f32_swap1(lanes));
}
static inline f32x16 f32_swap(f32x16 x, int apart) { return i32_as_f32(i32_swap(f32_bits(x), apart)); }

static inline f32x16 f32_max(f32x16 a, f32x16 b) {
  return f32_select(m32_or(f32_lt(b, a), m32_not(f32_eq(a, a))), a, b);
}
static inline f32x16 f32_min(f32x16 a, f32x16 b) {
  return f32_select(m32_or(f32_lt(a, b), m32_not(f32_eq(a, a))), a, b);
}
static inline i32x16 i32_max(i32x16 a, i32x16 b) { return i32_select(i32_lt(b, a), a, b); }

static inline void f32_put_first(float *dst, f32x16 x) { *dst = f32_first(x); }
static inline void i32_put_first(float *dst, i32x16 x) {
  float lanes[HL_LANES];
  i32_store(lanes, x);
  memcpy(dst, lanes, sizeof *dst);
}

#define FOLD(name, type, neutral_value, op)                                                                            \
  void HL_ISA_NAME(name)(float *dst, const float *src, int64_t rows, int64_t cols, int64_t ld) {                       \
    const type##x16 neutral = type##_set1(neutral_value);                                                              \
    const int64_t whole = cols - cols % HL_LANES;                                                                      \
    const m32x16 rest = first_lanes(cols % HL_LANES);                                                                  \
    for (int64_t r = 0; r < rows; ++r, src += ld) {                                                                    \
      type##x16 sum = neutral;                                                                                         \
      for (int64_t c = 0; c < whole; c += HL_LANES)                                                                    \
        sum = op(sum, type##_load(src + c));                                                                           \
      if (whole < cols)                                                                                                \
        sum = op(sum, type##_select(rest, type##_load(src + whole), neutral));                                         \
      for (int apart = HL_LANES / 2; apart > 0; apart /= 2)                                                            \
        sum = op(sum, type##_swap(sum, apart)); /* lane 0 takes part in the tree, the others come along */             \
      type##_put_first(dst + r, sum);                                                                                  \
    }                                                                                                                  \
  }
FOLD(row_sum_f, f32, 0.0f, f32_add)
FOLD(row_max_f, f32, -INFINITY, f32_max)
FOLD(row_min_f, f32, INFINITY, f32_min)
FOLD(row_prod_f, f32, 1.0f, f32_mul)
FOLD(row_sum_i, i32, 0, i32_add)
FOLD(row_max_i, i32, INT32_MIN, i32_max)
FOLD(row_min_i, i32, INT32_MAX, i32_min)
FOLD(row_prod_i, i32, 1, i32_mul)

/* a beats b: a better value. A NaN beats all but a NaN. */
static inline m32x16 more_f32(f32x16 a, f32x16 b) {
  return m32_or(f32_lt(b, a), m32_and(f32_isnan(a), m32_not(f32_isnan(b))));
}
static inline m32x16 less_f32(f32x16 a, f32x16 b) {
  return m32_or(f32_lt(a, b), m32_and(f32_isnan(a), m32_not(f32_isnan(b))));
}
static inline m32x16 more_i32(i32x16 a, i32x16 b) { return i32_lt(b, a); }
static inline m32x16 less_i32(i32x16 a, i32x16 b) { return i32_lt(a, b); }

/* Each lane keeps its best value and that value's first column; across lanes the lower column wins ties. Lanes without
   a column hold the worst value at a column beyond all. */
#define ARG(name, type, worst_value, beats)                                                                            \
  void HL_ISA_NAME(name)(float *dst, const float *src, int64_t rows, int64_t cols, int64_t ld) {                       \
    const type##x16 worst = type##_set1(worst_value);                                                                  \
    for (int64_t r = 0; r < rows; ++r, src += ld) {                                                                    \
      type##x16 best = worst;                                                                                          \
      i32x16 at = i32_set1(cols == 0 ? 0 : INT32_MAX);                                                                 \
      for (int64_t c = 0; c < cols; c += HL_LANES) {                                                                   \
        m32x16 valid = first_lanes(cols - c < HL_LANES ? cols - c : HL_LANES);                                         \
        type##x16 value = type##_select(valid, type##_load(src + c), worst);                                           \
        m32x16 empty = i32_eq(at, i32_set1(INT32_MAX));                                                                \
        m32x16 better = m32_and(valid, m32_or(empty, beats(value, best)));                                             \
        best = type##_select(better, value, best);                                                                     \
        at = i32_select(better, i32_add(i32_iota(), i32_set1((int32_t)c)), at);                                        \
      }                                                                                                                \
      for (int apart = HL_LANES / 2; apart > 0; apart /= 2) {                                                          \
        type##x16 other = type##_swap(best, apart);                                                                    \
        i32x16 other_at = i32_swap(at, apart);                                                                         \
        m32x16 tie = m32_not(m32_or(beats(best, other), beats(other, best)));                                          \
        m32x16 better = m32_or(beats(other, best), m32_and(tie, i32_lt(other_at, at)));                                \
        best = type##_select(better, other, best);                                                                     \
        at = i32_select(better, other_at, at);                                                                         \
      }                                                                                                                \
      i32_put_first(dst + r, at);                                                                                      \
    }                                                                                                                  \
  }
ARG(row_argmax_f, f32, -INFINITY, more_f32)
ARG(row_argmin_f, f32, INFINITY, less_f32)
ARG(row_argmax_i, i32, INT32_MIN, more_i32)
ARG(row_argmin_i, i32, INT32_MAX, less_i32)
