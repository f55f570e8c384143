/* Block steps against plain loops: edge shapes, any number of threads, refusals. */
#include "core/memory.h"
#include "core/threads.h"
#include "plan/plan.h"
#include "tests/check.h"

enum { MOST = 1 << 16 };
static float target[2][MOST], first[MOST], second[MOST];
static uint64_t seed = 11;

static float int_lane(int32_t value) { return float_of((uint32_t)value); }
static int32_t lane_int(float lane) { return (int32_t)bits_of(lane); }

/* Runs one block step on one thread and on three: the same bits. */
static void run_block(int32_t kind, int64_t target_size, int64_t first_size, int64_t second_size, int32_t nsources,
                      int panel, const int64_t *sizes, int32_t nsizes) {
  _Alignas(64) static float aligned[MOST];
  if (panel)
    memcpy(aligned, first, sizeof aligned);
  for (int turn = 0; turn < 2; turn++) {
    hl_plan *plan;
    hl_set_num_threads(turn ? 3 : 1);
    CHECK(hl_plan_create(1, &plan) == HL_OK, "create");
    int32_t slots[3];
    hl_plan_add_bound(plan, target_size, &slots[0]);
    hl_plan_add_bound(plan, first_size, &slots[1]);
    hl_plan_add_bound(plan, second_size, &slots[2]);
    hl_place to = {.slot = slots[0]}, from[2] = {{.slot = slots[1], .panel = panel}, {.slot = slots[2]}};
    hl_status status = hl_plan_add_block(plan, kind, &to, from, nsources, sizes, nsizes);
    CHECK(status == HL_OK && hl_plan_finish(plan) == HL_OK, "%s: %s", hl_block_name(kind), hl_plan_error(plan));
    CHECK(hl_plan_writes(plan, slots[0]) && !hl_plan_writes(plan, slots[1]), "writes");
    for (int64_t i = 0; i < MOST; i++)
      target[turn][i] = 77.0f;
    hl_array bound[3] = {{target[turn], target_size}, {panel ? aligned : first, first_size}, {second, second_size}};
    hl_run run = {.bound = bound, .nbound = 3, .steps = 1};
    int64_t done;
    status = hl_plan_run(plan, &run, &done);
    CHECK(status == HL_OK && done == 1, "%s: %s", hl_block_name(kind), hl_plan_error(plan));
    CHECK(target[turn][target_size] == 77.0f, "%s wrote past its target", hl_block_name(kind));
    hl_plan_destroy(plan);
  }
  CHECK(memcmp(target[0], target[1], sizeof(float) * (size_t)target_size) == 0, "%s: other bits on three threads",
        hl_block_name(kind));
  hl_set_num_threads(0);
}

static void fill_floats(float *lanes, int64_t n) {
  for (int64_t i = 0; i < n; i++)
    lanes[i] = random_float(&seed);
}

static void fill_ints(float *lanes, int64_t n, int32_t low, int32_t count) {
  for (int64_t i = 0; i < n; i++)
    lanes[i] = int_lane(low + (int32_t)(random_bits(&seed) % (uint32_t)count));
}

/* Sizes batch, rows, cols, count. */
static const int64_t shapes[][4] = {{1, 1, 1, 1},   {1, 5, 3, 0},   {1, 0, 3, 4},    {2, 4, 0, 3},
                                    {0, 3, 2, 2},   {3, 7, 1, 9},   {2, 10, 33, 5},  {1, 400, 64, 9},
                                    {1, 7, 100, 7}, {4, 3, 17, 50}, {1, 2, 1, 5000}, {1, 60, 16, 2000}};

