/* Products: register tiles of every size, then whole products in every layout, against one chain of fused multiply-adds
   per element. Bit for bit where the instruction set has FMA; on the portable table inputs are small whole numbers, for
   which any order and rounding is exact. */
#include "check.h"

#include "gemm/gemm.h"

static void fill(const hl_kernels *k, float *x, int64_t n, uint64_t seed) {
  uint64_t state = seed * 2654435761u + 1;
  for (int64_t i = 0; i < n; ++i)
    x[i] = has_fma(k) ? random_float(&state) : (float)(random_bits(&state) % 7) - 3;
}

static void check_tile(const hl_kernels *k, int packed, int32_t mr, int32_t nr, int64_t count, int accumulate) {
  const int64_t jump = packed || mr % 2 ? 0 : 40; /* half of them as in panels */
  const int64_t step = packed && mr % 2 && nr > HL_LANES ? HL_PANEL + 5 : HL_PANEL;
  enum { LDA = 300, LDC = 48 };
  float *a = new_lanes((count + HL_GEMM_MAX_MR) * LDA), *b = new_lanes((count + 1) * HL_PANEL);
  float *spread = new_lanes((count + 1) * step);
  float *c = new_lanes(HL_GEMM_MAX_MR * LDC), *want = new_lanes(HL_GEMM_MAX_MR * LDC);
  const float *rows[HL_GEMM_MAX_MR], *at = NULL;
  fill(k, a, (count + HL_GEMM_MAX_MR) * LDA, 1);
  fill(k, b, (count + 1) * HL_PANEL, 2);
  for (int64_t p = 0; p < count; ++p)
    memcpy(spread + p * step, b + p * HL_PANEL, sizeof(float) * HL_PANEL);
  fill(k, c, HL_GEMM_MAX_MR * LDC, 3);
  memcpy(want, c, sizeof(float) * HL_GEMM_MAX_MR * LDC);
  for (int64_t i = 0; i < mr; ++i)
    rows[i] = a + (mr - 1 - i) * LDA; /* in no regular order */
  float *tile = new_lanes((count + 1) * HL_GEMM_MAX_MR);
  for (int64_t p = 0; p < count; ++p)
    for (int64_t i = 0; i < mr; ++i)
      tile[p * k->gemm_mr_packed + i] = rows[i][p];
  at = tile;
  hl_gemm_args args = {
      .k = count, .a = packed ? &at : rows, .a_jump = jump, .b = spread, .c = c, .ldc = LDC, .mr = mr, .nr = nr};
  args.b_step = step;
  args.accumulate = accumulate;
  (packed ? k->gemm_packed : k->gemm_rows)(&args);
  args.a = rows;
  args.b = b;
  args.c = want;
  hl_kernels_reference()->gemm_rows(&args);
  const char *isa = hl_isa_name(k->isa);
  for (int32_t i = 0; i < HL_GEMM_MAX_MR; ++i)
    for (int32_t j = 0; j < LDC; ++j)
      if (i >= mr || j < nr || j >= (nr > HL_LANES ? HL_PANEL : HL_LANES)) /* the rest of a panel is free to change */
        CHECK(c[i * LDC + j] == want[i * LDC + j], "%s %s tile %d x %d, k = %lld, accumulate %d, at (%d, %d)", isa,
              packed ? "packed" : "rows", mr, nr, (long long)count, accumulate, i, j);
  free(tile);
  free(spread);
  free(want);
  free(c);
  free(b);
  free(a);
}

