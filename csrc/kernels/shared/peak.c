/* How fast this machine can multiply and add: the yardstick for shares of the peak. */
#include "kernels/shared/isa.h"
#include "simd.h"

/* As many independent chains as a product has accumulators in a tile: enough to hide the latency of one multiply-add,
   few enough to stay in registers. */
#define CHAINS HL_GEMM_MR_ROWS

int64_t HL_ISA_NAME(fma_chains)(float *sink, int64_t rounds) {
  const f32x16 half = f32_set1(0.5f), quarter = f32_set1(0.25f);
  f32x16 chain[CHAINS];
  for (int i = 0; i < CHAINS; ++i)
    chain[i] = f32_set1((float)i);
  /* x/2 + 1/4 tends to 1/2: no chain ends in infinities or denormals. */
  for (int64_t round = 0; round < rounds; ++round)
    for (int i = 0; i < CHAINS; ++i)
      chain[i] = f32_mac(chain[i], half, quarter);
  for (int i = 1; i < CHAINS; ++i)
    chain[0] = f32_add(chain[0], chain[i]);
  f32_store(sink, chain[0]);
  return rounds * CHAINS * HL_LANES * 2;
}
