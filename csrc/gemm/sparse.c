/* Drives the kernels for products whose left operand is mostly zeros.

     lists:    for each window of rows, for each part of the columns: what is not zero there, and where.
     product:  for each block of rows and pass of some slabs, for each part: all windows of the block.

   Why no bit differs. A term of a zero factor and a finite one is a zero, and adding it changes nothing but a sum that
   is -0, to +0. Sums begin as +0, so they are -0 only after an underflow. The kernel tells whether one is at the end of
   a part; if none is, no zero that was left out has changed anything. */
#include "gemm/sparse.h"

#include <stdatomic.h>
#include <string.h>

#include "core/memory.h"
#include "gemm/internal.h"

enum {
  ROWS_AT_ONCE = 128,  /* of a task: their sums stay in the L2 cache */
  ROW_WINDOW = 16,     /* rows whose lists are made together: of a batch, whose rows lie anywhere in memory, */
  COLUMN_WINDOW = 32,  /* and of a transposed A, where a task makes the lists of ROWS_AT_ONCE */
  PART = 448,          /* columns times slabs: 56 KiB of B, of which a third to two thirds are in use */
  LISTS_MOST = 1 << 22 /* 4-byte elements */
};
_Static_assert(HL_GEMM_EPILOGUE_ROWS % COLUMN_WINDOW == 0 && COLUMN_WINDOW % ROW_WINDOW == 0, "blocks are windows");

/* Bytes of scratch: of the lists' making, where rows are; of the product, sums, and B's part unless it is in panels. */
static int64_t pack_scratch(const hl_sparse *s) { return at_least(s->window, s->part) * (int64_t)sizeof(float *); }
static int64_t run_scratch(const hl_gemm *g, const hl_sparse *s) {
  int64_t rows = s->task_rows + (g->b.layout == HL_PANELS ? 0 : s->part);
  return rows * s->task_slabs * HL_PANEL * (int64_t)sizeof(float);
}

/* Entries of a window in a part: making them writes beyond their end. */
static int64_t room(const hl_sparse *s) { return s->window * s->part + HL_LANES; }

hl_sparse hl_sparse_shape(const hl_kernels *kernels, const hl_gemm *g) {
  hl_sparse s = {0};
  int64_t elements;
  if (g->a.layout != HL_ROW_MAJOR || g->b.trans || g->m < 1 || g->n < 1 || g->k < 1 ||
      hl_mul_overflow(round_up(g->m, ROWS_AT_ONCE), g->k + PART, &elements) || elements > LISTS_MOST)
    return s;
  const int64_t slabs = divide_up(g->n, HL_PANEL);
  const int few = !g->a.trans && g->m < HL_SPARSE_FEW; /* they come back to no part of B */
  /* All slabs at once where there are rows enough for several threads, or none to share; but the threads that update
     weights share slabs, so that each finds its own in its cache. */
  const int together = slabs <= 2 || few || (!g->a.trans && g->m > ROWS_AT_ONCE);
  s.task_slabs = at_most(kernels->gemm_sparse_panels, together ? slabs : divide_up(slabs, 2));
  s.window = g->a.trans ? COLUMN_WINDOW : ROW_WINDOW;
  s.pack_windows = g->a.trans ? ROWS_AT_ONCE / COLUMN_WINDOW : 1;
  s.task_rows = ROWS_AT_ONCE;
  while (slabs <= s.task_slabs && g->m <= s.task_rows && s.task_rows > s.window)
    s.task_rows /= 2; /* something for a second thread */
  s.parts = divide_up(g->k, few ? HL_SPARSE_DEPTH : at_most(PART / s.task_slabs, HL_SPARSE_DEPTH));
  s.part = round_up(divide_up(g->k, s.parts), HL_LANES);
  s.parts = divide_up(g->k, s.part);
  s.windows = divide_up(g->m, s.window);
  s.pack_tasks = divide_up(s.windows, s.pack_windows);
  s.counts = 2 * s.windows * s.parts * room(&s);
  s.nonzeros = s.counts + s.windows * s.parts * s.window;
  s.row_tasks = divide_up(g->m, s.task_rows);
  s.tasks = s.row_tasks * divide_up(slabs, s.task_slabs);
  s.known = s.nonzeros + s.pack_tasks;
  s.size = s.known + s.parts * (s.tasks / s.row_tasks);
  s.scratch = at_least(at_least(pack_scratch(&s), run_scratch(g, &s)), hl_gemm_scratch(kernels, g));
  return s;
}

