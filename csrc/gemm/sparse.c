/* Drives the kernels for products whose left operand is mostly zeros.

     lists:    for each window of rows, for each part of the columns: the rows in order of how many nonzeros they have
               there, in groups of as many as the kernel takes at once. Lists of a group are as long as its longest, by
               zeros in front, where the sum is +0 and stays so.
     product:  for each block of rows and pass of one or two slabs, for each part: all groups of all windows.

   Why no bit differs. A term of a zero factor and a finite one is a zero, and adding it changes nothing but a sum that
   is -0, to +0. Sums begin as +0, so they are -0 only after an underflow. The kernel tells whether one is at the end of
   a part; if none is, no zero that was left out, or put in front of a list, has changed anything. */
#include "gemm/sparse.h"

#include <string.h>

#include "core/memory.h"
#include "gemm/internal.h"

enum {
  ROWS_AT_ONCE = 128,   /* of a task: their sums stay in the L2 cache */
  WINDOW = 32,          /* rows of a small product; of a large one ROWS_AT_ONCE, for more alike lists in a group */
  LARGE = 512,          /* rows */
  PART = 256,           /* with two thirds of the pixels in use and two slabs, 43 KiB of B */
  AHEAD = 4,            /* rows that are fetched before they are read */
  TRANSPOSED = 32,      /* rows of a transposed A at a time */
  SPARSE_ROWS_MOST = 4, /* gemm_sparse_rows is 1, 2 or 4 */
  LISTS_MOST = 1 << 22  /* 4-byte elements */
};

/* Elements that an unsorted list has room for: making it writes beyond its end. */
static int64_t room(const hl_sparse *s) { return s->part + HL_LANES; }
/* Bytes of scratch: of the lists' making, for unsorted ones, their order, and what a transposed A takes. */
static int64_t pack_scratch(const hl_sparse *s) {
  int64_t unsorted = s->window * (2 * room(s) + 1), order = s->part + 1, squares = 2 * s->window * TRANSPOSED;
  return (unsorted + order + squares) * (int64_t)sizeof(float) + 64;
}
/* Of the product: sums, and B's part unless it is in panels. */
static int64_t run_scratch(const hl_kernels *k, const hl_gemm *g, const hl_sparse *s) {
  int64_t rows = ROWS_AT_ONCE + (g->b.layout == HL_PANELS ? 0 : s->part);
  return rows * k->gemm_sparse_panels * HL_PANEL * (int64_t)sizeof(float);
}

hl_sparse hl_sparse_shape(const hl_kernels *kernels, const hl_gemm *g) {
  hl_sparse s = {0};
  int64_t elements;
  if (g->a.layout != HL_ROW_MAJOR || g->b.trans || g->m < 1 || g->n < 1 || g->k < 1 ||
      hl_mul_overflow(round_up(g->m, ROWS_AT_ONCE), g->k + PART, &elements) || elements > LISTS_MOST)
    return s;
  s.window = g->m >= LARGE ? ROWS_AT_ONCE : WINDOW;
  s.part = round_up(divide_up(g->k, divide_up(g->k, PART)), HL_LANES);
  s.parts = divide_up(g->k, s.part);
  s.pack_tasks = divide_up(g->m, s.window) * s.parts;
  int64_t rows = s.pack_tasks * s.window;
  s.counts = 2 * rows * s.part;
  s.rows = s.counts + rows / kernels->gemm_sparse_rows;
  s.nonzeros = s.rows + rows;
  s.size = s.nonzeros + s.pack_tasks;
  s.task_rows = ROWS_AT_ONCE;
  s.task_slabs = kernels->gemm_sparse_panels;
  s.row_tasks = divide_up(g->m, s.task_rows);
  s.tasks = s.row_tasks * divide_up(divide_up(g->n, HL_PANEL), s.task_slabs);
  int64_t pack = pack_scratch(&s), run = run_scratch(kernels, g, &s);
  int64_t dense = hl_gemm_scratch(kernels, g);
  s.scratch = pack > run ? pack : run;
  s.scratch = dense > s.scratch ? dense : s.scratch;
  return s;
}