static void test_gather(void) {
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    for (int shared = 0; shared < 2; shared++) {
      const int64_t *s = shapes[i];
      int64_t sizes[] = {s[0], s[1], s[2], s[3], shared, (int64_t)bits_of(-2.5f)};
      int64_t n = s[0] * s[1] * s[2], m = (shared ? 1 : s[0]) * s[3];
      fill_floats(first, n);
      fill_ints(second, m, -1, (int32_t)s[1] + 2);
      run_block(HL_BLOCK_gather, s[0] * s[3] * s[2], n, m, 2, 0, sizes, 6);
      for (int64_t b = 0; b < s[0]; b++)
        for (int64_t j = 0; j < s[3]; j++)
          for (int64_t c = 0; c < s[2]; c++) {
            int64_t row = lane_int(second[(shared ? 0 : b * s[3]) + j]);
            float want = row < 0 || row >= s[1] ? -2.5f : first[(b * s[1] + row) * s[2] + c];
            CHECK(target[0][(b * s[3] + j) * s[2] + c] == want, "gather case %zu", i);
          }
    }
}

static void test_gather_from_panels(void) {
  const int64_t widths[] = {1, 31, 32, 33, 70};
  static float dense[MOST];
  for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
    int64_t rows = 20, cols = widths[i], count = 45, sizes[] = {1, rows, cols, count, 1, 0};
    fill_floats(dense, rows * cols);
    hl_pack_panels(first, dense, cols, rows, cols);
    fill_ints(second, count, 0, (int32_t)rows);
    run_block(HL_BLOCK_gather, count * cols, hl_panels_size(rows, cols), count, 2, 1, sizes, 6);
    for (int64_t j = 0; j < count; j++)
      for (int64_t c = 0; c < cols; c++)
        CHECK(target[0][j * cols + c] == dense[lane_int(second[j]) * cols + c], "%lld columns", (long long)cols);
  }
}

static float combine(int how, float a, float b) {
  int32_t x = lane_int(a), y = lane_int(b);
  switch (how) {
  case HL_COMBINE_sum_f:
    return a + b;
  case HL_COMBINE_max_f:
    return a > b ? a : b;
  case HL_COMBINE_min_f:
    return a < b ? a : b;
  case HL_COMBINE_prod_f:
    return a * b;
  case HL_COMBINE_sum_i:
    return float_of((uint32_t)x + (uint32_t)y);
  case HL_COMBINE_max_i:
    return int_lane(x > y ? x : y);
  case HL_COMBINE_min_i:
    return int_lane(x < y ? x : y);
  default:
    return float_of((uint32_t)x * (uint32_t)y);
  }
}

static void test_scatter(void) {
  static const uint32_t neutral[] = {0, 0xff800000u, 0x7f800000u, 0x3f800000u, 0, 0x80000000u, 0x7fffffffu, 1};
  static float want[MOST];
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    for (int how = 0; how < HL_COMBINE_COUNT; how++) {
      const int64_t *s = shapes[i];
      int shared = how % 2;
      int64_t sizes[] = {s[0], s[1], s[2], s[3], shared, how};
      int64_t m = (shared ? 1 : s[0]) * s[3], n = s[0] * s[3] * s[2], rows = s[0] * s[1];
      fill_ints(first, m, -1, (int32_t)s[1] + 2);
      if (how < 4)
        fill_floats(second, n);
      else
        fill_ints(second, n, -50, 100);
      run_block(HL_BLOCK_scatter, rows * s[2], m, n, 2, 0, sizes, 6);
      for (int64_t j = 0; j < rows * s[2]; j++)
        want[j] = float_of(neutral[how]);
      for (int64_t b = 0; b < s[0]; b++)
        for (int64_t j = 0; j < s[3]; j++) {
          int64_t row = lane_int(first[(shared ? 0 : b * s[3]) + j]);
          for (int64_t c = 0; row >= 0 && row < s[1] && c < s[2]; c++) {
            float *at = &want[(b * s[1] + row) * s[2] + c];
            *at = combine(how, *at, second[(b * s[3] + j) * s[2] + c]);
          }
        }
      CHECK(memcmp(want, target[0], sizeof(float) * (size_t)(rows * s[2])) == 0, "scatter case %zu, combine %d", i,
            how);
    }
  first[0] = first[1] = int_lane(0);
  second[0] = NAN;
  second[1] = 1.0f;
  const int64_t nan_sizes[] = {1, 1, 1, 2, 0, HL_COMBINE_max_f};
  run_block(HL_BLOCK_scatter, 1, 2, 2, 2, 0, nan_sizes, 6);
  CHECK(isnan(target[0][0]), "NaN wins");
}

