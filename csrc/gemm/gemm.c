/* Drives the register tiles of a product.

     for each group of slabs            some slabs of 32 columns of B, used in place (panels) or packed, stay in L2
       for each block of k              chains of multiply-adds are resumed, never split
         for each tile of rows          A's tile comes from afar once for the group, and later ones are fetched ahead
           for each slab of the group   micro-kernel, then epilogue while the tile is in L1

   One block of k is the common case: the tile then goes straight from the kernel to the epilogue. Between blocks, a
   block of rows has its partial sums in scratch. A single row takes a path of its own, several slabs at a time.

   Threads share the slabs of B, unless C alone is wanted, by rows, and B is small (`is_by_rows`). */
#include "gemm/gemm.h"

#include <string.h>

#include "core/memory.h"
#include "gemm/internal.h"

enum {
  K_BLOCK = 2048,        /* a multiple of HL_PANEL */
  GROUP = 256 * 1024,    /* elements of B in a group of slabs: 1 MiB, half of L2 */
  PACKED_MOST = 1 << 23, /* elements of a packed operand that all threads share: 32 MiB */
  SHARED_M = 1000,       /* rows from which on B is packed once for all, so that they can be cut into tasks, */
  SHARED_B = 1 << 20,    /* if it is as large: a small one is better packed where it is used at once */
  PACK_TILES = 4,        /* of A: what one task packs, */
  PACK_SLABS = 4,        /* of B: likewise */
  TILED_TILES = 4,       /* A is copied into tiles if it has as many of them, */
  TILED_N = 256,         /* B has enough columns for the copy to be worth it, */
  TILED_K = 128,         /* and the rows are long */
  FEW_K = 32,            /* or the rows so short that finding twelve of them takes longer than multiplying, */
  FEW_N = 128,           /* and there are some slabs: each task then packs for itself */
  A_NEAR = 256 * 1024,   /* elements of A that stay in L2 beside a slab of B: a task is then one slab */
  ROW_BLOCK = 1008,      /* rows whose partial sums are kept in scratch between blocks of k: whole tiles everywhere */
  ROWS_NEAR = 4096,      /* elements of A that stay in L1 beside what a tile takes */
  LONG_TILE = 4096,      /* elements of a tile of A from which it is worth being fetched ahead: 16 KiB */
  ALIGNMENT = 64,        /* bytes */
  OWN_A = 16 * 1024,     /* elements of A's tiles that a task packs at a time for itself */
  TASK_MACS = 1 << 18,   /* multiply-adds that make a task worth its bookkeeping: some 4 us */
  BY_ROWS_M = 64,        /* rows from which on they are tasks, see is_by_rows */
  ROWS_MACS = 1 << 17,   /* likewise where tasks are rows, which find B packed */
  B_NEAR = 8192,         /* elements of rows of B that are read where they are */
  ROW_K = 32,            /* what a row of a slab takes besides its multiply-adds, as so many steps of k */
  TASKS_WANTED = 32,     /* enough for stealing to even out the load of many cores */
  TASKS_LEAST = 16       /* what is left of them where a group of slabs is a task */
};

/* Parts of the scratch, in this order; each a multiple of ALIGNMENT bytes. */
typedef struct parts {
  int64_t tile, pointers, a_tile, packed, sums;
} parts;

/* Slabs in a group. */
static int64_t group_slabs(int64_t n, int64_t k) {
  int64_t most = at_least(GROUP / (HL_PANEL * at_least(at_most(k, K_BLOCK), 1)), 1);
  return at_least(at_most(most, divide_up(n, HL_PANEL)), 1);
}

static int is_in_place(const hl_gemm_b *b) { return !b->trans && b->layout == HL_PANELS; }

/* Whether tiles read B's rows where they are: whole panels of few enough to stay in the first-level cache. */
static int is_read_by_rows(const hl_gemm *g) {
  return g->a.tiled && !g->b.trans && g->b.layout == HL_ROW_MAJOR && g->n % HL_PANEL == 0 && g->b.ld <= B_NEAR &&
         g->k <= B_NEAR / at_least(g->b.ld, 1);
}

/* Whether tiles read B out of panels that are made for them. */
static int copies_b(const hl_gemm *g) { return !is_in_place(&g->b) && !is_read_by_rows(g); }

/* Whether tasks are rows of all slabs, not slabs of all rows. Threads then write no two parts of a row of C, whose
   lines would go to and fro between them, and no thread reads a tile of A that another one has packed. In return each
   packs all of B, which takes as long as some 30 rows if it is transposed: then only where few terms make C the larger
   part. Where an update follows, slabs are better: a thread finds in its cache the weights that it updated. */