/* Where the rows of A as it is stored begin, `count` from p0 on, at column j0. */
static void find_rows(const float **table, const hl_gemm_a *a, int64_t p0, int64_t count, int64_t j0) {
  for (int64_t p = 0; p < count; ++p)
    table[p] = hl_gemm_a_row(a, p0 + p) + j0;
}

/* Columns [from, to) of rows. Those of a batch lie anywhere in memory, each too short for the CPU to see where it
   leads. In line: calls of a function that does nothing else may be removed, as being without effect. */
static inline __attribute__((always_inline)) void fetch(const float *const *table, int64_t rows, int64_t from,
                                                        int64_t to) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = from; i < to; i += HL_LANES)
      __builtin_prefetch(table[r] + i, 0, 2);
}

void hl_sparse_pack(const hl_kernels *kernels, const hl_gemm *g, const hl_sparse *s, int64_t task, float *lists,
                    void *scratch) {
  const int64_t w0 = task * s->pack_windows, w1 = at_most(w0 + s->pack_windows, s->windows);
  const int64_t i0 = w0 * s->window, rows = at_most(w1 * s->window, g->m) - i0;
  const float **table = scratch;
  int32_t nonzeros = 0;
  if (task == 0)
    memset(lists + s->known, 0, sizeof *lists * (size_t)(s->size - s->known));
  for (int64_t part = 0; part < s->parts; ++part) {
    const int64_t p0 = part * s->part, count = at_most(g->k - p0, s->part);
    if (g->a.trans) {
      find_rows(table, &g->a, p0, count, i0);
      fetch(table, count, 0, rows);
    } else {
      find_rows(table, &g->a, i0, rows, p0);
      if (part == 0)
        fetch(table, rows, 0, count);
      /* The next part comes while this one's lists are made: of all lines at once, most would only wait in line. */
      fetch(table, rows, count, at_most(g->k - p0, count + s->part));
    }
    for (int64_t w = w0; w < w1; ++w) {
      const int64_t number = w * s->parts + part, first = (w - w0) * s->window;
      int32_t *counts = (int32_t *)lists + s->counts + number * s->window;
      const int64_t some = at_most(rows - first, s->window);
      kernels->gemm_list((hl_sparse_entry *)lists + number * room(s), counts, table, g->a.trans, first, some, count);
      for (int64_t i = 0; i < some; ++i)
        nonzeros += counts[i];
    }
  }
  ((int32_t *)lists)[s->nonzeros + task] = nonzeros;
}

int64_t hl_sparse_nonzeros(const hl_sparse *s, const float *lists) {
  const int32_t *nonzeros = (const int32_t *)lists + s->nonzeros;
  int64_t sum = 0;
  for (int64_t task = 0; task < s->pack_tasks; ++task)
    sum += nonzeros[task];
  return sum;
}

/* Rows [p0, p0 + count) of slabs [s0, s1) of B as panels. */
static const float *part_of_b(const hl_gemm *g, int64_t s0, int64_t s1, int64_t p0, int64_t count, float *copy,
                              int64_t *stride) {
  const hl_gemm_b *b = &g->b;
  if (b->layout == HL_PANELS) {
    *stride = b->ld * HL_PANEL;
    return b->data + (s0 * b->ld + p0) * HL_PANEL;
  }
  const int64_t j0 = s0 * HL_PANEL;
  hl_pack_panels(copy, b->data + p0 * b->ld + j0, b->ld, count, at_most(g->n, s1 * HL_PANEL) - j0);
  *stride = count * HL_PANEL;
  return copy;
}

typedef struct run {
  const hl_kernels *kernels;
  const hl_gemm *g;
  const hl_sparse *s;
  float *lists;
  int64_t s0, s1, block; /* slabs, and rows whose sums there is room for */
  float *sums, *copy;
  int64_t part; /* of B, which args has */
  hl_sparse_args args;
} run;

enum { UNKNOWN, FINITE, NOT_FINITE };