static void test_scan(void) {
  static const int64_t cases[][3] = {{1, 1, 1}, {3, 0, 2}, {0, 2, 2}, {5, 7, 1}, {2, 9, 3}, {300, 20, 1}, {1, 5, 3000}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int choice = 0; choice < 8; choice++) {
      const int64_t *s = cases[i];
      int how = choice / 2, reverse = choice % 2;
      int64_t sizes[] = {s[0], s[1], s[2], reverse, how}, n = s[0] * s[1] * s[2];
      if (how < 2)
        fill_floats(first, n);
      else
        fill_ints(first, n, -9, 19);
      run_block(HL_BLOCK_scan, n, n, 1, 1, 0, sizes, 5);
      static const int combines[] = {HL_COMBINE_sum_f, HL_COMBINE_prod_f, HL_COMBINE_sum_i, HL_COMBINE_prod_i};
      for (int64_t o = 0; o < s[0]; o++)
        for (int64_t c = 0; c < s[2]; c++) {
          float run = 0;
          for (int64_t j = 0; j < s[1]; j++) {
            int64_t at = (o * s[1] + (reverse ? s[1] - 1 - j : j)) * s[2] + c;
            run = j ? combine(combines[how], run, first[at]) : first[at];
            CHECK(bits_of(target[0][at]) == bits_of(run), "scan case %zu, choice %d", i, choice);
          }
        }
    }
}

/* -1, 0 or 1 in the order of the sort. */
static int compare(float a, float b, int floats) {
  if (!floats)
    return lane_int(a) < lane_int(b) ? -1 : lane_int(a) > lane_int(b);
  if (a != a || b != b)
    return (a != a) - (b != b);
  return a < b ? -1 : a > b;
}

static void test_argsort(void) {
  static const int64_t cases[][2] = {{1, 1}, {3, 0}, {0, 4}, {4, 2}, {9, 40}, {5, 41}, {2, 3000}, {70, 100}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int choice = 0; choice < 4; choice++) {
      int64_t rows = cases[i][0], n = cases[i][1], sizes[] = {rows, n, choice / 2, choice % 2};
      int floats = choice / 2, sign = choice % 2 ? -1 : 1;
      fill_floats(first, rows * n);
      if (!floats)
        fill_ints(first, rows * n, -20, 40);
      for (int64_t j = 0; floats && j < rows * n; j += 3) {
        static const float special[] = {0.0f, -0.0f, NAN, INFINITY, -INFINITY, 1e-42f, -NAN, 0.5f};
        first[j] = special[random_bits(&seed) % 8];
      }
      run_block(HL_BLOCK_argsort, rows * n, rows * n, 1, 1, 0, sizes, 4);
      for (int64_t r = 0; r < rows; r++) {
        static char seen[MOST];
        memset(seen, 0, sizeof seen);
        for (int64_t j = 0; j < n; j++) {
          int64_t here = lane_int(target[0][r * n + j]);
          CHECK(here >= 0 && here < n && !seen[here], "argsort case %zu is no permutation", i);
          seen[here] = 1;
          if (j == 0)
            continue;
          int64_t before = lane_int(target[0][r * n + j - 1]);
          int order = sign * compare(first[r * n + before], first[r * n + here], floats);
          CHECK(order < 0 || (order == 0 && before < here), "argsort case %zu, choice %d, place %lld", i, choice,
                (long long)j);
        }
      }
    }
}

