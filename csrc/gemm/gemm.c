/* Drives the register tiles of a product.

     for each block of rows             A's block stays in the L2 cache while all slabs pass over it
       for each slab of 32 columns      B's slab is used in place (panels) or packed
         for each block of k            chains of multiply-adds are resumed, never split
           for each register tile       micro-kernel, then epilogue while the tile is in L1

   One block of k is the common case: the tile then goes straight from the kernel to the epilogue. A single row takes a
   path of its own, several slabs at a time. */
#include "gemm/gemm.h"

#include <string.h>

#include "core/memory.h"
#include "gemm/internal.h"

enum {
  K_BLOCK = 2048,        /* a slab of B takes 256 KiB: a share of L2. A multiple of HL_PANEL. */
  PACKED_MOST = 1 << 23, /* elements of a packed A that all threads share: 32 MiB */
  TILED_TILES = 4,       /* A is copied into tiles if it has as many of them, */
  TILED_N = 256,         /* B has enough columns for the copy to be worth it, */
  TILED_K = 128,         /* and the rows are long */
  A_BLOCK = 256 * 1024,  /* elements of A that should stay in L2 while slabs pass: 1 MiB */
  ROW_BLOCK = 240,       /* rows whose partial sums are kept in scratch between blocks of k */
  ALIGNMENT = 64,        /* bytes */
  TASK_MACS = 1 << 18,   /* multiply-adds that make a task worth its bookkeeping: some 4 us */
  ROW_K = 32,            /* what a row of a slab takes besides its multiply-adds, as so many steps of k */
  TASKS_WANTED = 32      /* enough for stealing to even out the load of many cores */
};

