/* Products with a left operand that is mostly zeros: the kernels against the reference, then whole products, which have
   the bits of hl_gemm_run whatever the operands hold. */
#include "check.h"

#include "gemm/sparse.h"

typedef enum content { PLAIN, NEGATIVE_ZEROS, X_NOT_FINITE, W_NOT_FINITE, UNDERFLOW, CONTENTS } content;

typedef struct how {
  int a_trans, indexed, b_panels, output; /* 0: row-major, 1: panels, 2: epilogue */
  double density;
  content content;
} how;

typedef struct received {
  float *c;
  int64_t n, tiles;
} received;

static void receive(void *ctx, float *tile, int64_t i0, int64_t mr, int64_t j0, int64_t nr) {
  received *r = ctx;
  r->tiles++;
  CHECK((uintptr_t)tile % 64 == 0 && j0 % HL_PANEL == 0 && nr <= HL_PANEL && mr <= HL_GEMM_EPILOGUE_ROWS, "a tile");
  for (int64_t i = 0; i < mr; ++i)
    for (int64_t j = 0; j < nr; ++j) {
      r->c[(i0 + i) * r->n + j0 + j] = tile[i * hl_gemm_tile_ld(r->n) + j];
      tile[i * hl_gemm_tile_ld(r->n) + j] = NAN; /* the tile is the epilogue's to overwrite */
    }
}

static void fill_a(float *a, int64_t n, const how *h) {
  uint64_t state = 77;
  const float scale = h->content == UNDERFLOW ? 0x1p-120f : 1.0f;
  for (int64_t i = 0; i < n; ++i) {
    float x = random_float(&state), place = random_float(&state) * 0.5f + 0.5f;
    a[i] = place < h->density ? x * scale : h->content == NEGATIVE_ZEROS && i % 3 == 0 ? -0.0f : 0.0f;
  }
  if (h->content == X_NOT_FINITE)
    for (int64_t i = 5; i < n; i += 37)
      a[i] = i % 3 == 0 ? NAN : i % 3 == 1 ? INFINITY : -INFINITY;
}

static void fill_b(float *b, int64_t n, const how *h) {
  uint64_t state = 5;
  const float scale = h->content == UNDERFLOW ? 0x1p-30f : 1.0f;
  for (int64_t i = 0; i < n; ++i)
    b[i] = random_float(&state) * scale;
  if (h->content == W_NOT_FINITE && n)
    b[n / 2] = NAN, b[n / 3] = INFINITY, b[n - 1] = -INFINITY;
}

static void unpack(const hl_gemm *g, float *got) {
  if (g->epilogue != NULL)
    return;
  if (g->c_layout == HL_PANELS)
    hl_unpack_panels(got, g->n, g->c, g->m, g->n);
  else
    for (int64_t i = 0; i < g->m; ++i)
      memcpy(got + i * g->n, g->c + i * g->ldc, sizeof(float) * (size_t)g->n);
}

