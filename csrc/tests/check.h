/* What C tests need: CHECK counts failures and says where; a test's main returns check_result(). */
#ifndef HL_CHECK_H
#define HL_CHECK_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"

static int check_failures;

/* CHECK(condition, "format", ...): the message tells the case apart from others at the same line. */
#define CHECK(condition, ...)                                                                                          \
  do {                                                                                                                 \
    if (!(condition) && ++check_failures <= 20) {                                                                      \
      printf("%s:%d: %s: ", __FILE__, __LINE__, #condition);                                                           \
      printf(__VA_ARGS__);                                                                                             \
      printf("\n");                                                                                                    \
    }                                                                                                                  \
  } while (0)

static inline int check_result(void) {
  if (check_failures > 0)
    printf("%d checks failed\n", check_failures);
  return check_failures == 0 ? 0 : 1;
}

static inline uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static inline float float_of(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* All NaNs are one: their sign and payload are the CPU's affair. */
static inline int same_float(float a, float b) { return bits_of(a) == bits_of(b) || (a != a && b != b); }

/* A small generator of test data (xorshift), the same everywhere. */
static inline uint32_t random_bits(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return (uint32_t)(*state >> 32);
}

/* Uniform in [-1, 1). */
static inline float random_float(uint64_t *state) { return (float)(int32_t)random_bits(state) * 0x1p-31f; }

static inline float *new_lanes(int64_t n) {
  void *lanes = aligned_alloc(64, ((size_t)(n > 0 ? n : 1) * sizeof(float) + 63) / 64 * 64);
  if (lanes == NULL)
    abort();
  return lanes;
}

/* Set HOTLOOP_TEST_QUICK under an emulator or sanitizers: smaller samples of the same cases. */
static inline int quick(void) { return getenv("HOTLOOP_TEST_QUICK") != NULL; }

static inline int has_fma(const hl_kernels *kernels) { return kernels->isa != HL_ISA_PORTABLE; }

#endif
