/* Plans: buffers, steps and their validation. Running is in run.c. */
#include "plan/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "plan/internal.h"

static hl_status fail(hl_plan *plan, hl_status status, const char *format, ...) {
  va_list list;
  va_start(list, format);
  vsnprintf(plan->error, sizeof plan->error, format, list);
  va_end(list);
  return status;
}

hl_status hl_plan_create(int64_t batch_size, hl_plan **out) {
  *out = NULL;
  if (batch_size < 1)
    return HL_ERR_ARGUMENT;
  hl_plan *plan = hl_alloc(1, sizeof *plan);
  if (!plan)
    return HL_ERR_MEMORY;
  plan->batch_size = batch_size;
  plan->kernels = hl_kernels_get();
  if (!plan->kernels) {
    hl_free(plan);
    return HL_ERR_ISA;
  }
  *out = plan;
  return HL_OK;
}

static void free_step(hl_step *step) {
  hl_tile_free(step->tile);
  hl_free(step->partials);
}

void hl_plan_destroy(hl_plan *plan) {
  if (!plan)
    return;
  for (int32_t i = 0; i < plan->nslots; i++)
    hl_free(plan->slots[i].data);
  for (int32_t i = 0; i < plan->nsteps; i++)
    free_step(&plan->steps[i]);
  hl_free(plan->slots);
  hl_free(plan->memories);
  hl_free(plan->steps);
  hl_free(plan->groups);
  hl_free(plan->shared);
  hl_free(plan->arena);
  hl_free(plan->bases);
  hl_free(plan->mapped);
  hl_free(plan->thread_scratch);
  hl_free(plan->shares);
  hl_free(plan);
}

const char *hl_plan_error(const hl_plan *plan) { return plan->error; }

/* Doubles an array. The old block is freed only when the new one is there. */
static int grow(void **block, int32_t count, int32_t room, size_t size) {
  void *bigger = hl_alloc(room, (int64_t)size);
  if (!bigger)
    return 1;
  if (count)
    memcpy(bigger, *block, (size_t)count * size);
  hl_free(*block);
  *block = bigger;
  return 0;
}

static hl_status open_plan(hl_plan *plan) {
  plan->error[0] = 0;
  if (plan->finished)
    return fail(plan, HL_ERR_ARGUMENT, "the plan is finished: nothing can be added to it");
  return HL_OK;
}

static hl_status add_slot(hl_plan *plan, hl_slot_kind kind, int64_t size, int64_t offset, const void *data,
                          int32_t *number) {
  hl_status status = open_plan(plan);
  if (status != HL_OK)
    return status;
  int64_t bytes;
  if (size < 0 || offset < 0)
    return fail(plan, HL_ERR_ARGUMENT, "slot %d: size %lld and offset %lld must not be negative", plan->nslots,
                (long long)size, (long long)offset);
  if (offset > INT64_MAX - size || hl_mul_overflow(size + offset, 4, &bytes))
    return fail(plan, HL_ERR_OVERFLOW, "slot %d: %lld elements do not fit in 64 bits", plan->nslots, (long long)size);
  if (plan->nslots == plan->slots_room) {
    int32_t room = plan->slots_room ? 2 * plan->slots_room : 16;
    if (grow((void **)&plan->slots, plan->nslots, room, sizeof *plan->slots) ||
        grow((void **)&plan->memories, plan->nslots, room, sizeof *plan->memories))
      return fail(plan, HL_ERR_MEMORY, "no memory for a slot");
    plan->slots_room = room;
  }
  hl_slot *slot = &plan->slots[plan->nslots];
  *slot = (hl_slot){.kind = kind, .size = size, .offset = offset};
  hl_tile_memory *memory = &plan->memories[plan->nslots];
  *memory = (hl_tile_memory){.space = plan->nslots + 1, .aligned = 1, .size = size, .row_size = size};
  switch (kind) {
  case HL_SLOT_ARENA:
    memory->space = 0; /* arena slots may overlap */
    memory->start = offset;
    memory->aligned = offset % HL_LANES == 0;
    if (offset + size > plan->arena_size)
      plan->arena_size = offset + size;
    break;
  case HL_SLOT_CONST:
    memory->readonly = 1;
    slot->data = hl_alloc(size > 0 ? size : 1, 4);
    if (!slot->data)
      return fail(plan, HL_ERR_MEMORY, "no memory for a constant of %lld elements", (long long)size);
    if (size)
      memcpy(slot->data, data, (size_t)size * 4);
    break;
  case HL_SLOT_BOUND:
    memory->bound = 1;
    slot->number = plan->nbound++;
    break;
  case HL_SLOT_INPUT:
    memory->mapping = HL_MAP_INPUT;
    memory->readonly = 1;
    memory->aligned = 0;
    slot->number = plan->ninputs++;
    break;
  case HL_SLOT_OUTPUT:
    memory->mapping = HL_MAP_OUTPUT;
    memory->aligned = 0;
    slot->number = plan->noutputs++;
    break;
  }
  *number = plan->nslots++;
  return HL_OK;
}

