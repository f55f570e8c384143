/* Turns values into code: decides where memory stands for a register, gives the rest scratch by liveness, writes the
   sections. */
#include "core/memory.h"
#include "tile/builder.h"

/* Provisional locations, before the number of registers is known. */
enum { PLACE_NONE = -1, PLACE_FULL = 0, PLACE_ROW = 1 << 16, PLACE_PRODUCT = 2 << 16, PLACE_OPERAND = 3 << 16 };

typedef struct pools {
  int32_t nfull, nrow, free_full, free_row; /* next new register and sizes of the free stacks */
} pools;

int hl_tile_overlaps(const hl_tile_builder *b, int32_t i, int32_t j) {
  const hl_operand *o = b->program->operands;
  return b->slots[o[i].slot].space == b->slots[o[j].slot].space && b->low_high[2 * i] <= b->low_high[2 * j + 1] &&
         b->low_high[2 * j] <= b->low_high[2 * i + 1];
}

static int is_store(const hl_tile_builder *b, int32_t i) { return b->program->instructions[i].op == HL_PROGRAM_store; }
static int is_load(const hl_tile_builder *b, int32_t i) { return b->program->instructions[i].op == HL_PROGRAM_load; }
/* The instruction that makes a value: the last one of its chain. */
static int32_t made_at(const hl_tile_builder *b, int32_t value) {
  return b->match_of[value] < 0 ? value : b->matches[b->match_of[value]].last;
}
static int is_live(const hl_tile_builder *b, int32_t i) { return is_store(b, i) || b->values[i].last >= 0; }

/* Whether the value stored by instruction s may be written to memory by the instruction that makes it: nothing in
   between, and nothing after the making, may need the old contents. */
static int store_in_place(const hl_tile_builder *b, int32_t s) {
  int32_t target = (int32_t)b->program->instructions[s].imm, maker = b->uses[s][0];
  if (!b->tile->operands[target].direct || maker >= b->product || b->values[maker].level != HL_LEVEL_BODY ||
      is_load(b, maker) || hl_opcode_arity(b->program->instructions[maker].op) == HL_ARITY_ROW)
    return 0;
  int32_t made = made_at(b, maker);
  for (int32_t i = 0; i < b->program->ninstructions; i++) {
    if (i == s || !is_live(b, i) || (!is_load(b, i) && !is_store(b, i)))
      continue;
    if (is_store(b, i) && i < s && b->uses[i][0] == maker && b->tile->operands[b->program->instructions[i].imm].direct)
      return 0; /* it already lives in another place, or may */
    if (!hl_tile_overlaps(b, target, (int32_t)b->program->instructions[i].imm))
      continue;
    if (is_store(b, i) || (i > made && i < s))
      return 0;
    if (i < made && b->values[i].last > made && b->tile->operands[b->program->instructions[i].imm].direct)
      return 0;
  }
  return 1;
}

static int32_t new_place(pools *p, const hl_tile_builder *b, int full) {
  if (full)
    return p->free_full ? b->free_full[--p->free_full] : PLACE_FULL + p->nfull++;
  return p->free_row ? b->free_row[--p->free_row] : PLACE_ROW + p->nrow++;
}

static void release(pools *p, const hl_tile_builder *b, int32_t value) {
  int32_t place = b->values[value].place;
  if (place >= PLACE_OPERAND)
    return;
  if (b->values[value].full)
    b->free_full[p->free_full++] = place;
  else
    b->free_row[p->free_row++] = place;
}

