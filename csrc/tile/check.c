/* Validation of a program against its domain and the slots. After it has passed, compiled code needs no checks. */
#include <stdio.h>
#include <string.h>

#include "core/memory.h"
#include "tile/internal.h"

#define FAIL(...)                                                                                                      \
  do {                                                                                                                 \
    snprintf(error, HL_ERROR_TEXT, __VA_ARGS__);                                                                       \
    return HL_ERR_ARGUMENT;                                                                                            \
  } while (0)

static int add_overflow(int64_t a, int64_t b, int64_t *sum) {
  if ((b > 0 && a > INT64_MAX - b) || (b < 0 && a < INT64_MIN - b))
    return 1;
  *sum = a + b;
  return 0;
}

/* Lowest and highest element that an operand touches; 1 on overflow. Mapped slots: within one row of the batch. */
static int address_range(const hl_tile_domain *d, const hl_operand *o, int row_only, int mapped, int64_t *low,
                         int64_t *high) {
  *low = *high = o->offset;
  if (o->panel) {
    int64_t slabs = (d->cols + HL_PANEL - 1) / HL_PANEL, size;
    return hl_mul_overflow(d->outer[0], HL_PANEL, &size) || hl_mul_overflow(size, slabs, &size) ||
           add_overflow(o->offset, size - 1, high);
  }
  for (int32_t i = mapped ? 1 : 0; i <= d->nouter; i++) {
    int64_t size = i < d->nouter ? d->outer[i] : (row_only ? 1 : d->cols), span;
    int64_t stride = i < d->nouter ? o->outer_strides[i] : o->col_stride;
    if (hl_mul_overflow(size - 1, stride, &span) || add_overflow(span < 0 ? *low : *high, span, span < 0 ? low : high))
      return 1;
  }
  return 0;
}

/* Stores must reach every address at most once: sorted by stride, each dimension steps over the extent of the last. */
static int injective(const hl_tile_domain *d, const hl_operand *o, int row_only, int mapped) {
  int64_t sizes[HL_MAX_OUTER + 1], strides[HL_MAX_OUTER + 1];
  int n = 0;
  for (int32_t i = mapped ? 1 : 0; i <= d->nouter; i++) {
    int64_t size = i < d->nouter ? d->outer[i] : (row_only ? 1 : d->cols);
    int64_t stride = i < d->nouter ? o->outer_strides[i] : o->col_stride;
    if (size <= 1)
      continue;
    int at = n++;
    stride = stride < 0 ? -stride : stride;
    for (; at > 0 && strides[at - 1] > stride; at--) {
      strides[at] = strides[at - 1];
      sizes[at] = sizes[at - 1];
    }
    strides[at] = stride;
    sizes[at] = size;
  }
  int64_t extent = 0;
  for (int i = 0; i < n; i++) {
    if (strides[i] <= extent)
      return 0;
    extent += (sizes[i] - 1) * strides[i];
  }
  return 1;
}

static int same_walk(const hl_tile_domain *d, const hl_operand *a, const hl_operand *b) {
  if (a->panel != b->panel)
    return 0;
  if (a->panel)
    return 1;
  for (int32_t i = 0; i < d->nouter; i++)
    if (d->outer[i] > 1 && a->outer_strides[i] != b->outer_strides[i])
      return 0;
  return d->cols <= 1 || a->col_stride == b->col_stride;
}

/* Two operands of one slot whose ranges overlap, of which one is stored: fine when they are the same elements, or
   different columns of the same rows. */
static int compatible(const hl_tile_domain *d, const hl_operand *a, const hl_operand *b, int64_t a_low, int64_t b_low) {
  if (!same_walk(d, a, b))
    return 0;
  int64_t apart = a_low < b_low ? b_low - a_low : a_low - b_low;
  if (apart == 0)
    return 1;
  if (a->panel || a->col_stride < 0)
    return 0;
  int64_t width = (d->cols - 1) * a->col_stride, period = INT64_MAX;
  for (int32_t i = 0; i < d->nouter; i++) {
    int64_t stride = a->outer_strides[i] < 0 ? -a->outer_strides[i] : a->outer_strides[i];
    if (d->outer[i] > 1 && stride < period)
      period = stride;
  }
  return apart > width && apart + width < period;
}

