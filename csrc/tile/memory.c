/* Between memory and registers. Padding lanes are written with whatever is convenient and never stored. */
#include <string.h>

#include "tile/internal.h"

/* Address of the first of up to end - r rows that follow each other at row_stride; returns how many. */
static int64_t segment(const hl_tile_state *s, const hl_tile_operand *o, int64_t r, int64_t end, float **at) {
  const hl_tile *t = s->tile;
  float *base = s->bases[o->slot] + o->offset;
  if (t->nouter <= 1) {
    if (o->indexed && s->rows) {
      *at = base + s->rows[r] * o->row_stride;
      return 1;
    }
    *at = base + r * o->row_stride;
    return end - r;
  }
  int64_t rest = r, count = end - r;
  for (int32_t d = t->nouter - 1; d >= 0; d--) {
    int64_t i = rest % t->outer[d];
    rest /= t->outer[d];
    if (d == t->nouter - 1 && t->outer[d] - i < count)
      count = t->outer[d] - i;
    if (d == 0 && o->indexed && s->rows)
      i = s->rows[i];
    base += i * o->strides[d];
  }
  *at = base;
  return count;
}

static void load_rows(const hl_tile_state *s, const hl_tile_operand *o, float *dst, const hl_tile_extent *e) {
  for (int64_t r = e->r0, end = e->r0 + e->rows; r < end;) {
    float *at;
    int64_t count = segment(s, o, r, end, &at);
    at += e->c0 * o->col_stride;
    if (o->access == HL_ACCESS_TURNED && count > 1) {
      s->tile->kernels->transpose(dst, e->ld, at, o->col_stride, e->cols, count);
      dst += count * e->ld;
    } else if (o->col_stride == 1) {
      s->tile->kernels->copy_rows(dst, e->ld, at, o->row_stride, count, e->cols, hl_tile_round16(e->cols));
      dst += count * e->ld;
    } else {
      for (int64_t i = 0; i < count; i++, dst += e->ld, at += o->row_stride) {
        if (o->col_stride == 0)
          s->tile->kernels->fill(dst, *at, e->ld);
        else
          for (int64_t c = 0; c < e->cols; c++)
            dst[c] = at[c * o->col_stride];
      }
    }
    r += count;
  }
}

static void load_row_register(const hl_tile_state *s, const hl_tile_operand *o, float *dst, const hl_tile_extent *e) {
  if (o->access == HL_ACCESS_SPLAT) {
    s->tile->kernels->fill(dst, s->bases[o->slot][o->offset], e->lanes_row);
    return;
  }
  for (int64_t r = e->r0, end = e->r0 + e->rows; r < end;) {
    float *at;
    int64_t count = segment(s, o, r, end, &at);
    if (o->row_stride == 1)
      memcpy(dst, at, (size_t)count * sizeof *dst);
    else
      for (int64_t i = 0; i < count; i++)
        dst[i] = at[i * o->row_stride];
    dst += count;
    r += count;
  }
}

void hl_tile_load(const hl_tile_state *s, const hl_tile_operand *o, int full, float *dst, const hl_tile_extent *e) {
  if (!full) {
    load_row_register(s, o, dst, e);
    return;
  }
  if (e->cols == 0)
    return;
  switch ((hl_access)o->access) {
  case HL_ACCESS_SPLAT:
    s->tile->kernels->fill(dst, s->bases[o->slot][o->offset], e->lanes_full);
    break;
  case HL_ACCESS_COLUMNS:
    s->tile->kernels->copy_rows(dst, e->ld, s->bases[o->slot] + o->offset + e->c0, 0, e->rows, e->cols,
                                hl_tile_round16(e->cols));
    break;
  case HL_ACCESS_PANEL: /* zero padding included */
    s->tile->kernels->copy_rows(dst, e->ld, hl_tile_address(s, o, e->r0, e->c0), HL_PANEL, e->rows, e->ld, e->ld);
    break;
  default:
    load_rows(s, o, dst, e);
  }
}

void hl_tile_store(const hl_tile_state *s, const hl_tile_operand *o, int full, const float *src,
                   const hl_tile_extent *e) {
  if (o->access == HL_ACCESS_PANEL) { /* of at most HL_LANES columns, and its padding: whole panels are used in place */
    s->tile->kernels->copy_rows(hl_tile_address(s, o, e->r0, e->c0), HL_PANEL, src, e->ld, e->rows, e->cols, HL_PANEL);
    return;
  }
  int64_t cols = full ? e->cols : 1, ld = full ? e->ld : 1;
  for (int64_t r = e->r0, end = e->r0 + e->rows; r < end;) {
    float *at;
    int64_t count = segment(s, o, r, end, &at);
    r += count;
    if (!full && o->row_stride == 1) {
      memcpy(at, src, (size_t)count * sizeof *at);
      src += count;
      continue;
    }
    if (full)
      at += e->c0 * o->col_stride;
    if (full && o->col_stride == 1) {
      s->tile->kernels->copy_rows(at, o->row_stride, src, ld, count, cols, cols);
      src += count * ld;
      continue;
    }
    for (int64_t i = 0; i < count; i++, src += ld, at += o->row_stride)
      for (int64_t c = 0; c < cols; c++)
        at[c * o->col_stride] = src[c];
  }
}
