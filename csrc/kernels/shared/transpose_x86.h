/* Transposes in registers: what both x86 instruction sets share. */
#ifndef HL_TRANSPOSE_X86_H
#define HL_TRANSPOSE_X86_H

#include <immintrin.h>
#include <stdint.h>

/* In each 128 bits of the n registers x, the squares of four rows (x[4q] to x[4q + 3]) are turned: quad[4q + c] has
   column c of each square. v is _mm256 or _mm512. */
#define HL_TURN_FOURS(v, quad, x, n)                                                                                   \
  _Pragma("GCC unroll 4") for (int i_ = 0; i_ < (n); i_ += 4) {                                                        \
    const __typeof__(x[0]) low = v##_unpacklo_ps(x[i_], x[i_ + 1]), high = v##_unpackhi_ps(x[i_], x[i_ + 1]);          \
    const __typeof__(x[0]) low2 = v##_unpacklo_ps(x[i_ + 2], x[i_ + 3]),                                               \
                           high2 = v##_unpackhi_ps(x[i_ + 2], x[i_ + 3]);                                              \
    quad[i_] = v##_shuffle_ps(low, low2, 0x44);                                                                        \
    quad[i_ + 1] = v##_shuffle_ps(low, low2, 0xEE);                                                                    \
    quad[i_ + 2] = v##_shuffle_ps(high, high2, 0x44);                                                                  \
    quad[i_ + 3] = v##_shuffle_ps(high, high2, 0xEE);                                                                  \
  }

#define HL_TRANSPOSE_BLOCK 8

/* dst[c*ldd + r] = src[r*lds + c] for r, c < 8. */
static inline void f32_transpose_block(float *dst, int64_t ldd, const float *src, int64_t lds) {
  __m256 row[8], quad[8];
#pragma GCC unroll 8
  for (int r = 0; r < 8; ++r)
    row[r] = _mm256_loadu_ps(src + r * lds);
  HL_TURN_FOURS(_mm256, quad, row, 8)
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    _mm256_storeu_ps(dst + c * ldd, _mm256_permute2f128_ps(quad[c], quad[c + 4], 0x20));
    _mm256_storeu_ps(dst + (c + 4) * ldd, _mm256_permute2f128_ps(quad[c], quad[c + 4], 0x31));
  }
}

#endif
