/* Random numbers, copies of one number and of rows, sums over rows, transposes. */
#include <string.h>

#include "kernels/shared/isa.h"
#include "simd.h"

enum { BLOCKS = 8, WORDS = 4 * BLOCKS };

/* WORDS numbers from eight consecutive Philox blocks, each in a 64-bit lane, of whose words only the lower half is
   looked at. In every 128 bits the lanes are four blocks apart, so that the words come out in order. */
static inline __attribute__((always_inline)) void uniform_blocks(float *dst, uint32_t key0, uint32_t key1,
                                                                 uint32_t stream, uint64_t block) {
  uint64_t numbers[BLOCKS];
  for (int l = 0; l < BLOCKS; ++l)
    numbers[l] = block + (uint64_t)(l / 2 + l % 2 * (BLOCKS / 2));
  const i32x16 factor0 = i32_set1((int32_t)0xD2511F53u), factor1 = i32_set1((int32_t)0xCD9E8D57u);
  i32x16 c0 = i32_load((const float *)numbers), c1 = u64_high(c0);
  i32x16 c2 = i32_set1((int32_t)stream), c3 = i32_set1(0);
  for (int round = 0; round < 10; ++round) {
    i32x16 product0 = u64_mul(c0, factor0), product1 = u64_mul(c2, factor1);
    c0 = i32_xor(i32_xor(u64_high(product1), c1), i32_set1((int32_t)key0));
    c2 = i32_xor(i32_xor(u64_high(product0), c3), i32_set1((int32_t)key1));
    c1 = product1;
    c3 = product0;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  const i32x16 first = u64_join(c0, c1), second = u64_join(c2, c3);
  const i32x16 words[2] = {u64_even(first, second), u64_odd(first, second)};
  for (int v = 0; v < 2; ++v) {
    i32x16 upper = i32_and(i32_sra(words[v], 8), i32_set1(0xFFFFFF));
    f32_store(dst + v * HL_LANES, f32_mul(i32_to_f32(upper), f32_set1(0x1p-24f)));
  }
}

void HL_ISA_NAME(uniform)(float *dst, uint32_t key0, uint32_t key1, uint32_t stream, uint64_t first, int64_t n) {
  int64_t skip = (int64_t)(first % 4);
  for (uint64_t block = first / 4; n > 0; block += BLOCKS, skip = 0) {
    int64_t count = WORDS - skip < n ? WORDS - skip : n;
    if (count == WORDS) {
      uniform_blocks(dst, key0, key1, stream, block);
    } else {
      float numbers[WORDS];
      uniform_blocks(numbers, key0, key1, stream, block);
      memcpy(dst, numbers + skip, sizeof(float) * (size_t)count);
    }
    dst += count;
    n -= count;
  }
}

void HL_ISA_NAME(fill)(float *dst, float value, int64_t n) {
  const f32x16 all = f32_set1(value);
  for (int64_t i = 0; i < n; i += HL_LANES)
    f32_store(dst + i, all);
}

/* Of each row up to 16 columns, and zeros behind them. */
static void copy_narrow(float *dst, int64_t ldd, const float *src, int64_t lds, int64_t rows, int64_t cols,
                        int64_t width) {
  if (cols <= 0)
    for (int64_t r = 0; r < rows; ++r)
      f32_store_some(dst + r * ldd, f32_set1(0.0f), width);
  else if (width < HL_LANES)
    for (int64_t r = 0; r < rows; ++r)
      f32_store_some(dst + r * ldd, f32_load_some(src + r * lds, cols), width);
  else if (cols < HL_LANES)
    for (int64_t r = 0; r < rows; ++r)
      f32_store(dst + r * ldd, f32_load_some(src + r * lds, cols));
  else
    for (int64_t r = 0; r < rows; ++r)
      f32_store(dst + r * ldd, f32_load(src + r * lds));
}

void HL_ISA_NAME(copy_rows)(float *dst, int64_t ldd, const float *src, int64_t lds, int64_t rows, int64_t cols,
                            int64_t width) {
  int64_t c = 0; /* what goes row by row, which is the order in memory */
  if (cols >= 2 * HL_LANES) {
    c = cols / HL_LANES * HL_LANES;
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t v = 0; v < c; v += HL_LANES)
        f32_store(dst + r * ldd + v, f32_load(src + r * lds + v));
  }
  for (; c < width; c += HL_LANES)
    copy_narrow(dst + c, ldd, src + c, lds, rows, cols - c, width - c < HL_LANES ? width - c : HL_LANES);
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

/* What is left over of rows or columns is done with some of their neighbours once more: element by element, the ten
   columns of an output layer would take twice the time. */
void HL_ISA_NAME(transpose)(float *dst, int64_t ldd, const float *src, int64_t lds, int64_t rows, int64_t cols) {
  const int64_t block = HL_TRANSPOSE_BLOCK, last_row = rows - block, last_col = cols - block;
  if (last_row >= 0 && last_col >= 0) {
    for (int64_t c = 0; c < cols; c += block) {
      const int64_t col = c < last_col ? c : last_col;
      for (int64_t r = 0; r < rows; r += block) {
        const int64_t row = r < last_row ? r : last_row;
        f32_transpose_block(dst + col * ldd + row, ldd, src + row * lds + col, lds);
      }
    }
    return;
  }
  for (int64_t c = 0; c < cols; ++c)
    for (int64_t r = 0; r < rows; ++r)
      dst[c * ldd + r] = src[r * lds + c];
}
