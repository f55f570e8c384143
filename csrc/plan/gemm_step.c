/* Product steps: validation, the epilogue, and how the work is cut into tasks. */
#include <string.h>

#include "plan/internal.h"

/* A fused multiply-add of a register tile costs about a fifth of a lane of an elementwise kernel. In chains, as most
   epilogues are, an instruction costs half of one that runs alone. */
enum { MACS_PER_COST = 5 };

/* Range of the elements of a matrix, relative to its slot (mapped slots: within one row). */
static hl_status check_matrix(hl_plan *plan, const char *name, const hl_matrix *x, int64_t rows, int64_t cols,
                              int may_map_rows, int64_t *low, int64_t *high) {
  int32_t n = plan->nsteps;
  if (x->slot < 0 || x->slot >= plan->nslots)
    return hl_plan_fail(plan, HL_ERR_ARGUMENT, "step %d: %s is in slot %d, which does not exist", n, name, x->slot);
  const hl_tile_memory *m = &plan->memories[x->slot];
  int64_t size = m->mapping == HL_MAP_NONE ? m->size : m->row_size, span;
  if (x->offset < 0)
    return hl_plan_fail(plan, HL_ERR_ARGUMENT, "step %d: %s has a negative offset", n, name);
  *low = x->offset;
  if (x->panel) {
    if (m->mapping != HL_MAP_NONE || x->offset % HL_LANES || !m->aligned)
      return hl_plan_fail(plan, HL_ERR_ARGUMENT,
                          "step %d: the panels of %s need a 64-byte aligned start and no input or output slot", n,
                          name);
    int64_t slabs = cols / HL_PANEL + (cols % HL_PANEL != 0);
    if (hl_mul_overflow(rows, HL_PANEL, &span) || hl_mul_overflow(span, slabs, &span))
      return hl_plan_fail(plan, HL_ERR_OVERFLOW, "step %d: %s does not fit in 64 bits", n, name);
  } else {
    if (x->ld < cols)
      return hl_plan_fail(plan, HL_ERR_ARGUMENT, "step %d: %s has ld %lld but %lld columns", n, name, (long long)x->ld,
                          (long long)cols);
    if (m->mapping != HL_MAP_NONE) {
      if (!may_map_rows)
        return hl_plan_fail(plan, HL_ERR_ARGUMENT, "step %d: %s cannot be in an input or output slot", n, name);
      if (rows != plan->batch_size || (x->ld != m->row_size && rows > 1))
        return hl_plan_fail(
            plan, HL_ERR_ARGUMENT,
            "step %d: %s is in an input or output slot: it needs %lld rows with ld %lld, not %lld with %lld", n, name,
            (long long)plan->batch_size, (long long)m->row_size, (long long)rows, (long long)x->ld);
      span = cols;
    } else if (rows == 0 || cols == 0) {
      span = 0;
    } else if (hl_mul_overflow(rows - 1, x->ld, &span) || span > INT64_MAX - cols) {
      return hl_plan_fail(plan, HL_ERR_OVERFLOW, "step %d: %s does not fit in 64 bits", n, name);
    } else {
      span += cols;
    }
  }
  if (span > size || x->offset > size - span)
    return hl_plan_fail(plan, HL_ERR_ARGUMENT, "step %d: %s needs elements %lld to %lld of slot %d, which has %lld", n,
                        name, (long long)x->offset, (long long)(x->offset + span), x->slot, (long long)size);
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
  domain.interpreted = plan->interpreted;
  domain.max_rows = step->gemm.a.tiled ? plan->kernels->gemm_mr_packed : plan->kernels->gemm_mr_rows;
  if (step->sparse.size || hl_gemm_turned(&step->gemm)) /* constants fill as many rows, so no more than needed */
    domain.max_rows = HL_GEMM_EPILOGUE_ROWS;
  if (!c)
    return hl_plan_compile(plan, step, &domain, given);
  if (given->noperands < 0 || given->ninstructions < 0 || given->noperands >= HL_MAX_PROGRAM ||
      given->ninstructions >= HL_MAX_PROGRAM)
    return hl_plan_fail(plan, HL_ERR_ARGUMENT, "step %d: the epilogue is too long", plan->nsteps);
  hl_operand *operands = hl_alloc(given->noperands + 1, sizeof *operands);
  hl_instruction *instructions = hl_alloc(given->ninstructions + 1, sizeof *instructions);
  hl_status status;
  if (!operands || !instructions) {
    status = hl_plan_fail(plan, HL_ERR_MEMORY, "step %d: no memory for its epilogue", plan->nsteps);
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
    status = hl_plan_compile(plan, step, &domain, &both);
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
    return hl_plan_fail(plan, HL_ERR_ARGUMENT, "step %d: m, n and k must not be negative", n);
  if (g->m > INT64_MAX / 64 || g->k > INT64_MAX / 64 || g->n > INT64_MAX / 64)
    return hl_plan_fail(plan, HL_ERR_OVERFLOW, "step %d: the product does not fit in 64 bits", n);
  if (!c && !epilogue)
    return hl_plan_fail(plan, HL_ERR_ARGUMENT, "step %d: a product needs c, an epilogue, or both", n);
  hl_status status =
      check_matrix(plan, "a", a, a->trans ? g->k : g->m, a->trans ? g->m : g->k, 1, &range[0][0], &range[0][1]);
  if (status == HL_OK)
    status = check_matrix(plan, "b", b, b->trans ? g->n : g->k, b->trans ? g->k : g->n, 0, &range[1][0], &range[1][1]);
  if (status != HL_OK)
    return status;
  if (plan->slots[a->slot].kind == HL_SLOT_OUTPUT)
    return hl_plan_fail(plan, HL_ERR_ARGUMENT, "step %d: a cannot be in an output slot", n);
  if (c) {
    status = check_matrix(plan, "c", c, g->m, g->n, 1, &range[2][0], &range[2][1]);
    if (status != HL_OK)
      return status;
    if (plan->memories[c->slot].readonly || c->trans)
      return hl_plan_fail(plan, HL_ERR_ARGUMENT, "step %d: c must be writable and not transposed", n);
    for (int i = 0; i < 2; i++)
      if (touches(plan, c->slot, range[2][0], range[2][1], i ? b->slot : a->slot, range[i][0], range[i][1]))
        return hl_plan_fail(plan, HL_ERR_ARGUMENT, "step %d: c overlaps %c", n, "ab"[i]);
  }
  hl_step_allow_sparse(plan, step);
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
          return hl_plan_fail(plan, HL_ERR_ARGUMENT,
                              "step %d: the epilogue stores into %c, which other tiles still read", n, "ab"[j]);
    }
  }
  return HL_OK;
}

