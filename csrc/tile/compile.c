/* From a program's description to its compiled form. */
#include <stdio.h>
#include <string.h>

#include "core/memory.h"
#include "tile/builder.h"

#define MAX_INVARIANTS 16 /* registers kept across tiles; more would crowd the first-level cache */

static void *array(int64_t count, int64_t size) { return hl_alloc(count > 0 ? count : 1, size); }

static int renames_one_column(int32_t op) {
  switch (op) {
  case HL_PROGRAM_expand:
  case HL_OP_row_sum_f:
  case HL_OP_row_max_f:
  case HL_OP_row_min_f:
  case HL_OP_row_prod_f:
  case HL_OP_row_sum_i:
  case HL_OP_row_max_i:
  case HL_OP_row_min_i:
  case HL_OP_row_prod_i:
    return 1;
  default:
    return 0;
  }
}

/* Gives every instruction the values it reads, and every value its last reader. */
static void number_values(hl_tile_builder *b) {
  const hl_program *p = b->program;
  int lanes = b->tile->lanes_mode;
  for (int32_t r = 0; r < p->nregisters; r++)
    b->current[r] = -1;
  b->values[b->product].full = 1;
  b->values[b->mask].full = b->values[b->zero].full = 1;
  if (b->domain->epilogue)
    b->current[0] = b->product;
  for (int32_t i = 0; i < p->ninstructions; i++) {
    const hl_instruction *in = &p->instructions[i];
    hl_arity arity = hl_opcode_arity(in->op);
    int n = arity == HL_ARITY_ROW ? 1 : (int)arity;
    if (arity == HL_ARITY_PROGRAM)
      n = in->op == HL_PROGRAM_store || in->op == HL_PROGRAM_expand;
    b->uses[i][0] = n > 0 ? b->current[in->a] : -1;
    b->uses[i][1] = n > 1 ? b->current[in->b] : -1;
    b->uses[i][2] = n > 2 ? b->current[in->c] : -1;
    b->values[i].last = -1;
    if (in->op == HL_PROGRAM_store)
      continue;
    b->values[i].full = !lanes && p->registers[in->dst] == 'F';
    b->values[i].alias = (int8_t)(lanes && renames_one_column(in->op));
    b->current[in->dst] = b->values[i].alias ? b->uses[i][0] : i;
  }
  b->values[b->product].last = -1;
  for (int32_t i = 0; i < b->tile->nreductions; i++) {
    int32_t value = b->current[p->reductions[i].reg];
    b->values[value].last = p->ninstructions;
    b->tile->reductions[i].loc[0] = b->tile->reductions[i].loc[1] = value; /* emit.c makes locations of them */
  }
  for (int32_t i = p->ninstructions - 1; i >= 0; i--) {
    if (b->values[i].alias || (b->values[i].last < 0 && p->instructions[i].op != HL_PROGRAM_store))
      continue;
    if (lanes && hl_opcode_arity(p->instructions[i].op) == HL_ARITY_ROW)
      b->uses[i][0] = -1; /* argmax of one column is 0 */
    for (int u = 0; u < 3; u++)
      if (b->uses[i][u] >= 0 && b->values[b->uses[i][u]].last < 0)
        b->values[b->uses[i][u]].last = i;
  }
}

static int level_of(const hl_tile_builder *b, int32_t i) {
  const hl_instruction *in = &b->program->instructions[i];
  if (in->op < HL_OP_COUNT) {
    if (hl_opcode_arity(in->op) == HL_ARITY_ROW)
      return HL_LEVEL_BODY;
    int level = HL_LEVEL_ONCE;
    for (int u = 0; u < 3; u++)
      if (b->uses[i][u] >= 0 && b->values[b->uses[i][u]].level < level)
        level = b->values[b->uses[i][u]].level;
    return level;
  }
  switch (in->op) {
  case HL_PROGRAM_const_f:
  case HL_PROGRAM_const_i:
    return HL_LEVEL_ONCE;
  case HL_PROGRAM_iota_col:
    return b->values[i].full ? HL_LEVEL_COLUMNS : HL_LEVEL_ONCE;
  case HL_PROGRAM_expand:
    return b->values[b->uses[i][0]].level == HL_LEVEL_ONCE ? HL_LEVEL_ONCE : HL_LEVEL_BODY;
  case HL_PROGRAM_load: {
    for (int32_t o = 0; o < b->program->noperands; o++)
      if (b->stored[o] && hl_tile_overlaps(b, o, (int32_t)in->imm))
        return HL_LEVEL_BODY;
    int32_t access = b->tile->operands[in->imm].access;
    return access == HL_ACCESS_SPLAT ? HL_LEVEL_ONCE : access == HL_ACCESS_COLUMNS ? HL_LEVEL_COLUMNS : HL_LEVEL_BODY;
  }
  default:
    return HL_LEVEL_BODY;
  }
}