static int is_by_rows(const hl_gemm *g) {
  return !g->epilogue && g->c_layout == HL_ROW_MAJOR && !is_in_place(&g->b) && g->m >= BY_ROWS_M && g->n > HL_PANEL &&
         g->k <= (g->b.trans ? HL_PANEL : K_BLOCK) && divide_up(g->n, HL_PANEL) <= group_slabs(g->n, g->k);
}

/* Tiles of A that are packed at a time, where they are not packed for all: of several, a line is read once. */
static int64_t own_tiles(const hl_gemm *g) {
  return at_least(at_most(OWN_A / (HL_GEMM_MAX_MR * at_least(at_most(g->k, K_BLOCK), 1)), PACK_TILES), 1);
}

static parts scratch_parts(const hl_gemm *g) {
  int64_t block = at_most(g->k, K_BLOCK), width = group_slabs(g->n, g->k) * HL_PANEL;
  parts bytes;
  bytes.tile = (int64_t)sizeof(float) * HL_GEMM_MAX_MR * HL_PANEL;
  bytes.pointers = round_up((int64_t)sizeof(float *) * HL_GEMM_MAX_MR, ALIGNMENT);
  bytes.a_tile = g->a.tiled ? round_up((int64_t)sizeof(float) * block * HL_GEMM_MAX_MR * own_tiles(g), ALIGNMENT) : 0;
  bytes.packed = copies_b(g) ? (int64_t)sizeof(float) * block * width : 0;
  bytes.sums = g->k <= K_BLOCK ? 0 : (int64_t)sizeof(float) * at_most(g->m, ROW_BLOCK) * width;
  return bytes;
}

int64_t hl_gemm_scratch(const hl_kernels *kernels, const hl_gemm *g) {
  parts bytes = scratch_parts(g);
  int64_t most = bytes.tile + bytes.pointers + bytes.a_tile + bytes.packed + bytes.sums;
  return hl_gemm_turned(g) ? at_least(most, hl_turned_scratch(kernels, g)) : most;
}

static int64_t tile_rows(const hl_kernels *kernels, int32_t tiled) {
  return tiled ? kernels->gemm_mr_packed : kernels->gemm_mr_rows;
}

static int64_t tiles_of(const hl_kernels *kernels, int64_t m) { return divide_up(m, kernels->gemm_mr_packed); }

/* Elements of a packed A, 0 if it is not to be kept. */
static int64_t packed_a(const hl_kernels *kernels, int64_t m, int64_t n, int64_t k) {
  int64_t size;
  if (n <= HL_PANEL || hl_mul_overflow(tiles_of(kernels, m) * kernels->gemm_mr_packed, k, &size))
    return 0;
  return size <= PACKED_MOST ? size : 0;
}

int32_t hl_gemm_tiled(const hl_kernels *kernels, int64_t m, int64_t n, int64_t k, int32_t a_trans, int32_t in_place) {
  if (a_trans)
    return 1;
  int64_t tile = kernels->gemm_mr_packed;
  if (!in_place && k <= FEW_K && n >= FEW_N && m >= TILED_TILES * tile)
    return 1;
  return !in_place && m >= TILED_TILES * tile && n >= TILED_N && k >= TILED_K && packed_a(kernels, m, n, k) > 0;
}

hl_gemm_packing hl_gemm_packs(const hl_kernels *kernels, const hl_gemm *g) {
  const int alone = is_by_rows(g) || (!g->a.trans && g->k <= FEW_K); /* each task for itself */
  hl_gemm_packing packing = {.a = g->a.tiled && !alone ? packed_a(kernels, g->m, g->n, g->k) : 0};
  int64_t size;
  if (!packing.a)
    return packing;
  packing.tasks = divide_up(tiles_of(kernels, g->m), PACK_TILES);
  packing.a = round_up(packing.a, HL_LANES); /* B's panels are aligned */
  if (copies_b(g) && g->m >= SHARED_M && !hl_mul_overflow(round_up(g->n, HL_PANEL), g->k, &size) && size >= SHARED_B &&
      size <= PACKED_MOST) {
    packing.b = size;
    packing.tasks += divide_up(g->n, PACK_SLABS * HL_PANEL);
  }
  return packing;
}