hl_status hl_plan_add_arena(hl_plan *plan, int64_t size, int64_t offset, int32_t *slot) {
  return add_slot(plan, HL_SLOT_ARENA, size, offset, NULL, slot);
}
hl_status hl_plan_add_const(hl_plan *plan, const void *data, int64_t size, int32_t *slot) {
  return add_slot(plan, HL_SLOT_CONST, size, 0, data, slot);
}
hl_status hl_plan_add_bound(hl_plan *plan, int64_t size, int32_t *slot) {
  return add_slot(plan, HL_SLOT_BOUND, size, 0, NULL, slot);
}
hl_status hl_plan_add_input(hl_plan *plan, int64_t row_size, int32_t *slot) {
  return add_slot(plan, HL_SLOT_INPUT, row_size, 0, NULL, slot);
}
hl_status hl_plan_add_output(hl_plan *plan, int64_t row_size, int32_t *slot) {
  return add_slot(plan, HL_SLOT_OUTPUT, row_size, 0, NULL, slot);
}

static hl_status new_step(hl_plan *plan, hl_step **step) {
  hl_status status = open_plan(plan);
  if (status != HL_OK)
    return status;
  if (plan->nsteps == plan->steps_room) {
    int32_t room = plan->steps_room ? 2 * plan->steps_room : 16;
    if (grow((void **)&plan->steps, plan->nsteps, room, sizeof *plan->steps))
      return fail(plan, HL_ERR_MEMORY, "no memory for a step");
    plan->steps_room = room;
  }
  *step = &plan->steps[plan->nsteps];
  memset(*step, 0, sizeof **step);
  return HL_OK;
}

static hl_status compile(hl_plan *plan, hl_step *step, const hl_tile_domain *domain, const hl_program *program) {
  char reason[HL_ERROR_TEXT];
  hl_status status = hl_tile_compile(plan->kernels, domain, program, plan->memories, plan->nslots, &step->tile, reason);
  if (status != HL_OK) {
    snprintf(plan->error, sizeof plan->error, "step %d: %s", plan->nsteps, reason[0] ? reason : hl_status_text(status));
    return status;
  }
  return HL_OK;
}

/* A step has been accepted: remember which slots it writes and which hold panels. */
static void note_program(hl_plan *plan, const hl_program *program) {
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
  hl_step *step;
  hl_status status = new_step(plan, &step);
  if (status != HL_OK)
    return status;
  hl_tile_domain domain = {.nouter = nouter, .cols = cols, .batch_size = plan->batch_size};
  if (nouter >= 0 && nouter <= HL_MAX_OUTER)
    for (int32_t i = 0; i < nouter; i++)
      domain.outer[i] = outer[i];
  status = compile(plan, step, &domain, program);
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
      free_step(step);
      return fail(plan, HL_ERR_MEMORY, "step %d: no memory for its reductions", plan->nsteps);
    }
  }
  note_program(plan, program);
  plan->nsteps++;
  return HL_OK;
}

