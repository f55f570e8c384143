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
    } else {
      for (int64_t i = 0; i < count; i++, dst += e->ld, at += o->row_stride) {
        if (o->col_stride == 1)
          memcpy(dst, at, (size_t)e->cols * sizeof *dst);
        else if (o->col_stride == 0)
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
  case HL_ACCESS_COLUMNS: {
    const float *at = s->bases[o->slot] + o->offset + e->c0;
    for (int64_t r = 0; r < e->rows; r++)
      memcpy(dst + r * e->ld, at, (size_t)e->cols * sizeof *dst);
    break;
  }
  case HL_ACCESS_PANEL: { /* zero padding included */
    const float *at = hl_tile_address(s, o, e->r0, e->c0);
    if (e->ld == HL_PANEL)
      memcpy(dst, at, (size_t)e->lanes_full * sizeof *dst);
    else
      for (int64_t r = 0; r < e->rows; r++)
        memcpy(dst + r * HL_LANES, at + r * HL_PANEL, HL_LANES * sizeof *dst);
    break;
  }
  default:
    load_rows(s, o, dst, e);
  }
}

/* Rows of a panel with at most HL_LANES columns, and its padding. Whole panels are used in place. In registers: lanes
   that are masked one by one in memory hold up the load of all of them. */
static void store_narrow(float *panel, const float *src, int64_t rows, int64_t cols) {
  typedef uint32_t four __attribute__((vector_size(16)));
  enum { FOURS = HL_LANES / 4, ALL = HL_PANEL / 4 };
  uint32_t lanes[HL_LANES];
  four masks[FOURS];
  for (int64_t c = 0; c < HL_LANES; c++)
    lanes[c] = c < cols ? UINT32_MAX : 0;
  memcpy(masks, lanes, sizeof masks);
  for (int64_t r = 0; r < rows; r++, panel += HL_PANEL, src += HL_LANES) {
    four row[ALL] = {{0}};
#pragma GCC unroll 4
    for (int i = 0; i < FOURS; i++) {
      memcpy(&row[i], src + 4 * i, sizeof row[i]);
      row[i] &= masks[i];
    }
#pragma GCC unroll 8
    for (int i = 0; i < ALL; i++)
      memcpy(panel + 4 * i, &row[i], sizeof row[i]);
  }
}

void hl_tile_store(const hl_tile_state *s, const hl_tile_operand *o, int full, const float *src,
                   const hl_tile_extent *e) {
  if (o->access == HL_ACCESS_PANEL) {
    store_narrow(hl_tile_address(s, o, e->r0, e->c0), src, e->rows, e->cols);
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
    for (int64_t i = 0; i < count; i++, src += ld, at += o->row_stride) {
      if (full && o->col_stride == 1)
        memcpy(at, src, (size_t)cols * sizeof *at);
      else
        for (int64_t c = 0; c < cols; c++)
          at[c * o->col_stride] = src[c];
    }
  }
}
