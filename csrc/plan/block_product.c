/* Many products of one shape: C[b] = op(A[b]) op(B[b]) for every b of up to six batch axes. The matrices of C follow
   each other; those of A and B are found by strides, 0 where one serves several. */
#include <stddef.h>

#include "plan/block.h"
#include "plan/internal.h"

enum { M, N, K, TRANS_A, TRANS_B, LD_A, LD_B, AXES, FIRST };
#define TASK_MACS (1 << 18) /* as for single products */

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }

static void product_task(const hl_block *block, const hl_block_memory *memory, int64_t task) {
  const int64_t *s = block->sizes, *dims = s + FIRST;
  int64_t axes = s[AXES];
  const int64_t *a_strides = dims + axes, *b_strides = a_strides + axes;
  int64_t count = block->split[3], per_product = block->ntasks / count;
  int64_t first = task / per_product * block->split[2], last = min64(first + block->split[2], block->rows);
  int64_t slabs = (s[N] + HL_PANEL - 1) / HL_PANEL, row_tasks = (s[M] + block->split[0] - 1) / block->split[0];
  int64_t part = task % per_product, i0 = part % row_tasks * block->split[0];
  int64_t s0 = part / row_tasks * block->split[1];
  for (int64_t b = first; b < last; b++) {
    hl_gemm g = block->gemm;
    g.a.data = memory->sources[0];
    g.b.data = memory->sources[1];
    g.c = memory->target + b * s[M] * s[N];
    int64_t rest = b;
    for (int64_t d = axes - 1; d >= 0; d--) {
      int64_t at = rest % dims[d];
      rest /= dims[d];
      g.a.data += at * a_strides[d];
      g.b.data += at * b_strides[d];
    }
    hl_gemm_run(memory->kernels, &g, i0, min64(i0 + block->split[0], s[M]), s0, min64(s0 + block->split[1], slabs),
                memory->scratch);
  }
}

/* Elements from the first to the last that the matrices [rows, cols] at the strides cover. */
static hl_status cover(hl_plan *plan, const hl_block *block, int64_t rows, int64_t cols, int64_t ld,
                       const int64_t *strides, int64_t *extent) {
  const int64_t *dims = block->sizes + FIRST;
  int64_t span;
  hl_status status;
  if (ld < cols)
    return hl_plan_fail(plan, HL_ERR_ARGUMENT, "step %d: ld %lld is less than %lld columns", plan->nsteps,
                        (long long)ld, (long long)cols);
  *extent = 0;
  if (rows == 0 || cols == 0)
    return HL_OK;
  if ((status = hl_block_volume(plan, block, rows - 1, ld, 1, &span)) ||
      (status = hl_block_volume(plan, block, cols, 1, 1, extent)))
    return status;
  *extent += span;
  for (int64_t d = 0; d < block->sizes[AXES]; d++) {
    if ((status = hl_block_volume(plan, block, dims[d] - 1, strides[d], 1, &span)))
      return status;
    *extent += span;
  }
  return HL_OK;
}

hl_status hl_block_product(hl_plan *plan, hl_block *block) {
  const int64_t *s = block->sizes;
  if (block->nsizes < FIRST || s[AXES] < 0 || s[AXES] > HL_BLOCK_AXES)
    return hl_plan_fail(plan, HL_ERR_ARGUMENT, "step %d: product takes %d sizes and three for each of up to %d axes",
                        plan->nsteps, FIRST, HL_BLOCK_AXES);
  hl_status status = hl_block_check_sizes(plan, block, (int32_t)(FIRST + 3 * s[AXES]), NULL, 0);
  if (status != HL_OK)
    return status;
  if (s[TRANS_A] > 1 || s[TRANS_B] > 1)
    return hl_plan_fail(plan, HL_ERR_ARGUMENT, "step %d: ta and tb of product are 0 or 1", plan->nsteps);
  int64_t count = 1;
  for (int64_t d = 0; d < s[AXES]; d++)
    if ((status = hl_block_volume(plan, block, count, s[FIRST + d], 1, &count)))
      return status;
  int64_t macs;
  if ((status = hl_block_volume(plan, block, s[M], s[N] / HL_PANEL * HL_PANEL + HL_PANEL, s[K] + 1, &macs)) ||
      (status = hl_block_volume(plan, block, macs, count, 1, &block->cost)) ||
      (status = hl_block_volume(plan, block, count, s[M], s[N], &block->target_extent)))
    return status;
  if (count) {
    const int64_t *strides = s + FIRST + s[AXES];
    int64_t ma = s[TRANS_A] ? s[K] : s[M], ka = s[TRANS_A] ? s[M] : s[K];
    int64_t kb = s[TRANS_B] ? s[N] : s[K], nb = s[TRANS_B] ? s[K] : s[N];
    if ((status = cover(plan, block, ma, ka, s[LD_A], strides, &block->source_extents[0])) ||
        (status = cover(plan, block, kb, nb, s[LD_B], strides + s[AXES], &block->source_extents[1])))
      return status;
  }
  hl_gemm *g = &block->gemm;
  *g = (hl_gemm){.m = s[M], .n = s[N], .k = s[K], .ldc = s[N], .c_layout = HL_ROW_MAJOR};
  g->a = (hl_gemm_a){.ld = s[LD_A], .trans = (int32_t)s[TRANS_A], .tiled = (int32_t)s[TRANS_A]};
  g->b = (hl_gemm_b){.ld = s[LD_B], .trans = (int32_t)s[TRANS_B], .layout = HL_ROW_MAJOR};
  block->cost = block->cost / 5 + 8 * block->target_extent;
  block->task = product_task;
  block->rows = count;
  block->cols = s[M] * s[N];
  block->depth = s[K];
  if (!block->target_extent)
    return HL_OK;
  hl_gemm_tasking(plan->kernels, g, 0, &block->split[0], &block->split[1]);
  block->split[0] = block->split[0] > 0 ? block->split[0] : 1;
  block->split[1] = block->split[1] > 0 ? block->split[1] : 1;
  block->split[2] = macs < TASK_MACS ? TASK_MACS / macs : 1; /* products that one task does */
  block->split[3] = (count + block->split[2] - 1) / block->split[2];
  int64_t slabs = (s[N] + HL_PANEL - 1) / HL_PANEL;
  int64_t row_tasks = (s[M] + block->split[0] - 1) / block->split[0];
  block->ntasks = block->split[3] * row_tasks * ((slabs + block->split[1] - 1) / block->split[1]);
  block->scratch = hl_gemm_scratch(plan->kernels, g);
  return HL_OK;
}