static void test_search(void) {
  float line[] = {-INFINITY, -1.0f, -0.0f, 0.0f, 0.0f, 2.0f, 5.0f, NAN};
  float values[] = {-INFINITY, -2.0f, -1.0f, 0.0f, -0.0f, 1.0f, 5.0f, 6.0f, NAN};
  for (int right = 0; right < 2; right++)
    for (int64_t n = 0; n <= 8; n++) {
      int64_t sizes[] = {n, 9, 1, right};
      memcpy(first, line, sizeof line);
      memcpy(second, values, sizeof values);
      run_block(HL_BLOCK_search, 9, n, 9, 2, 0, sizes, 4);
      for (int64_t j = 0; j < 9; j++) {
        int64_t place = 0;
        for (int64_t at = 0; at < n; at++)
          place += compare(line[at], values[j], 1) < right;
        CHECK(lane_int(target[0][j]) == place, "value %lld in %lld, right %d", (long long)j, (long long)n, right);
      }
    }
  const int64_t sizes[] = {3, 4000, 0, 0};
  for (int32_t i = 0; i < 3; i++)
    first[i] = int_lane(10 * i);
  fill_ints(second, 4000, -5, 40);
  run_block(HL_BLOCK_search, 4000, 3, 4000, 2, 0, sizes, 4);
  for (int64_t j = 0; j < 4000; j++) {
    int32_t v = lane_int(second[j]);
    CHECK(lane_int(target[0][j]) == (v > 0) + (v > 10) + (v > 20), "value %d", v);
  }
}

static void test_product(void) {
  static const int64_t cases[][3] = {{1, 1, 1}, {3, 2, 0}, {0, 3, 3}, {5, 33, 7}, {17, 40, 20}, {2, 3, 2100}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int choice = 0; choice < 8; choice++) {
      int64_t m = cases[i][0], n = cases[i][1], k = cases[i][2];
      int ta = choice & 1, tb = choice >> 1 & 1, wide = choice >> 2;
      int64_t lda = (ta ? m : k) + wide, ldb = (tb ? k : n) + 2 * wide;
      int64_t a_size = (ta ? k : m) * lda, b_size = (tb ? n : k) * ldb;
      /* Axes 3 x 2; the first is broadcast in b, the second in a. */
      int64_t sizes[] = {m, n, k, ta, tb, lda, ldb, 2, 3, 2, a_size, 0, 0, b_size};
      fill_floats(first, 3 * a_size);
      fill_floats(second, 2 * b_size);
      run_block(HL_BLOCK_product, 6 * m * n, 3 * a_size, 2 * b_size, 2, 0, sizes, 14);
      for (int64_t p = 0; p < 6; p++)
        for (int64_t r = 0; r < m; r++)
          for (int64_t c = 0; c < n; c++) {
            double sum = 0;
            const float *a = first + p / 2 * a_size, *b = second + p % 2 * b_size;
            for (int64_t q = 0; q < k; q++)
              sum += (double)a[ta ? q * lda + r : r * lda + q] * b[tb ? c * ldb + q : q * ldb + c];
            float got = target[0][(p * m + r) * n + c];
            CHECK(fabs(got - sum) < 1e-5 * (1 + (double)k / 10), "product case %zu, choice %d: %g, not %g", i, choice,
                  (double)got, sum);
          }
    }
  const int64_t many[] = {4, 4, 4, 0, 0, 4, 4, 1, 2000, 16, 0};
  fill_floats(first, 2000 * 16);
  fill_floats(second, 16);
  run_block(HL_BLOCK_product, 2000 * 16, 2000 * 16, 16, 2, 0, many, 11);
  CHECK(fabsf(target[0][1999 * 16 + 5] - (first[1999 * 16 + 4] * second[1] + first[1999 * 16 + 5] * second[5] +
                                          first[1999 * 16 + 6] * second[9] + first[1999 * 16 + 7] * second[13])) <
            1e-5f,
        "the last of many small products");
}

typedef struct refusal {
  const char *why;
  hl_status status;
  int32_t kind, nsources, nsizes;
  hl_place to, from[2];
  int64_t sizes[HL_BLOCK_SIZES];
} refusal;