static hl_tile_code make_code(const hl_tile_builder *b, int32_t i) {
  const hl_instruction *in = &b->program->instructions[i];
  hl_tile_code c = {.full = b->values[i].full, .operand = -1, .imm = in->imm};
  int32_t *use = b->uses[i];
  c.dst = b->values[i].place;
  c.a = use[0] < 0 ? PLACE_NONE : b->values[use[0]].place;
  c.b = use[1] < 0 ? PLACE_NONE : b->values[use[1]].place;
  c.c = use[2] < 0 ? PLACE_NONE : b->values[use[2]].place;
  if (in->op < HL_OP_COUNT) {
    int reduce = hl_opcode_arity(in->op) == HL_ARITY_ROW;
    if (reduce && b->tile->lanes_mode) { /* argmax of one column */
      c.kind = HL_CODE_SPLAT;
      c.imm = 0;
      c.a = PLACE_NONE;
    } else if (reduce) {
      c.kind = HL_CODE_ROWREDUCE;
      c.call.rowreduce = b->kernels->rowreduce[in->op];
    } else {
      c.kind = HL_CODE_ELEMENTWISE;
      c.call.elementwise = b->kernels->elementwise[in->op];
    }
    return c;
  }
  switch (in->op) {
  case HL_PROGRAM_load:
    c.kind = HL_CODE_LOAD;
    c.operand = (int32_t)in->imm;
    break;
  case HL_PROGRAM_store:
    c.kind = HL_CODE_STORE;
    c.operand = (int32_t)in->imm;
    c.full = b->values[use[0]].full;
    c.dst = PLACE_NONE;
    break;
  case HL_PROGRAM_expand:
    c.kind = HL_CODE_EXPAND;
    break;
  case HL_PROGRAM_iota_row:
    c.kind = HL_CODE_IOTA_ROW;
    break;
  case HL_PROGRAM_iota_col:
    c.kind = b->tile->lanes_mode || !c.full ? HL_CODE_SPLAT : HL_CODE_IOTA_COL;
    c.imm = 0;
    break;
  case HL_PROGRAM_uniform:
    c.kind = HL_CODE_UNIFORM;
    c.operand = in->a;
    break;
  default:
    c.kind = HL_CODE_SPLAT;
  }
  return c;
}

static void emit_level(hl_tile_builder *b, pools *p, int level, hl_tile_section *section) {
  for (int32_t i = 0; i < b->program->ninstructions; i++) {
    hl_tile_value *v = &b->values[i];
    if (is_store(b, i) || v->alias || v->last < 0 || v->level != level)
      continue;
    v->place = new_place(p, b, v->full);
    section->code[section->count] = make_code(b, i);
    section->code[section->count++].full &= !v->narrow;
  }
}

/* What stores that mask need, for each block of columns. */
static void emit_masks(hl_tile_builder *b) {
  hl_tile_code c = {.full = 1, .a = PLACE_NONE, .b = PLACE_NONE, .c = PLACE_NONE, .operand = -1};
  hl_tile_section *masks = &b->tile->masks;
  c.kind = HL_CODE_SPLAT;
  c.dst = b->values[b->zero].place;
  masks->code[masks->count++] = c;
  c.kind = HL_CODE_MASK;
  c.dst = b->values[b->mask].place;
  masks->code[masks->count++] = c;
}

static void emit_store(hl_tile_builder *b, int32_t i, int variant) {
  hl_tile_section *section = &b->tile->body[variant];
  hl_tile_code c = make_code(b, i);
  const hl_tile_operand *o = &b->tile->operands[c.operand];
  if (o->access == HL_ACCESS_PANEL && o->direct) { /* keeps the padding zero */
    c.kind = HL_CODE_ELEMENTWISE;
    c.call.elementwise = b->kernels->elementwise[HL_OP_select];
    c.dst = PLACE_OPERAND + c.operand;
    c.b = c.a;
    c.a = b->values[b->mask].place;
    c.c = b->values[b->zero].place;
    b->tile->masked[variant] = 1;
  }
  section->code[section->count++] = c;
}

/* The place of a result: memory, or a register. */
static void place_result(hl_tile_builder *b, pools *p, const int32_t *goes_to, int32_t value) {
  b->values[value].place =
      goes_to[value] >= 0 ? PLACE_OPERAND + goes_to[value] : new_place(p, b, b->values[value].full);
}