/* Range of the elements of a matrix, relative to its slot (mapped slots: within one row). */
static hl_status check_matrix(hl_plan *plan, const char *name, const hl_matrix *x, int64_t rows, int64_t cols,
                              int may_map_rows, int64_t *low, int64_t *high) {
  int32_t n = plan->nsteps;
  if (x->slot < 0 || x->slot >= plan->nslots)
    return fail(plan, HL_ERR_ARGUMENT, "step %d: %s is in slot %d, which does not exist", n, name, x->slot);
  const hl_tile_memory *m = &plan->memories[x->slot];
  int64_t size = m->mapping == HL_MAP_NONE ? m->size : m->row_size, span;
  if (x->offset < 0)
    return fail(plan, HL_ERR_ARGUMENT, "step %d: %s has a negative offset", n, name);
  *low = x->offset;
  if (x->panel) {
    if (m->mapping != HL_MAP_NONE || x->offset % HL_LANES || !m->aligned)
      return fail(plan, HL_ERR_ARGUMENT,
                  "step %d: the panels of %s need a 64-byte aligned start and no input or output slot", n, name);
    int64_t slabs = cols / HL_PANEL + (cols % HL_PANEL != 0);
    if (hl_mul_overflow(rows, HL_PANEL, &span) || hl_mul_overflow(span, slabs, &span))
      return fail(plan, HL_ERR_OVERFLOW, "step %d: %s does not fit in 64 bits", n, name);
  } else {
    if (x->ld < cols)
      return fail(plan, HL_ERR_ARGUMENT, "step %d: %s has ld %lld but %lld columns", n, name, (long long)x->ld,
                  (long long)cols);
    if (m->mapping != HL_MAP_NONE) {
      if (!may_map_rows)
        return fail(plan, HL_ERR_ARGUMENT, "step %d: %s cannot be in an input or output slot", n, name);
      if (rows != plan->batch_size || (x->ld != m->row_size && rows > 1))
        return fail(plan, HL_ERR_ARGUMENT,
                    "step %d: %s is in an input or output slot: it needs %lld rows with ld %lld, not %lld with %lld", n,
                    name, (long long)plan->batch_size, (long long)m->row_size, (long long)rows, (long long)x->ld);
      span = cols;
    } else if (rows == 0 || cols == 0) {
      span = 0;
    } else if (hl_mul_overflow(rows - 1, x->ld, &span) || span > INT64_MAX - cols) {
      return fail(plan, HL_ERR_OVERFLOW, "step %d: %s does not fit in 64 bits", n, name);
    } else {
      span += cols;
    }
  }
  if (span > size || x->offset > size - span)
    return fail(plan, HL_ERR_ARGUMENT, "step %d: %s needs elements %lld to %lld of slot %d, which has %lld", n, name,
                (long long)x->offset, (long long)(x->offset + span), x->slot, (long long)size);
  *low += m->start;
  *high = *low + span - 1;
  return HL_OK;
}

static int touches(const hl_plan *plan, int32_t slot, int64_t low, int64_t high, int32_t other, int64_t other_low,
                   int64_t other_high) {
  return plan->memories[slot].space == plan->memories[other].space && low <= other_high && other_low <= high;
}

/* The epilogue, with the store of the product into c in front of it when there is a c as well. */
static hl_status compile_epilogue(hl_plan *plan, hl_step *step, const hl_matrix *c, const hl_program *given) {
  hl_tile_domain domain = {.nouter = 1, .epilogue = 1, .outer = {step->gemm.m}, .cols = step->gemm.n};
  domain.batch_size = plan->batch_size;
  domain.max_rows = step->a.trans ? plan->kernels->gemm_mr_tn : plan->kernels->gemm_mr_nn;
  if (!c)
    return compile(plan, step, &domain, given);
  if (given->noperands < 0 || given->ninstructions < 0 || given->noperands >= HL_MAX_PROGRAM ||
      given->ninstructions >= HL_MAX_PROGRAM)
    return fail(plan, HL_ERR_ARGUMENT, "step %d: the epilogue is too long", plan->nsteps);
  hl_operand *operands = hl_alloc(given->noperands + 1, sizeof *operands);
  hl_instruction *instructions = hl_alloc(given->ninstructions + 1, sizeof *instructions);
  hl_status status;
  if (!operands || !instructions) {
    status = fail(plan, HL_ERR_MEMORY, "step %d: no memory for its epilogue", plan->nsteps);
  } else {
    if (given->noperands)
      memcpy(operands, given->operands, (size_t)given->noperands * sizeof *operands);
    operands[given->noperands] = (hl_operand){
        .slot = c->slot, .panel = c->panel, .offset = c->offset, .outer_strides = {c->ld}, .col_stride = 1};
    instructions[0] = (hl_instruction){.op = HL_PROGRAM_store, .imm = (uint32_t)given->noperands};
    if (given->ninstructions)
      memcpy(instructions + 1, given->instructions, (size_t)given->ninstructions * sizeof *instructions);
    hl_program both = *given;
    both.noperands++;
    both.ninstructions++;
    both.operands = operands;
    both.instructions = instructions;
    status = compile(plan, step, &domain, &both);
  }
  hl_free(operands);
  hl_free(instructions);
  return status;
}

