/* Tile steps, and closing a plan: groups of steps, the arena, scratch memory. Running is in run.c. */
#include "plan/plan.h"

#include <stdio.h>
#include <string.h>

#include "plan/internal.h"

hl_status hl_plan_new_step(hl_plan *plan, hl_step **step) {
  hl_status status = hl_plan_open(plan);
  if (status != HL_OK)
    return status;
  if (plan->nsteps == plan->steps_room) {
    int32_t room = plan->steps_room ? 2 * plan->steps_room : 16;
    if (hl_plan_grow((void **)&plan->steps, plan->nsteps, room, sizeof *plan->steps))
      return hl_plan_fail(plan, HL_ERR_MEMORY, "no memory for a step");
    plan->steps_room = room;
  }
  *step = &plan->steps[plan->nsteps];
  memset(*step, 0, sizeof **step);
  return HL_OK;
}

hl_status hl_plan_compile(hl_plan *plan, hl_step *step, const hl_tile_domain *domain, const hl_program *program) {
  char reason[HL_ERROR_TEXT];
  hl_status status = hl_tile_compile(plan->kernels, domain, program, plan->memories, plan->nslots, &step->tile, reason);
  if (status != HL_OK) {
    snprintf(plan->error, sizeof plan->error, "step %d: %s", plan->nsteps, reason[0] ? reason : hl_status_text(status));
    return status;
  }
  return HL_OK;
}

void hl_plan_note_program(hl_plan *plan, const hl_program *program) {
  for (int32_t i = 0; i < program->ninstructions; i++)
    if (program->instructions[i].op == HL_PROGRAM_store)
      plan->slots[program->operands[program->instructions[i].imm].slot].written = 1;
  for (int32_t i = 0; i < program->nreductions; i++)
    plan->slots[program->reductions[i].slot].written = 1;
  for (int32_t i = 0; i < program->noperands; i++)
    if (program->operands[i].panel)
      plan->slots[program->operands[i].slot].panels = 1;
}

hl_status hl_plan_add_tile(hl_plan *plan, int32_t nouter, const int64_t *outer, int64_t cols,
                           const hl_program *program) {
  hl_step *step = NULL;
  hl_status status = hl_plan_new_step(plan, &step);
  if (status != HL_OK)
    return status;
  hl_tile_domain domain = {.nouter = nouter, .cols = cols, .batch_size = plan->batch_size};
  domain.interpreted = plan->interpreted;
  if (nouter >= 0 && nouter <= HL_MAX_OUTER)
    for (int32_t i = 0; i < nouter; i++)
      domain.outer[i] = outer[i];
  status = hl_plan_compile(plan, step, &domain, program);
  if (status != HL_OK)
    return status;
  step->kind = HL_STEP_TILE;
  step->gemm.m = 1;
  for (int32_t i = 0; i < nouter; i++)
    step->gemm.m *= outer[i];
  step->gemm.n = cols;
  step->ntasks = hl_tile_ntasks(step->tile);
  step->cost = hl_tile_cost(step->tile);
  step->scratch = hl_tile_scratch(step->tile);
  if (hl_tile_partials(step->tile)) {
    step->partials = hl_alloc(hl_tile_partials(step->tile), 1);
    if (!step->partials) {
      hl_step_free(step);
      return hl_plan_fail(plan, HL_ERR_MEMORY, "step %d: no memory for its reductions", plan->nsteps);
    }
  }
  hl_plan_note_program(plan, program);
  plan->nsteps++;
  return HL_OK;
}

/* Runs of small steps on one thread; large steps on their own. */
static void make_groups(hl_plan *plan) {
  for (int32_t i = 0; i < plan->nsteps; i++) {
    hl_step *step = &plan->steps[i];
    int parallel = step->ntasks > 1 && step->ntasks <= HL_MAX_SHARED_TASKS && step->cost >= HL_PARALLEL_COST;
    hl_group *last = plan->ngroups ? &plan->groups[plan->ngroups - 1] : NULL;
    if (!parallel && last && !last->parallel)
      last->count++;
    else
      plan->groups[plan->ngroups++] = (hl_group){.first = i, .count = 1, .parallel = parallel};
    if (parallel && step->ntasks > plan->most_tasks)
      plan->most_tasks = step->ntasks;
    step->task_cost = step->ntasks ? step->cost / step->ntasks : 0;
    plan->scratch = step->scratch > plan->scratch ? step->scratch : plan->scratch;
    if (parallel && step->sparse.tasks > plan->most_tasks)
      plan->most_tasks = step->sparse.tasks;
  }
  hl_plan_list_phases(plan);
}

/* Whether the step's packing looks at nothing that a step writes: the caller's rows, say. */
static int packs_what_stays(const hl_plan *plan, const hl_step *step) {
  return hl_step_packs(step) && !plan->slots[step->a.slot].written &&
         (step->use_sparse || !hl_gemm_packs(plan->kernels, &step->gemm).b);
}

/* While thread 0 does a group of small steps: what they would pack themselves would go to the same place. */
static int may_pack_next(const hl_plan *plan, const hl_group *group) {
  if (group->parallel || group + 1 == plan->groups + plan->ngroups || !group[1].parallel)
    return 0;
  for (int32_t i = 0; i < group->count; i++)
    if (hl_step_packs(&plan->steps[group->first + i]))
      return 0;
  return packs_what_stays(plan, &plan->steps[group[1].first]);
}