static void emit_chain(hl_tile_builder *b, pools *p, const int32_t *goes_to, const hl_tile_match *m,
                       hl_tile_section *section) {
  hl_tile *t = b->tile;
  const hl_chain_pattern *pattern = hl_chain_pattern_of(m->chain);
  int32_t ninputs = pattern->nvectors + pattern->nscalars;
  hl_tile_code c = {.kind = HL_CODE_CHAIN, .full = b->values[m->last].full, .operand = t->nchain_locs};
  c.call.chain = b->kernels->chain[m->chain];
  c.dst = c.a = c.b = c.c = PLACE_NONE;
  c.imm = (uint32_t)(ninputs + pattern->nresults);
  for (int32_t i = 0; i < ninputs; i++)
    t->chain_locs[t->nchain_locs++] = b->values[m->values[i]].place;
  for (int32_t i = 0; i < ninputs; i++) {
    int again = 0;
    for (int32_t j = 0; j < i; j++)
      again |= m->values[j] == m->values[i];
    if (!again && b->values[m->values[i]].last == m->last && b->values[m->values[i]].level == HL_LEVEL_BODY)
      release(p, b, m->values[i]);
  }
  for (int32_t i = 0; i < pattern->nresults; i++) {
    int32_t value = m->values[pattern->results[i]];
    place_result(b, p, goes_to, value);
    t->chain_locs[t->nchain_locs++] = b->values[value].place;
  }
  section->code[section->count++] = c;
}

static void emit_body(hl_tile_builder *b, pools *p, int variant) {
  hl_tile_section *section = &b->tile->body[variant];
  const hl_program *program = b->program;
  int32_t n = program->ninstructions;
  int32_t *goes_to =
      b->current; /* per value: operand that it is written to by its maker, or -1; current is done with */
  for (int32_t i = 0; i < n; i++)
    goes_to[i] = -1;
  if (variant == HL_VARIANT_DIRECT)
    for (int32_t s = 0; s < n; s++)
      if (is_store(b, s) && store_in_place(b, s))
        goes_to[b->uses[s][0]] = (int32_t)program->instructions[s].imm;
  b->values[b->product].place = PLACE_PRODUCT;
  for (int32_t i = 0; i < n; i++) {
    hl_tile_value *v = &b->values[i];
    if (v->alias || !is_live(b, i) || (!is_store(b, i) && v->level != HL_LEVEL_BODY))
      continue;
    if (b->match_of[i] >= 0) {
      if (b->matches[b->match_of[i]].last == i)
        emit_chain(b, p, goes_to, &b->matches[b->match_of[i]], section);
      continue;
    }
    int32_t operand = (int32_t)program->instructions[i].imm;
    int in_memory = 0;
    if (is_load(b, i)) {
      const hl_tile_operand *o = &b->tile->operands[operand];
      in_memory = o->direct && (variant == HL_VARIANT_DIRECT || o->access == HL_ACCESS_PANEL);
      for (int32_t s = 0; s < n && in_memory; s++) {
        if (!is_store(b, s) || !hl_tile_overlaps(b, operand, (int32_t)program->instructions[s].imm))
          continue;
        int32_t maker = b->uses[s][0];
        int there = maker < n && goes_to[maker] == (int32_t)program->instructions[s].imm;
        int32_t when = there ? made_at(b, maker) : s;
        in_memory = when >= v->last;
      }
      v->place = in_memory ? PLACE_OPERAND + operand : new_place(p, b, v->full);
      if (!in_memory)
        section->code[section->count++] = make_code(b, i);
      continue;
    }
    if (is_store(b, i)) {
      int32_t maker = b->uses[i][0];
      if (maker >= n || goes_to[maker] != operand)
        emit_store(b, i, variant);
    }
    /* Inputs that end here give up their registers first: kernels may work in place. */
    hl_tile_code c = is_store(b, i) ? (hl_tile_code){0} : make_code(b, i);
    for (int u = 0; u < 3; u++) {
      int32_t use = b->uses[i][u];
      if (use < 0 || b->values[use].last != i || b->values[use].level != HL_LEVEL_BODY)
        continue;
      if ((u > 0 && b->uses[i][0] == use) || (u > 1 && b->uses[i][1] == use))
        continue;
      release(p, b, use);
    }
    if (is_store(b, i))
      continue;
    place_result(b, p, goes_to, i);
    c.dst = v->place;
    section->code[section->count++] = c;
  }
}