static hl_status check_gemm(hl_plan *plan, hl_step *step, const hl_matrix *c, const hl_program *epilogue) {
  const hl_gemm *g = &step->gemm;
  const hl_matrix *a = &step->a, *b = &step->b;
  int32_t n = plan->nsteps;
  int64_t range[3][2];
  if (g->m < 0 || g->n < 0 || g->k < 0)
    return fail(plan, HL_ERR_ARGUMENT, "step %d: m, n and k must not be negative", n);
  if (g->m > INT64_MAX / 64 || g->k > INT64_MAX / 64 || g->n > INT64_MAX / 64)
    return fail(plan, HL_ERR_OVERFLOW, "step %d: the product does not fit in 64 bits", n);
  if (!c && !epilogue)
    return fail(plan, HL_ERR_ARGUMENT, "step %d: a product needs c, an epilogue, or both", n);
  if (a->panel)
    return fail(plan, HL_ERR_ARGUMENT, "step %d: a cannot be in panels", n);
  hl_status status =
      check_matrix(plan, "a", a, a->trans ? g->k : g->m, a->trans ? g->m : g->k, 1, &range[0][0], &range[0][1]);
  if (status == HL_OK)
    status = check_matrix(plan, "b", b, b->trans ? g->n : g->k, b->trans ? g->k : g->n, 0, &range[1][0], &range[1][1]);
  if (status != HL_OK)
    return status;
  if (plan->slots[a->slot].kind == HL_SLOT_OUTPUT)
    return fail(plan, HL_ERR_ARGUMENT, "step %d: a cannot be in an output slot", n);
  if (c) {
    status = check_matrix(plan, "c", c, g->m, g->n, 1, &range[2][0], &range[2][1]);
    if (status != HL_OK)
      return status;
    if (plan->memories[c->slot].readonly || c->trans)
      return fail(plan, HL_ERR_ARGUMENT, "step %d: c must be writable and not transposed", n);
    for (int i = 0; i < 2; i++)
      if (touches(plan, c->slot, range[2][0], range[2][1], i ? b->slot : a->slot, range[i][0], range[i][1]))
        return fail(plan, HL_ERR_ARGUMENT, "step %d: c overlaps %c", n, "ab"[i]);
  }
  if (epilogue) {
    status = compile_epilogue(plan, step, c, epilogue);
    if (status != HL_OK)
      return status;
    for (int32_t i = 0; i < epilogue->ninstructions; i++) {
      if (epilogue->instructions[i].op != HL_PROGRAM_store)
        continue;
      int64_t low, high;
      const hl_operand *o = &epilogue->operands[epilogue->instructions[i].imm];
      hl_tile_stored_range(step->tile, (int32_t)epilogue->instructions[i].imm, &low, &high);
      for (int j = 0; j < 2; j++)
        if (touches(plan, o->slot, low, high, j ? b->slot : a->slot, range[j][0], range[j][1]))
          return fail(plan, HL_ERR_ARGUMENT, "step %d: the epilogue stores into %c, which other tiles still read", n,
                      "ab"[j]);
    }
  }
  return HL_OK;
}