/* Rows of a batch lie anywhere in memory, each too short for the CPU to see where it leads. */
static void fetch(const float *x, int64_t n) {
  for (int64_t i = 0; i < n; i += HL_LANES)
    __builtin_prefetch(x + i);
}

/* The nonzeros of each row, where they are and how many, in a thread's scratch. */
typedef struct unsorted {
  uint32_t *at;
  float *values;
  int32_t *counts;
} unsorted;

/* The unsorted lists of rows [i0, i0 + rows), columns [p0, p0 + count). */
static void compress(const hl_kernels *kernels, const hl_gemm *g, const hl_sparse *s, int64_t i0, int64_t rows,
                     int64_t p0, int64_t count, const unsorted *to, float *square) {
  const hl_gemm_a *a = &g->a;
  memset(to->counts, 0, sizeof *to->counts * (size_t)s->window);
  if (!a->trans) {
    for (int64_t i = 0; i < rows; ++i) {
      if (i + AHEAD < rows)
        fetch(hl_gemm_a_row(a, i0 + i + AHEAD) + p0, count);
      kernels->gemm_compress(to->at + i * room(s), to->values + i * room(s), room(s), to->counts + i,
                             hl_gemm_a_row(a, i0 + i) + p0, a->ld, 1, count, 0);
    }
    return;
  }
  float *turned = square + s->window * TRANSPOSED;
  for (int64_t p = 0; p < count; p += TRANSPOSED) {
    int64_t some = at_most(count - p, TRANSPOSED);
    for (int64_t r = 0; r < some; ++r) {
      if (p + r + TRANSPOSED < count)
        fetch(hl_gemm_a_row(a, p0 + p + r + TRANSPOSED) + i0, rows);
      memcpy(square + r * s->window, hl_gemm_a_row(a, p0 + p + r) + i0, sizeof(float) * (size_t)rows);
    }
    kernels->transpose(turned, TRANSPOSED, square, s->window, some, rows);
    kernels->gemm_compress(to->at, to->values, room(s), to->counts, turned, TRANSPOSED, rows, some,
                           (uint32_t)(p * HL_PANEL));
  }
}

/* Rows by their counts, smallest first: starts[c] is where the next one of count c goes. */
static void sort_rows(const int32_t *counts, int64_t rows, int32_t *starts, int32_t *order) {
  int32_t at = 0, most = 0;
  for (int64_t i = 0; i < rows; ++i)
    most = counts[i] > most ? counts[i] : most;
  memset(starts, 0, sizeof *starts * (size_t)(most + 1));
  for (int64_t i = 0; i < rows; ++i)
    ++starts[counts[i]];
  for (int32_t c = 0; c <= most; ++c) {
    int32_t here = starts[c];
    starts[c] = at;
    at += here;
  }
  for (int64_t i = 0; i < rows; ++i)
    order[starts[counts[i]]++] = (int32_t)i;
}

/* Four entries of each of four lists, turned. */
typedef float four __attribute__((vector_size(16)));
typedef int32_t four_places __attribute__((vector_size(16)));
static inline __attribute__((always_inline)) void interleave_fours(hl_sparse_entry *to, const uint32_t *const *at,
                                                                   const float *const *values, int64_t e) {
  four low[4], high[4]; /* entries 0 and 1, 2 and 3 of each list, as pairs */
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    four places, factors;
    memcpy(&places, at[i] + e, sizeof places);
    memcpy(&factors, values[i] + e, sizeof factors);
    low[i] = __builtin_shuffle(places, factors, (four_places){0, 4, 1, 5});
    high[i] = __builtin_shuffle(places, factors, (four_places){2, 6, 3, 7});
  }
#pragma GCC unroll 4
  for (int round = 0; round < 4; ++round)