void hl_gemm_use_packed(const hl_kernels *kernels, hl_gemm *g, const float *packed) {
  hl_gemm_packing packing = hl_gemm_packs(kernels, g);
  g->a.packed = packing.a ? packed : NULL;
  g->b.packed = packing.b ? packed + packing.a : NULL;
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

void hl_gemm_tasking(const hl_kernels *kernels, const hl_gemm *g, int64_t epilogue, int64_t *task_rows,
                     int64_t *task_slabs) {
  int64_t mr = tile_rows(kernels, g->a.tiled);
  int64_t slabs = at_least(divide_up(g->n, HL_PANEL), 1), together = 1;
  int64_t rows = at_least(g->m, 1);
  int64_t row_macs = (g->k + ROW_K) * HL_PANEL + epilogue;
  int split = 1;
  if (is_by_rows(g)) {
    *task_rows = round_up(at_least(ROWS_MACS / (row_macs * slabs), divide_up(rows, TASKS_WANTED)), mr);
    *task_slabs = slabs;
    return;
  }
  if (rows > A_NEAR / at_least(g->k, 1)) {
    together = at_least(at_most(group_slabs(g->n, g->k), slabs / TASKS_LEAST), 1);
    split = together == 1 || !copies_b(g) || hl_gemm_packs(kernels, g).b; /* else each part would pack its B */
  }
  /* Whole columns of tiles use a slab of B best; cut them only for more parallelism, and not below eight tiles. A
     single slab is all the parallelism there is. */
  int64_t least = (slabs == 1 ? 2 : 8) * mr;
  while (split && divide_up(g->m, rows) * divide_up(slabs, together) < TASKS_WANTED && rows >= 2 * least &&
         rows / 2 * row_macs >= TASK_MACS)
    rows = round_up(divide_up(rows, 2), mr);
  *task_rows = rows;
  *task_slabs = at_least(at_most(divide_up(TASK_MACS, rows * row_macs), slabs), together);
}

/* Copies rows [p0, p0+count) of slab s of op(B) into packed[count][HL_PANEL]. */
static void pack_slab(const hl_kernels *kernels, float *packed, const hl_gemm_b *b, int64_t n, int64_t s, int64_t p0,
                      int64_t count) {
  int64_t j0 = s * HL_PANEL, width = at_most(n - j0, HL_PANEL);
  if (!b->trans) {
    kernels->copy_rows(packed, HL_PANEL, b->data + p0 * b->ld + j0, b->ld, count, width, HL_PANEL);
  } else if (b->layout == HL_ROW_MAJOR) {
    kernels->transpose(packed, HL_PANEL, b->data + j0 * b->ld + p0, b->ld, width, count);
  } else {
    for (int64_t p = p0; p < p0 + count; p += HL_PANEL) /* p0 is a multiple of HL_PANEL */
      kernels->transpose(packed + (p - p0) * HL_PANEL, HL_PANEL,
                         b->data + p / HL_PANEL * b->ld * HL_PANEL + j0 * HL_PANEL, HL_PANEL, width,
                         at_most(p0 + count - p, HL_PANEL));
  }
}

/* Slabs [s0, s1), one behind the other. */
static void pack_b(const hl_kernels *kernels, float *packed, const hl_gemm_b *b, int64_t n, int64_t s0, int64_t s1,
                   int64_t p0, int64_t count) {
  if (b->trans &&
      s1 * HL_PANEL > n) /* padded with zeros: stale bits there could be denormals, which are slow to multiply */
    memset(packed + (s1 - 1 - s0) * count * HL_PANEL, 0, sizeof(float) * (size_t)(count * HL_PANEL));
  int64_t whole = at_most(s1, n / HL_PANEL);
  if (b->trans) {
    whole = s0;
  } else { /* whole slabs row by row: a row's part of each lies in the same page */
    const float *src = b->data + p0 * b->ld + s0 * HL_PANEL;
    for (int64_t p = 0; p < count; ++p, src += b->ld)
      for (int64_t q = 0; q < whole - s0; ++q)
        memcpy(packed + (q * count + p) * HL_PANEL, src + q * HL_PANEL, sizeof(float) * HL_PANEL);
  }
  for (int64_t s = whole; s < s1; ++s)
    pack_slab(kernels, packed + (s - s0) * count * HL_PANEL, b, n, s, p0, count);
}

void hl_gemm_pack(const hl_kernels *kernels, const hl_gemm *g, int64_t task, float *packed) {
  const int64_t mr = kernels->gemm_mr_packed, tiles = tiles_of(kernels, g->m), slabs = divide_up(g->n, HL_PANEL);
  const int64_t first = task * PACK_TILES;
  if (first < tiles) {
    pack_tiles(kernels, packed + first * mr * g->k, g, 0, g->k, first * mr, at_most(PACK_TILES, tiles - first));
  } else {
    const int64_t s0 = (task - divide_up(tiles, PACK_TILES)) * PACK_SLABS, s1 = at_most(s0 + PACK_SLABS, slabs);
    packed += hl_gemm_packs(kernels, g).a + s0 * HL_PANEL * g->k;
    pack_b(kernels, packed, &g->b, g->n, s0, s1, 0, g->k);
  }
}

/* C's rows lie so far apart, within a slab. */
static int64_t c_ld(const hl_gemm *g) { return g->c_layout == HL_PANELS ? HL_PANEL : g->ldc; }
/* Row i of the slab at column j0. */
static float *c_at(const hl_gemm *g, int64_t i, int64_t j0) {
  return g->c + (g->c_layout == HL_PANELS ? j0 * g->m : j0) + i * c_ld(g);
}

void hl_gemm_give(const hl_kernels *kernels, const hl_gemm *g, float *tile, int64_t i0, int64_t mr, int64_t j0,
                  int64_t nr) {
  if (g->epilogue != NULL) {
    g->epilogue(g->ctx, tile, i0, mr, j0, nr);
    return;
  }
  kernels->copy_rows(c_at(g, i0, j0), c_ld(g), tile, hl_gemm_tile_ld(g->n), mr, nr, nr);
}

/* What a thread has in its scratch. */
typedef struct space {
  float *tile, *a_tile, *packed, *sums;
  const float **pointers;
} space;

/* The tile of rows [i, i+mr) of rows [i0, i1). */
static void point_to_rows(const hl_kernels *kernels, const hl_gemm *g, const space *own, int64_t i0, int64_t i,
                          int64_t i1, int64_t p0, int64_t count) {
  const hl_gemm_a *a = &g->a;
  const int64_t mr = tile_rows(kernels, a->tiled);
  if (a->packed) {
    own->pointers[0] = a->packed + i * g->k + p0 * mr;
  } else if (a->tiled) {
    const int64_t most = own_tiles(g), at = (i - i0) / mr % most;
    if (at == 0)
      pack_tiles(kernels, own->a_tile, g, p0, count, i, at_most(most, divide_up(i1 - i, mr)));
    own->pointers[0] = own->a_tile + at * count * mr;
  } else {
    for (int64_t r = 0; r < at_most(i1 - i, mr); ++r)
      own->pointers[r] =
          a->layout == HL_PANELS ? a->data + p0 * a->ld + (i + r) * HL_PANEL : hl_gemm_a_row(a, i + r) + p0;
  }
}

/* Packs slabs of B, unless the last task of this thread has left them there. */
static void have_b(const hl_kernels *kernels, hl_gemm *g, const space *own, int64_t s0, int64_t s1, int64_t p0,
                   int64_t count) {
  if (count == g->k && g->kept_from == s0 && g->kept_to == s1)
    return;
  pack_b(kernels, own->packed, &g->b, g->n, s0, s1, p0, count);
  g->kept_from = s0;
  g->kept_to = count == g->k ? s1 : s0;
}

/* What is the same for all tiles of a block of rows and of k, in a group of slabs. */
typedef struct block {
  int64_t i0, i1, s0, s1, p0, count, mr;
  const float *b; /* slab s0, row p0 */
  int64_t b_slab; /* from a slab to the next */
  int first, last, fetch;
  hl_gemm_fn kernel;
  hl_gemm_args args; /* b, c and the like are each tile's own */
} block;

static void begin_block(const hl_kernels *kernels, const hl_gemm *g, const space *own, block *k) {
  const hl_gemm_a *a = &g->a;
  k->count = at_most(g->k - k->p0, K_BLOCK);
  k->first = k->p0 == 0;
  k->last = k->p0 + k->count == g->k;
  k->fetch = a->packed && k->count * k->mr >= LONG_TILE;
  k->kernel = a->tiled ? kernels->gemm_packed : kernels->gemm_rows;
  k->args = (hl_gemm_args){.k = k->count, .a = own->pointers, .accumulate = !k->first};
  k->args.a_jump = a->layout == HL_PANELS ? (a->ld - 1) * HL_PANEL : 0; /* p0 is a multiple of HL_PANEL */
}

/* The register tile of rows from i on, which own->pointers name, and of slab s. */
static void run_tile(const hl_kernels *kernels, const hl_gemm *g, block *k, int64_t i, int64_t s, const space *own) {
  const int64_t j0 = s * HL_PANEL, slab = s - k->s0;
  hl_gemm_args *args = &k->args;
  args->mr = (int32_t)at_most(k->i1 - i, k->mr);
  args->nr = (int32_t)at_most(g->n - j0, HL_PANEL);
  args->b = k->b + slab * k->b_slab;
  args->ahead = NULL;
  if (k->fetch && i + k->mr < k->i1 && slab * HL_GEMM_AHEAD < k->mr)
    args->ahead = args->a[0] + k->mr * g->k + slab * k->count * HL_GEMM_AHEAD;
  const int direct = g->epilogue == NULL && args->nr == HL_PANEL; /* the kernel writes whole panels */
  if (direct) {
    args->c = c_at(g, i, j0);
    args->ldc = c_ld(g);
  } else {
    const int64_t ld = hl_gemm_tile_ld(g->n);
    args->c = k->first && k->last ? own->tile : own->sums + (slab * (k->i1 - k->i0) + i - k->i0) * ld;
    args->ldc = ld;
  }
  k->kernel(args);
  if (k->last && !direct)
    hl_gemm_give(kernels, g, args->c, i, args->mr, j0, args->nr);
}

/* Where the tiles of this block of k find B. */
static void point_to_b(const hl_kernels *kernels, hl_gemm *g, const space *own, block *k) {
  const hl_gemm_b *b = &g->b;
  k->args.b_step = HL_PANEL;
  if (is_read_by_rows(g)) {
    k->b = b->data + k->p0 * b->ld + k->s0 * HL_PANEL;
    k->b_slab = HL_PANEL;
    k->args.b_step = b->ld;
  } else if (is_in_place(b) || b->packed) {
    const int64_t rows = b->packed ? g->k : b->ld;
    k->b = (b->packed ? b->packed : b->data) + (k->s0 * rows + k->p0) * HL_PANEL;
    k->b_slab = rows * HL_PANEL;
  } else {
    have_b(kernels, g, own, k->s0, k->s1, k->p0, k->count);
    k->b = own->packed;
    k->b_slab = k->count * HL_PANEL;
  }
}

/* One block of rows, one group of slabs. */
static void run_block(const hl_kernels *kernels, hl_gemm *g, int64_t i0, int64_t i1, int64_t s0, int64_t s1,
                      const space *own) {
  const hl_gemm_a *a = &g->a;
  const int64_t mr = tile_rows(kernels, a->tiled);
  block k = {.i0 = i0, .i1 = i1, .s0 = s0, .s1 = s1, .mr = mr};
  /* Rows that stay in the first-level cache beside the tile pass by once for each slab: an epilogue then fetches what
     it has for each column once. */
  const int slab_by_slab = (!a->tiled || a->packed) && (i1 - i0) * g->k <= ROWS_NEAR;
  do {
    begin_block(kernels, g, own, &k);
    point_to_b(kernels, g, own, &k);
    const int64_t together = slab_by_slab ? 1 : s1 - s0;
    for (int64_t from = s0; from < s1; from += together)
      for (int64_t i = i0; i < i1; i += mr) {
        point_to_rows(kernels, g, own, i0, i, i1, k.p0, k.count);
        for (int64_t s = from; s < from + together; ++s)
          run_tile(kernels, g, &k, i, s, own);
      }
    k.p0 += k.count;
  } while (k.p0 < g->k);
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
      hl_gemm_give(kernels, g, tile + (q - s) * HL_PANEL, i, 1, j0, at_most(g->n - j0, HL_PANEL));
    }
  }
}

