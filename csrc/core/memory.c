#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "core/memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Blocks of LARGE bytes and more are mapped by themselves, so that what a model held goes back to the system when it is
 * freed, whatever has been allocated since. In the heap it would wait there for another model of the same sizes.
 * Sanitizers watch malloc alone. */
#if (defined(__unix__) || defined(__APPLE__)) && !defined(__SANITIZE_ADDRESS__)
#include <sys/mman.h>
#define MAPS 1
#ifndef MAP_POPULATE /* Linux's: all pages at once, not one interrupt for each */
#define MAP_POPULATE 0
#endif
#else
#define MAPS 0
#endif

enum { ALIGNMENT = 64, LARGE = 1 << 17 };

/* Stands before each block, in ALIGNMENT bytes. */
typedef struct {
  size_t mapped; /* bytes, this included; 0 if the block is in the heap */
} head;

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

static void *take(size_t bytes) {
#if MAPS
  if (bytes >= LARGE) {
    void *place = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (place == MAP_FAILED)
      return NULL;
    ((head *)place)->mapped = bytes;
    return place;
  }
#endif
  void *place = aligned_alloc(ALIGNMENT, bytes);
  if (place != NULL)
    memset(place, 0, bytes);
  return place;
}

void *hl_alloc(int64_t count, int64_t size) {
  int64_t bytes;
  if (count < 0 || size < 0 || hl_mul_overflow(count, size, &bytes) || bytes > INT64_MAX - 2 * ALIGNMENT ||
      (uint64_t)bytes > (uint64_t)(SIZE_MAX - 2 * ALIGNMENT))
    return NULL;
  if (must_fail())
    return NULL;
  /* aligned_alloc wants a multiple of the alignment; an empty block still has an address of its own. */
  size_t rounded = bytes == 0 ? ALIGNMENT : ((size_t)bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  char *place = take(ALIGNMENT + rounded);
  return place == NULL ? NULL : place + ALIGNMENT;
}

void hl_free(void *block) {
  if (block == NULL)
    return;
  char *place = (char *)block - ALIGNMENT;
#if MAPS
  size_t mapped = ((head *)place)->mapped;
  if (mapped != 0) {
    munmap(place, mapped);
    return;
  }
#endif
  free(place);
}