/* how: 0 rows, 1 indexed rows, 2 panels */
static void check_pack(const hl_kernels *k, int64_t m, int64_t count, int how) {
  const int indexed = how == 1;
  const int64_t ld = m + 3, mr = k->gemm_mr_packed, tiles = (m + mr - 1) / mr;
  float *src = new_lanes((2 * count + 1) * ld), *dst = new_lanes(tiles * mr * count);
  int64_t *rows = malloc(sizeof(int64_t) * (size_t)(count + 1));
  fill(k, src, (2 * count + 1) * ld, 5);
  memset(dst, 0xff, sizeof(float) * (size_t)(tiles * mr * count));
  for (int64_t p = 0; p < count; ++p)
    rows[p] = indexed ? (p * 7 + 3) % (2 * count + 1) : p;
  /* In two calls, the second one asking for more tiles than there are. */
  int64_t cut = tiles / 3;
  float *panels = new_lanes(hl_panels_size(count, m));
  hl_pack_panels(panels, src, ld, count, m);
  if (how == 2) {
    k->gemm_pack_panels(dst, panels, count, count, 0, m, cut);
    k->gemm_pack_panels(dst + cut * mr * count, panels, count, count, cut * mr, m, tiles - cut + 1);
  } else {
    k->gemm_pack(dst, src, ld, indexed ? rows : NULL, count, 0, m, cut);
    k->gemm_pack(dst + cut * mr * count, src, ld, indexed ? rows : NULL, count, cut * mr, m, tiles - cut + 1);
  }
  for (int64_t i = 0; i < tiles * mr; ++i)
    for (int64_t p = 0; p < count; ++p)
      CHECK(dst[i / mr * mr * count + p * mr + i % mr] == (i < m ? src[rows[p] * ld + i] : 0),
            "%s pack, how %d, m %lld, k %lld, at %lld of row %lld", hl_isa_name(k->isa), how, (long long)m,
            (long long)count, (long long)i, (long long)p);
  free(panels);
  free(rows);
  free(dst);
  free(src);
}

static void check_thin(const hl_kernels *k, int32_t nr, int64_t count, int accumulate) {
  const int64_t stride = (count + 2) * HL_PANEL;
  float *a = new_lanes(count), *b = new_lanes(HL_THIN_PANELS * stride);
  float *c = new_lanes(HL_THIN_PANELS * HL_PANEL), *want = new_lanes(HL_THIN_PANELS * HL_PANEL);
  fill(k, a, count, 1);
  fill(k, b, HL_THIN_PANELS * stride, 2);
  fill(k, c, HL_THIN_PANELS * HL_PANEL, 3);
  memcpy(want, c, sizeof(float) * HL_THIN_PANELS * HL_PANEL);
  const float *row = a;
  hl_gemm_args args = {.k = count, .a = &row, .b = b, .b_stride = stride, .c = c, .mr = 1, .nr = nr};
  args.accumulate = accumulate;
  k->gemm_thin(&args);
  args.c = want;
  hl_kernels_reference()->gemm_thin(&args);
  for (int32_t j = 0; j < HL_THIN_PANELS * HL_PANEL; ++j)
    if (j < nr || j >= (nr + HL_PANEL - 1) / HL_PANEL * HL_PANEL)
      CHECK(c[j] == want[j], "%s thin, %d columns, k = %lld, column %d", hl_isa_name(k->isa), nr, (long long)count, j);
  free(want);
  free(c);
  free(b);
  free(a);
}

typedef struct received {
  float *c;
  int64_t n, tiles;
} received;

static void receive(void *ctx, float *tile, int64_t i0, int64_t mr, int64_t j0, int64_t nr) {
  received *r = ctx;
  r->tiles++;
  CHECK((uintptr_t)tile % 64 == 0 && j0 % HL_PANEL == 0 && nr <= HL_PANEL, "an epilogue's tile");
  for (int64_t i = 0; i < mr; ++i)
    for (int64_t j = 0; j < nr; ++j) {
      r->c[(i0 + i) * r->n + j0 + j] = tile[i * hl_gemm_tile_ld(r->n) + j];
      tile[i * hl_gemm_tile_ld(r->n) + j] = NAN; /* the tile is the epilogue's to overwrite */
    }
}

typedef struct how {
  int a_trans, indexed, b_trans, b_panels; /* indexed 2: not, but in panels */
  int output;                              /* 0: row-major, 1: panels, 2: epilogue */
  int split;
} how;

/* Rows of a product that are looked at: of a large one some, those behind a block of rows among them. */
static int is_checked(int64_t i, int64_t m) { return m < 500 || i % 167 == 0 || i / 16 == 63 || i == m - 1; }