void hl_plan_list_phases(hl_plan *plan) {
  plan->nshared = 0;
  for (int32_t g = 0; g < plan->ngroups; g++)
    plan->groups[g].packs_next = may_pack_next(plan, &plan->groups[g]);
  for (int32_t g = 0; g < plan->ngroups; g++) {
    if (!plan->groups[g].parallel)
      continue;
    const hl_step *step = &plan->steps[plan->groups[g].first];
    if (hl_step_packs(step))
      plan->shared[plan->nshared++] = (hl_phase){.step = plan->groups[g].first, .packing = 1};
    plan->shared[plan->nshared++] = (hl_phase){.step = plan->groups[g].first};
  }
}

hl_status hl_plan_finish(hl_plan *plan) {
  hl_status status = hl_plan_open(plan);
  if (status != HL_OK)
    return status;
  plan->groups = hl_alloc(plan->nsteps + 1, sizeof *plan->groups);
  plan->arena = hl_alloc(plan->arena_size + HL_LANES, sizeof(float));
  for (int32_t i = 0; i < plan->nsteps; i++) {
    const hl_step *step = &plan->steps[i];
    int64_t most = step->packed > step->sparse.size ? step->packed : step->sparse.size;
    plan->packed_size = most > plan->packed_size ? most : plan->packed_size;
  }
  plan->packed = hl_alloc(plan->packed_size, sizeof(float));
  plan->mapped = hl_alloc(plan->nslots + 1, sizeof *plan->mapped);
  plan->shared = hl_alloc(2 * plan->nsteps + 1, sizeof *plan->shared);
  if (plan->groups && plan->shared && plan->arena && plan->packed && plan->mapped) {
    make_groups(plan);
    plan->first_written = INT32_MAX;
    for (int32_t i = 0; i < plan->nslots; i++) {
      if (plan->memories[i].mapping != HL_MAP_NONE)
        plan->mapped[plan->nmapped++] = i;
      const hl_slot *slot = &plan->slots[i];
      if (slot->kind == HL_SLOT_BOUND && slot->written && slot->number < plan->first_written)
        plan->first_written = slot->number;
    }
    plan->bases_stride = (plan->nslots + 8) / 8 * 8;
    status = hl_plan_reserve(plan, plan->most_tasks ? hl_get_num_threads() : 1);
    if (status == HL_OK) {
      plan->finished = 1;
      return HL_OK;
    }
  }
  hl_free(plan->groups);
  hl_free(plan->shared);
  hl_free(plan->arena);
  hl_free(plan->packed);
  hl_free(plan->mapped);
  plan->groups = NULL;
  plan->shared = NULL;
  plan->arena = NULL;
  plan->packed = NULL;
  plan->mapped = NULL;
  plan->ngroups = plan->nshared = plan->nmapped = 0;
  plan->most_tasks = plan->scratch = 0;
  return hl_plan_fail(plan, HL_ERR_MEMORY, "no memory for the plan's arena of %lld elements",
                      (long long)plan->arena_size);
}

hl_status hl_plan_reserve(hl_plan *plan, int32_t n) {
  if (n > HL_MAX_THREADS)
    n = HL_MAX_THREADS;
  if (n <= plan->threads_room)
    return HL_OK;
  /* A cache line apart, so that threads do not share one at the ends. */
  plan->scratch = (plan->scratch + 63) / 64 * 64;
  unsigned char *scratch = hl_alloc(n, plan->scratch + 128);
  float **bases = hl_alloc(n * plan->bases_stride, sizeof *bases);
  hl_share *shares = hl_alloc(n, sizeof *shares);
  if (!scratch || !bases || !shares) {
    hl_free(scratch);
    hl_free(bases);
    hl_free(shares);
    return hl_plan_fail(plan, HL_ERR_MEMORY, "no memory for the scratch space of %d threads", n);
  }
  hl_free(plan->thread_scratch);
  hl_free(plan->bases);
  hl_free(plan->shares);
  plan->thread_scratch = scratch;
  plan->bases = bases;
  plan->shares = shares;
  plan->threads_room = n;
  return HL_OK;
}

int hl_plan_writes(const hl_plan *plan, int32_t slot) {
  return slot >= 0 && slot < plan->nslots && plan->slots[slot].written;
}

int32_t hl_plan_nsteps(const hl_plan *plan) { return plan->nsteps; }

void hl_plan_chains(hl_plan *plan, int enabled) { plan->interpreted = !enabled; }

void hl_plan_profile(hl_plan *plan, int enabled) {
  plan->profile = enabled;
  for (int32_t i = 0; i < plan->nsteps; i++)
    plan->steps[i].calls = plan->steps[i].nanoseconds = plan->steps[i].sparse_calls = plan->steps[i].macs = 0;
}

void hl_plan_profile_step(const hl_plan *plan, int32_t i, hl_step_profile *profile) {
  const hl_step *step = &plan->steps[i];
  const char *chain = step->tile ? hl_tile_chain(step->tile) : NULL;
  const char *kind = step->block ? hl_block_name(step->block->kind) : step->kind == HL_STEP_TILE ? "tile" : "gemm";
  *profile = (hl_step_profile){.kind = kind,
                               .chain = chain ? chain : "",
                               .rows = step->gemm.m,
                               .cols = step->gemm.n,
                               .depth = step->gemm.k,
                               .tasks = step->ntasks,
                               .calls = step->calls,
                               .nanoseconds = step->nanoseconds,
                               .sparse_calls = step->sparse_calls,
                               .macs = step->macs};
  for (int32_t g = 0; g < plan->ngroups; g++)
    if (plan->groups[g].first <= i && i < plan->groups[g].first + plan->groups[g].count)
      profile->parallel = plan->groups[g].parallel;
}
