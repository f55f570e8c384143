/* Rows chosen by number, and rows added up (or otherwise combined) by number. */
#include <string.h>

#include "plan/block.h"
#include "plan/internal.h"

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }

/* ---- gather ------------------------------------------------------------------------------------------------------ */

enum { BATCH, ROWS, COLS, COUNT, SHARED, LAST };

static void fill_row(float *dst, int64_t cols, uint32_t bits) {
  for (int64_t c = 0; c < cols; c++)
    memcpy(dst + c, &bits, sizeof bits);
}

static void gather_task(const hl_block *block, const hl_block_memory *memory, int64_t task) {
  const int64_t *s = block->sizes;
  int64_t rows = s[ROWS], cols = s[COLS], count = s[COUNT];
  int64_t first = task * block->split[0], last = min64(first + block->split[0], s[BATCH] * count);
  uint32_t fill = (uint32_t)s[LAST];
  for (int64_t i = first; i < last; i++) {
    int64_t batch = i / count;
    int32_t row;
    memcpy(&row, memory->sources[1] + (s[SHARED] ? i - batch * count : i), sizeof row);
    float *dst = memory->target + i * cols;
    if (row < 0 || row >= rows) {
      fill_row(dst, cols, fill);
    } else if (block->sources[0].panel) {
      const float *src = memory->sources[0] + (int64_t)row * HL_PANEL;
      for (int64_t c = 0; c < cols; c += HL_PANEL, src += rows * HL_PANEL)
        memcpy(dst + c, src, sizeof(float) * (size_t)min64(HL_PANEL, cols - c));
    } else if (cols == 1) {
      *dst = memory->sources[0][batch * rows + row];
    } else {
      memcpy(dst, memory->sources[0] + (batch * rows + row) * cols, sizeof(float) * (size_t)cols);
    }
  }
}

/* Sizes that gather and scatter share: all but the last. */
static hl_status check_rows(hl_plan *plan, hl_block *block, int64_t last_limit, int64_t *table, int64_t *picked,
                            int64_t *indices) {
  const int64_t *s = block->sizes;
  const int64_t limits[] = {2, last_limit};
  hl_status status = hl_block_check_sizes(plan, block, 6, limits, 2);
  if (status != HL_OK)
    return status;
  if (s[ROWS] > INT32_MAX)
    return hl_plan_fail(plan, HL_ERR_ARGUMENT, "step %d: rows are numbered with int32; there are %lld", plan->nsteps,
                        (long long)s[ROWS]);
  if ((status = hl_block_volume(plan, block, s[BATCH], s[ROWS], s[COLS], table)) ||
      (status = hl_block_volume(plan, block, s[BATCH], s[COUNT], s[COLS], picked)) ||
      (status = hl_block_volume(plan, block, s[SHARED] ? 1 : s[BATCH], s[COUNT], 1, indices)))
    return status;
  block->rows = s[BATCH] * s[COUNT];
  block->cols = s[COLS];
  block->depth = s[ROWS];
  return HL_OK;
}

hl_status hl_block_gather(hl_plan *plan, hl_block *block) {
  const int64_t *s = block->sizes;
  hl_status status = check_rows(plan, block, (int64_t)1 << 32, &block->source_extents[0], &block->target_extent,
                                &block->source_extents[1]);
  if (status != HL_OK)
    return status;
  block->panels_allowed = s[BATCH] == 1;
  if (block->sources[0].panel &&
      (status = hl_block_volume(plan, block, s[ROWS], s[COLS] / HL_PANEL + (s[COLS] % HL_PANEL != 0), HL_PANEL,
                                &block->source_extents[0])))
    return status;
  int64_t rows = s[BATCH] * s[COUNT], row_cost = 8 + s[COLS];
  block->task = gather_task;
  block->split[0] = hl_block_grain(rows, row_cost);
  block->ntasks = (rows + block->split[0] - 1) / block->split[0];
  block->cost = rows * row_cost;
  return HL_OK;
}

