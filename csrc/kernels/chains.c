/* The declarations of chains.h as data. */
#include "kernels/chains.h"
#include "kernels/kernels.h"

#define NOTHING(...)
#define ONE(...) +1
#define VALUE(x, ...) x,
#define UNARY_STEP(x, op, a) {HL_OP_##op##_f, {a, -1, -1}},
#define BINARY_STEP(x, op, a, b) {HL_OP_##op##_f, {a, b, -1}},
#define SELECT_STEP(x, m, a, b) {HL_OP_select, {m, a, b}},

/* One function each, so that the values of different chains may have the same names. */
#define PATTERN(name)                                                                                                  \
  static const hl_chain_pattern *pattern_##name(void) {                                                                \
    enum { HL_CHAIN_##name(VALUE, VALUE, VALUE, VALUE, VALUE, VALUE, NOTHING) values };                                \
    _Static_assert(values <= HL_CHAIN_VALUES, "raise HL_CHAIN_VALUES");                                                \
    _Static_assert(0 HL_CHAIN_##name(ONE, ONE, NOTHING, NOTHING, NOTHING, NOTHING, ONE) <= HL_CHAIN_PLACES,            \
                   "raise HL_CHAIN_PLACES");                                                                           \
    static const hl_chain_pattern pattern = {                                                                          \
        #name,                                                                                                         \
        0 HL_CHAIN_##name(ONE, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING),                                  \
        0 HL_CHAIN_##name(NOTHING, ONE, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING),                                  \
        0 HL_CHAIN_##name(NOTHING, NOTHING, ONE, ONE, ONE, ONE, NOTHING),                                              \
        0 HL_CHAIN_##name(NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, ONE),                                  \
        {HL_CHAIN_##name(NOTHING, NOTHING, UNARY_STEP, BINARY_STEP, BINARY_STEP, SELECT_STEP, NOTHING)},               \
        {HL_CHAIN_##name(NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, VALUE)}};                               \
    return &pattern;                                                                                                   \
  }
HL_CHAINS(PATTERN)

const hl_chain_pattern *hl_chain_pattern_of(hl_chain chain) {
  switch (chain) {
#define CASE(name)                                                                                                     \
  case HL_CHAIN_##name:                                                                                                \
    return pattern_##name();
    HL_CHAINS(CASE)
  default:
    return 0;
  }
}