static void check_product(const hl_kernels *k, int64_t m, int64_t n, int64_t count, how h) {
  int64_t a_rows = h.a_trans ? count : m, a_cols = h.a_trans ? m : count;
  int64_t b_rows = h.b_trans ? n : count, b_cols = h.b_trans ? count : n;
  int indexed = h.indexed == 1;
  /* Products too small to be worth it are tried in tiles too. */
  int32_t tiled = h.a_trans || (!indexed && h.split == 1 && n > HL_PANEL);
  int64_t lda = a_cols + 3, ldb = b_cols + 5, ldc = n + 7, stored = indexed ? 2 * a_rows + 1 : a_rows;
  float *a = new_lanes(stored * lda), *b = new_lanes(b_rows * ldb);
  float *panels = new_lanes(hl_panels_size(b_rows, b_cols));
  float *want = new_lanes(m * n), *got = new_lanes(m * n);
  float *c = new_lanes(h.output == 1 ? hl_panels_size(m, n) : m * ldc);
  int64_t *rows = malloc(sizeof(int64_t) * (size_t)(a_rows + 1));
  fill(k, a, stored * lda, 11);
  fill(k, b, b_rows * ldb, 12);
  hl_pack_panels(panels, b, ldb, b_rows, b_cols);
  for (int64_t i = 0; i < a_rows; ++i)
    rows[i] = indexed ? (i * 7 + 3) % stored : i;
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; is_checked(i, m) && j < n; ++j) {
      float sum = 0;
      for (int64_t p = 0; p < count; ++p)
        sum = fmaf(h.a_trans ? a[rows[p] * lda + i] : a[rows[i] * lda + p], h.b_trans ? b[j * ldb + p] : b[p * ldb + j],
                   sum);
      want[i * n + j] = sum;
    }

  received r = {got, n, 0};
  hl_gemm g = {.m = m, .n = n, .k = count};
  float *a_panels = new_lanes(hl_panels_size(a_rows, a_cols));
  hl_pack_panels(a_panels, a, lda, a_rows, a_cols);
  g.a = h.indexed == 2 ? (hl_gemm_a){a_panels, a_rows, NULL, h.a_trans, HL_PANELS, tiled, NULL}
                       : (hl_gemm_a){a, lda, indexed ? rows : NULL, h.a_trans, HL_ROW_MAJOR, tiled, NULL};
  g.b = h.b_panels ? (hl_gemm_b){panels, b_rows, h.b_trans, HL_PANELS, NULL, 0}
                   : (hl_gemm_b){b, ldb, h.b_trans, HL_ROW_MAJOR, NULL, 0};
  if (h.output == 2)
    g.epilogue = receive, g.ctx = &r;
  g.c = c;
  g.ldc = ldc;
  g.c_layout = h.output == 1 ? HL_PANELS : HL_ROW_MAJOR;
  /* Exactly the scratch promised: the sanitizer watches its ends. Stale contents must not matter. */
  int64_t bytes = hl_gemm_scratch(k, &g);
  void *scratch = new_lanes(bytes / (int64_t)sizeof(float));
  memset(scratch, 0xff, (size_t)bytes);
  int64_t slabs = (n + HL_PANEL - 1) / HL_PANEL, task_rows = m, task_slabs = slabs;
  if (h.split)
    hl_gemm_tasking(k, &g, 0, &task_rows, &task_slabs);
  if (h.split == 2)
    task_rows = 5, task_slabs = 1;
  float *packed = NULL;
  const hl_gemm_packing packing = hl_gemm_packs(k, &g);
  if (h.split < 2 && packing.tasks) { /* tasks begin at tiles */
    packed = new_lanes(packing.a + packing.b);
    memset(packed, 0xff, sizeof(float) * (size_t)(packing.a + packing.b));
    for (int64_t task = packing.tasks - 1; task >= 0; --task)
      hl_gemm_pack(k, &g, task, packed);
    hl_gemm_use_packed(k, &g, packed);
    CHECK(g.a.packed, "A is packed");
  }
  for (int64_t i = 0; i < m; i += task_rows)
    for (int64_t s = 0; s < slabs; s += task_slabs)
      hl_gemm_run(k, &g, i, i + task_rows < m ? i + task_rows : m, s, s + task_slabs < slabs ? s + task_slabs : slabs,
                  scratch);
  if (h.output == 1)
    hl_unpack_panels(got, n, c, m, n);
  else if (h.output == 0)
    for (int64_t i = 0; i < m; ++i)
      memcpy(got + i * n, c + i * ldc, sizeof(float) * (size_t)n);
  for (int64_t i = 0; i < m * n; ++i)
    CHECK(!is_checked(i / n, m) || got[i] == want[i],
          "%s %lld x %lld x %lld, a_trans %d, indexed %d, b_trans %d, panels %d, output %d at %lld: %a, not %a",
          hl_isa_name(k->isa), (long long)m, (long long)n, (long long)count, h.a_trans, h.indexed, h.b_trans,
          h.b_panels, h.output, (long long)i, got[i], want[i]);
  free(a_panels);
  free(packed);
  free(scratch);
  free(rows);
  free(c);
  free(got);
  free(want);
  free(panels);
  free(b);
  free(a);
}

