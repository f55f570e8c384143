/* The first lanes of a vector, for instruction sets without masked loads and stores; simd.h includes this behind
   f32_load and f32_store. */
#ifndef HL_SOME_BY_COPY_H
#define HL_SOME_BY_COPY_H

#include <stdint.h>
#include <string.h>

static inline f32x16 f32_load_some(const float *p, int64_t n) {
  float lanes[16] = {0};
  memcpy(lanes, p, sizeof *p * (size_t)n);
  return f32_load(lanes);
}
static inline void f32_store_some(float *p, f32x16 x, int64_t n) {
  float lanes[16];
  f32_store(lanes, x);
  memcpy(p, lanes, sizeof *p * (size_t)n);
}

#endif