#pragma GCC unroll 2
    for (int i = 0; i < 4; i += 2) {
      const four *from = (round < 2 ? low : high) + i;
      const four both = round % 2 ? __builtin_shuffle(from[0], from[1], (four_places){2, 3, 6, 7})
                                  : __builtin_shuffle(from[0], from[1], (four_places){0, 1, 4, 5});
      memcpy(to + round * 4 + i, &both, sizeof both);
    }
}

/* The lists of one group, shortest first, entry by entry. at_once is a constant at every call. */
static inline __attribute__((always_inline)) void interleave(hl_sparse_entry *restrict to, const unsorted *lists,
                                                             int64_t room, const int32_t *rows, const int at_once) {
  const uint32_t *at[SPARSE_ROWS_MOST]; /* the ends */
  const float *values[SPARSE_ROWS_MOST];
  int64_t counts[SPARSE_ROWS_MOST];
  for (int i = 0; i < at_once; ++i) {
    counts[i] = lists->counts[rows[i]];
    at[i] = lists->at + rows[i] * room + counts[i];
    values[i] = lists->values + rows[i] * room + counts[i];
  }
  int64_t e = -counts[at_once - 1];
  for (; e < -counts[0]; ++e)
    for (int i = 0; i < at_once; ++i)
      *to++ = e < -counts[i] ? (hl_sparse_entry){0, 0.0f} : (hl_sparse_entry){at[i][e], values[i][e]};
  for (; e < 0 && (at_once < 4 || e % 4); ++e)
    for (int i = 0; i < at_once; ++i)
      *to++ = (hl_sparse_entry){at[i][e], values[i][e]};
  for (; e < 0; e += 4, to += 16)
    interleave_fours(to, at, values, e);
}