/* Sections of values, and how many values are alive at once. */
static void place_in_sections(hl_tile_builder *b) {
  int32_t n = b->program->ninstructions, invariants = 0, alive = 0;
  for (int32_t i = 0; i < n; i++) {
    hl_tile_value *v = &b->values[i];
    if (b->program->instructions[i].op == HL_PROGRAM_store || v->alias || v->last < 0)
      continue;
    v->level = (int8_t)level_of(b, i);
    if (v->level != HL_LEVEL_BODY && ++invariants > MAX_INVARIANTS) {
      invariants--;
      v->level = HL_LEVEL_BODY;
    }
  }
  b->live = invariants + (b->domain->epilogue != 0);
  int32_t *ending = b->free_full; /* borrowed: values that end at each instruction */
  for (int32_t i = 0; i <= n; i++)
    ending[i] = 0;
  for (int32_t i = 0, most = b->live; i < n; i++) {
    hl_tile_value *v = &b->values[i];
    if (b->program->instructions[i].op != HL_PROGRAM_store && !v->alias && v->last >= 0 && v->level == HL_LEVEL_BODY &&
        v->full == !b->tile->lanes_mode) {
      ending[v->last]++;
      alive++;
    }
    if (invariants + alive > most)
      most = b->live = invariants + alive;
    alive -= ending[i];
  }
}

static int all_zero(const hl_tile *t, const hl_tile_operand *o) {
  for (int32_t d = 0; d < t->nouter; d++)
    if (o->strides[d] != 0)
      return 0;
  return 1;
}

static void describe_operand(const hl_tile_builder *b, int32_t i) {
  hl_tile *t = b->tile;
  const hl_operand *from = &b->operands[i];
  const hl_tile_memory *m = &b->slots[from->slot];
  hl_tile_operand *o = &t->operands[i];
  int row = b->row_only[i];
  o->slot = from->slot;
  o->offset = from->offset;
  o->low = b->low_high[2 * i];
  o->high = b->low_high[2 * i + 1];
  o->indexed = m->mapping == HL_MAP_INPUT;
  for (int32_t d = 0; d < t->nouter; d++)
    o->strides[d] = from->outer_strides[d];
  o->row_stride = t->nouter ? o->strides[t->nouter - 1] : 0;
  o->col_stride = row || t->lanes_mode ? 0 : from->col_stride;
  int flat_rows = all_zero(t, o) && !o->indexed;
  if (from->panel)
    o->access = HL_ACCESS_PANEL;
  else if (row || t->lanes_mode)
    o->access = flat_rows && t->nouter ? HL_ACCESS_SPLAT : o->row_stride == 1 ? HL_ACCESS_ROWS : HL_ACCESS_STRIDED;
  else if (flat_rows && t->rows > 1 && o->col_stride == 1)
    o->access = HL_ACCESS_COLUMNS;
  else if (flat_rows && o->col_stride == 0)
    o->access = HL_ACCESS_SPLAT;
  else if (o->col_stride == 1)
    o->access = HL_ACCESS_ROWS;
  else
    o->access = !o->indexed && o->row_stride == 1 && t->cols > 1 ? HL_ACCESS_TURNED : HL_ACCESS_STRIDED;
}

