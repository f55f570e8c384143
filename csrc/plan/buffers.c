/* Making and unmaking plans, and their table of buffers. */
#include "plan/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "plan/internal.h"

hl_status hl_plan_fail(hl_plan *plan, hl_status status, const char *format, ...) {
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
  plan->sparse = hl_sparse_default();
  plan->kernels = hl_kernels_get();
  if (!plan->kernels) {
    hl_free(plan);
    return HL_ERR_ISA;
  }
  *out = plan;
  return HL_OK;
}

void hl_step_free(hl_step *step) {
  hl_tile_free(step->tile);
  hl_free(step->block);
  hl_free(step->partials);
}

void hl_plan_destroy(hl_plan *plan) {
  if (!plan)
    return;
  for (int32_t i = 0; i < plan->nslots; i++)
    hl_free(plan->slots[i].data);
  for (int32_t i = 0; i < plan->nsteps; i++)
    hl_step_free(&plan->steps[i]);
  hl_free(plan->slots);
  hl_free(plan->memories);
  hl_free(plan->steps);
  hl_free(plan->groups);
  hl_free(plan->shared);
  hl_free(plan->arena);
  hl_free(plan->packed);
  hl_free(plan->bases);
  hl_free(plan->mapped);
  hl_free(plan->thread_scratch);
  hl_free(plan->shares);
  hl_free(plan);
}

const char *hl_plan_error(const hl_plan *plan) { return plan->error; }

int hl_plan_grow(void **block, int32_t count, int32_t room, size_t size) {
  void *bigger = hl_alloc(room, (int64_t)size);
  if (!bigger)
    return 1;
  if (count)
    memcpy(bigger, *block, (size_t)count * size);
  hl_free(*block);
  *block = bigger;
  return 0;
}

hl_status hl_plan_open(hl_plan *plan) {
  plan->error[0] = 0;
  if (plan->finished)
    return hl_plan_fail(plan, HL_ERR_ARGUMENT, "the plan is finished: nothing can be added to it");
  return HL_OK;
}

static hl_status add_slot(hl_plan *plan, hl_slot_kind kind, int64_t size, int64_t offset, const void *data,
                          int32_t *number) {
  hl_status status = hl_plan_open(plan);
  if (status != HL_OK)
    return status;
  int64_t bytes;
  if (size < 0 || offset < 0)
    return hl_plan_fail(plan, HL_ERR_ARGUMENT, "slot %d: size %lld and offset %lld must not be negative", plan->nslots,
                        (long long)size, (long long)offset);
  if (offset > INT64_MAX - size || hl_mul_overflow(size + offset, 4, &bytes))
    return hl_plan_fail(plan, HL_ERR_OVERFLOW, "slot %d: %lld elements do not fit in 64 bits", plan->nslots,
                        (long long)size);
  if (plan->nslots == plan->slots_room) {
    int32_t room = plan->slots_room ? 2 * plan->slots_room : 16;
    if (hl_plan_grow((void **)&plan->slots, plan->nslots, room, sizeof *plan->slots) ||
        hl_plan_grow((void **)&plan->memories, plan->nslots, room, sizeof *plan->memories))
      return hl_plan_fail(plan, HL_ERR_MEMORY, "no memory for a slot");
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
      return hl_plan_fail(plan, HL_ERR_MEMORY, "no memory for a constant of %lld elements", (long long)size);
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