static void check_panels(void) {
  const int64_t k = 7, n = 45;
  float *src = new_lanes(k * 50), *panels = new_lanes(hl_panels_size(k, n)), *back = new_lanes(k * n);
  for (int64_t i = 0; i < k * 50; ++i)
    src[i] = (float)(i + 1);
  hl_pack_panels(panels, src, 50, k, n);
  CHECK(hl_panels_size(k, n) == 2 * 32 * 7 && hl_panels_size(3, 0) == 0 && hl_panels_size(0, 3) == 0, "sizes");
  for (int64_t r = 0; r < k; ++r)
    for (int64_t c = 0; c < 64; ++c)
      CHECK(panels[c / 32 * k * 32 + r * 32 + c % 32] == (c < n ? src[r * 50 + c] : 0), "panels");
  hl_unpack_panels(back, n, panels, k, n);
  for (int64_t i = 0; i < k * n; ++i)
    CHECK(back[i] == src[i / n * 50 + i % n], "back from panels");
  free(src);
  free(panels);
  free(back);
}

int main(void) {
  check_panels();
  const int32_t widths[] = {1, 10, 16, 17, 32};
  const int64_t depths[] = {0, 1, 2, 7, 33};
  const int64_t shapes[][3] = {{1, 1, 1},      {1, 200, 50},   {1, 10, 5},    {5, 10, 0},    {13, 33, 17},
                               {12, 32, 8},    {14, 64, 20},   {40, 70, 33},  {29, 10, 128}, {3, 100, 65},
                               {30, 40, 2100}, {61, 270, 130}, {150, 70, 32}, {107, 10, 40}, {64, 33, 257}};
  /* Around the sizes of the blocks: both operands packed for all, blocks of k and of rows, groups of slabs. */
  const struct {
    int64_t m, n, k;
    how how;
  } large[] = {{1001, 1025, 1024, {0, 0, 0, 0, 0, 1}}, {1003, 1032, 1020, {1, 0, 1, 1, 2, 1}},
               {1010, 70, 2070, {0, 0, 0, 0, 1, 1}},   {1010, 33, 2049, {0, 2, 1, 0, 2, 0}},
               {31, 300, 2048, {0, 0, 0, 1, 0, 1}},    {29, 129, 2049, {0, 0, 1, 1, 2, 1}},
               {57, 127, 2047, {0, 0, 0, 0, 2, 1}},    {43, 161, 4097, {1, 2, 0, 0, 1, 1}}};
  for (int isa = 0; isa < HL_ISA_COUNT; ++isa) {
    const hl_kernels *k = hl_kernels_of((hl_isa)isa);
    if (k == NULL)
      continue;
    for (int packed = 0; packed < 2; ++packed)
      for (int32_t mr = 1; mr <= (packed ? k->gemm_mr_packed : k->gemm_mr_rows); ++mr)
        for (size_t w = 0; w < sizeof widths / sizeof widths[0]; ++w)
          for (size_t d = 0; d < sizeof depths / sizeof depths[0]; ++d)
            for (int accumulate = 0; accumulate < 2; ++accumulate)
              check_tile(k, packed, mr, widths[w], depths[d], accumulate);
    for (int32_t nr = 1; nr <= HL_THIN_PANELS * HL_PANEL; nr += 9)
      for (size_t d = 0; d < sizeof depths / sizeof depths[0]; ++d)
        check_thin(k, nr, depths[d], nr % 2);
    for (int64_t m = 1; m < 6 * k->gemm_mr_packed; m += m < 20 ? 1 : 13)
      for (size_t d = 0; d < sizeof depths / sizeof depths[0]; ++d)
        check_pack(k, m, depths[d], m % 3);
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; ++s)
      for (int bits = 0; bits < 24; ++bits)
        for (int output = 0; output < 3; ++output) {
          /* The cases of a deep product differ little, and its reference takes long. */
          if ((shapes[s][2] > 1000 && bits % 3 != output) || (quick() && ((int)s * 7 + bits * 5 + output) % 4 != 0))
            continue;
          how h = {bits & 1, bits >> 3, bits >> 1 & 1, bits >> 2 & 1, output, ((int)s + bits + output) % 3};
          check_product(k, shapes[s][0], shapes[s][1], shapes[s][2], h);
        }
    for (size_t i = 0; has_fma(k) && i < sizeof large / sizeof large[0]; ++i)
      check_product(k, large[i].m, large[i].n, large[i].k, large[i].how);
  }
  return check_result();
}