void hl_gemm_run(const hl_kernels *kernels, hl_gemm *g, int64_t i0, int64_t i1, int64_t s0, int64_t s1, void *scratch) {
  parts bytes = scratch_parts(g);
  char *base = scratch;
  space own = {.tile = (float *)base, .pointers = (const float **)(base + bytes.tile)};
  own.a_tile = (float *)(base + bytes.tile + bytes.pointers);
  own.packed = (float *)((char *)own.a_tile + bytes.a_tile);
  own.sums = (float *)((char *)own.packed + bytes.packed);

  if (i1 - i0 == 1 && !g->a.tiled && (g->a.layout == HL_ROW_MAJOR || g->a.ld == 1) && is_in_place(&g->b)) {
    run_row(kernels, g, i0, s0, s1, own.tile);
    return;
  }
  if (hl_gemm_turned(g) && i0 % HL_PANEL == 0) {
    if (s0 < s1)
      hl_turned_run(kernels, g, i0, i1, scratch);
    return;
  }
  const int64_t rows = g->k > K_BLOCK ? ROW_BLOCK : i1 - i0, slabs = group_slabs(g->n, g->k);
  for (int64_t s = s0; s < s1; s += slabs)
    for (int64_t i = i0; i < i1; i += rows)
      run_block(kernels, g, i, at_most(i + rows, i1), s, at_most(s + slabs, s1), &own);
}
