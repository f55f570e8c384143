/* Products on one thread, as a share of the fused multiply-add peak measured in the same run. Not a test.
   Usage: bench_gemm [isa] */
#define _GNU_SOURCE
#include <time.h>

#include "check.h"

#include "gemm/gemm.h"

/* Processor time: a thread that takes this core away does not count. Others still slow the caches and the core itself,
   tiles far more than the peak, to some 70 % for a while: so all is timed in many short runs, and the best counts. */
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Fused multiply-adds on registers alone. */
static double peak_gflops(const hl_kernels *k) {
  float sink[HL_LANES];
  double best = 0;
  for (int round = 0; round < 400; ++round) {
    double start = now();
    int64_t flops = k->fma_chains(sink, 10000);
    double gflops = 1e-9 * (double)flops / (now() - start);
    best = gflops > best ? gflops : best;
  }
  return best;
}

/* The kernel itself on operands in L1: as near to the peak as its instructions come. */
static double tile_gflops(const hl_kernels *k, int packed) {
  enum { DEPTH = 256, LD = 272 };
  int32_t mr = packed ? k->gemm_mr_packed : k->gemm_mr_rows;
  float *a = new_lanes(DEPTH * LD), *b = new_lanes(DEPTH * HL_PANEL);
  float *c = new_lanes(HL_GEMM_MAX_MR * HL_PANEL);
  memset(a, 0, sizeof(float) * (DEPTH * LD));
  memset(b, 0, sizeof(float) * DEPTH * HL_PANEL);
  const float *rows[HL_GEMM_MAX_MR];
  for (int i = 0; i < HL_GEMM_MAX_MR; ++i)
    rows[i] = a + i * LD;
  hl_gemm_args args = {
      .k = DEPTH, .a = rows, .b = b, .b_step = HL_PANEL, .c = c, .ldc = HL_PANEL, .mr = mr, .nr = HL_PANEL};
  double best = 0;
  for (int round = 0; round < 600; ++round) {
    double start = now();
    for (int i = 0; i < 100; ++i)
      (packed ? k->gemm_packed : k->gemm_rows)(&args);
    double gflops = 100 * 2e-9 * mr * HL_PANEL * DEPTH / (now() - start);
    best = gflops > best ? gflops : best;
  }
  free(c);
  free(b);
  free(a);
  return best;
}

typedef struct shape {
  const char *what;
  int64_t m, n, k;
  int a_trans, indexed, b_trans;
  hl_layout b_layout;
  int epilogue;
} shape;

static volatile float tile_sink;
static void use_tile(void *ctx, float *tile, int64_t i0, int64_t mr, int64_t j0, int64_t nr) {
  (void)ctx, (void)i0, (void)mr, (void)j0, (void)nr;
  tile_sink = tile[0];
}

static double product_gflops(const hl_kernels *k, const shape *s) {
  int64_t a_rows = s->a_trans ? s->k : s->m, a_cols = s->a_trans ? s->m : s->k;
  int64_t stored = s->indexed ? 60000 : a_rows;
  int64_t b_rows = s->b_trans ? s->n : s->k, b_cols = s->b_trans ? s->k : s->n;
  float *a = new_lanes(stored * a_cols), *b = new_lanes(hl_panels_size(b_rows, b_cols)), *c = new_lanes(s->m * s->n);
  memset(a, 0, sizeof(float) * (size_t)(stored * a_cols));
  memset(b, 0, sizeof(float) * (size_t)hl_panels_size(b_rows, b_cols));
  int64_t *rows = malloc(sizeof(int64_t) * (size_t)a_rows);
  uint64_t state = 1;
  for (int64_t i = 0; i < a_rows; ++i)
    rows[i] = random_bits(&state) % stored;
  const int32_t tiled = hl_gemm_tiled(k, s->m, s->n, s->k, s->a_trans, s->indexed);
  hl_gemm g = {.m = s->m, .n = s->n, .k = s->k, .c = c, .ldc = s->n, .epilogue = s->epilogue ? use_tile : NULL};
  g.a = (hl_gemm_a){a, a_cols, s->indexed ? rows : NULL, s->a_trans, HL_ROW_MAJOR, tiled, NULL};
  g.b = (hl_gemm_b){b, s->b_layout == HL_PANELS ? b_rows : b_cols, s->b_trans, s->b_layout, NULL, 0};
  void *scratch = new_lanes(hl_gemm_scratch(k, &g) / (int64_t)sizeof(float));
  int64_t slabs = (s->n + HL_PANEL - 1) / HL_PANEL, task_rows, task_slabs;
  hl_gemm_tasking(k, &g, 0, &task_rows, &task_slabs);
  const hl_gemm_packing packing = hl_gemm_packs(k, &g);
  float *packed = new_lanes(packing.a + packing.b);
  double flops = 2.0 * (double)s->m * (double)s->n * (double)s->k, best = 0;
  int repeats = (int)(2e7 / flops) + 1, rounds = (int)(8e9 / (flops * repeats));
  for (int round = 0; round < (rounds > 4 ? rounds : 4); ++round) {
    double start = now();
    for (int i = 0; i < repeats; ++i) {
      for (int64_t task = 0; task < packing.tasks; ++task)
        hl_gemm_pack(k, &g, task, packed);
      hl_gemm_use_packed(k, &g, packed);
      g.kept_from = g.kept_to = 0; /* as if the operands were others */
      for (int64_t i0 = 0; i0 < s->m; i0 += task_rows)
        for (int64_t s0 = 0; s0 < slabs; s0 += task_slabs)
          hl_gemm_run(k, &g, i0, i0 + task_rows < s->m ? i0 + task_rows : s->m, s0,
                      s0 + task_slabs < slabs ? s0 + task_slabs : slabs, scratch);
    }
    double gflops = 1e-9 * flops * repeats / (now() - start);
    best = gflops > best ? gflops : best;
  }
  free(packed);
  free(scratch);
  free(rows);
  free(c);
  free(b);
  free(a);
  return best;
}

