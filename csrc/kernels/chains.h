/* Chains: straight-line elementwise programs of every training step, compiled with their values in registers instead of
   being interpreted. Each is declared once, here; the functions of every instruction set (shared/chains.c) and the
   patterns that the tile compiler looks for (chains.c) both come from the declaration. A chain does exactly the
   operations it replaces, in their order, so results do not depend on whether it was found.

   A declaration lists, in this order:
     VECTOR(x)               an input with a value per element
     SCALAR(x)               an input that is the same everywhere
     UNARY(x, op, a)         x = op_f(a), an opcode of kernels.def
     BINARY(x, op, a, b)     x = op_f(a, b)
     COMPARE(x, op, a, b)    the same, x being a bool
     SELECT(x, m, a, b)      x = m ? a : b
     RESULT(x)               x is written; nothing else is seen outside. The last operation gives a result. */
#ifndef HL_CHAINS_H
#define HL_CHAINS_H

#include <stdint.h>

/* Lists, not code: */
/* clang-format off */
/* Optimizer updates: g gradient, w weight, m and v moving averages; results are the new w, m, v. */
#define HL_CHAIN_adam(VECTOR, SCALAR, UNARY, BINARY, COMPARE, SELECT, RESULT)                                          \
  VECTOR(g) VECTOR(m) VECTOR(v) VECTOR(w)                                                                              \
  SCALAR(share1) SCALAR(share2) SCALAR(rate) SCALAR(epsilon)                                                           \
  BINARY(m_off, sub, g, m) BINARY(m_step, mul, m_off, share1) BINARY(m_new, add, m, m_step)                            \
  BINARY(square, mul, g, g) BINARY(v_off, sub, square, v) BINARY(v_step, mul, v_off, share2)                           \
  BINARY(v_new, add, v, v_step) BINARY(up, mul, m_new, rate) UNARY(root, sqrt, v_new)                                  \
  BINARY(down, add, root, epsilon) BINARY(step, div, up, down) BINARY(w_new, sub, w, step)                             \
  RESULT(m_new) RESULT(v_new) RESULT(w_new)

#define HL_CHAIN_adamw(VECTOR, SCALAR, UNARY, BINARY, COMPARE, SELECT, RESULT)                                         \
  VECTOR(g) VECTOR(m) VECTOR(v) VECTOR(w)                                                                              \
  SCALAR(share1) SCALAR(share2) SCALAR(rate) SCALAR(epsilon) SCALAR(decay)                                             \
  BINARY(m_off, sub, g, m) BINARY(m_step, mul, m_off, share1) BINARY(m_new, add, m, m_step)                            \
  BINARY(square, mul, g, g) BINARY(v_off, sub, square, v) BINARY(v_step, mul, v_off, share2)                           \
  BINARY(v_new, add, v, v_step) BINARY(up, mul, m_new, rate) UNARY(root, sqrt, v_new)                                  \
  BINARY(down, add, root, epsilon) BINARY(step, div, up, down) BINARY(lost, mul, w, decay)                             \
  BINARY(w_kept, sub, w, lost) BINARY(w_new, sub, w_kept, step)                                                        \
  RESULT(m_new) RESULT(v_new) RESULT(w_new)

#define HL_CHAIN_nadam(VECTOR, SCALAR, UNARY, BINARY, COMPARE, SELECT, RESULT)                                         \
  VECTOR(g) VECTOR(m) VECTOR(v) VECTOR(w)                                                                              \
  SCALAR(share1) SCALAR(share2) SCALAR(of_m) SCALAR(of_g) SCALAR(of_root) SCALAR(epsilon)                              \
  BINARY(m_off, sub, g, m) BINARY(m_step, mul, m_off, share1) BINARY(m_new, add, m, m_step)                            \
  BINARY(square, mul, g, g) BINARY(v_off, sub, square, v) BINARY(v_step, mul, v_off, share2)                           \
  BINARY(v_new, add, v, v_step) BINARY(m_part, mul, m_new, of_m) BINARY(g_part, mul, g, of_g)                          \
  BINARY(up, add, m_part, g_part) UNARY(root, sqrt, v_new) BINARY(size, mul, root, of_root)                            \
  BINARY(down, add, size, epsilon) BINARY(step, div, up, down) BINARY(w_new, sub, w, step)                             \
  RESULT(m_new) RESULT(v_new) RESULT(w_new)