/* The first operand with the same address everywhere as i, a direct one: an update loads and stores in one place. */
static int32_t first_alike(const hl_tile *t, int32_t i) {
  const hl_tile_operand *o = &t->operands[i], *other = t->operands;
  while (!other->direct || other->slot != o->slot || other->offset != o->offset || other->access != o->access ||
         other->row_stride != o->row_stride || other->col_stride != o->col_stride)
    ++other;
  return (int32_t)(other - t->operands);
}

static int32_t location(const hl_tile *t, int32_t place) {
  if (place < 0)
    return 0;
  if (place >= PLACE_OPERAND)
    return t->operand_loc + first_alike(t, place - PLACE_OPERAND);
  if (place >= PLACE_PRODUCT)
    return t->product_loc;
  return place >= PLACE_ROW ? 1 + t->nfull + place - PLACE_ROW : 1 + place;
}

void hl_tile_emit(hl_tile_builder *b) {
  hl_tile *t = b->tile;
  int32_t room = b->program->ninstructions + 1;
  t->once.code = t->code_block;
  t->columns.code = t->code_block + room;
  t->body[0].code = t->code_block + 2 * room;
  t->body[1].code = t->code_block + 3 * room;
  t->masks.code = t->code_block + 4 * room;
  pools fixed = {0};
  emit_level(b, &fixed, HL_LEVEL_ONCE, &t->once);
  emit_level(b, &fixed, HL_LEVEL_COLUMNS, &t->columns);
  if (b->panel_store) {
    b->values[b->zero].place = new_place(&fixed, b, 1);
    b->values[b->mask].place = new_place(&fixed, b, 1);
  }
  for (int variant = 0; variant < 2; variant++) {
    pools p = fixed;
    emit_body(b, &p, variant);
    t->nfull = p.nfull > t->nfull ? p.nfull : t->nfull;
    t->nrow = p.nrow > t->nrow ? p.nrow : t->nrow;
    for (int32_t i = 0; i < t->nreductions; i++)
      t->reductions[i].loc[variant] = b->values[t->reductions[i].loc[variant]].place;
  }
  if (b->panel_store)
    emit_masks(b);
  if (t->lanes_mode) /* the variant follows from the rows; otherwise from the columns, as the masks do */
    t->masked[0] = t->masked[1] = t->masked[0] || t->masked[1];
  t->product_loc = 1 + t->nfull + t->nrow;
  t->operand_loc = t->product_loc + 1;
  t->nlocs = t->operand_loc + t->noperands;
  hl_tile_section *sections[] = {&t->once, &t->columns, &t->masks, &t->body[0], &t->body[1]};
  for (int i = 0; i < (int)(sizeof sections / sizeof *sections); i++)
    for (hl_tile_code *c = sections[i]->code, *end = c + sections[i]->count; c < end; c++) {
      c->dst = location(t, c->dst);
      c->a = location(t, c->a);
      c->b = location(t, c->b);
      c->c = location(t, c->c);
    }
  for (int32_t i = 0; i < t->nchain_locs; i++)
    t->chain_locs[i] = location(t, t->chain_locs[i]);
  for (int32_t i = 0; i < t->nreductions; i++)
    for (int variant = 0; variant < 2; variant++)
      t->reductions[i].loc[variant] = location(t, t->reductions[i].loc[variant]);
  for (int32_t i = 0; i < t->noperands; i++) {
    if (!t->operands[i].direct)
      continue;
    if (first_alike(t, i) < i)
      continue;
    t->direct_operands[t->ndirect++] = i;
    if (b->slots[t->operands[i].slot].bound)
      t->bound_slots[t->nbound++] = t->operands[i].slot;
  }
}