static void test_refusals(void) {
  enum { BOUND = 0, INPUT = 1, CONST = 2, LOW = 3, HIGH = 4, OUTPUT = 5 };
  const int32_t G = HL_BLOCK_gather, S = HL_BLOCK_scatter, C = HL_BLOCK_scan, P = HL_BLOCK_product;
  const refusal cases[] = {
      {"no such kind", HL_ERR_ARGUMENT, HL_BLOCK_COUNT, 1, 1, {BOUND, 0, 0}, {{0}}, {0}},
      {"a kind below 0", HL_ERR_ARGUMENT, -1, 1, 1, {BOUND, 0, 0}, {{0}}, {0}},
      {"too few sources", HL_ERR_ARGUMENT, G, 1, 6, {BOUND, 0, 0}, {{HIGH, 0, 0}}, {1, 1, 1, 1, 0, 0}},
      {"too few sizes", HL_ERR_ARGUMENT, G, 2, 5, {BOUND, 0, 0}, {{HIGH, 0, 0}, {HIGH, 0, 0}}, {1, 1, 1, 1, 0}},
      {"a negative size", HL_ERR_ARGUMENT, G, 2, 6, {BOUND, 0, 0}, {{HIGH, 0, 0}, {HIGH, 0, 0}}, {1, -1, 1, 1, 0, 0}},
      {"shared 2", HL_ERR_ARGUMENT, G, 2, 6, {BOUND, 0, 0}, {{HIGH, 0, 0}, {HIGH, 0, 0}}, {1, 1, 1, 1, 2, 0}},
      {"sizes that overflow",
       HL_ERR_OVERFLOW,
       G,
       2,
       6,
       {BOUND, 0, 0},
       {{HIGH, 0, 0}, {HIGH, 0, 0}},
       {INT64_MAX / 2, 4, 4, 1, 0, 0}},
      {"more rows than int32",
       HL_ERR_ARGUMENT,
       G,
       2,
       6,
       {BOUND, 0, 0},
       {{HIGH, 0, 0}, {HIGH, 0, 0}},
       {1, (int64_t)1 << 32, 1, 1, 0, 0}},
      {"a slot that is not there", HL_ERR_ARGUMENT, C, 1, 5, {9, 0, 0}, {{HIGH, 0, 0}}, {1, 4, 1, 0, 0}},
      {"an input slot", HL_ERR_ARGUMENT, C, 1, 5, {BOUND, 0, 0}, {{INPUT, 0, 0}}, {1, 4, 1, 0, 0}},
      {"an output slot", HL_ERR_ARGUMENT, C, 1, 5, {OUTPUT, 0, 0}, {{HIGH, 0, 0}}, {1, 4, 1, 0, 0}},
      {"a target that is read only", HL_ERR_ARGUMENT, C, 1, 5, {CONST, 0, 0}, {{HIGH, 0, 0}}, {1, 4, 1, 0, 0}},
      {"a target that is too small", HL_ERR_ARGUMENT, C, 1, 5, {BOUND, 0, 60}, {{HIGH, 0, 0}}, {1, 5, 1, 0, 0}},
      {"a source that is too small", HL_ERR_ARGUMENT, C, 1, 5, {BOUND, 0, 0}, {{HIGH, 0, 60}}, {1, 5, 1, 0, 0}},
      {"a negative offset", HL_ERR_ARGUMENT, C, 1, 5, {BOUND, 0, -1}, {{HIGH, 0, 0}}, {1, 5, 1, 0, 0}},
      {"overlapping arena slots", HL_ERR_ARGUMENT, C, 1, 5, {LOW, 0, 0}, {{HIGH, 0, 0}}, {1, 17, 1, 0, 0}},
      {"panels in a scan", HL_ERR_ARGUMENT, C, 1, 5, {BOUND, 0, 0}, {{HIGH, 1, 0}}, {1, 4, 1, 0, 0}},
      {"an unaligned panel", HL_ERR_ARGUMENT, G, 2, 6, {BOUND, 0, 0}, {{HIGH, 1, 1}, {HIGH, 0, 0}}, {1, 1, 1, 1, 0, 0}},
      {"a combine too many",
       HL_ERR_ARGUMENT,
       S,
       2,
       6,
       {BOUND, 0, 0},
       {{HIGH, 0, 0}, {HIGH, 0, 0}},
       {1, 1, 1, 1, 0, HL_COMBINE_COUNT}},
      {"a choice too many", HL_ERR_ARGUMENT, C, 1, 5, {BOUND, 0, 0}, {{HIGH, 0, 0}}, {1, 4, 1, 0, 4}},
      {"too many axes",
       HL_ERR_ARGUMENT,
       P,
       2,
       8,
       {BOUND, 0, 0},
       {{HIGH, 0, 0}, {HIGH, 0, 0}},
       {1, 1, 1, 0, 0, 1, 1, 7}},
      {"ta 2", HL_ERR_ARGUMENT, P, 2, 8, {BOUND, 0, 0}, {{HIGH, 0, 0}, {HIGH, 0, 0}}, {1, 1, 1, 2, 0, 1, 1, 0}},
      {"an ld that is too small",
       HL_ERR_ARGUMENT,
       P,
       2,
       8,
       {BOUND, 0, 0},
       {{HIGH, 0, 0}, {HIGH, 0, 0}},
       {2, 2, 2, 0, 0, 1, 2, 0}},
      {"a product that overflows",
       HL_ERR_OVERFLOW,
       P,
       2,
       8,
       {BOUND, 0, 0},
       {{HIGH, 0, 0}, {HIGH, 0, 0}},
       {INT32_MAX, INT32_MAX, INT32_MAX, 0, 0, INT32_MAX, INT32_MAX, 0}},
  };
  hl_plan *plan;
  float four[4] = {0};
  int32_t slot;
  CHECK(hl_plan_create(4, &plan) == HL_OK, "create");
  hl_plan_add_bound(plan, 64, &slot);
  hl_plan_add_input(plan, 1, &slot);
  hl_plan_add_const(plan, four, 4, &slot);
  hl_plan_add_arena(plan, 64, 0, &slot);
  hl_plan_add_arena(plan, 64, 16, &slot);
  hl_plan_add_output(plan, 1, &slot);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const refusal *c = &cases[i];
    hl_status status = hl_plan_add_block(plan, c->kind, &c->to, c->from, c->nsources, c->sizes, c->nsizes);
    CHECK(status == c->status && hl_plan_error(plan)[0], "%s: %s", c->why, hl_status_text(status));
  }
  CHECK(hl_plan_nsteps(plan) == 0, "a refused step stayed");
  const int64_t sizes[] = {1, 4, 1, 0, 0};
  hl_place to = {.slot = LOW}, from = {.slot = HIGH};
  hl_alloc_fail_after(1);
  CHECK(hl_plan_add_block(plan, C, &to, &from, 1, sizes, 5) == HL_ERR_MEMORY, "no memory");
  hl_alloc_fail_after(0);
  CHECK(hl_plan_add_block(plan, C, &to, &from, 1, sizes, 5) == HL_OK, "%s", hl_plan_error(plan));
  CHECK(hl_block_name(-1) == NULL && hl_block_name(HL_BLOCK_COUNT) == NULL, "names");
  hl_step_profile profile;
  hl_plan_profile_step(plan, 0, &profile);
  CHECK(strcmp(profile.kind, "scan") == 0 && profile.depth == 4, "profile");
  hl_plan_destroy(plan);
}

