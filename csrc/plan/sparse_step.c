/* Products of a batch's rows that run on lists of their nonzeros (gemm/sparse.h) while the data is sparse enough. That
   is looked up at the start of each run, in a few rows; the results are the same bits either way. */
#include <stdlib.h>
#include <string.h>

#include "plan/internal.h"

enum {
  SAMPLED = 16,     /* rows that are looked at */
  LEAST_ROWS = 16,  /* of a batch: fewer leave the lists of each column too short, or each weight read for too little */
  LEAST_DEPTH = 64, /* columns of a row */
  LEAST_WIDTH = 64, /* of the result, over which the making of lists is spread */
  DENSITY = 45,     /* in percent: with these many nonzeros, the product with all terms is as quick */
  DENSITY_LESS = 7, /* by so much lower if the result is narrow, and again if the batch is short */
  WIDE = 256,
  LONG = 64
};

hl_sparse_mode hl_sparse_default(void) {
  const char *setting = getenv("HOTLOOP_SPARSE");
  if (setting && strcmp(setting, "0") == 0)
    return HL_SPARSE_NEVER;
  return setting && strcmp(setting, "always") == 0 ? HL_SPARSE_ALWAYS : HL_SPARSE_AUTO;
}

void hl_plan_sparse(hl_plan *plan, hl_sparse_mode mode) { plan->sparse = mode; }

void hl_step_allow_sparse(const hl_plan *plan, hl_step *step) {
  const hl_gemm *g = &step->gemm;
  int large =
      g->m >= LEAST_ROWS && g->n >= LEAST_WIDTH && g->k >= LEAST_ROWS && (step->a.trans ? g->m : g->k) >= LEAST_DEPTH;
  if (step->a_input && (plan->sparse == HL_SPARSE_ALWAYS || (plan->sparse == HL_SPARSE_AUTO && large)))
    step->sparse = hl_sparse_shape(plan->kernels, g);
}

/* Nonzeros among the elements of a product's left operand, in percent: of some rows of this run. */
static int64_t density(const hl_plan *plan, const hl_step *step, const hl_run *run) {
  const hl_slot *slot = &plan->slots[step->a.slot];
  const float *data = (const float *)run->inputs[slot->number].data + step->a.offset;
  const int64_t cols = step->a.trans ? step->gemm.m : step->gemm.k;
  const int64_t first = run->start * plan->batch_size, rows = run->steps * plan->batch_size;
  const int64_t sampled = rows < SAMPLED ? rows : SAMPLED;
  int64_t nonzeros = 0;
  for (int64_t i = 0; i < sampled; i++) {
    int64_t row = first + i * rows / sampled;
    const float *x = data + (run->index ? run->index[row] : row) * slot->size;
    int32_t count = 0;
    for (int64_t c = 0; c < cols; c++)
      count += x[c] != 0.0f;
    nonzeros += count;
  }
  return sampled ? 100 * nonzeros / (sampled * cols) : 100;
}

void hl_plan_choose_sparse(hl_plan *plan, const hl_run *run) {
  int32_t changed = 0;
  for (int32_t i = 0; i < plan->nsteps; i++) {
    hl_step *step = &plan->steps[i];
    if (step->sparse.size == 0)
      continue;
    int64_t batch = step->a.trans ? step->gemm.k : step->gemm.m;
    int64_t limit = DENSITY - DENSITY_LESS * ((step->gemm.n < WIDE) + (batch < LONG));
    int32_t use = plan->sparse == HL_SPARSE_ALWAYS || density(plan, step, run) < limit;
    changed |= use != step->use_sparse;
    step->use_sparse = use;
  }
  if (changed)
    hl_plan_list_phases(plan);
}
