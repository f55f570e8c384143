/* Runs compiled programs. Nothing here allocates, checks or fails. */
#include <string.h>

#include "tile/internal.h"

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
int64_t hl_tile_round16(int64_t n) { return (n + HL_LANES - 1) / HL_LANES * HL_LANES; }

/* Lanes taken by the table of pointers at the start of the scratch memory. */
static int64_t pointer_lanes(const hl_tile *t) {
  return hl_tile_round16(t->nlocs * (int64_t)sizeof(float *) / (int64_t)sizeof(float));
}

static void fill_int(float *dst, int32_t first, int32_t step, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    int32_t value = (int32_t)((uint32_t)first + (uint32_t)step * (uint32_t)i);
    memcpy(dst + i, &value, sizeof value);
  }
}

static float from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static void run_uniform(const hl_tile_state *s, const hl_tile_code *c, const hl_tile_extent *e) {
  const hl_tile *t = s->tile;
  const hl_tile_operand *o = &t->operands[c->operand];
  uint32_t key[2];
  memcpy(key, s->bases[o->slot] + o->offset, sizeof key);
  float *dst = s->loc[c->dst];
  int64_t n = c->full ? e->lanes_full : e->lanes_row;
  if (!c->full || e->ld == t->cols) {
    uint64_t first = (uint64_t)e->r0 * (uint64_t)t->cols;
    t->kernels->uniform(dst, key[0], key[1], c->imm, first, n);
  } else {
    for (int64_t r = 0; r < e->rows; r++) {
      uint64_t first = (uint64_t)(e->r0 + r) * (uint64_t)t->cols + (uint64_t)e->c0;
      t->kernels->uniform(dst + r * e->ld, key[0], key[1], c->imm, first, e->ld);
    }
  }
}

static void run_rest(const hl_tile_state *s, const hl_tile_code *c, const hl_tile_extent *e) {
  float *dst = s->loc[c->dst];
  int64_t n = c->full ? e->lanes_full : e->lanes_row;
  switch ((hl_code_kind)c->kind) {
  case HL_CODE_SPLAT:
    s->tile->kernels->fill(dst, from_bits(c->imm), n);
    break;
  case HL_CODE_EXPAND:
    for (int64_t r = 0; r < e->rows; r++)
      s->tile->kernels->fill(dst + r * e->ld, s->loc[c->a][r], e->ld);
    break;
  case HL_CODE_IOTA_ROW:
    if (c->full)
      for (int64_t r = 0; r < e->rows; r++)
        fill_int(dst + r * e->ld, (int32_t)(e->r0 + r), 0, e->ld);
    else
      fill_int(dst, (int32_t)e->r0, 1, n);
    break;
  case HL_CODE_IOTA_COL:
    for (int64_t r = 0; r < e->rows; r++)
      fill_int(dst + r * e->ld, (int32_t)e->c0, 1, e->ld);
    break;
  case HL_CODE_UNIFORM:
    run_uniform(s, c, e);
    break;
  case HL_CODE_MASK:
    for (int64_t r = 0; r < e->rows; r++) {
      fill_int(dst + r * e->ld, 1, 0, e->cols);
      fill_int(dst + r * e->ld + e->cols, 0, 0, e->ld - e->cols);
    }
    break;
  default:
    break;
  }
}

static void run_section(const hl_tile_state *s, const hl_tile_section *section, const hl_tile_extent *e) {
  float *const *loc = s->loc;
  const hl_tile_operand *operands = s->tile->operands;
  for (const hl_tile_code *c = section->code, *end = c + section->count; c < end; c++) {
    switch ((hl_code_kind)c->kind) {
    case HL_CODE_ELEMENTWISE:
      c->call.elementwise(loc[c->dst], loc[c->a], loc[c->b], loc[c->c], c->full ? e->lanes_full : e->lanes_row);
      break;
    case HL_CODE_CHAIN: {
      float *places[HL_CHAIN_PLACES];
      for (uint32_t i = 0; i < c->imm; i++)
        places[i] = loc[s->tile->chain_locs[c->operand + (int32_t)i]];
      c->call.chain(places, c->full ? e->lanes_full : e->lanes_row);
      break;
    }
    case HL_CODE_ROWREDUCE:
      c->call.rowreduce(loc[c->dst], loc[c->a], e->rows, e->cols, e->ld);
      break;
    case HL_CODE_LOAD:
      hl_tile_load(s, &operands[c->operand], c->full, loc[c->dst], e);
      break;
    case HL_CODE_STORE:
      hl_tile_store(s, &operands[c->operand], c->full, loc[c->a], e);
      break;
    default:
      run_rest(s, c, e);
    }
  }
}