#define HL_CHAIN_rmsprop_centered(VECTOR, SCALAR, UNARY, BINARY, COMPARE, SELECT, RESULT)                              \
  VECTOR(g) VECTOR(v) VECTOR(m) VECTOR(w)                                                                              \
  SCALAR(rho) SCALAR(share) SCALAR(rate) SCALAR(epsilon)                                                               \
  BINARY(v_kept, mul, v, rho) BINARY(square, mul, g, g) BINARY(v_share, mul, square, share)                            \
  BINARY(v_new, add, v_kept, v_share) BINARY(m_kept, mul, m, rho) BINARY(m_share, mul, g, share)                       \
  BINARY(m_new, add, m_kept, m_share) BINARY(up, mul, g, rate) BINARY(m_square, mul, m_new, m_new)                     \
  BINARY(variance, sub, v_new, m_square) BINARY(padded, add, variance, epsilon) UNARY(down, sqrt, padded)              \
  BINARY(step, div, up, down) BINARY(w_new, sub, w, step)                                                              \
  RESULT(v_new) RESULT(m_new) RESULT(w_new)

#define HL_CHAIN_rmsprop_momentum(VECTOR, SCALAR, UNARY, BINARY, COMPARE, SELECT, RESULT)                              \
  VECTOR(g) VECTOR(v) VECTOR(m) VECTOR(w)                                                                              \
  SCALAR(rho) SCALAR(share) SCALAR(momentum) SCALAR(rate) SCALAR(epsilon)                                              \
  BINARY(v_kept, mul, v, rho) BINARY(square, mul, g, g) BINARY(v_share, mul, square, share)                            \
  BINARY(v_new, add, v_kept, v_share) BINARY(m_kept, mul, m, momentum) BINARY(up, mul, g, rate)                        \
  BINARY(padded, add, v_new, epsilon) UNARY(down, sqrt, padded) BINARY(step, div, up, down)                            \
  BINARY(m_new, add, m_kept, step) BINARY(w_new, sub, w, m_new)                                                        \
  RESULT(v_new) RESULT(m_new) RESULT(w_new)

#define HL_CHAIN_rmsprop(VECTOR, SCALAR, UNARY, BINARY, COMPARE, SELECT, RESULT)                                       \
  VECTOR(g) VECTOR(v) VECTOR(w)                                                                                        \
  SCALAR(rho) SCALAR(share) SCALAR(rate) SCALAR(epsilon)                                                               \
  BINARY(v_kept, mul, v, rho) BINARY(square, mul, g, g) BINARY(v_share, mul, square, share)                            \
  BINARY(v_new, add, v_kept, v_share) BINARY(up, mul, g, rate) BINARY(padded, add, v_new, epsilon)                     \
  UNARY(down, sqrt, padded) BINARY(step, div, up, down) BINARY(w_new, sub, w, step)                                    \
  RESULT(v_new) RESULT(w_new)

#define HL_CHAIN_adagrad(VECTOR, SCALAR, UNARY, BINARY, COMPARE, SELECT, RESULT)                                       \
  VECTOR(g) VECTOR(v) VECTOR(w)                                                                                        \
  SCALAR(rate) SCALAR(epsilon)                                                                                         \
  BINARY(square, mul, g, g) BINARY(v_new, add, v, square) BINARY(up, mul, g, rate)                                     \
  BINARY(padded, add, v_new, epsilon) UNARY(down, sqrt, padded) BINARY(step, div, up, down)                            \
  BINARY(w_new, sub, w, step)                                                                                          \
  RESULT(v_new) RESULT(w_new)

#define HL_CHAIN_nesterov(VECTOR, SCALAR, UNARY, BINARY, COMPARE, SELECT, RESULT)                                      \
  VECTOR(g) VECTOR(m) VECTOR(w)                                                                                        \
  SCALAR(momentum) SCALAR(rate)                                                                                        \
  BINARY(m_kept, mul, m, momentum) BINARY(step, mul, g, rate) BINARY(m_new, sub, m_kept, step)                         \
  BINARY(ahead, mul, m_new, momentum) BINARY(move, sub, ahead, step) BINARY(w_new, add, w, move)                       \
  RESULT(m_new) RESULT(w_new)

#define HL_CHAIN_momentum(VECTOR, SCALAR, UNARY, BINARY, COMPARE, SELECT, RESULT)                                      \
  VECTOR(g) VECTOR(m) VECTOR(w)                                                                                        \
  SCALAR(momentum) SCALAR(rate)                                                                                        \
  BINARY(m_kept, mul, m, momentum) BINARY(step, mul, g, rate) BINARY(m_new, sub, m_kept, step)                         \
  BINARY(w_new, add, w, m_new)                                                                                         \
  RESULT(m_new) RESULT(w_new)

#define HL_CHAIN_lion_decay(VECTOR, SCALAR, UNARY, BINARY, COMPARE, SELECT, RESULT)                                    \
  VECTOR(g) VECTOR(m) VECTOR(w)                                                                                        \
  SCALAR(keep) SCALAR(take) SCALAR(rate) SCALAR(decay)                                                                 \
  BINARY(m_part, mul, m, keep) BINARY(g_part, mul, g, take) BINARY(mixed, add, m_part, g_part)                         \
  UNARY(way, sign, mixed) BINARY(step, mul, way, rate) BINARY(lost, mul, w, decay)                                     \
  BINARY(w_kept, sub, w, lost) BINARY(w_new, sub, w_kept, step)                                                        \
  RESULT(w_new)

