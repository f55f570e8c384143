/* Products with a left operand that is mostly zeros beside the same ones with all terms, on one thread. Not a test.
   Usage: bench_sparse [isa] */
#define _GNU_SOURCE
#include <time.h>

#include "check.h"

#include "gemm/sparse.h"

static double now(void) { /* processor time */
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static volatile float tile_sink;
static void use_tile(void *ctx, float *tile, int64_t i0, int64_t mr, int64_t j0, int64_t nr) {
  (void)ctx, (void)i0, (void)mr, (void)j0, (void)nr;
  tile_sink = tile[0];
}

enum { SAMPLES = 4096, PIXELS = 784, SIDE = 28 };

/* Images like written digits: nothing at the edges, runs of ink, `ink` of all pixels on average. */
static void draw(float *x, double ink) {
  uint64_t state = 3;
  memset(x, 0, sizeof(float) * SAMPLES * PIXELS);
  for (int64_t i = 0; i < SAMPLES; ++i)
    for (int64_t drawn = 0; drawn < ink * PIXELS;) {
      int64_t row = 2 + random_bits(&state) % (SIDE - 4), column = 2 + random_bits(&state) % (SIDE - 8);
      for (int64_t c = column; c < column + 4 + (ink > 0.6 ? 4 : 0) && drawn < ink * PIXELS; ++c) {
        float *pixel = x + i * PIXELS + (ink > 0.6 ? (int64_t)(random_bits(&state) % PIXELS) : row * SIDE + c);
        drawn += *pixel == 0;
        *pixel = 0.5f;
      }
    }
}

typedef struct timing {
  double dense, pack, sparse; /* seconds, the best */
} timing;

static timing measure(const hl_kernels *k, const float *x, int64_t batch, int64_t n, int a_trans, int rounds) {
  const int64_t m = a_trans ? PIXELS : batch, count = a_trans ? batch : PIXELS;
  float *b = new_lanes(hl_panels_size(count, n));
  memset(b, 0, sizeof(float) * (size_t)hl_panels_size(count, n));
  int64_t *rows = malloc(sizeof(int64_t) * (size_t)batch);
  hl_gemm g = {.m = m, .n = n, .k = count, .epilogue = use_tile};
  g.a = (hl_gemm_a){x, PIXELS, rows, a_trans, HL_ROW_MAJOR, a_trans, NULL};
  g.b = (hl_gemm_b){b, count, 0, HL_PANELS, NULL, 0};
  hl_sparse s = hl_sparse_shape(k, &g);
  float *lists = new_lanes(s.size), *scratch = new_lanes(s.scratch / (int64_t)sizeof(float));
  const int64_t slabs = (n + HL_PANEL - 1) / HL_PANEL;
  const hl_gemm_packing packing = hl_gemm_packs(k, &g);
  float *packed = new_lanes(packing.a + packing.b);
  int64_t task_rows, task_slabs;
  hl_gemm_tasking(k, &g, 0, &task_rows, &task_slabs);
  timing best = {1, 1, 1};
  uint64_t state = 9;
  for (int round = 0; round < rounds; ++round) {
    for (int64_t i = 0; i < batch; ++i)
      rows[i] = random_bits(&state) % SAMPLES;
    g.a.packed = NULL;
    double t0 = now();
    for (int64_t task = 0; task < packing.tasks; ++task)
      hl_gemm_pack(k, &g, task, packed);
    hl_gemm_use_packed(k, &g, packed);
    for (int64_t s0 = 0; s0 < slabs; s0 += task_slabs)
      for (int64_t i = 0; i < m; i += task_rows)
        hl_gemm_run(k, &g, i, i + task_rows < m ? i + task_rows : m, s0,
                    s0 + task_slabs < slabs ? s0 + task_slabs : slabs, scratch);
    double t1 = now();
    for (int64_t t = 0; t < s.pack_tasks; ++t)
      hl_sparse_pack(k, &g, &s, t, lists, scratch);
    double t2 = now();
    for (int64_t t = 0; t < s.tasks; ++t)
      hl_sparse_run(k, &g, &s, t, lists, scratch);
    double t3 = now();
    best.dense = t1 - t0 < best.dense ? t1 - t0 : best.dense;
    best.pack = t2 - t1 < best.pack ? t2 - t1 : best.pack;
    best.sparse = t3 - t2 < best.sparse ? t3 - t2 : best.sparse;
  }
  free(packed);
  free(scratch);
  free(lists);
  free(rows);
  free(b);
  return best;
}

int main(int argc, char **argv) {
  if (hl_kernels_select(argc > 1 ? argv[1] : NULL) != HL_OK) {
    printf("no such instruction set here: %s\n", argc > 1 ? argv[1] : getenv("HOTLOOP_ISA"));
    return 1;
  }
  const hl_kernels *k = hl_kernels_get();
  const int64_t shapes[][2] = {{128, 512}, {128, 128}, {32, 512}, {32, 128}};
  const double inks[] = {0.05, 0.19, 0.3, 0.4, 0.5};
  float *x = new_lanes(SAMPLES * PIXELS);
  for (size_t i = 0; i < sizeof inks / sizeof inks[0]; ++i) {
    draw(x, inks[i]);
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; ++s)
      for (int a_trans = 0; a_trans < 2; ++a_trans) {
        timing t = measure(k, x, shapes[s][0], shapes[s][1], a_trans, 200);
        printf("%s density %.2f, batch %3d, 784-%-3d %s: dense %6.1f us, lists %5.1f + product %6.1f: %.2f x\n",
               hl_isa_name(k->isa), inks[i], (int)shapes[s][0], (int)shapes[s][1], a_trans ? "x'dy" : "x W ",
               t.dense * 1e6, t.pack * 1e6, t.sparse * 1e6, t.dense / (t.pack + t.sparse));
      }
  }
  free(x);
  return 0;
}