hl_status hl_plan_add_gemm(hl_plan *plan, int64_t m, int64_t n, int64_t k, const hl_matrix *a, const hl_matrix *b,
                           const hl_matrix *c, const hl_program *epilogue) {
  hl_step *step;
  hl_status status = new_step(plan, &step);
  if (status != HL_OK)
    return status;
  step->kind = HL_STEP_GEMM;
  step->a = *a;
  step->b = *b;
  hl_gemm *g = &step->gemm;
  g->m = m;
  g->n = n;
  g->k = k;
  status = check_gemm(plan, step, c, epilogue);
  if (status != HL_OK) {
    free_step(step);
    return status;
  }
  g->a.ld = a->ld;
  g->a.trans = a->trans;
  g->b.layout = b->panel ? HL_PANELS : HL_ROW_MAJOR;
  g->b.ld = b->panel ? (b->trans ? n : k) : b->ld;
  g->b.trans = b->trans;
  if (c) {
    step->c = *c;
    step->has_c = 1;
    g->ldc = c->ld;
    g->c_layout = c->panel ? HL_PANELS : HL_ROW_MAJOR;
  }
  g->epilogue = epilogue ? hl_tile_epilogue : NULL;
  step->a_input = plan->slots[a->slot].kind == HL_SLOT_INPUT;
  if (step->a_input)
    g->a.ld = plan->slots[a->slot].size;
  hl_gemm_tasking(plan->kernels, m, n, k, a->trans, &step->task_rows, &step->task_slabs);
  step->task_rows = step->task_rows > 0 ? step->task_rows : 1;
  step->task_slabs = step->task_slabs > 0 ? step->task_slabs : 1;
  step->slabs = (n + HL_PANEL - 1) / HL_PANEL;
  step->row_tasks = (m + step->task_rows - 1) / step->task_rows;
  step->ntasks = step->row_tasks * ((step->slabs + step->task_slabs - 1) / step->task_slabs);
  /* A fused multiply-add of a register tile costs about a fifth of a lane of an elementwise kernel. */
  if (hl_mul_overflow(m * HL_PANEL, step->slabs, &step->cost) || hl_mul_overflow(step->cost, k / 5 + 2, &step->cost))
    step->cost = INT64_MAX / 2;
  if (epilogue)
    step->cost += hl_tile_cost(step->tile) / 2;
  step->epilogue_scratch = (hl_gemm_scratch(plan->kernels, m, n, k, a->trans, b->trans, g->b.layout) + 63) / 64 * 64;
  step->scratch = step->epilogue_scratch + (epilogue ? hl_tile_scratch(step->tile) : 0);
  if (epilogue)
    note_program(plan, epilogue);
  if (c)
    plan->slots[c->slot].written = 1;
  if (b->panel)
    plan->slots[b->slot].panels = 1;
  if (c && c->panel)
    plan->slots[c->slot].panels = 1;
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
  }
  for (int32_t g = 0; g < plan->ngroups; g++)
    if (plan->groups[g].parallel)
      plan->shared[plan->nshared++] = g;
}

hl_status hl_plan_finish(hl_plan *plan) {
  hl_status status = open_plan(plan);
  if (status != HL_OK)
    return status;
  plan->groups = hl_alloc(plan->nsteps + 1, sizeof *plan->groups);
  plan->arena = hl_alloc(plan->arena_size + HL_LANES, sizeof(float));
  plan->mapped = hl_alloc(plan->nslots + 1, sizeof *plan->mapped);
  plan->shared = hl_alloc(plan->nsteps + 1, sizeof *plan->shared);
  if (plan->groups && plan->shared && plan->arena && plan->mapped) {
    make_groups(plan);
    for (int32_t i = 0; i < plan->nslots; i++)
      if (plan->memories[i].mapping != HL_MAP_NONE)
        plan->mapped[plan->nmapped++] = i;
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
  hl_free(plan->mapped);
  plan->groups = NULL;
  plan->shared = NULL;
  plan->arena = NULL;
  plan->mapped = NULL;
  plan->ngroups = plan->nshared = plan->nmapped = 0;
  plan->most_tasks = plan->scratch = 0;
  return fail(plan, HL_ERR_MEMORY, "no memory for the plan's arena of %lld elements", (long long)plan->arena_size);
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
    return fail(plan, HL_ERR_MEMORY, "no memory for the scratch space of %d threads", n);
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

void hl_plan_profile(hl_plan *plan, int enabled) {
  plan->profile = enabled;
  for (int32_t i = 0; i < plan->nsteps; i++)
    plan->steps[i].calls = plan->steps[i].nanoseconds = 0;
}

void hl_plan_profile_step(const hl_plan *plan, int32_t i, hl_step_profile *profile) {
  const hl_step *step = &plan->steps[i];
  *profile = (hl_step_profile){.kind = step->kind == HL_STEP_TILE ? "tile" : "gemm",
                               .rows = step->gemm.m,
                               .cols = step->gemm.n,
                               .depth = step->gemm.k,
                               .tasks = step->ntasks,
                               .calls = step->calls,
                               .nanoseconds = step->nanoseconds};
  for (int32_t g = 0; g < plan->ngroups; g++)
    if (plan->groups[g].first <= i && i < plan->groups[g].first + plan->groups[g].count)
      profile->parallel = plan->groups[g].parallel;
}