#define HL_CHAIN_lion(VECTOR, SCALAR, UNARY, BINARY, COMPARE, SELECT, RESULT)                                          \
  VECTOR(g) VECTOR(m) VECTOR(w)                                                                                        \
  SCALAR(keep) SCALAR(take) SCALAR(rate)                                                                               \
  BINARY(m_part, mul, m, keep) BINARY(g_part, mul, g, take) BINARY(mixed, add, m_part, g_part)                         \
  UNARY(way, sign, mixed) BINARY(step, mul, way, rate) BINARY(w_new, sub, w, step)                                     \
  RESULT(w_new)

#define HL_CHAIN_sgd(VECTOR, SCALAR, UNARY, BINARY, COMPARE, SELECT, RESULT)                                           \
  VECTOR(g) VECTOR(w)                                                                                                  \
  SCALAR(rate)                                                                                                         \
  BINARY(step, mul, g, rate) BINARY(w_new, sub, w, step)                                                               \
  RESULT(w_new)

/* A moving average, for one: two vectors in fixed shares. */
#define HL_CHAIN_blend(VECTOR, SCALAR, UNARY, BINARY, COMPARE, SELECT, RESULT)                                         \
  VECTOR(x) VECTOR(y)                                                                                                  \
  SCALAR(of_x) SCALAR(of_y)                                                                                            \
  BINARY(x_part, mul, x, of_x) BINARY(y_part, mul, y, of_y) BINARY(mixed, add, x_part, y_part)                         \
  RESULT(mixed)

/* Activations: x + bias cut off at zero, and what passes through where another value is above zero. */
#define HL_CHAIN_bias_relu(VECTOR, SCALAR, UNARY, BINARY, COMPARE, SELECT, RESULT)                                     \
  VECTOR(x) VECTOR(bias)                                                                                               \
  SCALAR(zero)                                                                                                         \
  BINARY(sum, add, x, bias) COMPARE(off, le, sum, zero) SELECT(kept, off, zero, sum)                                   \
  RESULT(kept)

#define HL_CHAIN_relu_mask(VECTOR, SCALAR, UNARY, BINARY, COMPARE, SELECT, RESULT)                                     \
  VECTOR(by) VECTOR(x)                                                                                                 \
  SCALAR(zero)                                                                                                         \
  COMPARE(off, le, by, zero) SELECT(kept, off, zero, x)                                                                \
  RESULT(kept)
/* clang-format on */

/* Longer ones first: the compiler takes the first that fits. */
#define HL_CHAINS(X)                                                                                                   \
  X(nadam)                                                                                                             \
  X(adamw)                                                                                                             \
  X(rmsprop_centered)                                                                                                  \
  X(adam)                                                                                                              \
  X(rmsprop_momentum)                                                                                                  \
  X(rmsprop)                                                                                                           \
  X(lion_decay)                                                                                                        \
  X(adagrad)                                                                                                           \
  X(lion)                                                                                                              \
  X(nesterov)                                                                                                          \
  X(momentum)                                                                                                          \
  X(blend)                                                                                                             \
  X(bias_relu)                                                                                                         \
  X(sgd)                                                                                                               \
  X(relu_mask)

typedef enum hl_chain {
#define HL_CHAIN_ENUM(name) HL_CHAIN_##name,
  HL_CHAINS(HL_CHAIN_ENUM)
#undef HL_CHAIN_ENUM
      HL_CHAIN_COUNT
} hl_chain;

#define HL_CHAIN_VALUES 28 /* a chain has no more values */
#define HL_CHAIN_PLACES 16 /* nor inputs and results together */

/* places: the vectors, a lane of each scalar, the results, in the order of the declaration. n is a multiple of
   HL_LANES, vectors and results are 64-byte aligned, and a result may be the place of any vector. */
typedef void (*hl_chain_fn)(float *const *places, int64_t n);

/* Values are numbered in the order of the declaration: vectors, scalars, then what each step makes. */
typedef struct hl_chain_step {
  int16_t op; /* hl_op */
  int8_t inputs[3];
} hl_chain_step;

typedef struct hl_chain_pattern {
  const char *name;
  int32_t nvectors, nscalars, nsteps, nresults;
  hl_chain_step steps[HL_CHAIN_VALUES];
  int8_t results[HL_CHAIN_PLACES];
} hl_chain_pattern;

const hl_chain_pattern *hl_chain_pattern_of(hl_chain chain);

#endif
