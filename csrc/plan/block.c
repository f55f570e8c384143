/* Block steps: what all kinds have in common. */
#include "plan/block.h"

#include <string.h>

#include "plan/internal.h"

#define BLOCK_TASK_COST 24576 /* lowest price of a task, as for tile programs */
#define BLOCK_MAX_TASKS 512

static const struct {
  const char *name;
  int32_t nsources;
  hl_status (*check)(hl_plan *plan, hl_block *block);
} kinds[HL_BLOCK_COUNT] = {
#define X(name, nsources) {#name, nsources, hl_block_##name},
    HL_BLOCKS(X)
#undef X
};

const char *hl_block_name(int32_t kind) { return kind >= 0 && kind < HL_BLOCK_COUNT ? kinds[kind].name : 0; }

hl_status hl_block_check_sizes(hl_plan *plan, const hl_block *block, int32_t nsizes, const int64_t *flag_limits,
                               int32_t nflags) {
  const char *name = kinds[block->kind].name;
  if (block->nsizes != nsizes)
    return hl_plan_fail(plan, HL_ERR_ARGUMENT, "step %d: %s takes %d sizes, not %d", plan->nsteps, name, nsizes,
                        block->nsizes);
  for (int32_t i = 0; i < nsizes; i++)
    if (block->sizes[i] < 0)
      return hl_plan_fail(plan, HL_ERR_ARGUMENT, "step %d: size %d of %s must not be negative", plan->nsteps, i, name);
  for (int32_t i = 0; i < nflags; i++) {
    int64_t flag = block->sizes[nsizes - nflags + i];
    if (flag >= flag_limits[i])
      return hl_plan_fail(plan, HL_ERR_ARGUMENT, "step %d: size %d of %s is a choice below %lld, not %lld",
                          plan->nsteps, nsizes - nflags + i, name, (long long)flag_limits[i], (long long)flag);
  }
  return HL_OK;
}

hl_status hl_block_volume(hl_plan *plan, const hl_block *block, int64_t a, int64_t b, int64_t c, int64_t *product) {
  /* A tenth of the range stays free for prices. */
  if (hl_mul_overflow(a, b, product) || hl_mul_overflow(*product, c, product) || *product > INT64_MAX / 1024)
    return hl_plan_fail(plan, HL_ERR_OVERFLOW, "step %d: the sizes of %s do not fit in 64 bits", plan->nsteps,
                        kinds[block->kind].name);
  return HL_OK;
}

int64_t hl_block_grain(int64_t count, int64_t unit_cost) {
  int64_t for_cost = BLOCK_TASK_COST / (unit_cost > 0 ? unit_cost : 1), for_count = count / BLOCK_MAX_TASKS + 1;
  int64_t grain = for_cost > for_count ? for_cost : for_count;
  return grain > 1 ? grain : 1;
}

static hl_status check_place(hl_plan *plan, const char *kind, const hl_place *place, int64_t extent, int source,
                             int64_t *low, int64_t *high) {
  int32_t n = plan->nsteps;
  char name[16] = "the target";
  if (source >= 0) {
    memcpy(name, "source 0", sizeof "source 0");
    name[7] = (char)('0' + source);
  }
  if (place->slot < 0 || place->slot >= plan->nslots)
    return hl_plan_fail(plan, HL_ERR_ARGUMENT, "step %d: %s of %s is in slot %d, which does not exist", n, name, kind,
                        place->slot);
  const hl_tile_memory *m = &plan->memories[place->slot];
  if (m->mapping != HL_MAP_NONE)
    return hl_plan_fail(plan, HL_ERR_ARGUMENT, "step %d: %s of %s cannot be in an input or output slot", n, name, kind);
  if (place->offset < 0 || place->offset > m->size || extent > m->size - place->offset)
    return hl_plan_fail(plan, HL_ERR_ARGUMENT,
                        "step %d: %s of %s needs elements %lld to %lld of slot %d, which has %lld", n, name, kind,
                        (long long)place->offset, (long long)(place->offset + extent), place->slot, (long long)m->size);
  if (source < 0 && m->readonly)
    return hl_plan_fail(plan, HL_ERR_ARGUMENT, "step %d: %s of %s must be writable", n, name, kind);
  if (place->panel && (place->offset % HL_LANES || !m->aligned))
    return hl_plan_fail(plan, HL_ERR_ARGUMENT, "step %d: the panels of %s need a 64-byte aligned start", n, kind);
  *low = m->start + place->offset;
  *high = *low + extent - 1;
  return HL_OK;
}

