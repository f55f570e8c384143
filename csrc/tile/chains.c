/* Finds the chains of kernels/chains.h in a program. Their instructions need not be neighbours or in the declared
   order: what counts is which value is made of which. */
#include "tile/builder.h"

/* The sum and the product of two numbers do not depend on their order, bit for bit. */
static int commutes(int32_t op) { return op == HL_OP_add_f || op == HL_OP_mul_f; }

/* Lets value `v` of the pattern be `value` of the program, if it can be. */
static int bind(const hl_tile_builder *b, const hl_chain_pattern *p, hl_tile_match *m, int32_t v, int32_t value) {
  if (m->values[v] >= 0)
    return m->values[v] == value;
  if (v < p->nvectors) {
    if (b->values[value].full != b->values[m->last].full)
      return 0;
  } else if (v < p->nvectors + p->nscalars) {
    if (value >= b->product || b->values[value].level != HL_LEVEL_ONCE)
      return 0;
  } else if (value >= b->product || b->program->instructions[value].op != p->steps[v - p->nvectors - p->nscalars].op ||
             b->values[value].level != HL_LEVEL_BODY || b->match_of[value] >= 0) {
    return 0;
  }
  m->values[v] = value;
  return 1;
}

/* Binds the inputs of step `s` and of all steps before it; the steps after it are bound, so its own value is. */
static int match_steps(const hl_tile_builder *b, const hl_chain_pattern *p, hl_tile_match *m, int32_t s) {
  if (s < 0)
    return 1;
  const hl_chain_step *step = &p->steps[s];
  const int32_t *use = b->uses[m->values[p->nvectors + p->nscalars + s]];
  for (int turned = 0; turned <= commutes(step->op); turned++) {
    hl_tile_match before = *m;
    int fits = 1;
    for (int u = 0; u < 3 && fits && step->inputs[u] >= 0; u++)
      fits = bind(b, p, m, step->inputs[u], use[turned ? 1 - u : u]);
    if (fits && match_steps(b, p, m, s - 1))
      return 1;
    *m = before;
  }
  return 0;
}

static int32_t result_number(const hl_chain_pattern *p, int32_t v) {
  for (int32_t i = 0; i < p->nresults; i++)
    if (p->results[i] == v)
      return i;
  return -1;
}

/* Whether nobody else sees the values in between, nor a result before the last instruction has made it. */
static int is_closed(const hl_tile_builder *b, const hl_chain_pattern *p, const hl_tile_match *m) {
  for (int32_t s = 0; s < p->nsteps; s++) {
    int32_t v = p->nvectors + p->nscalars + s, value = m->values[v], result = result_number(p, v) >= 0;
    for (int32_t other = 0; other < v; other++) /* nor an input that the chain itself makes, nor two steps in one */
      if (m->values[other] == value)
        return 0;
    for (int32_t i = 0; i < b->tile->nreductions; i++)
      if (!result && b->tile->reductions[i].loc[0] == value)
        return 0;
    for (int32_t i = value + 1; i < b->program->ninstructions; i++) {
      if (b->uses[i][0] != value && b->uses[i][1] != value && b->uses[i][2] != value)
        continue;
      if (b->match_of[i] < 0 && b->program->instructions[i].op != HL_PROGRAM_store &&
          (b->values[i].alias || b->values[i].last < 0))
        continue; /* never emitted */
      int inside = 0;
      for (int32_t t = s + 1; t < p->nsteps; t++)
        inside |= m->values[p->nvectors + p->nscalars + t] == i;
      if (!inside && (!result || i < m->last))
        return 0;
    }
  }
  return 1;
}

static void accept(hl_tile_builder *b, const hl_chain_pattern *p, const hl_tile_match *m) {
  int32_t first = p->nvectors + p->nscalars;
  for (int32_t v = 0; v < first; v++) {
    hl_tile_value *value = &b->values[m->values[v]];
    value->last = value->last > m->last ? value->last : m->last;
  }
  for (int32_t s = 0; s < p->nsteps; s++) {
    b->match_of[m->values[first + s]] = b->nmatches;
    if (result_number(p, first + s) < 0)
      b->values[m->values[first + s]].last = -1;
  }
  if (!b->tile->chain)
    b->tile->chain = p->name;
  b->matches[b->nmatches++] = *m;
}

/* A chain reads one lane of its scalars: a value that nobody else reads needs no more than a vector, nor does what it
   is made of. Expects instructions that are never emitted to have no `last`. */
static void find_narrow(hl_tile_builder *b) {
  int32_t n = b->program->ninstructions;
  for (int32_t i = 0; i < n; i++)
    b->values[i].narrow = b->values[i].level == HL_LEVEL_ONCE && b->values[i].last < n;
  for (int32_t i = n - 1; i >= 0; i--) {
    const hl_tile_value *v = &b->values[i];
    if (v->alias || b->match_of[i] >= 0 || (v->last < 0 && b->program->instructions[i].op != HL_PROGRAM_store))
      continue;
    for (int u = 0; u < 3; u++)
      if (b->uses[i][u] >= 0 && !v->narrow)
        b->values[b->uses[i][u]].narrow = 0;
  }
  for (int32_t m = 0; m < b->nmatches; m++)
    for (int32_t v = 0, nvectors = hl_chain_pattern_of(b->matches[m].chain)->nvectors; v < nvectors; v++)
      b->values[b->matches[m].values[v]].narrow = 0;
}

void hl_tile_find_chains(hl_tile_builder *b) {
  int32_t n = b->program->ninstructions;
  for (int32_t i = 0; i < n; i++)
    b->match_of[i] = -1;
  if (b->domain->interpreted)
    return;
  for (int32_t chain = 0; chain < HL_CHAIN_COUNT; chain++) {
    const hl_chain_pattern *p = hl_chain_pattern_of((hl_chain)chain);
    for (int32_t i = 0; i < n; i++) {
      hl_tile_match m = {.chain = (hl_chain)chain, .last = i};
      for (int32_t v = 0; v < HL_CHAIN_VALUES; v++)
        m.values[v] = -1;
      if (b->program->instructions[i].op < HL_OP_COUNT && !b->values[i].alias && b->values[i].last >= 0 &&
          bind(b, p, &m, p->nvectors + p->nscalars + p->nsteps - 1, i) && match_steps(b, p, &m, p->nsteps - 1) &&
          is_closed(b, p, &m))
        accept(b, p, &m);
    }
  }
  find_narrow(b);
}