/* Whether a tile of this operand can be contiguous and aligned memory. */
static int can_be_direct(const hl_tile_builder *b, int32_t i) {
  const hl_tile *t = b->tile;
  const hl_tile_operand *o = &t->operands[i];
  const hl_tile_memory *m = &b->slots[o->slot];
  if (!m->aligned || m->mapping != HL_MAP_NONE || o->offset % HL_LANES || t->nouter > 1 || t->cols == 0)
    return 0;
  if (o->access == HL_ACCESS_PANEL)
    return t->block_cols == HL_PANEL;
  if (o->access != HL_ACCESS_ROWS)
    return 0;
  if (t->lanes_mode)
    return o->row_stride == 1;
  if (b->row_only[i])
    return 0;
  if (t->tile_rows == 1 && !t->epilogue)
    return t->rows == 1 || o->row_stride % HL_LANES == 0;
  return t->block_cols == t->cols && o->row_stride == t->cols;
}

static hl_status build(hl_tile_builder *b, char error[HL_ERROR_TEXT]) {
  hl_tile *t = b->tile;
  const hl_program *p = b->program;
  const hl_tile_domain *d = b->domain;
  int flatten = !d->epilogue && !p->nreductions, whole_row = 0, pinned = 0;
  for (int32_t i = 0; i < p->nregisters; i++)
    if (p->registers[i] == 'R')
      flatten = 0;
  for (int32_t i = 0; i < p->noperands; i++)
    b->operands[i] = p->operands[i];
  for (int32_t i = 0; i < p->ninstructions; i++) {
    const hl_instruction *in = &p->instructions[i];
    if (in->op == HL_PROGRAM_iota_row || in->op == HL_PROGRAM_iota_col)
      flatten = 0;
    whole_row |= hl_opcode_arity(in->op) == HL_ARITY_ROW;
    if (in->op == HL_PROGRAM_uniform) { /* a key stays where it is */
      hl_operand *key = &b->operands[in->a];
      memset(key->outer_strides, 0, sizeof key->outer_strides);
      key->col_stride = 0;
    }
    if (in->op == HL_PROGRAM_load)
      b->row_only[in->imm] = p->registers[in->dst] == 'R';
    if (in->op == HL_PROGRAM_store) {
      b->row_only[in->imm] = p->registers[in->a] == 'R';
      b->stored[in->imm] = 1;
      whole_row |= p->registers[in->a] == 'R';
      b->panel_store |= p->operands[in->imm].panel;
    }
  }
  for (int32_t i = 0; i < p->nreductions; i++)
    whole_row |= p->registers[p->reductions[i].reg] == 'R';
  for (int32_t i = 0; i < p->noperands; i++) {
    const hl_tile_memory *m = &b->slots[b->operands[i].slot];
    t->panels |= b->operands[i].panel;
    pinned |= m->mapping == HL_MAP_INPUT;
    if (m->mapping != HL_MAP_NONE) /* with a batch of one row the caller's stride may be anything */
      b->operands[i].outer_strides[0] = m->row_size;
  }
  hl_tile_shape shape = {.nouter = d->nouter, .pinned = pinned, .cols = d->cols, .rows = 1};
  for (int32_t i = 0; i < d->nouter; i++) {
    shape.outer[i] = d->outer[i];
    shape.rows *= d->outer[i];
  }
  if (!d->epilogue)
    hl_tile_collapse(&shape, b->operands, p->noperands, flatten, t->panels);
  t->epilogue = d->epilogue;
  t->lanes_mode = shape.lanes_mode;
  t->nouter = shape.nouter;
  memcpy(t->outer, shape.outer, sizeof t->outer);
  t->rows = shape.rows;
  t->cols = shape.cols;
  if (whole_row && (t->panels || t->epilogue) && t->cols > HL_PANEL) {
    snprintf(error, HL_ERROR_TEXT, "reductions of ROW registers with panels need cols <= %d", HL_PANEL);
    return HL_ERR_ARGUMENT;
  }
  for (int32_t i = 0; i < p->nreductions; i++) {
    const hl_reduction *r = &p->reductions[i];
    t->reductions[i] = (hl_tile_reduce_spec){.combine = r->op, .slot = r->slot, .offset = r->offset};
    t->reductions[i].full = !t->lanes_mode && p->registers[r->reg] == 'F';
  }
  for (int32_t i = 0; i < p->noperands; i++)
    describe_operand(b, i);
  number_values(b);
  place_in_sections(b);
  hl_tile_geometry(b, whole_row);
  for (int32_t i = 0; i < p->noperands; i++)
    t->operands[i].direct = can_be_direct(b, i);
  hl_tile_find_chains(b);
  hl_tile_emit(b);
  return HL_OK;
}

