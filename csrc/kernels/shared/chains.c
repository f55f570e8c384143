/* The chains of kernels/chains.h, each one loop with its values in registers. All inputs of a vector are read before
   its results are written, so results may take the inputs' places.

   An update is one long chain of latencies, more than the CPU looks ahead: so each step is done for HL_CHAIN_WIDTH
   vectors before the next one. */
#include "kernels/shared/isa.h"
#include "kernels/shared/sign.h"
#include "simd.h"

#define NOTHING(...)
#define FROM(x) const float *const x##_from = *places++;
#define EVERYWHERE(x) const f32x16 x##_one = f32_set1(**places++);
#define TO(x) float *const x##_to = *places++;

#define EACH _Pragma("GCC unroll 4") for (int u = 0; u < width; ++u)
#define MAKE(type, x, value)                                                                                           \
  type x[HL_CHAIN_WIDTH];                                                                                              \
  EACH x[u] = value;
#define LOAD(x) MAKE(f32x16, x, f32_load(x##_from + i + u * HL_LANES))
#define SPREAD(x) MAKE(f32x16, x, x##_one)
#define UNARY(x, op, a)                                                                                                \
  f32x16 x[HL_CHAIN_WIDTH];                                                                                            \
  op##_each(x, a, width);
#define BINARY(x, op, a, b) MAKE(f32x16, x, f32_##op(a[u], b[u]))
#define COMPARE(x, op, a, b) MAKE(m32x16, x, f32_##op(a[u], b[u]))
#define SELECT(x, m, a, b) MAKE(f32x16, x, f32_select(m[u], a[u], b[u]))
#define STORE(x) EACH f32_store(x##_to + i + u * HL_LANES, x[u]);

static inline __attribute__((always_inline)) void sqrt_each(f32x16 *roots, const f32x16 *x, const int width) {
#ifdef HL_QUICK_SQRT
  /* Every other one by multiply-adds, so that the divider and they are busy alike. One question for all of those keeps
     them side by side. */
  if (__builtin_expect(f32_have_quick_sqrt(x, width), 1)) {
    EACH roots[u] = u % 2 ? f32_slow_sqrt(x[u]) : f32_quick_sqrt(x[u]);
    return;
  }
#endif
  EACH roots[u] = f32_sqrt(x[u]);
}

static inline __attribute__((always_inline)) void sign_each(f32x16 *signs, const f32x16 *x, const int width) {
  EACH signs[u] = f32_sign(x[u]);
}

#define PASS(name) {HL_CHAIN_##name(LOAD, SPREAD, UNARY, BINARY, COMPARE, SELECT, STORE)}
#define CHAIN(name)                                                                                                    \
  void HL_ISA_NAME(chain_##name)(float *const *places, int64_t n) {                                                    \
    HL_CHAIN_##name(FROM, EVERYWHERE, NOTHING, NOTHING, NOTHING, NOTHING, TO) int64_t i = 0;                           \
    for (const int width = HL_CHAIN_WIDTH; i + width * HL_LANES <= n; i += width * HL_LANES)                           \
      PASS(name)                                                                                                       \
    for (const int width = 1; i < n; i += HL_LANES)                                                                    \
      PASS(name)                                                                                                       \
  }
HL_CHAINS(CHAIN)