static hl_status check_operand(const hl_tile_domain *d, const hl_operand *o, const hl_tile_memory *slots,
                               int32_t nslots, int32_t i, int row_only, int key, int64_t *low, int64_t *high,
                               char error[HL_ERROR_TEXT]) {
  if (o->slot < 0 || o->slot >= nslots)
    FAIL("operand %d: slot %d does not exist; the plan has %d slots", i, o->slot, nslots);
  const hl_tile_memory *m = &slots[o->slot];
  int mapped = m->mapping != HL_MAP_NONE;
  int64_t size = mapped ? m->row_size : m->size;
  if (key) {
    if (mapped || o->panel)
      FAIL("operand %d: the key of uniform cannot be in panels or in an input or output slot", i);
    *low = o->offset;
    *high = o->offset + 1;
  } else {
    if (mapped && (d->nouter < 1 || d->outer[0] != d->batch_size))
      FAIL("operand %d: an input or output slot needs outer[0] == batch_size (%lld)", i, (long long)d->batch_size);
    if (mapped && d->batch_size > 1 && o->outer_strides[0] != m->row_size)
      FAIL("operand %d: outer_strides[0] is %lld but a row of input or output slot %d has %lld elements", i,
           (long long)o->outer_strides[0], o->slot, (long long)m->row_size);
    if (o->panel && (mapped || d->nouter != 1 || o->offset % HL_LANES || !m->aligned))
      FAIL("operand %d: panels need one outer dimension, a 64-byte aligned start and no input or output slot", i);
    if (o->panel && row_only)
      FAIL("operand %d: a ROW register cannot be in panels", i);
    if (address_range(d, o, row_only, mapped, low, high)) {
      snprintf(error, HL_ERROR_TEXT, "operand %d: its addresses do not fit in 64 bits", i);
      return HL_ERR_OVERFLOW;
    }
  }
  if (*low < 0 || *high >= size)
    FAIL("operand %d reaches elements %lld to %lld of slot %d, which has %lld%s", i, (long long)*low, (long long)*high,
         o->slot, (long long)size, mapped ? " per row" : "");
  *low += m->start;
  *high += m->start;
  return HL_OK;
}

static hl_status check_instruction(const hl_program *p, const hl_instruction *in, int32_t i, const uint8_t *defined,
                                   int64_t cols, int64_t rows, char error[HL_ERROR_TEXT]) {
  const char *name = hl_opcode_name(in->op);
  if (!name)
    FAIL("instruction %d: opcode %d does not exist", i, in->op);
  hl_arity arity = hl_opcode_arity(in->op);
  int32_t uses[3] = {in->a, in->b, in->c};
  int nuses = arity == HL_ARITY_ROW ? 1 : (int)arity;
  int has_dst = in->op != HL_PROGRAM_store;
  if (arity == HL_ARITY_PROGRAM)
    nuses = in->op == HL_PROGRAM_store || in->op == HL_PROGRAM_expand;
  if (has_dst && (in->dst < 0 || in->dst >= p->nregisters))
    FAIL("instruction %d (%s): dst register %d does not exist", i, name, in->dst);
  char kind = has_dst ? p->registers[in->dst] : 'F', want = kind;
  if (arity == HL_ARITY_ROW || in->op == HL_PROGRAM_expand) {
    if (kind != (arity == HL_ARITY_ROW ? 'R' : 'F'))
      FAIL("instruction %d (%s): dst register %d has kind %c", i, name, in->dst, kind);
    want = arity == HL_ARITY_ROW ? 'F' : 'R';
  }
  for (int u = 0; u < nuses; u++) {
    if (uses[u] < 0 || uses[u] >= p->nregisters)
      FAIL("instruction %d (%s): register %d does not exist", i, name, uses[u]);
    if (!defined[uses[u]])
      FAIL("instruction %d (%s): register %d is used before it is set", i, name, uses[u]);
    if (in->op != HL_PROGRAM_store && p->registers[uses[u]] != want)
      FAIL("instruction %d (%s): register %d has kind %c where %c is needed", i, name, uses[u], p->registers[uses[u]],
           want);
  }
  int32_t operand = in->op == HL_PROGRAM_uniform ? in->a : (int32_t)in->imm;
  if (in->op == HL_PROGRAM_load || in->op == HL_PROGRAM_store || in->op == HL_PROGRAM_uniform)
    if (operand < 0 || operand >= p->noperands)
      FAIL("instruction %d (%s): operand %d does not exist", i, name, operand);
  if ((in->op == HL_PROGRAM_uniform || in->op == HL_PROGRAM_iota_col) && kind != 'F' && cols != 1)
    FAIL("instruction %d (%s): dst register %d must be FULL", i, name, in->dst);
  if ((in->op == HL_PROGRAM_iota_row && rows > INT32_MAX) || (in->op == HL_PROGRAM_iota_col && cols > INT32_MAX))
    FAIL("instruction %d (%s): the domain is too large for int32", i, name);
  return HL_OK;
}