/* ---- scatter ----------------------------------------------------------------------------------------------------- */

static int32_t as_int(float lane) {
  int32_t value;
  memcpy(&value, &lane, sizeof value);
  return value;
}

static float as_lane(uint32_t bits) {
  float lane;
  memcpy(&lane, &bits, sizeof lane);
  return lane;
}

static const uint32_t neutral[HL_COMBINE_COUNT] = {
#define X(name, binary, row, bits) bits,
    HL_COMBINES(X)
#undef X
};

#define EACH(expression)                                                                                               \
  for (int64_t c = 0; c < cols; c++) {                                                                                 \
    float a = dst[c], b = src[c];                                                                                      \
    dst[c] = expression;                                                                                               \
  }                                                                                                                    \
  break
#define INTS(expression) EACH(as_lane((uint32_t)(expression)))

/* NaN wins, as in the kernels. */
static void combine(int64_t how, float *restrict dst, const float *restrict src, int64_t cols) {
  switch ((hl_combine)how) {
  case HL_COMBINE_sum_f:
    EACH(a + b);
  case HL_COMBINE_max_f:
    EACH(a > b || a != a ? a : b);
  case HL_COMBINE_min_f:
    EACH(a < b || a != a ? a : b);
  case HL_COMBINE_prod_f:
    EACH(a * b);
  case HL_COMBINE_sum_i:
    INTS((uint32_t)as_int(a) + (uint32_t)as_int(b));
  case HL_COMBINE_max_i:
    INTS(as_int(a) > as_int(b) ? as_int(a) : as_int(b));
  case HL_COMBINE_min_i:
    INTS(as_int(a) < as_int(b) ? as_int(a) : as_int(b));
  case HL_COMBINE_prod_i:
    INTS((uint32_t)as_int(a) * (uint32_t)as_int(b));
  case HL_COMBINE_COUNT:
    break;
  }
}

/* A task owns a range of the target's rows and looks through all indices of the batch, so that every row is combined
   in the order of the indices, whoever does it. */
static void scatter_task(const hl_block *block, const hl_block_memory *memory, int64_t task) {
  const int64_t *s = block->sizes;
  int64_t rows = s[ROWS], cols = s[COLS], count = s[COUNT];
  int64_t batch = task / block->split[1], first = task % block->split[1] * block->split[0];
  int64_t last = min64(first + block->split[0], rows);
  const float *indices = memory->sources[0] + (s[SHARED] ? 0 : batch * count);
  const float *updates = memory->sources[1] + batch * count * cols;
  float *target = memory->target + batch * rows * cols;
  fill_row(target + first * cols, (last - first) * cols, neutral[s[LAST]]);
  for (int64_t i = 0; i < count; i++) {
    int64_t row = as_int(indices[i]);
    if (row >= first && row < last)
      combine(s[LAST], target + row * cols, updates + i * cols, cols);
  }
}

hl_status hl_block_scatter(hl_plan *plan, hl_block *block) {
  const int64_t *s = block->sizes;
  hl_status status = check_rows(plan, block, HL_COMBINE_COUNT, &block->target_extent, &block->source_extents[1],
                                &block->source_extents[0]);
  if (status != HL_OK)
    return status;
  /* Looking through the indices once more than there are parts should cost less than the adding itself. */
  int64_t work = s[ROWS] * s[COLS] + s[COUNT] * (s[COLS] + 4), most = 1;
  if (s[COUNT])
    most = s[COLS] / 2 + s[ROWS] * s[COLS] / s[COUNT];
  int64_t parts = max64(1, min64(min64(32, s[ROWS]), min64(most, work / 16384)));
  block->task = scatter_task;
  block->split[0] = max64(1, (s[ROWS] + parts - 1) / parts);
  block->split[1] = max64(1, (s[ROWS] + block->split[0] - 1) / block->split[0]);
  block->ntasks = s[BATCH] * block->split[1];
  block->cost = s[BATCH] * work;
  return HL_OK;
}