static void check_product(const hl_kernels *k, int64_t m, int64_t n, int64_t count, how h) {
  const int64_t a_rows = h.a_trans ? count : m, a_cols = h.a_trans ? m : count, ldc = n + 7;
  const int64_t stored = h.indexed ? 2 * a_rows + 1 : a_rows, lda = a_cols + 3, ldb = n + 5;
  float *a = new_lanes(stored * lda), *b = new_lanes(count * ldb), *panels = new_lanes(hl_panels_size(count, n));
  float *want = new_lanes(m * n), *got = new_lanes(m * n), *c = new_lanes(hl_panels_size(m, n) + m * ldc);
  int64_t *rows = malloc(sizeof(int64_t) * (size_t)(a_rows + 1));
  fill_a(a, stored * lda, &h);
  fill_b(b, count * ldb, &h);
  hl_pack_panels(panels, b, ldb, count, n);
  for (int64_t i = 0; i < a_rows; ++i)
    rows[i] = h.indexed ? (i * 7 + 3) % stored : i;
  received r = {want, n, 0};
  hl_gemm g = {.m = m, .n = n, .k = count, .c = c, .ldc = ldc, .c_layout = h.output == 1 ? HL_PANELS : HL_ROW_MAJOR};
  g.a = (hl_gemm_a){a, lda, h.indexed ? rows : NULL, h.a_trans, HL_ROW_MAJOR, h.a_trans, NULL};
  g.b = h.b_panels ? (hl_gemm_b){panels, count, 0, HL_PANELS, NULL, 0} : (hl_gemm_b){b, ldb, 0, HL_ROW_MAJOR, NULL, 0};
  g.b.finite = h.b_panels && h.content != W_NOT_FINITE; /* as is known of weights that were looked at */
  if (h.output == 2)
    g.epilogue = receive, g.ctx = &r;
  int64_t bytes = hl_gemm_scratch(k, &g);
  void *dense = new_lanes(bytes / (int64_t)sizeof(float));
  hl_gemm_run(k, &g, 0, m, 0, (n + HL_PANEL - 1) / HL_PANEL, dense);
  unpack(&g, want);

  hl_sparse s = hl_sparse_shape(k, &g);
  /* Exactly the memory promised: the sanitizer watches its ends. Stale contents must not matter. */
  float *lists = new_lanes(s.size);
  void *scratch = new_lanes(s.scratch / (int64_t)sizeof(float));
  for (int64_t i = 0; i < s.size; ++i) /* ones, too: "known to be finite", were it believed */
    memcpy(lists + i, &(int32_t){i % 2 || h.content == W_NOT_FINITE ? 1 : -1}, sizeof *lists);
  memset(scratch, 0xff, (size_t)s.scratch);
  memset(c, 0xff, sizeof(float) * (size_t)(hl_panels_size(m, n) + m * ldc));
  for (int64_t t = s.pack_tasks - 1; t >= 0; --t) /* in any order */
    hl_sparse_pack(k, &g, &s, t, lists, scratch);
  r.c = got;
  for (int64_t t = s.tasks - 1; t >= 0; --t)
    hl_sparse_run(k, &g, &s, t, lists, scratch);
  unpack(&g, got);
  int64_t nonzeros = 0;
  for (int64_t i = 0; i < a_rows; ++i)
    for (int64_t j = 0; j < a_cols; ++j)
      nonzeros += a[rows[i] * lda + j] != 0.0f;
  CHECK(s.size > 0 && hl_sparse_nonzeros(&s, lists) == nonzeros, "%lld nonzeros, not %lld",
        (long long)hl_sparse_nonzeros(&s, lists), (long long)nonzeros);
  for (int64_t i = 0; i < m * n; ++i)
    CHECK(same_float(got[i], want[i]),
          "%s %lld x %lld x %lld, a_trans %d, indexed %d, panels %d, output %d, density %g, content %d at %lld: %a, "
          "not %a",
          hl_isa_name(k->isa), (long long)m, (long long)n, (long long)count, h.a_trans, h.indexed, h.b_panels, h.output,
          h.density, (int)h.content, (long long)i, got[i], want[i]);
  free(scratch);
  free(lists);
  free(dense);
  free(rows);
  free(c);
  free(got);
  free(want);
  free(panels);
  free(b);
  free(a);
}

/* An empty sum that underflow made -0 becomes +0 by what comes after it, if that is added. */
static void check_sign_of_zero(const hl_kernels *k) {
  for (int a_trans = 0; a_trans < 2; ++a_trans)
    for (int64_t at = 0; at < 20; ++at) {
      enum { DEPTH = 600 };
      float *a = new_lanes(DEPTH), *b = new_lanes(DEPTH * HL_PANEL), want[2] = {1, 1};
      for (int64_t p = 0; p < DEPTH; ++p)
        a[p] = 0, b[p * HL_PANEL] = p % 2 ? 1.0f : -1.0f;
      a[at * 30] = 0x1p-140f; /* times 2^-20, less than the smallest denormal */
      b[at * 30 * HL_PANEL] = -0x1p-20f;
      hl_gemm g = {.m = 1,
                   .n = 1,
                   .k = DEPTH,
                   .ldc = 1,
                   .a = {a, a_trans ? 1 : DEPTH, NULL, a_trans, HL_ROW_MAJOR, a_trans, NULL}};
      g.b = (hl_gemm_b){b, DEPTH, 0, HL_PANELS, NULL, 0};
      hl_sparse s = hl_sparse_shape(k, &g);
      float *lists = new_lanes(s.size), *scratch = new_lanes(s.scratch / (int64_t)sizeof(float));
      g.c = &want[0];
      hl_gemm_run(k, &g, 0, 1, 0, 1, scratch);
      g.c = &want[1];
      for (int64_t t = 0; t < s.pack_tasks; ++t)
        hl_sparse_pack(k, &g, &s, t, lists, scratch);
      hl_sparse_run(k, &g, &s, 0, lists, scratch);
      CHECK(bits_of(want[0]) == 0 && bits_of(want[1]) == 0, "%s, term %lld: %a and %a", hl_isa_name(k->isa),
            (long long)at * 30, want[0], want[1]);
      free(scratch);
      free(lists);
      free(b);
      free(a);
    }
}