hl_status hl_tile_check(const hl_tile_domain *d, const hl_program *p, const hl_tile_memory *slots, int32_t nslots,
                        int64_t *low_high, char error[HL_ERROR_TEXT]) {
  if (d->nouter < 0 || d->nouter > HL_MAX_OUTER || d->cols < 0)
    FAIL("a domain has 0 to %d outer dimensions and cols >= 0", HL_MAX_OUTER);
  int64_t rows = 1, total;
  for (int32_t i = 0; i < d->nouter; i++)
    if (d->outer[i] < 0)
      FAIL("outer[%d] is negative", i);
  for (int32_t i = 0; i < d->nouter; i++)
    if (hl_mul_overflow(rows, d->outer[i], &rows))
      goto overflow;
  if (hl_mul_overflow(rows, d->cols, &total) || hl_mul_overflow(total, 64, &total) || rows > INT64_MAX / 64)
    goto overflow;
  if (p->nregisters < 0 || p->nregisters > HL_MAX_PROGRAM || p->noperands < 0 || p->noperands > HL_MAX_PROGRAM ||
      p->ninstructions < 0 || p->ninstructions > HL_MAX_PROGRAM || p->nreductions < 0 ||
      p->nreductions > HL_MAX_PROGRAM)
    FAIL("a program has at most %d registers, operands, instructions and reductions", HL_MAX_PROGRAM);
  for (int32_t i = 0; i < p->nregisters; i++)
    if (p->registers[i] != 'F' && p->registers[i] != 'R')
      FAIL("register %d: kind must be F or R", i);
  if (d->epilogue && (p->nregisters < 1 || p->registers[0] != 'F'))
    FAIL("register 0 of an epilogue is the product and must be FULL");
  if (d->epilogue && p->nreductions)
    FAIL("an epilogue cannot have cross-row reductions");

  uint8_t defined[HL_MAX_PROGRAM], row_only[HL_MAX_PROGRAM], use[HL_MAX_PROGRAM]; /* use: 1 load, 2 store, 4 key */
  memset(defined, 0, sizeof defined);
  memset(row_only, 0, sizeof row_only);
  memset(use, 0, sizeof use);
  defined[0] = d->epilogue != 0;
  int whole_row = 0, panels = 0;
  for (int32_t i = 0; i < p->ninstructions; i++) {
    const hl_instruction *in = &p->instructions[i];
    hl_status status = check_instruction(p, in, i, defined, d->cols, rows, error);
    if (status != HL_OK)
      return status;
    whole_row |= hl_opcode_arity(in->op) == HL_ARITY_ROW;
    if (in->op == HL_PROGRAM_load || in->op == HL_PROGRAM_store) {
      int store = in->op == HL_PROGRAM_store;
      int is_row = p->registers[store ? in->a : in->dst] == 'R';
      if (use[in->imm] && row_only[in->imm] != is_row)
        FAIL("operand %u is used with both FULL and ROW registers", in->imm);
      row_only[in->imm] = (uint8_t)is_row;
      use[in->imm] |= store ? 2 : 1;
      whole_row |= store && is_row;
    }
    if (in->op == HL_PROGRAM_uniform)
      use[in->a] |= 4;
    if (in->op != HL_PROGRAM_store)
      defined[in->dst] = 1;
  }
  for (int32_t i = 0; i < p->noperands; i++) {
    int64_t *low = &low_high[2 * i], *high = low + 1;
    if (!use[i])
      FAIL("operand %d is never used", i);
    if (use[i] & 4 && use[i] != 4)
      FAIL("operand %d is a key and cannot be loaded or stored", i);
    if (total == 0 && !(row_only[i] && rows) && !(use[i] & 4)) {
      *low = 0;
      *high = -1;
      if (p->operands[i].slot < 0 || p->operands[i].slot >= nslots)
        FAIL("operand %d: slot %d does not exist; the plan has %d slots", i, p->operands[i].slot, nslots);
    } else {
      hl_status status = check_operand(d, &p->operands[i], slots, nslots, i, row_only[i], use[i] & 4, low, high, error);
      if (status != HL_OK)
        return status;
    }
    const hl_tile_memory *m = &slots[p->operands[i].slot];
    panels |= p->operands[i].panel;
    if (use[i] & 2 && m->readonly)
      FAIL("operand %d: slot %d is a constant or an input and cannot be stored to", i, p->operands[i].slot);
    if (use[i] & 2 && !p->operands[i].panel && !injective(d, &p->operands[i], row_only[i], m->mapping != HL_MAP_NONE))
      FAIL("operand %d: several elements would be stored to one address", i);
  }
  if (panels && d->nouter != 1)
    FAIL("panels need one outer dimension");
  if (whole_row && (panels || d->epilogue) && d->cols > HL_PANEL)
    FAIL("row reductions and ROW stores with panels or in an epilogue need cols <= %d", HL_PANEL);
  for (int32_t i = 0; i < p->noperands; i++)
    for (int32_t j = 0; j < p->noperands; j++) {
      const hl_operand *a = &p->operands[i], *b = &p->operands[j];
      if (i == j || !(use[i] & 2) || slots[a->slot].space != slots[b->slot].space ||
          low_high[2 * i] > low_high[2 * j + 1] || low_high[2 * j] > low_high[2 * i + 1])
        continue;
      if (use[j] & 4 || (d->cols != 1 && row_only[i] != row_only[j]) ||
          !compatible(d, a, b, low_high[2 * i], low_high[2 * j]))
        FAIL("operands %d and %d overlap, one of them is stored to, and they are not the same elements", i, j);
    }
  for (int32_t i = 0; i < p->nreductions; i++) {
    const hl_reduction *r = &p->reductions[i];
    if (!hl_combine_name(r->op))
      FAIL("reduction %d: operation %d does not exist", i, r->op);
    if (r->reg < 0 || r->reg >= p->nregisters || !defined[r->reg])
      FAIL("reduction %d: register %d does not exist or is never set", i, r->reg);
    if (r->slot < 0 || r->slot >= nslots || slots[r->slot].readonly || slots[r->slot].mapping != HL_MAP_NONE)
      FAIL("reduction %d: slot %d cannot hold the result", i, r->slot);
    int64_t width = p->registers[r->reg] == 'F' ? d->cols : 1;
    if (r->offset < 0 || width > slots[r->slot].size || r->offset > slots[r->slot].size - width)
      FAIL("reduction %d writes %lld elements at %lld of slot %d, which has %lld", i, (long long)width,
           (long long)r->offset, r->slot, (long long)slots[r->slot].size);
  }
  return HL_OK;
overflow:
  snprintf(error, HL_ERROR_TEXT, "the domain does not fit in 64 bits");
  return HL_ERR_OVERFLOW;
}