/* ---- matrices ---------------------------------------------------------------------------------------------------- */

/* c[m, n] = op(a) b, rows of a at lda; trans: a is stored k x m. */
static void multiply(double *c, const float *a, const float *b, int64_t m, int64_t n, int64_t k, int trans) {
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) {
      c[i * n + j] = 0;
      for (int64_t p = 0; p < k; p++)
        c[i * n + j] += (double)a[trans ? p * m + i : i * k + p] * (double)b[p * n + j];
    }
}

static double product[MOST];

static void check_close(const char *what, const double *got, const float *want, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    CHECK(fabs(got[i] - (double)want[i]) < 1e-4 * (1 + fabs((double)want[i])), "%s, element %lld: %g, not %g", what,
          (long long)i, got[i], (double)want[i]);
}

/* op(a)' op(a) is the identity. */
static void check_orthonormal(const char *what, const float *a, int64_t rows, int64_t cols) {
  multiply(product, a, a, cols, cols, rows, 1);
  for (int64_t i = 0; i < cols * cols; i++)
    CHECK(fabs(product[i] - (i % (cols + 1) == 0)) < 1e-4, "%s is not orthonormal", what);
}

/* A definite matrix: B B' + 0.1. */
static void fill_definite(int64_t batch, int64_t n) {
  static float b[MOST], turned[MOST];
  for (int64_t q = 0; q < batch; q++) {
    fill_floats(b, n * n);
    for (int64_t i = 0; i < n * n; i++)
      turned[i % n * n + i / n] = b[i];
    multiply(product, b, turned, n, n, n, 0);
    for (int64_t i = 0; i < n * n; i++)
      first[q * n * n + i] = (float)product[i] + (i % (n + 1) ? 0.0f : 0.1f);
  }
}

