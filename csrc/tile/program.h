/* How the caller describes a tile program: a short straight-line program that is run for every element of a domain of
   R = prod(outer) rows and C = cols columns. This is the description; tile/tile.h holds the compiled form. */
#ifndef HL_TILE_PROGRAM_H
#define HL_TILE_PROGRAM_H

#include <stdint.h>

#include "kernels/kernels.h"

#define HL_MAX_OUTER 8      /* outer dimensions of a domain */
#define HL_MAX_PROGRAM 4096 /* registers, operands or instructions of one program */

/* Instructions that are not kernels. Their numbers follow those of hl_op.
     load dst, imm = operand        store a, imm = operand
     const_f / const_i dst, imm = the 32 bits of the value
     expand dst(FULL) <- a(ROW)
     iota_row / iota_col dst        the int32 number of the row (over the whole domain) or of the column
     uniform dst, a = operand of the int32[2] key, imm = stream: float32 in [0, 1) of element row * cols + column */
#define HL_PROGRAM_OPS(X) X(load) X(store) X(const_f) X(const_i) X(expand) X(iota_row) X(iota_col) X(uniform)

enum {
  HL_PROGRAM_BEFORE_FIRST = HL_OP_COUNT - 1,
#define X(name) HL_PROGRAM_##name,
  HL_PROGRAM_OPS(X)
#undef X
      HL_PROGRAM_COUNT
};

/* Name of an opcode (0 <= opcode < HL_PROGRAM_COUNT), else NULL. */
const char *hl_opcode_name(int32_t opcode);

typedef enum hl_arity {
  HL_ARITY_PROGRAM = 0,
  HL_ARITY_UNARY,
  HL_ARITY_BINARY,
  HL_ARITY_TERNARY,
  HL_ARITY_ROW
} hl_arity;
hl_arity hl_opcode_arity(int32_t opcode);
/* Rough price of one lane in units of a register-to-register add; used to size tasks, so a function of shapes alone. */
int32_t hl_opcode_cost(int32_t opcode);

/* Cross-row reductions: of a FULL register into [C], or of a ROW register into one value. */
#define HL_COMBINES(X)                                                                                                 \
  X(sum_f, add_f, row_sum_f, 0x00000000u)                                                                              \
  X(max_f, max_f, row_max_f, 0xff800000u)                                                                              \
  X(min_f, min_f, row_min_f, 0x7f800000u)                                                                              \
  X(prod_f, mul_f, row_prod_f, 0x3f800000u)                                                                            \
  X(sum_i, add_i, row_sum_i, 0x00000000u)                                                                              \
  X(max_i, max_i, row_max_i, 0x80000000u)                                                                              \
  X(min_i, min_i, row_min_i, 0x7fffffffu)                                                                              \
  X(prod_i, mul_i, row_prod_i, 0x00000001u)

typedef enum hl_combine {
#define X(name, binary, row, neutral) HL_COMBINE_##name,
  HL_COMBINES(X)
#undef X
      HL_COMBINE_COUNT
} hl_combine;
const char *hl_combine_name(int32_t combine);

/* Element (i0, i1, ..., c) is at offset + sum(i_d * outer_strides[d]) + c * col_stride of the slot, or, with panel, in
   column panels starting at offset (the domain then has one outer dimension). A ROW register uses c = 0. */
typedef struct hl_operand {
  int32_t slot;
  int32_t panel;
  int64_t offset;
  int64_t outer_strides[HL_MAX_OUTER];
  int64_t col_stride;
} hl_operand;

typedef struct hl_instruction {
  int32_t op;
  int32_t dst, a, b, c;
  uint32_t imm;
} hl_instruction;

typedef struct hl_reduction {
  int32_t op; /* hl_combine */
  int32_t reg;
  int32_t slot;
  int64_t offset;
} hl_reduction;

typedef struct hl_program {
  const char *registers; /* one character each: 'F' or 'R' */
  int32_t nregisters, noperands, ninstructions, nreductions;
  const hl_operand *operands;
  const hl_instruction *instructions;
  const hl_reduction *reductions;
} hl_program;

#endif