static void check_lists(const hl_kernels *k, int64_t rows, int64_t depth, int a_trans) {
  enum { FIRST = 2 };
  const int64_t stored = a_trans ? depth : FIRST + rows, cols = a_trans ? FIRST + rows : depth;
  float *x = new_lanes(stored * cols); /* exactly: the sanitizer watches the ends */
  const float **table = malloc(sizeof *table * (size_t)(stored + 1));
  fill_a(x, stored * cols, &(how){.density = 0.4, .content = rows % 2 ? NEGATIVE_ZEROS : X_NOT_FINITE});
  for (int64_t r = 0; r < stored; ++r)
    table[r] = x + r * cols;
  hl_sparse_entry *entries[2];
  int32_t *counts[2];
  for (int i = 0; i < 2; ++i) {
    entries[i] = malloc(sizeof **entries * (size_t)(rows * depth + HL_LANES));
    counts[i] = malloc(sizeof **counts * (size_t)rows);
    const hl_kernels *by = i ? hl_kernels_reference() : k;
    by->gemm_list(entries[i], counts[i], table, a_trans, FIRST, rows, depth);
  }
  int64_t all = 0;
  for (int64_t r = 0; r < rows; all += counts[1][r++])
    CHECK(counts[0][r] == counts[1][r], "%s, %lld rows of %lld, trans %d: row %lld has %d, not %d", hl_isa_name(k->isa),
          (long long)rows, (long long)depth, a_trans, (long long)r, counts[0][r], counts[1][r]);
  for (int64_t e = 0; e < all; ++e)
    CHECK(entries[0][e].at == entries[1][e].at && same_float(entries[0][e].value, entries[1][e].value),
          "%s, %lld rows of %lld, trans %d: entry %lld", hl_isa_name(k->isa), (long long)rows, (long long)depth,
          a_trans, (long long)e);
  for (int i = 0; i < 2; ++i) {
    free(counts[i]);
    free(entries[i]);
  }
  free(table);
  free(x);
}

static void check_finite(const hl_kernels *k) {
  for (int64_t n = 0; n <= 9 * HL_LANES; n += HL_LANES) {
    float *x = new_lanes(n);
    fill_b(x, n, &(how){.content = PLAIN});
    for (int64_t i = 0; i < n; ++i)
      x[i] *= 3e38f; /* whose sum would not be finite */
    CHECK(k->finite(x, n), "%s, %lld finite", hl_isa_name(k->isa), (long long)n);
    for (int64_t i = 0; i < n; i += 5) {
      const float kept = x[i], bad[] = {NAN, INFINITY, -INFINITY};
      x[i] = bad[i % 3];
      CHECK(!k->finite(x, n), "%s, %a at %lld of %lld", hl_isa_name(k->isa), x[i], (long long)i, (long long)n);
      x[i] = kept;
    }
    free(x);
  }
}

static void check_refused(const hl_kernels *k) {
  hl_gemm g = {.m = 8, .n = 8, .k = 8};
  CHECK(hl_sparse_shape(k, &g).size > 0, "plain");
  g.b.trans = 1;
  CHECK(hl_sparse_shape(k, &g).size == 0, "b transposed");
  g.b.trans = 0, g.a.layout = HL_PANELS;
  CHECK(hl_sparse_shape(k, &g).size == 0, "a in panels");
  g.a.layout = HL_ROW_MAJOR, g.m = INT64_MAX / 64, g.k = INT64_MAX / 64;
  CHECK(hl_sparse_shape(k, &g).size == 0, "too large");
  g.m = 8, g.k = 0;
  CHECK(hl_sparse_shape(k, &g).size == 0, "empty");
}

int main(void) {
  const int64_t shapes[][3] = {{1, 1, 1},      {1, 200, 50},  {2, 10, 5},    {13, 33, 17},  {31, 64, 20},
                               {33, 70, 257},  {40, 32, 96},  {129, 65, 7},  {127, 31, 80}, {128, 96, 300},
                               {513, 40, 130}, {784, 64, 32}, {33, 257, 120}};
  const double densities[] = {0, 0.03, 0.2, 0.6, 1};
  for (int isa = 0; isa < HL_ISA_COUNT; ++isa) {
    const hl_kernels *k = hl_kernels_of((hl_isa)isa);
    if (k == NULL)
      continue;
    check_refused(k);
    check_finite(k);
    check_sign_of_zero(k);
    const int64_t depths[] = {0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 130, HL_SPARSE_DEPTH - 1, HL_SPARSE_DEPTH};
    for (size_t d = 0; d < sizeof depths / sizeof depths[0]; ++d)
      for (int64_t rows = 1; rows < 36; rows += rows < 15 ? 7 : 1)
        for (int a_trans = 0; a_trans < 2; ++a_trans)
          check_lists(k, rows, depths[d], a_trans);
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; ++s)
      for (int bits = 0; bits < 8; ++bits)
        for (int i = 0; i < 15; ++i) {
          const int kind = (i * 7 + bits + (int)s) % (2 * CONTENTS); /* half of them plain */
          if (quick() && (i + bits + (int)s) % 4 != 0)
            continue;
          how h = {bits & 1, bits >> 1 & 1, bits >> 2 & 1, (i + bits) % 3, densities[i % 5], PLAIN};
          if (kind < CONTENTS)
            h.content = (content)kind;
          check_product(k, shapes[s][0], shapes[s][1], shapes[s][2], h);
        }
  }
  return check_result();
}