static hl_status check_block(hl_plan *plan, hl_block *block) {
  hl_status status = kinds[block->kind].check(plan, block);
  if (status != HL_OK)
    return status;
  const char *name = kinds[block->kind].name;
  if (block->target.panel || (block->nsources > 1 && block->sources[1].panel) ||
      (block->sources[0].panel && !block->panels_allowed))
    return hl_plan_fail(plan, HL_ERR_ARGUMENT, "step %d: only the table of a gather in one batch can be in panels",
                        plan->nsteps);
  int64_t low, high, from, to;
  status = check_place(plan, name, &block->target, block->target_extent, -1, &low, &high);
  for (int32_t i = 0; status == HL_OK && i < block->nsources; i++) {
    const hl_place *source = &block->sources[i];
    status = check_place(plan, name, source, block->source_extents[i], i, &from, &to);
    if (status == HL_OK && plan->memories[source->slot].space == plan->memories[block->target.slot].space &&
        from <= high && low <= to)
      return hl_plan_fail(plan, HL_ERR_ARGUMENT, "step %d: the target of %s overlaps source %d", plan->nsteps, name, i);
  }
  return status;
}

hl_status hl_plan_add_block(hl_plan *plan, int32_t kind, const hl_place *target, const hl_place *sources,
                            int32_t nsources, const int64_t *sizes, int32_t nsizes) {
  hl_step *step = NULL;
  hl_status status = hl_plan_new_step(plan, &step);
  if (status != HL_OK)
    return status;
  if (kind < 0 || kind >= HL_BLOCK_COUNT || nsources != kinds[kind].nsources || nsizes < 0 || nsizes > HL_BLOCK_SIZES)
    return hl_plan_fail(plan, HL_ERR_ARGUMENT, "step %d: block kind %d with %d sources and %d sizes does not exist",
                        plan->nsteps, kind, nsources, nsizes);
  hl_block *block = hl_alloc(1, sizeof *block);
  if (!block)
    return hl_plan_fail(plan, HL_ERR_MEMORY, "step %d: no memory for a block step", plan->nsteps);
  block->kind = (hl_block_kind)kind;
  block->target = *target;
  block->nsources = nsources;
  block->nsizes = nsizes;
  memcpy(block->sources, sources, (size_t)nsources * sizeof *sources);
  memcpy(block->sizes, sizes, (size_t)nsizes * sizeof *sizes);
  status = check_block(plan, block);
  if (status != HL_OK) {
    hl_free(block);
    return status;
  }
  step->kind = HL_STEP_BLOCK;
  step->block = block;
  step->ntasks = block->target_extent ? block->ntasks : 0;
  step->cost = block->cost;
  step->scratch = block->scratch;
  step->gemm.m = block->rows;
  step->gemm.n = block->cols;
  step->gemm.k = block->depth;
  plan->slots[target->slot].written = 1;
  if (block->sources[0].panel)
    plan->slots[block->sources[0].slot].panels = 1;
  plan->nsteps++;
  return HL_OK;
}

void hl_block_run(const hl_block *block, const hl_kernels *kernels, float *const *bases, unsigned char *scratch,
                  int64_t task) {
  hl_block_memory memory = {.kernels = kernels, .scratch = scratch};
  memory.target = bases[block->target.slot] + block->target.offset;
  for (int32_t i = 0; i < block->nsources; i++)
    memory.sources[i] = bases[block->sources[i].slot] + block->sources[i].offset;
  block->task(block, &memory, task);
}