/* Whether B's part is finite: looked up by the first task that needs it, of those with the same slabs. */
static int is_finite(run *r, int64_t part, int64_t count) {
  const hl_sparse *s = r->s;
  if (r->g->b.finite)
    return 1;
  _Atomic int32_t *known = (_Atomic int32_t *)(r->lists + s->known) + r->s0 / s->task_slabs * s->parts + part;
  int32_t found = atomic_load_explicit(known, memory_order_relaxed);
  if (found == UNKNOWN) {
    found = FINITE;
    for (int64_t q = 0; q < r->s1 - r->s0; ++q)
      if (!r->kernels->finite(r->args.b + q * r->args.b_stride, count * HL_PANEL))
        found = NOT_FINITE;
    atomic_store_explicit(known, found, memory_order_relaxed);
  }
  return found == FINITE;
}

/* Whether B's part is finite, and then args has it. */
static int enter_part(run *r, int64_t part) {
  const int64_t p0 = part * r->s->part, count = at_most(r->g->k - p0, r->s->part);
  if (part == r->part)
    return 1;
  r->part = part;
  r->args.b = part_of_b(r->g, r->s0, r->s1, p0, count, r->copy, &r->args.b_stride);
  return is_finite(r, part, count);
}

/* Whether the sums of rows [i0, i1) are those of the chains with all terms. */
static int compute(run *r, int64_t i0, int64_t i1) {
  const hl_sparse *s = r->s;
  hl_sparse_args *args = &r->args;
  for (int64_t part = 0; part < s->parts; ++part) {
    if (!enter_part(r, part))
      return 0;
    args->accumulate = part > 0;
    for (int64_t i = i0; i < i1; i += s->window) {
      const int64_t number = i / s->window * s->parts + part;
      args->entries = (const hl_sparse_entry *)r->lists + number * room(s);
      args->counts = (const int32_t *)r->lists + s->counts + number * s->window;
      args->rows = at_most(i1 - i, s->window);
      args->c = r->sums + (i - i0) * HL_PANEL;
      if (r->kernels->gemm_sparse(args))
        return 0;
    }
  }
  return 1;
}

/* The sums of rows [i0, i1) go to the epilogue. */
static void give(const run *r, int64_t i0, int64_t i1) {
  const hl_gemm *g = r->g;
  const int64_t mr = HL_GEMM_EPILOGUE_ROWS, ld = hl_gemm_tile_ld(g->n);
  for (int64_t row = 1; ld < HL_PANEL && row < i1 - i0; ++row)
    memmove(r->sums + row * ld, r->sums + row * HL_PANEL, sizeof(float) * (size_t)ld);
  for (int64_t q = r->s0; q < r->s1; ++q)
    for (int64_t i = i0; i < i1; i += mr)
      hl_gemm_give(r->kernels, g, r->sums + (q - r->s0) * r->block * HL_PANEL + (i - i0) * ld, i, at_most(i1 - i, mr),
                   q * HL_PANEL, at_most(g->n - q * HL_PANEL, HL_PANEL));
}

void hl_sparse_run(const hl_kernels *kernels, const hl_gemm *g, const hl_sparse *s, int64_t task, float *lists,
                   void *scratch) {
  run r = {.kernels = kernels, .g = g, .s = s, .lists = lists, .part = -1, .sums = scratch};
  const int64_t i0 = task % s->row_tasks * s->task_rows, i1 = at_most(i0 + s->task_rows, g->m);
  r.s0 = task / s->row_tasks * s->task_slabs;
  r.s1 = at_most(r.s0 + s->task_slabs, divide_up(g->n, HL_PANEL));
  /* With one part, a block's sums go to the epilogue while they are in the L1 cache. */
  r.block = s->parts == 1 ? at_most(HL_GEMM_EPILOGUE_ROWS, s->task_rows) : s->task_rows;
  r.copy = r.sums + s->task_slabs * r.block * HL_PANEL;
  r.args.panels = (int32_t)(r.s1 - r.s0);
  r.args.c_stride = r.block * HL_PANEL;
  for (int64_t i = i0; i < i1; i += r.block) {
    const int64_t end = at_most(i + r.block, i1);
    if (!compute(&r, i, end)) {
      hl_gemm with_zeros = *g;
      with_zeros.kept_from = with_zeros.kept_to = 0;
      hl_gemm_run(kernels, &with_zeros, i, i1, r.s0, r.s1, scratch);
      return;
    }
    give(&r, i, end);
  }
}