static void test_triangular_and_cholesky(void) {
  const int64_t cases[][2] = {{1, 1}, {3, 4}, {7, 2}, {20, 5}, {0, 3}, {3, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int choice = 0; choice < 4; choice++) {
      int64_t n = cases[i][0], m = cases[i][1], batch = 3, sizes[] = {batch, n, m, choice & 1, choice >> 1};
      fill_floats(first, batch * n * n);
      fill_floats(second, batch * n * m);
      for (int64_t j = 0; j < batch * n; j++)
        first[j / n * n * n + j % n * (n + 1)] += 4.0f;
      run_block(HL_BLOCK_triangular, batch * n * m, batch * n * n, batch * n * m, 2, 0, sizes, 5);
      for (int64_t j = 0; j < batch * n * n; j++) /* what must not have been read */
        if (choice & 1 ? j % n > j / n % n : j % n < j / n % n)
          first[j] = 0;
      for (int64_t b = 0; b < batch; b++) {
        multiply(product, first + b * n * n, target[0] + b * n * m, n, m, n, choice >> 1);
        check_close("triangular", product, second + b * n * m, n * m);
      }
    }
  for (int64_t n = 0; n < 12; n += 3) {
    int64_t sizes[] = {2, n};
    fill_definite(2, n);
    run_block(HL_BLOCK_cholesky, 2 * n * n, 2 * n * n, 1, 1, 0, sizes, 2);
    for (int64_t b = 0; b < 2; b++) {
      static float turned[MOST];
      float *l = target[0] + b * n * n;
      for (int64_t j = 0; j < n * n; j++) {
        CHECK(j % n <= j / n || l[j] == 0, "not triangular");
        turned[j % n * n + j / n] = l[j];
      }
      multiply(product, l, turned, n, n, n, 0);
      check_close("cholesky", product, first + b * n * n, n * n);
    }
  }
  const float indefinite[] = {1, 2, 2, 1};
  const int64_t sizes[] = {1, 2};
  memcpy(first, indefinite, sizeof indefinite);
  run_block(HL_BLOCK_cholesky, 4, 4, 1, 1, 0, sizes, 2);
  CHECK(isnan(target[0][0]) && isnan(target[0][3]), "an indefinite matrix");
}

static void test_lu_and_qr(void) {
  static float l[MOST], u[MOST];
  for (int64_t n = 0; n < 14; n += 1 + n / 3) {
    int64_t sizes[] = {2, n}, stride = n * (n + 2);
    fill_floats(first, 2 * n * n);
    if (n == 3)
      memset(first, 0, sizeof(float) * (size_t)(2 * n * n)); /* no pivots at all */
    run_block(HL_BLOCK_lu, 2 * stride, 2 * n * n, 1, 1, 0, sizes, 2);
    for (int64_t b = 0; b < 2; b++) {
      const float *found = target[0] + b * stride;
      for (int64_t j = 0; j < n * n; j++) {
        l[j] = j % n < j / n ? found[j] : j % n == j / n;
        u[j] = j % n < j / n ? 0 : found[j];
        CHECK(fabsf(l[j]) <= 1, "no partial pivoting");
      }
      multiply(product, l, u, n, n, n, 0);
      for (int64_t i = 0; i < n; i++)
        check_close("lu", product + i * n, first + b * n * n + (int64_t)found[n * n + n + i] * n, n);
    }
  }
  const int64_t cases[][2] = {{1, 1}, {4, 4}, {9, 3}, {3, 9}, {6, 1}, {1, 6}, {0, 2}, {3, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int complete = 0; complete < 2; complete++) {
      int64_t m = cases[i][0], n = cases[i][1], k = complete || m < n ? m : n, sizes[] = {2, m, n, complete};
      int64_t stride = m * k + k * n;
      fill_floats(first, 2 * m * n);
      for (int64_t j = 0; i == 2 && j < m; j++)
        first[j * n + 1] = 0; /* a column without length */
      run_block(HL_BLOCK_qr, 2 * stride, 2 * m * n, 1, 1, 0, sizes, 4);
      for (int64_t b = 0; b < 2; b++) {
        const float *q = target[0] + b * stride, *r = q + m * k;
        check_orthonormal("q", q, m, k);
        for (int64_t j = 0; j < k * n; j++)
          CHECK(j % n >= j / n || r[j] == 0, "r is not triangular");
        multiply(product, q, r, m, n, k, 0);
        check_close("qr", product, first + b * m * n, m * n);
      }
    }
}

static void test_eigh_and_svd(void) {
  static float scaled[MOST], turned[MOST];
  for (int64_t n = 0; n < 20; n += 1 + n / 2) {
    int64_t sizes[] = {2, n}, stride = n * (n + 1);
    fill_floats(first, 2 * n * n);
    for (int64_t b = 0; b < 2; b++)
      for (int64_t i = 0; i < n; i++)
        for (int64_t j = i + 1; j < n; j++)
          first[b * n * n + i * n + j] = first[b * n * n + j * n + i];
    run_block(HL_BLOCK_eigh, 2 * stride, 2 * n * n, 1, 1, 0, sizes, 2);
    for (int64_t b = 0; b < 2; b++) {
      const float *values = target[0] + b * stride, *vectors = values + n;
      check_orthonormal("vectors", vectors, n, n);
      for (int64_t j = 0; j < n * n; j++) {
        scaled[j] = vectors[j] * values[j % n];
        turned[j % n * n + j / n] = vectors[j];
      }
      for (int64_t j = 1; j < n; j++)
        CHECK(values[j - 1] <= values[j], "order of eigenvalues");
      multiply(product, scaled, turned, n, n, n, 0);
      check_close("eigh", product, first + b * n * n, n * n);
    }
  }
  const int64_t cases[][2] = {{1, 1}, {5, 5}, {9, 4}, {4, 9}, {12, 12}, {1, 5}, {5, 1}, {0, 3}, {3, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t m = cases[i][0], n = cases[i][1], k = m < n ? m : n, sizes[] = {2, m, n}, stride = m * k + k + k * n;
    fill_floats(first, 2 * m * n);
    for (int64_t j = 0; i == 4 && j < n; j++)
      first[n + j] = 2 * first[j]; /* not of full rank */
    for (int64_t j = 0; i == 1 && j < m * n; j++)
      first[j] = 0;
    run_block(HL_BLOCK_svd, 2 * stride, 2 * m * n, 1, 1, 0, sizes, 3);
    for (int64_t b = 0; b < 2; b++) {
      const float *u = target[0] + b * stride, *values = u + m * k, *vt = values + k;
      check_orthonormal("u", u, m, k);
      for (int64_t j = 0; j < k * n; j++) {
        turned[j % n * k + j / n] = vt[j];
        scaled[j] = vt[j] * values[j / n];
      }
      check_orthonormal("v", turned, n, k);
      for (int64_t j = 1; j < k; j++)
        CHECK(values[j - 1] >= values[j] && values[j] >= 0, "order of singular values");
      multiply(product, u, scaled, m, n, k, 0);
      check_close("svd", product, first + b * m * n, m * n);
    }
  }
}

int main(void) {
  test_gather();
  test_gather_from_panels();
  test_scatter();
  test_scan();
  test_argsort();
  test_search();
  test_product();
  test_triangular_and_cholesky();
  test_lu_and_qr();
  test_eigh_and_svd();
  test_refusals();
  return check_result();
}
