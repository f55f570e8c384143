/* Sorting the lines of a matrix by number, and finding places in a sorted line.

   Lanes become keys whose unsigned order is the wanted one: -0 equals 0, every NaN is one value above all others. A
   line is sorted as pairs of key and position, so that equal keys keep their order. */
#include <string.h>

#include "plan/block.h"
#include "plan/internal.h"

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }

static uint32_t key_of(float lane, int64_t is_float) {
  uint32_t bits;
  memcpy(&bits, &lane, sizeof bits);
  if (!is_float)
    return bits ^ 0x80000000u;
  if ((bits & 0x7fffffffu) > 0x7f800000u)
    return 0xffffffffu;
  if (bits == 0x80000000u)
    bits = 0;
  return bits >> 31 ? ~bits : bits | 0x80000000u;
}

/* ---- argsort ----------------------------------------------------------------------------------------------------- */

enum { ROWS, COLS, FLOATS, DESCENDING };
enum { SHORT_LINE = 40, DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, PASSES = 3 };

/* By key alone: pairs are in the order of their positions before, and equal keys stay so. */
static uint64_t *radix_sort(uint64_t *pairs, uint64_t *spare, uint32_t *counts, int64_t n) {
  memset(counts, 0, sizeof(uint32_t) * PASSES * DIGITS);
  for (int64_t i = 0; i < n; i++)
    for (int pass = 0; pass < PASSES; pass++)
      counts[pass * DIGITS + (pairs[i] >> (32 + pass * DIGIT_BITS) & (DIGITS - 1))]++;
  for (int pass = 0; pass < PASSES; pass++) {
    uint32_t *count = counts + pass * DIGITS, before = 0;
    int shift = 32 + pass * DIGIT_BITS;
    if (count[pairs[0] >> shift & (DIGITS - 1)] == (uint32_t)n)
      continue;
    for (int d = 0; d < DIGITS; d++) {
      uint32_t here = count[d];
      count[d] = before;
      before += here;
    }
    for (int64_t i = 0; i < n; i++)
      spare[count[pairs[i] >> shift & (DIGITS - 1)]++] = pairs[i];
    uint64_t *swap = pairs;
    pairs = spare;
    spare = swap;
  }
  return pairs;
}

static void insertion_sort(uint64_t *pairs, int64_t n) {
  for (int64_t i = 1; i < n; i++) {
    uint64_t pair = pairs[i];
    int64_t j = i;
    for (; j > 0 && pairs[j - 1] > pair; j--)
      pairs[j] = pairs[j - 1];
    pairs[j] = pair;
  }
}

static void argsort_task(const hl_block *block, const hl_block_memory *memory, int64_t task) {
  const int64_t *s = block->sizes;
  int64_t n = s[COLS], last = min64((task + 1) * block->split[0], s[ROWS]);
  uint64_t *pairs = (uint64_t *)(void *)memory->scratch, *spare = pairs + n;
  uint32_t *counts = (uint32_t *)(void *)(spare + n);
  for (int64_t row = task * block->split[0]; row < last; row++) {
    const float *src = memory->sources[0] + row * n;
    for (int64_t i = 0; i < n; i++) {
      uint32_t key = key_of(src[i], s[FLOATS]);
      pairs[i] = (uint64_t)(s[DESCENDING] ? ~key : key) << 32 | (uint64_t)i;
    }
    const uint64_t *sorted = pairs;
    if (n <= SHORT_LINE)
      insertion_sort(pairs, n);
    else
      sorted = radix_sort(pairs, spare, counts, n);
    for (int64_t i = 0; i < n; i++) {
      uint32_t position = (uint32_t)sorted[i];
      memcpy(memory->target + row * n + i, &position, sizeof position);
    }
  }
}

hl_status hl_block_argsort(hl_plan *plan, hl_block *block) {
  const int64_t *s = block->sizes, limits[] = {2, 2};
  hl_status status = hl_block_check_sizes(plan, block, 4, limits, 2);
  if (status == HL_OK)
    status = hl_block_volume(plan, block, s[ROWS], s[COLS], 1, &block->target_extent);
  if (status != HL_OK)
    return status;
  if (s[COLS] > INT32_MAX)
    return hl_plan_fail(plan, HL_ERR_ARGUMENT, "step %d: positions are int32; a line has %lld", plan->nsteps,
                        (long long)s[COLS]);
  int64_t line_cost = 64 * s[COLS];
  block->source_extents[0] = block->target_extent;
  block->task = argsort_task;
  block->split[0] = hl_block_grain(s[ROWS], line_cost);
  block->ntasks = (s[ROWS] + block->split[0] - 1) / block->split[0];
  block->cost = 64 * block->target_extent;
  block->scratch = 16 * s[COLS] + (int64_t)sizeof(uint32_t) * PASSES * DIGITS;
  block->rows = s[ROWS];
  block->cols = s[COLS];
  return HL_OK;
}

/* ---- search ------------------------------------------------------------------------------------------------------ */

enum { LENGTH, COUNT, ARE_FLOATS, RIGHT };

static void search_task(const hl_block *block, const hl_block_memory *memory, int64_t task) {
  const int64_t *s = block->sizes;
  int64_t last = min64((task + 1) * block->split[0], s[COUNT]);
  for (int64_t i = task * block->split[0]; i < last; i++) {
    uint32_t wanted = key_of(memory->sources[1][i], s[ARE_FLOATS]);
    int64_t low = 0, high = s[LENGTH];
    while (low < high) {
      int64_t middle = low + (high - low) / 2;
      uint32_t key = key_of(memory->sources[0][middle], s[ARE_FLOATS]);
      if (key < wanted || (s[RIGHT] && key == wanted))
        low = middle + 1;
      else
        high = middle;
    }
    int32_t place = (int32_t)low;
    memcpy(memory->target + i, &place, sizeof place);
  }
}

hl_status hl_block_search(hl_plan *plan, hl_block *block) {
  const int64_t *s = block->sizes, limits[] = {2, 2};
  hl_status status = hl_block_check_sizes(plan, block, 4, limits, 2);
  if (status == HL_OK)
    status = hl_block_volume(plan, block, s[COUNT], 1, 1, &block->target_extent);
  if (status != HL_OK)
    return status;
  if (s[LENGTH] > INT32_MAX)
    return hl_plan_fail(plan, HL_ERR_ARGUMENT, "step %d: places are int32; the line has %lld", plan->nsteps,
                        (long long)s[LENGTH]);
  int64_t price = 16;
  for (int64_t length = s[LENGTH]; length; length /= 2)
    price += 16;
  block->source_extents[0] = s[LENGTH];
  block->source_extents[1] = s[COUNT];
  block->task = search_task;
  block->split[0] = hl_block_grain(s[COUNT], price);
  block->ntasks = (s[COUNT] + block->split[0] - 1) / block->split[0];
  block->cost = s[COUNT] * price;
  block->rows = s[COUNT];
  block->cols = 1;
  block->depth = s[LENGTH];
  return HL_OK;
}
