/* Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). */
#ifndef HL_CORE_RNG_H
#define HL_CORE_RNG_H

#include <stdint.h>

/* Word (element % 4) of the block with counter (element / 4 as 64 bits, stream, 0) and key (key0, key1). The SIMD
   kernel `uniform` in kernels/shared makes its numbers of the same words. */
uint32_t hl_philox_word(uint32_t key0, uint32_t key1, uint32_t stream, uint64_t element);

#endif