void hl_sparse_pack(const hl_kernels *kernels, const hl_gemm *g, const hl_sparse *s, int64_t task, float *lists,
                    void *scratch) {
  const int64_t at_once = kernels->gemm_sparse_rows;
  const int64_t i0 = task / s->parts * s->window, p0 = task % s->parts * s->part;
  float *square = scratch; /* 64-byte aligned, as what follows: window and room are multiples of 16 */
  unsorted from = {.at = (uint32_t *)(square + 2 * s->window * TRANSPOSED)};
  from.values = (float *)from.at + s->window * room(s);
  from.counts = (int32_t *)(from.values + s->window * room(s));
  int32_t *starts = from.counts + s->window, nonzeros = 0;
  hl_sparse_entry *to = (hl_sparse_entry *)lists + task * s->window * s->part;
  int32_t *group = (int32_t *)lists + s->counts + task * s->window / at_once;
  int32_t *order = (int32_t *)lists + s->rows + task * s->window;
  compress(kernels, g, s, i0, at_most(g->m - i0, s->window), p0, at_most(g->k - p0, s->part), &from, square);
  sort_rows(from.counts, s->window, starts, order); /* with those behind the last row, which are empty */
  for (int64_t r = 0; r < s->window; r += at_once, ++group) {
    switch (at_once) {
    case 4:
      interleave(to, &from, room(s), order + r, 4);
      break;
    case 2:
      interleave(to, &from, room(s), order + r, 2);
      break;
    default:
      interleave(to, &from, room(s), order + r, 1);
    }
    for (int64_t i = 0; i < at_once; ++i)
      nonzeros += from.counts[order[r + i]];
    *group = from.counts[order[r + at_once - 1]];
    to += *group * at_once;
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

/* Rows [p0, p0 + count) of slabs [s0, s1) of B as panels; NULL if some element is not finite. */
static const float *part_of_b(const hl_kernels *kernels, const hl_gemm *g, int64_t s0, int64_t s1, int64_t p0,
                              int64_t count, float *copy, int64_t *stride) {
  const hl_gemm_b *b = &g->b;
  const float *panels = b->data + (s0 * b->ld + p0) * HL_PANEL;
  *stride = b->ld * HL_PANEL;
  if (b->layout == HL_ROW_MAJOR) {
    *stride = count * HL_PANEL;
    for (int64_t q = s0; q < s1; ++q) {
      int64_t j0 = q * HL_PANEL;
      size_t width = (size_t)at_most(g->n - j0, HL_PANEL);
      float *to = copy + (q - s0) * *stride;
      for (int64_t p = 0; p < count; ++p, to += HL_PANEL) {
        memcpy(to, b->data + (p0 + p) * b->ld + j0, sizeof(float) * width);
        memset(to + width, 0, sizeof(float) * (HL_PANEL - width));
      }
    }
    panels = copy;
  }
  for (int64_t q = 0; q < s1 - s0; ++q)
    if (!kernels->finite(panels + q * *stride, count * HL_PANEL))
      return NULL;
  return panels;
}

/* Whether the sums of rows [i0, i1) in slabs [s0, s1) are those of the chains with all terms. */
static int compute(const hl_kernels *kernels, const hl_gemm *g, const hl_sparse *s, int64_t i0, int64_t i1, int64_t s0,
                   int64_t s1, const float *lists, float *sums, float *copy) {
  for (int64_t part = 0; part < s->parts; ++part) {
    const int64_t p0 = part * s->part;
    hl_sparse_args args = {.ngroups = s->window / kernels->gemm_sparse_rows, .c_stride = ROWS_AT_ONCE * HL_PANEL};
    args.b = part_of_b(kernels, g, s0, s1, p0, at_most(g->k - p0, s->part), copy, &args.b_stride);
    if (args.b == NULL)
      return 0;
    args.panels = (int32_t)(s1 - s0);
    args.accumulate = part > 0;
    for (int64_t i = i0; i < i1; i += s->window) {
      const int64_t number = i / s->window * s->parts + part;
      args.entries = (const hl_sparse_entry *)lists + number * s->window * s->part;
      args.counts = (const int32_t *)lists + s->counts + number * args.ngroups;
      args.rows = (const int32_t *)lists + s->rows + number * s->window;
      args.c = sums + (i - i0) * HL_PANEL;
      if (kernels->gemm_sparse(&args))
        return 0;
    }
  }
  return 1;
}

void hl_sparse_run(const hl_kernels *kernels, const hl_gemm *g, const hl_sparse *s, int64_t task, const float *lists,
                   void *scratch) {
  const int64_t i0 = task % s->row_tasks * s->task_rows, i1 = at_most(i0 + s->task_rows, g->m);
  const int64_t s0 = task / s->row_tasks * s->task_slabs, s1 = at_most(s0 + s->task_slabs, divide_up(g->n, HL_PANEL));
  const int64_t mr = HL_GEMM_EPILOGUE_ROWS;
  float *sums = scratch, *copy = sums + ROWS_AT_ONCE * HL_PANEL * kernels->gemm_sparse_panels;
  if (!compute(kernels, g, s, i0, i1, s0, s1, lists, sums, copy)) {
    hl_gemm with_zeros = *g;
    with_zeros.kept_from = with_zeros.kept_to = 0;
    hl_gemm_run(kernels, &with_zeros, i0, i1, s0, s1, scratch);
    return;
  }
  const int64_t ld = hl_gemm_tile_ld(g->n);
  for (int64_t r = 1; ld < HL_PANEL && r < i1 - i0; ++r)
    memmove(sums + r * ld, sums + r * HL_PANEL, sizeof(float) * (size_t)ld);
  for (int64_t q = s0; q < s1; ++q)
    for (int64_t i = i0; i < i1; i += mr)
      hl_gemm_give(g, sums + (q - s0) * ROWS_AT_ONCE * HL_PANEL + (i - i0) * ld, i, at_most(i1 - i, mr), q * HL_PANEL,
                   at_most(g->n - q * HL_PANEL, HL_PANEL));
}
