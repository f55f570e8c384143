/* Products of a caller's array, most often a batch's rows, that run on lists of their nonzeros (gemm/sparse.h) while
   the data is sparse enough. That is looked up at the start of each run, in a few rows; the results are the same bits
   either way. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/fpenv.h"
#include "plan/internal.h"

enum {
  SAMPLED = 16,     /* rows that are looked at */
  LEAST_ROWS = 16,  /* of a transposed batch: fewer leave the lists of each column too short */
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

static int32_t is_few(const hl_step *step) { return !step->a.trans && step->gemm.m < HL_SPARSE_FEW; }

/* Of a bound array in panels it is worth remembering what was found in it. */
static int32_t is_kept_weight(const hl_plan *plan, const hl_step *step) {
  return plan->slots[step->b.slot].kind == HL_SLOT_BOUND && step->b.panel && !step->b.trans;
}

static _Atomic uint64_t changes;

void hl_kept_changed(void) { atomic_fetch_add_explicit(&changes, 1, memory_order_release); }

/* Whether it is known that the right operand is finite, or else worth a look: once, until a weight somewhere changes.
 */
static int32_t has_finite_weight(const hl_plan *plan, hl_step *step, const hl_run *run) {
  const hl_slot *slot = &plan->slots[step->b.slot];
  if (!is_kept_weight(plan, step) || slot->written || slot->number >= run->nkept)
    return 0;
  const float *data = plan->bases[step->b.slot] + step->b.offset;
  const uint64_t now = atomic_load_explicit(&changes, memory_order_acquire);
  hl_finite_weight *known = &step->weight;
  if (known->data != data || known->changes != now) {
    const hl_fpenv callers = hl_fpenv_enter();
    const int32_t finite = plan->kernels->finite(data, hl_panels_size(step->gemm.k, step->gemm.n));
    hl_fpenv_leave(callers);
    *known = (hl_finite_weight){.data = data, .changes = now, .finite = finite};
  }
  return known->finite;
}

void hl_step_allow_sparse(const hl_plan *plan, hl_step *step) {
  const hl_gemm *g = &step->gemm;
  const int32_t callers = step->a_input || plan->slots[step->a.slot].kind == HL_SLOT_BOUND;
  int large = g->n >= LEAST_WIDTH && (step->a.trans ? g->m : g->k) >= LEAST_DEPTH;
  large &= step->a.trans ? g->k >= LEAST_ROWS : g->m >= HL_SPARSE_FEW || is_kept_weight(plan, step);
  if (callers && (plan->sparse == HL_SPARSE_ALWAYS || (plan->sparse == HL_SPARSE_AUTO && large)))
    step->sparse = hl_sparse_shape(plan->kernels, g);
}

/* Rows of a product's left operand as it is stored. */
static int64_t stored_rows(const hl_step *step) { return step->a.trans ? step->gemm.k : step->gemm.m; }

/* Nonzeros, in percent, from which on a product computes all terms. */
static int64_t limit_of(const hl_step *step) {
  const int64_t rows = stored_rows(step);
  const int32_t less = (step->gemm.n < WIDE) + (rows < LONG) + (rows < HL_SPARSE_FEW);
  return DENSITY - DENSITY_LESS * (rows == 1 ? step->gemm.n < WIDE : less);
}

/* Nonzeros among the elements of a product's left operand, in percent: of some rows of this run. */
static int64_t density(const hl_plan *plan, const hl_step *step, const hl_run *run) {
  const hl_slot *slot = &plan->slots[step->a.slot];
  const float *data = slot->kind == HL_SLOT_INPUT ? run->inputs[slot->number].data : run->bound[slot->number].data;
  const int64_t *index = step->a_input ? run->index : NULL;
  const int64_t cols = step->a.trans ? step->gemm.m : step->gemm.k;
  const int64_t first = step->a_input ? run->start * plan->batch_size : 0;
  const int64_t rows = step->a_input ? run->steps * plan->batch_size : stored_rows(step);
  const int64_t sampled = rows < SAMPLED ? rows : SAMPLED;
  int64_t nonzeros = 0;
  for (int64_t i = 0; i < sampled; i++) {
    int64_t row = first + i * rows / sampled;
    const float *x = data + step->a.offset + (index ? index[row] : row) * step->gemm.a.ld;
    int32_t count = 0;
    for (int64_t c = 0; c < cols; c++)
      count += x[c] != 0.0f;
    nonzeros += count;
  }
  return sampled ? 100 * nonzeros / (sampled * cols) : 100;
}

/* Whether two products read the same matrix, be it once as it is and once transposed. */
static int same_data(const hl_step *x, const hl_step *y) {
  return x->a.slot == y->a.slot && x->a.offset == y->a.offset && x->gemm.a.ld == y->gemm.a.ld &&
         stored_rows(x) == stored_rows(y) && x->gemm.m * x->gemm.k == y->gemm.m * y->gemm.k;
}

void hl_plan_choose_sparse(hl_plan *plan, const hl_run *run) {
  int32_t changed = 0;
  const hl_step *looked_at = NULL;
  int64_t found = 0;
  for (int32_t i = 0; i < plan->nsteps; i++) {
    hl_step *step = &plan->steps[i];
    if (step->sparse.size == 0)
      continue;
    if (plan->sparse != HL_SPARSE_ALWAYS && !(looked_at && same_data(step, looked_at)))
      found = density(plan, looked_at = step, run);
    int32_t use = plan->sparse == HL_SPARSE_ALWAYS || found < limit_of(step);
    step->gemm.b.finite = use && !step->a.trans && has_finite_weight(plan, step, run);
    if (plan->sparse != HL_SPARSE_ALWAYS && is_few(step))
      use = step->gemm.b.finite;
    changed |= use != step->use_sparse;
    step->use_sparse = use;
  }
  if (changed)
    hl_plan_list_phases(plan);
}