hl_status hl_tile_compile(const hl_kernels *kernels, const hl_tile_domain *domain, const hl_program *program,
                          const hl_tile_memory *slots, int32_t nslots, hl_tile **tile, char error[HL_ERROR_TEXT]) {
  *tile = NULL;
  error[0] = 0;
  if (program->noperands < 0 || program->noperands > HL_MAX_PROGRAM) {
    snprintf(error, HL_ERROR_TEXT, "a program has at most %d operands", HL_MAX_PROGRAM);
    return HL_ERR_ARGUMENT;
  }
  int64_t *low_high = array(2 * (int64_t)program->noperands, sizeof *low_high);
  if (!low_high)
    return HL_ERR_MEMORY;
  hl_status status = hl_tile_check(domain, program, slots, nslots, low_high, error);
  if (status != HL_OK) {
    hl_free(low_high);
    return status;
  }
  int64_t n = program->ninstructions, no = program->noperands;
  int64_t slack = n + program->nregisters + 4;
  hl_tile_builder b = {.kernels = kernels, .domain = domain, .program = program, .slots = slots, .low_high = low_high};
  b.product = (int32_t)n;
  b.mask = (int32_t)n + 1;
  b.zero = (int32_t)n + 2;
  hl_tile *t = b.tile = array(1, sizeof *t);
  b.operands = array(no, sizeof *b.operands);
  b.uses = array(n, sizeof *b.uses);
  b.values = array(n + 3, sizeof *b.values);
  b.current = array(slack, sizeof *b.current);
  b.free_full = array(slack, sizeof *b.free_full);
  b.free_row = array(slack, sizeof *b.free_row);
  b.matches = array(n / 2 + 1, sizeof *b.matches);
  b.match_of = array(n, sizeof *b.match_of);
  b.row_only = array(no, 1);
  b.stored = array(no, 1);
  status = HL_ERR_MEMORY;
  if (t && b.operands && b.uses && b.values && b.current && b.free_full && b.free_row && b.matches && b.match_of &&
      b.row_only && b.stored) {
    t->kernels = kernels;
    t->noperands = program->noperands;
    t->nreductions = program->nreductions;
    t->operands = array(no, sizeof *t->operands);
    t->code_block = array(4 * (n + 1) + 2, sizeof *t->code_block);
    t->chain_locs = array((n + 2) * HL_CHAIN_PLACES, sizeof *t->chain_locs); /* n / 2 chains at most, two variants */
    t->reductions = array(t->nreductions, sizeof *t->reductions);
    t->direct_operands = array(no, sizeof *t->direct_operands);
    t->bound_slots = array(no, sizeof *t->bound_slots);
    if (t->operands && t->code_block && t->chain_locs && t->reductions && t->direct_operands && t->bound_slots)
      status = build(&b, error);
  }
  hl_free(b.operands);
  hl_free(b.uses);
  hl_free(b.values);
  hl_free(b.current);
  hl_free(b.free_full);
  hl_free(b.free_row);
  hl_free(b.matches);
  hl_free(b.match_of);
  hl_free(b.row_only);
  hl_free(b.stored);
  hl_free(low_high);
  if (status == HL_OK)
    *tile = t;
  else
    hl_tile_free(t);
  return status;
}

void hl_tile_free(hl_tile *t) {
  if (!t)
    return;
  hl_free(t->operands);
  hl_free(t->code_block);
  hl_free(t->chain_locs);
  hl_free(t->reductions);
  hl_free(t->direct_operands);
  hl_free(t->bound_slots);
  hl_free(t);
}
