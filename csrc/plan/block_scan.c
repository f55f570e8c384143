/* Running sums and products along the middle axis of [outer, length, inner], one element after the other. */
#include <string.h>

#include "plan/block.h"
#include "plan/internal.h"

enum { OUTER, LENGTH, INNER, REVERSE, COMBINE };
enum { SUM_F, PROD_F, SUM_I, PROD_I, SCANS };
#define COLUMNS 1024 /* of a task: a row of them stays in L1 */

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }

static uint32_t bits_of(float lane) {
  uint32_t bits;
  memcpy(&bits, &lane, sizeof bits);
  return bits;
}

static float lane_of(uint32_t bits) {
  float lane;
  memcpy(&lane, &bits, sizeof lane);
  return lane;
}

/* dst = before (op) src, for one step along the axis. */
static void advance(int64_t how, float *dst, const float *before, const float *src, int64_t n) {
  switch (how) {
  case SUM_F:
    for (int64_t i = 0; i < n; i++)
      dst[i] = before[i] + src[i];
    break;
  case PROD_F:
    for (int64_t i = 0; i < n; i++)
      dst[i] = before[i] * src[i];
    break;
  case SUM_I:
    for (int64_t i = 0; i < n; i++)
      dst[i] = lane_of(bits_of(before[i]) + bits_of(src[i]));
    break;
  default:
    for (int64_t i = 0; i < n; i++)
      dst[i] = lane_of(bits_of(before[i]) * bits_of(src[i]));
  }
}

/* One line: the running value stays in a register. */
static void scan_line(int64_t how, float *dst, const float *src, int64_t length, int64_t step) {
  float run = src[0];
  uint32_t bits = bits_of(run);
  dst[0] = run;
  for (int64_t j = 1, at = step; j < length; j++, at += step) {
    switch (how) {
    case SUM_F:
      dst[at] = run = run + src[at];
      break;
    case PROD_F:
      dst[at] = run = run * src[at];
      break;
    case SUM_I:
      dst[at] = lane_of(bits = bits + bits_of(src[at]));
      break;
    default:
      dst[at] = lane_of(bits = bits * bits_of(src[at]));
    }
  }
}

static void scan_task(const hl_block *block, const hl_block_memory *memory, int64_t task) {
  const int64_t *s = block->sizes;
  int64_t length = s[LENGTH], inner = s[INNER], step = s[REVERSE] ? -inner : inner;
  int64_t start = s[REVERSE] ? (length - 1) * inner : 0;
  if (inner == 1) {
    int64_t last = min64((task + 1) * block->split[0], s[OUTER]);
    for (int64_t o = task * block->split[0]; o < last; o++)
      scan_line(s[COMBINE], memory->target + o * length + start, memory->sources[0] + o * length + start, length, step);
    return;
  }
  int64_t c0 = task % block->split[1] * COLUMNS, n = min64(COLUMNS, inner - c0);
  int64_t at = task / block->split[1] * length * inner + start + c0;
  memcpy(memory->target + at, memory->sources[0] + at, sizeof(float) * (size_t)n);
  for (int64_t j = 1; j < length; j++, at += step)
    advance(s[COMBINE], memory->target + at + step, memory->target + at, memory->sources[0] + at + step, n);
}

hl_status hl_block_scan(hl_plan *plan, hl_block *block) {
  const int64_t *s = block->sizes, limits[] = {2, SCANS};
  hl_status status = hl_block_check_sizes(plan, block, 5, limits, 2);
  if (status == HL_OK)
    status = hl_block_volume(plan, block, s[OUTER], s[LENGTH], s[INNER], &block->target_extent);
  if (status != HL_OK)
    return status;
  block->source_extents[0] = block->target_extent;
  block->task = scan_task;
  block->cost = block->target_extent * (s[INNER] == 1 ? 8 : 2);
  if (s[INNER] == 1) {
    block->split[0] = hl_block_grain(s[OUTER], 8 * s[LENGTH]);
    block->ntasks = (s[OUTER] + block->split[0] - 1) / block->split[0];
  } else {
    block->split[1] = (s[INNER] + COLUMNS - 1) / COLUMNS;
    block->ntasks = s[OUTER] * block->split[1];
  }
  block->rows = s[OUTER];
  block->cols = s[INNER];
  block->depth = s[LENGTH];
  return HL_OK;
}
