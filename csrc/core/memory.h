/* The one allocator. All blocks are 64-byte aligned; sizes are checked 64-bit products. */
#ifndef HL_CORE_MEMORY_H
#define HL_CORE_MEMORY_H

#include <stdint.h>

/* Returns zeroed, 64-byte aligned memory for count*size bytes, or NULL (also on overflow). */
void *hl_alloc(int64_t count, int64_t size);
void hl_free(void *block);

/* Tests: make the nth allocation from now fail (1 = the next); 0 switches the fault off. */
void hl_alloc_fail_after(int64_t nth);

/* Returns 0 and writes a*b, or returns 1 when it does not fit. */
int hl_mul_overflow(int64_t a, int64_t b, int64_t *product);

#endif
