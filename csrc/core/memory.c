#include "core/memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

/* Allocations left until the one that fails; 0 means that none does. */
static _Atomic int64_t fail_countdown;

int hl_mul_overflow(int64_t a, int64_t b, int64_t *product) { return __builtin_mul_overflow(a, b, product) ? 1 : 0; }

void hl_alloc_fail_after(int64_t nth) { atomic_store(&fail_countdown, nth); }

static int must_fail(void) {
  int64_t left = atomic_load(&fail_countdown);
  while (left > 0) {
    if (atomic_compare_exchange_weak(&fail_countdown, &left, left - 1))
      return left == 1;
  }
  return 0;
}

void *hl_alloc(int64_t count, int64_t size) {
  int64_t bytes;
  if (count < 0 || size < 0 || hl_mul_overflow(count, size, &bytes) || bytes > INT64_MAX - ALIGNMENT ||
      (uint64_t)bytes > (uint64_t)(SIZE_MAX - ALIGNMENT))
    return NULL;
  if (must_fail())
    return NULL;
  /* aligned_alloc wants a multiple of the alignment; an empty block still has an address of its own. */
  size_t rounded = bytes == 0 ? ALIGNMENT : ((size_t)bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  void *block = aligned_alloc(ALIGNMENT, rounded);
  if (block != NULL)
    memset(block, 0, rounded);
  return block;
}

void hl_free(void *block) { free(block); }