void hl_tile_begin(hl_tile_state *s, const hl_tile *t, void *scratch, void *partials, float *const *bases,
                   const int64_t *rows, int32_t direct) {
  s->tile = t;
  s->bases = bases;
  s->rows = rows;
  s->direct = direct;
  s->columns_at = s->lone.nr = -1;
  s->partials = partials;
  s->loc = scratch;
  s->full = (float *)scratch + pointer_lanes(t);
  s->row = s->full + t->nfull * t->full_lanes;
  s->reduce = s->row + t->nrow * t->row_lanes;
  s->loc[0] = NULL;
  float **loc = s->loc + 1;
  for (int32_t i = 0; i < t->nfull; i++)
    *loc++ = s->full + i * t->full_lanes;
  for (int32_t i = 0; i < t->nrow; i++)
    *loc++ = s->row + i * t->row_lanes;
}

int hl_tile_run(hl_tile_state *s, const hl_tile_extent *e) {
  const hl_tile *t = s->tile;
  int whole = t->lanes_mode ? e->rows == e->lanes_row : e->cols == e->ld;
  int variant = s->direct && whole ? HL_VARIANT_DIRECT : HL_VARIANT_COPY;
  for (int32_t i = 0; i < t->ndirect; i++) {
    int32_t o = t->direct_operands[i];
    s->loc[t->operand_loc + o] = hl_tile_address(s, &t->operands[o], e->r0, e->c0);
  }
  if (s->columns_at != e->c0) {
    hl_tile_extent most = *e;
    most.rows = t->tile_rows;
    most.lanes_full = t->tile_rows * e->ld;
    most.lanes_row = t->row_lanes;
    if (s->columns_at < 0) {
      hl_tile_extent widest = most; /* constants fill registers whole, whatever the first block's width */
      widest.ld = widest.cols = t->block_cols;
      widest.lanes_full = t->full_lanes;
      run_section(s, &t->once, &widest);
    }
    run_section(s, &t->columns, &most);
    if (t->masked[variant])
      run_section(s, &t->masks, &most);
    s->columns_at = e->c0;
  }
  run_section(s, &t->body[variant], e);
  return variant;
}

static const uint8_t binary_of[HL_COMBINE_COUNT] = {
#define X(name, binary, row, neutral) HL_OP_##binary,
    HL_COMBINES(X)
#undef X
};
static const uint8_t rowop_of[HL_COMBINE_COUNT] = {
#define X(name, binary, row, neutral) HL_OP_##row,
    HL_COMBINES(X)
#undef X
};
static const uint32_t neutral_of[HL_COMBINE_COUNT] = {
#define X(name, binary, row, neutral) neutral,
    HL_COMBINES(X)
#undef X
};

/* acc = op(acc, row) for each row in order. */
static void chain(const hl_tile *t, int32_t combine, float *acc, const float *src, int64_t rows, int64_t n,
                  int64_t ld) {
  if (combine == HL_COMBINE_sum_f) {
    t->kernels->colsum_f(acc, src, rows, n, ld);
    return;
  }
  for (int64_t r = 0; r < rows; r++)
    t->kernels->elementwise[binary_of[combine]](acc, acc, src + r * ld, NULL, n);
}

