#include "core/rng.h"

uint32_t hl_philox_word(uint32_t key0, uint32_t key1, uint32_t stream, uint64_t element) {
  uint64_t block = element / 4;
  uint32_t c[4] = {(uint32_t)block, (uint32_t)(block >> 32), stream, 0};
  for (int round = 0; round < 10; ++round) {
    uint64_t product0 = (uint64_t)0xD2511F53u * c[0];
    uint64_t product1 = (uint64_t)0xCD9E8D57u * c[2];
    uint32_t next[4] = {(uint32_t)(product1 >> 32) ^ c[1] ^ key0, (uint32_t)product1,
                        (uint32_t)(product0 >> 32) ^ c[3] ^ key1, (uint32_t)product0};
    for (int i = 0; i < 4; ++i)
      c[i] = next[i];
    key0 += 0x9E3779B9u; /* the golden ratio */
    key1 += 0xBB67AE85u; /* sqrt(3) - 1 */
  }
  return c[element % 4];
}

/* The high half of a product; the low one is a * b. */
static inline uint64_t multiply_high(uint64_t a, uint64_t b) {
#ifdef __SIZEOF_INT128__
  __extension__ typedef unsigned __int128 wide;
  return (uint64_t)(((wide)a * b) >> 64);
#else
  uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
  uint64_t low = a0 * b0, left = a1 * b0, right = a0 * b1;
  uint64_t middle = (low >> 32) + (uint32_t)left + (uint32_t)right;
  return a1 * b1 + (left >> 32) + (right >> 32) + (middle >> 32);
#endif
}

void hl_philox_uniform(float *numbers, int64_t count, uint64_t key0, uint64_t key1, double low, double width) {
  const double unit = 1.0 / 9007199254740992.0; /* 2^-53 */
  for (int64_t start = 0; start < count; start += 4) {
    uint64_t c[4] = {(uint64_t)start / 4 + 1, 0, 0, 0}, k0 = key0, k1 = key1;
    for (int round = 0; round < 10; ++round) {
      uint64_t low0 = 0xD2E7470EE14C6C93u * c[0], high0 = multiply_high(0xD2E7470EE14C6C93u, c[0]);
      uint64_t low1 = 0xCA5A826395121157u * c[2], high1 = multiply_high(0xCA5A826395121157u, c[2]);
      c[0] = high1 ^ c[1] ^ k0;
      c[1] = low1;
      c[2] = high0 ^ c[3] ^ k1;
      c[3] = low0;
      k0 += 0x9E3779B97F4A7C15u; /* the golden ratio */
      k1 += 0xBB67AE8584CAA73Bu; /* sqrt(3) - 1 */
    }
    for (int i = 0; i < 4 && i < count - start; ++i)
      numbers[start + i] = (float)(low + width * ((double)(c[i] >> 11) * unit));
  }
}
