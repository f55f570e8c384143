/* Random words, sums over rows, transposes. */
#include <string.h>

#include "kernels/shared/isa.h"
#include "simd.h"

enum { BLOCKS = 16, WORDS = 4 * BLOCKS };

/* 16 consecutive Philox blocks of four words; loops over lanes that the compiler turns into vector multiplies. */
static void philox_blocks(uint32_t words[WORDS], uint32_t key0, uint32_t key1, uint32_t stream, uint64_t block) {
  uint32_t c0[BLOCKS], c1[BLOCKS], c2[BLOCKS], c3[BLOCKS];
  for (int l = 0; l < BLOCKS; ++l) {
    c0[l] = (uint32_t)(block + (uint64_t)l);
    c1[l] = (uint32_t)((block + (uint64_t)l) >> 32);
    c2[l] = stream;
    c3[l] = 0;
  }
  for (int round = 0; round < 10; ++round) {
    for (int l = 0; l < BLOCKS; ++l) {
      uint64_t product0 = (uint64_t)0xD2511F53u * c0[l], product1 = (uint64_t)0xCD9E8D57u * c2[l];
      c0[l] = (uint32_t)(product1 >> 32) ^ c1[l] ^ key0;
      c2[l] = (uint32_t)(product0 >> 32) ^ c3[l] ^ key1;
      c1[l] = (uint32_t)product1;
      c3[l] = (uint32_t)product0;
    }
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  for (int l = 0; l < BLOCKS; ++l) {
    words[4 * l] = c0[l];
    words[4 * l + 1] = c1[l];
    words[4 * l + 2] = c2[l];
    words[4 * l + 3] = c3[l];
  }
}

void HL_ISA_NAME(philox)(uint32_t *dst, uint32_t key0, uint32_t key1, uint32_t stream, uint64_t first, int64_t n) {
  uint32_t words[WORDS];
  int64_t skip = (int64_t)(first % 4), done = 0;
  for (uint64_t block = first / 4; done < n; block += BLOCKS, skip = 0) {
    philox_blocks(words, key0, key1, stream, block);
    int64_t count = WORDS - skip < n - done ? WORDS - skip : n - done;
    memcpy(dst + done, words + skip, sizeof(uint32_t) * (size_t)count);
    done += count;
  }
}

void HL_ISA_NAME(colsum_f)(float *acc, const float *src, int64_t rows, int64_t n, int64_t ld) {
  int64_t j = 0;
  for (; j + 4 * HL_LANES <= n; j += 4 * HL_LANES) { /* four chains of additions at a time hide their latency */
    f32x16 sum0 = f32_load(acc + j), sum1 = f32_load(acc + j + HL_LANES);
    f32x16 sum2 = f32_load(acc + j + 2 * HL_LANES), sum3 = f32_load(acc + j + 3 * HL_LANES);
    for (int64_t r = 0; r < rows; ++r) {
      const float *row = src + r * ld + j;
      sum0 = f32_add(sum0, f32_load(row));
      sum1 = f32_add(sum1, f32_load(row + HL_LANES));
      sum2 = f32_add(sum2, f32_load(row + 2 * HL_LANES));
      sum3 = f32_add(sum3, f32_load(row + 3 * HL_LANES));
    }
    f32_store(acc + j, sum0);
    f32_store(acc + j + HL_LANES, sum1);
    f32_store(acc + j + 2 * HL_LANES, sum2);
    f32_store(acc + j + 3 * HL_LANES, sum3);
  }
  for (; j < n; j += HL_LANES) {
    f32x16 sum = f32_load(acc + j);
    for (int64_t r = 0; r < rows; ++r)
      sum = f32_add(sum, f32_load(src + r * ld + j));
    f32_store(acc + j, sum);
  }
}

void HL_ISA_NAME(transpose)(float *dst, int64_t ldd, const float *src, int64_t lds, int64_t rows, int64_t cols) {
  const int64_t block = HL_TRANSPOSE_BLOCK;
  const int64_t whole_rows = rows - rows % block, whole_cols = cols - cols % block;
  for (int64_t c = 0; c < whole_cols; c += block) {
    for (int64_t r = 0; r < whole_rows; r += block)
      f32_transpose_block(dst + c * ldd + r, ldd, src + r * lds + c, lds);
    for (int64_t r = whole_rows; r < rows; ++r)
      for (int64_t i = c; i < c + block; ++i)
        dst[i * ldd + r] = src[r * lds + i];
  }
  for (int64_t c = whole_cols; c < cols; ++c)
    for (int64_t r = 0; r < rows; ++r)
      dst[c * ldd + r] = src[r * lds + c];
}