hl_status hl_plan_add_gemm(hl_plan *plan, int64_t m, int64_t n, int64_t k, const hl_matrix *a, const hl_matrix *b,
                           const hl_matrix *c, const hl_program *epilogue) {
  hl_step *step = NULL;
  hl_status status = hl_plan_new_step(plan, &step);
  if (status != HL_OK)
    return status;
  step->kind = HL_STEP_GEMM;
  step->a = *a;
  step->b = *b;
  hl_gemm *g = &step->gemm;
  g->m = m;
  g->n = n;
  g->k = k;
  step->a_input = a->slot >= 0 && a->slot < plan->nslots && plan->slots[a->slot].kind == HL_SLOT_INPUT;
  g->a.tiled = hl_gemm_tiled(plan->kernels, m, n, k, a->trans, step->a_input);
  g->a.layout = a->panel ? HL_PANELS : HL_ROW_MAJOR;
  g->a.ld = step->a_input ? plan->slots[a->slot].size : a->panel ? (a->trans ? k : m) : a->ld;
  g->a.trans = a->trans;
  g->b.layout = b->panel ? HL_PANELS : HL_ROW_MAJOR;
  g->b.ld = b->panel ? (b->trans ? n : k) : b->ld;
  g->b.trans = b->trans;
  status = check_gemm(plan, step, c, epilogue);
  if (status != HL_OK) {
    hl_step_free(step);
    return status;
  }
  if (c) {
    step->c = *c;
    step->has_c = 1;
    g->ldc = c->ld;
    g->c_layout = c->panel ? HL_PANELS : HL_ROW_MAJOR;
  }
  g->epilogue = epilogue ? hl_tile_epilogue : NULL;
  step->slabs = (n + HL_PANEL - 1) / HL_PANEL;
  int64_t epilogue_macs = 0;
  if (epilogue && m > 0 && n > 0)
    epilogue_macs = hl_tile_cost(step->tile) / (m * step->slabs) * MACS_PER_COST / 2;
  hl_gemm_tasking(plan->kernels, g, epilogue_macs, &step->task_rows, &step->task_slabs);
  if (hl_gemm_turned(g)) /* whole panels of A */
    step->task_rows = (step->task_rows + HL_PANEL - 1) / HL_PANEL * HL_PANEL;
  step->task_rows = step->task_rows > 0 ? step->task_rows : 1;
  step->task_slabs = step->task_slabs > 0 ? step->task_slabs : 1;
  hl_gemm_packing packing = hl_gemm_packs(plan->kernels, g);
  step->packed = packing.a + packing.b;
  step->pack_tasks = packing.tasks;
  step->row_tasks = (m + step->task_rows - 1) / step->task_rows;
  step->ntasks = step->row_tasks * ((step->slabs + step->task_slabs - 1) / step->task_slabs);
  if (hl_mul_overflow(m * HL_PANEL, step->slabs, &step->cost) ||
      hl_mul_overflow(step->cost, k / MACS_PER_COST + 2, &step->cost))
    step->cost = INT64_MAX / 2;
  if (epilogue)
    step->cost += hl_tile_cost(step->tile) / 2;
  int64_t scratch = hl_gemm_scratch(plan->kernels, g);
  scratch = step->sparse.scratch > scratch ? step->sparse.scratch : scratch;
  step->epilogue_scratch = (scratch + 63) / 64 * 64;
  step->scratch = step->epilogue_scratch + (epilogue ? hl_tile_scratch(step->tile) : 0);
  if (epilogue)
    hl_plan_note_program(plan, epilogue);
  if (c)
    plan->slots[c->slot].written = 1;
  if (a->panel)
    plan->slots[a->slot].panels = 1;
  if (b->panel)
    plan->slots[b->slot].panels = 1;
  if (c && c->panel)
    plan->slots[c->slot].panels = 1;
  plan->nsteps++;
  return HL_OK;
}
