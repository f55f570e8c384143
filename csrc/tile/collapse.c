/* Brings a domain to normal form: dimensions of size 1 go, neighbours that every operand walks with one stride merge,
   and what has one column in the end becomes a one-dimensional LANES domain. */
#include "core/memory.h"
#include "tile/internal.h"

static void drop_dimension(hl_tile_shape *s, hl_operand *operands, int32_t n, int32_t d) {
  for (int32_t i = d; i + 1 < s->nouter; i++) {
    s->outer[i] = s->outer[i + 1];
    for (int32_t o = 0; o < n; o++)
      operands[o].outer_strides[i] = operands[o].outer_strides[i + 1];
  }
  s->nouter--;
}

/* Whether every operand steps over dimension d as a continuation of one with this size and these strides. */
static int merges(const hl_operand *operands, int32_t n, int32_t d, int64_t size, int32_t inner) {
  for (int32_t o = 0; o < n; o++) {
    int64_t step = inner < 0 ? operands[o].col_stride : operands[o].outer_strides[inner];
    int64_t product;
    if (hl_mul_overflow(step, size, &product) || operands[o].outer_strides[d] != product)
      return 0;
  }
  return 1;
}

void hl_tile_collapse(hl_tile_shape *s, hl_operand *operands, int32_t n, int may_flatten, int panels) {
  if (panels || s->rows == 0 || s->cols == 0)
    return;
  int32_t first = s->pinned ? 1 : 0;
  for (int32_t d = s->nouter - 1; d >= first; d--)
    if (s->outer[d] == 1)
      drop_dimension(s, operands, n, d);
  for (int32_t d = s->nouter - 2; d >= first; d--) {
    if (merges(operands, n, d, s->outer[d + 1], d + 1)) {
      int64_t size = s->outer[d] * s->outer[d + 1];
      for (int32_t o = 0; o < n; o++)
        operands[o].outer_strides[d] = operands[o].outer_strides[d + 1];
      drop_dimension(s, operands, n, d + 1);
      s->outer[d] = size;
    }
  }
  if (may_flatten && s->cols == 1 && s->nouter > first) {
    /* One column: the innermost outer dimension takes its place; the next lines may merge more. */
    for (int32_t o = 0; o < n; o++)
      operands[o].col_stride = operands[o].outer_strides[s->nouter - 1];
    s->cols = s->outer[s->nouter - 1];
    s->nouter--;
  }
  if (may_flatten) {
    while (s->nouter > first && merges(operands, n, s->nouter - 1, s->cols, -1)) {
      s->cols *= s->outer[s->nouter - 1];
      s->nouter--;
    }
    if (s->nouter == 0) {
      s->nouter = 1;
      s->outer[0] = s->cols;
      s->cols = 1;
      for (int32_t o = 0; o < n; o++)
        operands[o].outer_strides[0] = operands[o].col_stride;
    }
  }
  s->rows = 1;
  for (int32_t d = 0; d < s->nouter; d++)
    s->rows *= s->outer[d];
  s->lanes_mode = s->cols == 1;
}