/* One reduction block (or, without reductions, one run of rows) of one column block. */
static void run_block(hl_tile_state *s, int64_t r0, int64_t r1, int64_t block) {
  const hl_tile *t = s->tile;
  hl_tile_extent e = {.c0 = block * t->block_cols};
  e.cols = min64(t->block_cols, t->cols - e.c0);
  e.ld = t->panels ? HL_PANEL : e.cols == 0 ? HL_LANES : hl_tile_round16(e.cols);
  for (int32_t i = 0; i < t->nreductions; i++)
    if (t->reductions[i].full)
      t->kernels->fill(s->reduce + t->reductions[i].acc, from_bits(neutral_of[t->reductions[i].combine]), e.ld);
  for (int64_t r = r0; r < r1;) {
    e.r0 = r;
    e.rows = min64(t->tile_rows, r1 - r);
    if (t->lanes_mode && e.rows > HL_LANES)
      e.rows -= e.rows % HL_LANES; /* the whole vectors first, so that they can work in place */
    e.lanes_full = e.rows * e.ld;
    e.lanes_row = hl_tile_round16(e.rows);
    int variant = hl_tile_run(s, &e);
    for (int32_t i = 0; i < t->nreductions; i++) {
      const hl_tile_reduce_spec *spec = &t->reductions[i];
      const float *src = s->loc[spec->loc[variant]];
      float *acc = s->reduce + spec->acc;
      if (spec->full)
        chain(t, spec->combine, acc, src, e.rows, e.ld, e.ld);
      else
        memcpy(acc + (r - r0), src, (size_t)e.rows * sizeof *acc);
    }
    r += e.rows;
  }
  for (int32_t i = 0; i < t->nreductions; i++) {
    const hl_tile_reduce_spec *spec = &t->reductions[i];
    float *acc = s->reduce + spec->acc;
    float *partial = s->partials + spec->partial + r0 / t->unit_rows * spec->width;
    if (spec->full)
      memcpy(partial + e.c0, acc, (size_t)e.ld * sizeof *acc);
    else
      t->kernels->rowreduce[rowop_of[spec->combine]](partial, acc, 1, r1 - r0, t->unit_rows);
  }
}

void hl_tile_task(hl_tile_state *s, int64_t task) {
  const hl_tile *t = s->tile;
  /* Column blocks vary slowest: a thread's range of tasks is a range of slabs, as in the products. */
  int64_t r0 = task % t->row_tasks * t->task_rows, r1 = min64(r0 + t->task_rows, t->rows);
  int64_t b0 = task / t->row_tasks * t->task_blocks, b1 = min64(b0 + t->task_blocks, t->nblocks);
  for (int64_t b = b0; b < b1; b++) {
    if (t->nreductions == 0)
      run_block(s, r0, r1, b);
    else
      for (int64_t r = r0; r < r1; r += t->unit_rows)
        run_block(s, r, min64(r + t->unit_rows, r1), b);
  }
}

void hl_tile_reduce(hl_tile_state *s) {
  const hl_tile *t = s->tile;
  for (int32_t i = 0; i < t->nreductions; i++) {
    const hl_tile_reduce_spec *spec = &t->reductions[i];
    float *result = s->partials + spec->partial;
    if (t->reduce_blocks == 0)
      t->kernels->fill(result, from_bits(neutral_of[spec->combine]), spec->width);
    else
      chain(t, spec->combine, result, result + spec->width, t->reduce_blocks - 1, spec->width, spec->width);
    memcpy(s->bases[spec->slot] + spec->offset, result, (size_t)(spec->full ? t->cols : 1) * sizeof *result);
  }
}

int64_t hl_tile_scratch(const hl_tile *t) {
  return (pointer_lanes(t) + t->nfull * t->full_lanes + t->nrow * t->row_lanes + t->reduce_lanes) *
         (int64_t)sizeof(float);
}
int64_t hl_tile_partials(const hl_tile *t) { return t->partial_lanes * (int64_t)sizeof(float); }
int64_t hl_tile_ntasks(const hl_tile *t) { return t->ntasks; }
int64_t hl_tile_cost(const hl_tile *t) { return t->cost; }
const char *hl_tile_chain(const hl_tile *t) { return t->chain; }

int hl_tile_aligned(const hl_tile *t, float *const *bases) {
  for (int32_t i = 0; i < t->nbound; i++)
    if ((uintptr_t)bases[t->bound_slots[i]] % 64)
      return 0;
  return 1;
}

void hl_tile_stored_range(const hl_tile *t, int32_t operand, int64_t *low, int64_t *high) {
  *low = t->operands[operand].low;
  *high = t->operands[operand].high;
}