static int64_t at_least(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t round_up(int64_t a, int64_t b) { return divide_up(a, b) * b; }

/* Parts of the scratch, in this order; each a multiple of ALIGNMENT bytes. */
typedef struct parts {
  int64_t tile, pointers, a_tile, packed, sums;
} parts;

static parts scratch_parts(int64_t m, int64_t k, int32_t tiled, int32_t b_in_place) {
  int64_t block = at_most(k, K_BLOCK);
  parts bytes;
  bytes.tile = (int64_t)sizeof(float) * HL_GEMM_MAX_MR * HL_PANEL;
  bytes.pointers = round_up((int64_t)sizeof(float *) * HL_GEMM_MAX_MR, ALIGNMENT);
  bytes.a_tile = tiled ? round_up((int64_t)sizeof(float) * block * HL_GEMM_MAX_MR, ALIGNMENT) : 0;
  bytes.packed = b_in_place ? 0 : (int64_t)sizeof(float) * block * HL_PANEL;
  bytes.sums = k <= K_BLOCK ? 0 : (int64_t)sizeof(float) * at_most(m, ROW_BLOCK) * HL_PANEL;
  return bytes;
}

int64_t hl_gemm_scratch(const hl_kernels *kernels, int64_t m, int64_t n, int64_t k, int32_t tiled, int32_t b_trans,
                        hl_layout b_layout) {
  (void)kernels, (void)n;
  parts bytes = scratch_parts(m, k, tiled, b_layout == HL_PANELS && !b_trans);
  return bytes.tile + bytes.pointers + bytes.a_tile + bytes.packed + bytes.sums;
}

static int64_t tile_rows(const hl_kernels *kernels, int32_t tiled) {
  return tiled ? kernels->gemm_mr_packed : kernels->gemm_mr_rows;
}

int64_t hl_gemm_packed_tiles(const hl_kernels *kernels, int64_t m) { return divide_up(m, kernels->gemm_mr_packed); }

int32_t hl_gemm_tiled(const hl_kernels *kernels, int64_t m, int64_t n, int64_t k, int32_t a_trans, int32_t in_place) {
  if (a_trans)
    return 1;
  int64_t tile = kernels->gemm_mr_packed;
  return !in_place && m >= TILED_TILES * tile && n >= TILED_N && k >= TILED_K &&
         hl_gemm_packed_size(kernels, m, n, k, 1) > 0;
}

int64_t hl_gemm_packed_size(const hl_kernels *kernels, int64_t m, int64_t n, int64_t k, int32_t tiled) {
  int64_t size;
  if (!tiled || n <= HL_PANEL || hl_mul_overflow(hl_gemm_packed_tiles(kernels, m) * kernels->gemm_mr_packed, k, &size))
    return 0;
  return size <= PACKED_MOST ? size : 0;
}

/* Terms [p0, p0+count) of `tiles` tiles, from row i0 of op(A) on. */
static void pack_tiles(const hl_kernels *kernels, float *dst, const hl_gemm *g, int64_t p0, int64_t count, int64_t i0,
                       int64_t tiles) {
  const hl_gemm_a *a = &g->a;
  const int64_t mr = kernels->gemm_mr_packed;
  if (a->trans && a->layout == HL_PANELS) {
    kernels->gemm_pack_panels(dst, a->data + p0 * HL_PANEL, a->ld, count, i0, g->m, tiles);
    return;
  }
  if (a->trans) {
    kernels->gemm_pack(dst, a->data + (a->rows ? 0 : p0 * a->ld), a->ld, a->rows ? a->rows + p0 : NULL, count, i0, g->m,
                       tiles);
    return;
  }
  for (int64_t i = i0; i < i0 + tiles * mr && i < g->m; i += mr, dst += count * mr) {
    int64_t rows = at_most(g->m - i, mr);
    if (a->layout == HL_ROW_MAJOR)
      kernels->transpose(dst, mr, a->data + i * a->ld + p0, a->ld, rows, count);
    else /* p0 is a multiple of HL_PANEL */
      for (int64_t p = 0; p < count; p += HL_PANEL)
        kernels->transpose(dst + p * mr, mr, a->data + (p0 + p) * a->ld + i * HL_PANEL, HL_PANEL, rows,
                           at_most(count - p, HL_PANEL));
  }
}

void hl_gemm_pack(const hl_kernels *kernels, const hl_gemm *g, int64_t t0, int64_t t1, float *packed) {
  int64_t mr = kernels->gemm_mr_packed;
  pack_tiles(kernels, packed + t0 * mr * g->k, g, 0, g->k, t0 * mr, t1 - t0);
}

void hl_gemm_tasking(const hl_kernels *kernels, int64_t m, int64_t n, int64_t k, int32_t tiled, int64_t epilogue,
                     int64_t *task_rows, int64_t *task_slabs) {
  int64_t mr = tile_rows(kernels, tiled);
  int64_t slabs = at_least(divide_up(n, HL_PANEL), 1);
  int64_t rows = at_least(m, 1);
  int64_t row_macs = (k + ROW_K) * HL_PANEL + epilogue;
  /* Whole columns of tiles use a slab of B best; cut them only for more parallelism, and not below eight tiles. A
     single slab is all the parallelism there is. */
  int64_t least = (slabs == 1 ? 2 : 8) * mr;
  while (divide_up(m, rows) * slabs < TASKS_WANTED && rows >= 2 * least && rows / 2 * row_macs >= TASK_MACS)
    rows = round_up(divide_up(rows, 2), mr);
  *task_rows = rows;
  *task_slabs = at_most(divide_up(TASK_MACS, rows * row_macs), slabs);
}

/* Copies rows [p0, p0+count) of slab s of op(B) into packed[count][HL_PANEL], padding with zeros: stale bits there
   could be denormals, which are slow to multiply. */
static void pack_b(const hl_kernels *kernels, float *packed, const hl_gemm_b *b, int64_t n, int64_t s, int64_t p0,
                   int64_t count) {
  int64_t j0 = s * HL_PANEL, width = at_most(n - j0, HL_PANEL);
  if (width < HL_PANEL)
    memset(packed, 0, sizeof(float) * (size_t)(count * HL_PANEL));
  if (!b->trans) {
    const float *src = b->data + p0 * b->ld + j0;
    for (int64_t p = 0; p < count; ++p)
      memcpy(packed + p * HL_PANEL, src + p * b->ld, sizeof(float) * (size_t)width);
  } else if (b->layout == HL_ROW_MAJOR) {
    kernels->transpose(packed, HL_PANEL, b->data + j0 * b->ld + p0, b->ld, width, count);
  } else {
    for (int64_t p = p0; p < p0 + count; p += HL_PANEL) /* p0 is a multiple of HL_PANEL */
      kernels->transpose(packed + (p - p0) * HL_PANEL, HL_PANEL,
                         b->data + p / HL_PANEL * b->ld * HL_PANEL + j0 * HL_PANEL, HL_PANEL, width,
                         at_most(p0 + count - p, HL_PANEL));
  }
}

void hl_gemm_give(const hl_gemm *g, float *tile, int64_t i0, int64_t mr, int64_t j0, int64_t nr) {
  if (g->epilogue != NULL) {
    g->epilogue(g->ctx, tile, i0, mr, j0, nr);
    return;
  }
  for (int64_t i = 0; i < mr; ++i) {
    float *dst = g->c_layout == HL_PANELS ? g->c + j0 * g->m + (i0 + i) * HL_PANEL : g->c + (i0 + i) * g->ldc + j0;
    memcpy(dst, tile + i * HL_PANEL, sizeof(float) * (size_t)nr);
  }
}

/* One block of rows, one slab. */
static void run_slab(const hl_kernels *kernels, const hl_gemm *g, int64_t i0, int64_t i1, int64_t s, float *tile,
                     const float **pointers, float *a_tile, float *packed, float *sums) {
  const hl_gemm_a *a = &g->a;
  const hl_gemm_b *b = &g->b;
  hl_gemm_fn kernel = a->tiled ? kernels->gemm_packed : kernels->gemm_rows;
  int64_t mr = tile_rows(kernels, a->tiled);
  int64_t j0 = s * HL_PANEL, nr = at_most(g->n - j0, HL_PANEL);
  int direct = g->epilogue == NULL && nr == HL_PANEL; /* the kernel writes whole panels */
  int in_place = !b->trans && b->layout == HL_PANELS;
  int64_t p0 = 0;
  do {
    int64_t count = at_most(g->k - p0, K_BLOCK);
    int first = p0 == 0, last = p0 + count == g->k;
    hl_gemm_args args = {.k = count, .a = pointers, .nr = (int32_t)nr, .accumulate = !first};
    args.a_jump = a->layout == HL_PANELS ? (a->ld - 1) * HL_PANEL : 0; /* p0 is a multiple of HL_PANEL */
    args.b = in_place ? b->data + (s * b->ld + p0) * HL_PANEL : packed;
    if (!in_place)
      pack_b(kernels, packed, b, g->n, s, p0, count);
    for (int64_t i = i0; i < i1; i += mr) {
      args.mr = (int32_t)at_most(i1 - i, mr);
      if (a->packed) {
        pointers[0] = a->packed + i * g->k + p0 * mr;
      } else if (a->tiled) {
        pointers[0] = a_tile;
        pack_tiles(kernels, a_tile, g, p0, count, i, 1);
      } else {
        for (int32_t r = 0; r < args.mr; ++r)
          pointers[r] =
              a->layout == HL_PANELS ? a->data + p0 * a->ld + (i + r) * HL_PANEL : hl_gemm_a_row(a, i + r) + p0;
      }
      if (direct) {
        args.c = g->c_layout == HL_PANELS ? g->c + j0 * g->m + i * HL_PANEL : g->c + i * g->ldc + j0;
        args.ldc = g->c_layout == HL_PANELS ? HL_PANEL : g->ldc;
      } else {
        args.c = first && last ? tile : sums + (i - i0) * HL_PANEL;
        args.ldc = HL_PANEL;
      }
      kernel(&args);
      if (last && !direct)
        hl_gemm_give(g, args.c, i, args.mr, j0, nr);
    }
    p0 += count;
  } while (p0 < g->k);
}

/* One row of A, not transposed, and panels of B. */
static void run_row(const hl_kernels *kernels, const hl_gemm *g, int64_t i, int64_t s0, int64_t s1, float *tile) {
  const float *row = hl_gemm_a_row(&g->a, i);
  hl_gemm_args args = {.k = g->k, .a = &row, .b_stride = g->b.ld * HL_PANEL, .c = tile, .mr = 1};
  for (int64_t s = s0; s < s1; s += HL_THIN_PANELS) {
    int64_t end = at_most(s + HL_THIN_PANELS, s1);
    args.b = g->b.data + s * args.b_stride;
    args.nr = (int32_t)((end - s) * HL_PANEL);
    kernels->gemm_thin(&args);
    for (int64_t q = s; q < end; ++q) {
      int64_t j0 = q * HL_PANEL;
      hl_gemm_give(g, tile + (q - s) * HL_PANEL, i, 1, j0, at_most(g->n - j0, HL_PANEL));
    }
  }
}

void hl_gemm_run(const hl_kernels *kernels, const hl_gemm *g, int64_t i0, int64_t i1, int64_t s0, int64_t s1,
                 void *scratch) {
  parts bytes = scratch_parts(g->m, g->k, g->a.tiled, g->b.layout == HL_PANELS && !g->b.trans);
  char *base = scratch;
  float *tile = (float *)base;
  const float **pointers = (const float **)(base + bytes.tile);
  float *a_tile = (float *)(base + bytes.tile + bytes.pointers);
  float *packed = (float *)((char *)a_tile + bytes.a_tile);
  float *sums = (float *)((char *)packed + bytes.packed);
  int64_t mr = tile_rows(kernels, g->a.tiled);

  if (i1 - i0 == 1 && !g->a.tiled && (g->a.layout == HL_ROW_MAJOR || g->a.ld == 1) && bytes.packed == 0) {
    run_row(kernels, g, i0, s0, s1, tile);
    return;
  }
  int64_t block = i1 - i0;
  if (g->k > K_BLOCK)
    block = ROW_BLOCK;
  else if (!g->a.tiled && s1 - s0 > 1)
    block = round_up(at_least(A_BLOCK / at_least(g->k, 1), 4 * mr), mr);
  for (int64_t i = i0; i < i1; i += block)
    for (int64_t s = s0; s < s1; ++s)
      run_slab(kernels, g, i, at_most(i + block, i1), s, tile, pointers, a_tile, packed, sums);
}

int64_t hl_panels_size(int64_t k, int64_t n) { return divide_up(n, HL_PANEL) * HL_PANEL * k; }

void hl_pack_panels(float *panels, const float *src, int64_t ld, int64_t k, int64_t n) {
  for (int64_t j0 = 0; j0 < n; j0 += HL_PANEL) {
    size_t width = (size_t)at_most(n - j0, HL_PANEL);
    for (int64_t r = 0; r < k; ++r) {
      float *row = panels + j0 * k + r * HL_PANEL;
      memcpy(row, src + r * ld + j0, sizeof(float) * width);
      memset(row + width, 0, sizeof(float) * (HL_PANEL - width));
    }
  }
}

void hl_unpack_panels(float *dst, int64_t ld, const float *panels, int64_t k, int64_t n) {
  for (int64_t j0 = 0; j0 < n; j0 += HL_PANEL)
    for (int64_t r = 0; r < k; ++r)
      memcpy(dst + r * ld + j0, panels + j0 * k + r * HL_PANEL, sizeof(float) * (size_t)at_most(n - j0, HL_PANEL));
}
