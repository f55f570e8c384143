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