int main(int argc, char **argv) {
  if (hl_kernels_select(argc > 1 ? argv[1] : NULL) != HL_OK) {
    printf("no such instruction set here: %s\n", argc > 1 ? argv[1] : getenv("HOTLOOP_ISA"));
    return 1;
  }
  const hl_kernels *k = hl_kernels_get();
  const shape shapes[] = {
      {"x W, 128x784x512", 128, 512, 784, 0, 1, 0, HL_PANELS, 1},
      {"x W, 128x784x128", 128, 128, 784, 0, 1, 0, HL_PANELS, 1},
      {"x W, 32x784x128", 32, 128, 784, 0, 1, 0, HL_PANELS, 1},
      {"x W, 1x784x128", 1, 128, 784, 0, 0, 0, HL_PANELS, 1},
      {"h W, 128x512x10", 128, 10, 512, 0, 0, 0, HL_PANELS, 1},
      {"x'dy, 784x128x512", 784, 512, 128, 1, 1, 0, HL_ROW_MAJOR, 1},
      {"x'dy, 784x32x128", 784, 128, 32, 1, 1, 0, HL_ROW_MAJOR, 1},
      {"h'dy, 512x128x10", 512, 10, 128, 1, 0, 0, HL_ROW_MAJOR, 1},
      {"dy W', 128x10x512", 128, 512, 10, 0, 0, 1, HL_PANELS, 1},
      {"dy W', 128x512x512", 128, 512, 512, 0, 0, 1, HL_PANELS, 0},
      {"512x512x512 panels", 512, 512, 512, 0, 0, 0, HL_PANELS, 0},
      {"512x512x512 rows", 512, 512, 512, 0, 0, 0, HL_ROW_MAJOR, 0},
      {"2048x2048x2048 rows", 2048, 2048, 2048, 0, 0, 0, HL_ROW_MAJOR, 0},
  };
  enum { SHAPES = sizeof shapes / sizeof shapes[0], PASSES = 5 };
  double rows = 0, packed = 0, peak = 0, best[SHAPES] = {0};
  for (int pass = 0; pass < PASSES; ++pass) {
    rows = fmax(rows, tile_gflops(k, 0));
    packed = fmax(packed, tile_gflops(k, 1));
    peak = fmax(peak, peak_gflops(k));
    for (int i = 0; i < SHAPES; ++i)
      best[i] = fmax(best[i], product_gflops(k, &shapes[i]));
  }
  printf("%s: peak %.1f GFLOP/s; tiles in L1: rows %.1f, packed %.1f\n", hl_isa_name(k->isa), peak, rows, packed);
  for (int i = 0; i < SHAPES; ++i)
    printf("%-20s %7.1f GFLOP/s  %5.1f %%\n", shapes[i].what, best[i], 100 * best[i] / peak);
  return 0;
}
