/* Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). */
#ifndef HL_CORE_RNG_H
#define HL_CORE_RNG_H

#include <stdint.h>

/* Word (element % 4) of the block with counter (element / 4 as 64 bits, stream, 0) and key (key0, key1). The SIMD
   kernel `uniform` in kernels/shared makes its numbers of the same words. */
uint32_t hl_philox_word(uint32_t key0, uint32_t key1, uint32_t stream, uint64_t element);

/* `count` numbers low + width * u, computed in double precision, with u from [0, 1) of Philox4x64-10: the words of the
   blocks 1, 2, ... as the counter, shifted right by 11, in units of 2^-53. These are the numbers of a new
   numpy.random.Generator(numpy.random.Philox(key=...)). */
void hl_philox_uniform(float *numbers, int64_t count, uint64_t key0, uint64_t key1, double low, double width);

#endif
