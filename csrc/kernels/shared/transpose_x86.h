/* An 8 x 8 transpose in ymm registers, for both x86 instruction sets. */
#ifndef HL_TRANSPOSE_X86_H
#define HL_TRANSPOSE_X86_H

#include <immintrin.h>
#include <stdint.h>

#define HL_TRANSPOSE_BLOCK 8

/* dst[c*ldd + r] = src[r*lds + c] for r, c < 8. */
static inline void f32_transpose_block(float *dst, int64_t ldd, const float *src, int64_t lds) {
  __m256 row[8], pair[8], quad[8];
#pragma GCC unroll 8
  for (int r = 0; r < 8; ++r)
    row[r] = _mm256_loadu_ps(src + r * lds);
#pragma GCC unroll 4
  for (int r = 0; r < 8; r += 2) {
    pair[r] = _mm256_unpacklo_ps(row[r], row[r + 1]);
    pair[r + 1] = _mm256_unpackhi_ps(row[r], row[r + 1]);
  }
#pragma GCC unroll 2
  for (int r = 0; r < 8; r += 4) {
    quad[r] = _mm256_shuffle_ps(pair[r], pair[r + 2], 0x44);
    quad[r + 1] = _mm256_shuffle_ps(pair[r], pair[r + 2], 0xEE);
    quad[r + 2] = _mm256_shuffle_ps(pair[r + 1], pair[r + 3], 0x44);
    quad[r + 3] = _mm256_shuffle_ps(pair[r + 1], pair[r + 3], 0xEE);
  }
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    _mm256_storeu_ps(dst + c * ldd, _mm256_permute2f128_ps(quad[c], quad[c + 4], 0x20));
    _mm256_storeu_ps(dst + (c + 4) * ldd, _mm256_permute2f128_ps(quad[c], quad[c + 4], 0x31));
  }
}

#endif
