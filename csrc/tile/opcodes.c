/* Names, arities and prices of the instructions, read from kernels.def so that there is one list. */
#include "tile/program.h"

static const char *const names[HL_PROGRAM_COUNT] = {
#define HL_UNARY(name, in, out) #name,
#define HL_BINARY(name, in, out) #name,
#define HL_TERNARY(name, in, out) #name,
#define HL_ROWRED(name, in, out) #name,
#include "kernels/kernels.def"
#define X(name) #name,
    HL_PROGRAM_OPS(X)
#undef X
};

static const uint8_t arities[HL_PROGRAM_COUNT] = {
#define HL_UNARY(name, in, out) HL_ARITY_UNARY,
#define HL_BINARY(name, in, out) HL_ARITY_BINARY,
#define HL_TERNARY(name, in, out) HL_ARITY_TERNARY,
#define HL_ROWRED(name, in, out) HL_ARITY_ROW,
#include "kernels/kernels.def"
};

const char *hl_opcode_name(int32_t opcode) { return opcode >= 0 && opcode < HL_PROGRAM_COUNT ? names[opcode] : 0; }

hl_arity hl_opcode_arity(int32_t opcode) { return (hl_arity)arities[opcode]; }

int32_t hl_opcode_cost(int32_t opcode) {
  switch (opcode) {
  case HL_OP_exp_f:
  case HL_OP_expm1_f:
  case HL_OP_log_f:
  case HL_OP_log1p_f:
  case HL_OP_tanh_f:
  case HL_OP_sigmoid_f:
  case HL_OP_erf_f:
  case HL_OP_sin_f:
  case HL_OP_cos_f:
    return 10;
  case HL_OP_pow_f:
  case HL_OP_mod_f:
  case HL_OP_div_i:
  case HL_OP_mod_i:
    return 20;
  case HL_OP_div_f:
  case HL_OP_sqrt_f:
    return 3;
  case HL_PROGRAM_uniform:
    return 12;
  default:
    return 1;
  }
}

const char *hl_combine_name(int32_t combine) {
  static const char *const combines[HL_COMBINE_COUNT] = {
#define X(name, binary, row, neutral) #name,
      HL_COMBINES(X)
#undef X
  };
  return combine >= 0 && combine < HL_COMBINE_COUNT ? combines[combine] : 0;
}
