/* Plans from C: a training step on several threads, stopping, refusals, and memory that runs out. */
#include "plan/plan.h"

#include "core/memory.h"
#include "core/threads.h"
#include "tests/check.h"

enum { LOAD = HL_PROGRAM_load, STORE = HL_PROGRAM_store };
enum { BATCH = 48, K = 70, N = 90, ROWS = 4 * BATCH, STEPS = 4 };

typedef struct state {
  float *w, *bias_gradient, *total, *x, *out;
  int64_t index[ROWS];
} state;

static state new_state(void) {
  state s = {.w = new_lanes(hl_panels_size(K, N)), .bias_gradient = new_lanes(N), .total = new_lanes(1)};
  s.x = new_lanes((int64_t)ROWS * K);
  s.out = new_lanes((int64_t)ROWS * N);
  float dense[K * N];
  uint64_t seed = 1;
  for (int i = 0; i < K * N; i++)
    dense[i] = random_float(&seed);
  hl_pack_panels(s.w, dense, N, K, N);
  for (int i = 0; i < ROWS * K; i++)
    s.x[i] = random_float(&seed);
  for (int i = 0; i < ROWS; i++)
    s.index[i] = (i * 7) % ROWS;
  return s;
}

static void free_state(state *s) {
  free(s->w);
  free(s->bias_gradient);
  free(s->total);
  free(s->x);
  free(s->out);
}

/* out = x w; column sums and total of exp(out); w -= 0.01 x' out. */
static hl_status build(hl_plan *plan) {
  int32_t x, w, bias, total, out, h;
  hl_status status;
  if ((status = hl_plan_add_input(plan, K, &x)) || (status = hl_plan_add_bound(plan, hl_panels_size(K, N), &w)) ||
      (status = hl_plan_add_bound(plan, N, &bias)) || (status = hl_plan_add_bound(plan, 1, &total)) ||
      (status = hl_plan_add_output(plan, N, &out)) || (status = hl_plan_add_arena(plan, BATCH * N, 16, &h)))
    return status;
  hl_operand to_out = {.slot = out, .outer_strides = {N}, .col_stride = 1};
  hl_instruction store = {.op = STORE};
  hl_program epilogue = {.registers = "F", .nregisters = 1, .noperands = 1, .ninstructions = 1};
  epilogue.operands = &to_out;
  epilogue.instructions = &store;
  hl_matrix a = {.slot = x, .ld = K}, b = {.slot = w, .panel = 1}, c = {.slot = h, .ld = N};
  if ((status = hl_plan_add_gemm(plan, BATCH, N, K, &a, &b, &c, &epilogue)))
    return status;
  hl_operand from_h = {.slot = h, .outer_strides = {N}, .col_stride = 1};
  hl_instruction sums[] = {{.op = LOAD}, {.op = HL_OP_exp_f}, {.op = HL_OP_row_sum_f, .dst = 1}};
  hl_reduction reductions[] = {{.op = HL_COMBINE_sum_f, .slot = bias}, {.op = HL_COMBINE_sum_f, .reg = 1}};
  reductions[1].slot = total;
  hl_program program = {.registers = "FR", .nregisters = 2, .noperands = 1, .ninstructions = 3, .nreductions = 2};
  program.operands = &from_h;
  program.instructions = sums;
  program.reductions = reductions;
  int64_t outer = BATCH;
  if ((status = hl_plan_add_tile(plan, 1, &outer, N, &program)))
    return status;
  hl_operand weight = {.slot = w, .panel = 1};
  hl_instruction update[] = {
      {.op = LOAD, .dst = 1},
      {.op = HL_PROGRAM_const_f, .dst = 2, .imm = 0x3c23d70au}, /* 0.01 */
      {.op = HL_OP_mul_f, .dst = 0, .a = 0, .b = 2},
      {.op = HL_OP_sub_f, .dst = 1, .a = 1, .b = 0},
      {.op = STORE, .a = 1},
  };
  hl_program step = {.registers = "FFF", .nregisters = 3, .noperands = 1, .ninstructions = 5};
  step.operands = &weight;
  step.instructions = update;
  hl_matrix at = {.slot = x, .ld = K, .trans = 1}, g = {.slot = h, .ld = N};
  if ((status = hl_plan_add_gemm(plan, K, N, BATCH, &at, &g, NULL, &step)))
    return status;
  return hl_plan_finish(plan);
}

static hl_status run(hl_plan *plan, state *s, int64_t steps, int (*poll)(void *), void *ctx, int64_t *done) {
  hl_array bound[3] = {{s->w, hl_panels_size(K, N)}, {s->bias_gradient, N}, {s->total, 1}};
  hl_array input = {s->x, ROWS * K}, output = {s->out, ROWS * N};
  hl_run r = {.bound = bound, .inputs = &input, .outputs = &output, .nbound = 3, .ninputs = 1, .noutputs = 1};
  r.index = s->index;
  r.nindex = ROWS;
  r.steps = steps;
  r.poll = poll;
  r.poll_ctx = ctx;
  return hl_plan_run(plan, &r, done);
}

static void test_a_training_step(void) {
  state want = new_state();
  double *w = malloc(sizeof *w * K * N), total = 0;
  float dense[K * N];
  hl_unpack_panels(dense, N, want.w, K, N);
  for (int i = 0; i < K * N; i++)
    w[i] = dense[i];
  for (int s = 0; s < STEPS; s++) {
    static double out[BATCH][N];
    total = 0;
    for (int r = 0; r < BATCH; r++)
      for (int j = 0; j < N; j++) {
        out[r][j] = 0;
        for (int p = 0; p < K; p++)
          out[r][j] += want.x[want.index[s * BATCH + r] * K + p] * w[p * N + j];
        want.out[(s * BATCH + r) * N + j] = (float)out[r][j];
        total += exp(out[r][j]);
      }
    for (int p = 0; p < K; p++)
      for (int j = 0; j < N; j++)
        for (int r = 0; r < BATCH; r++)
          w[p * N + j] -= 0.01 * want.x[want.index[s * BATCH + r] * K + p] * out[r][j];
  }
  state first = {0};
  for (int threads = 1; threads <= 5; threads++) {
    state s = new_state();
    hl_plan *plan;
    int64_t done;
    hl_set_num_threads(threads);
    CHECK(hl_plan_create(BATCH, &plan) == HL_OK && build(plan) == HL_OK, "%s", hl_plan_error(plan));
    CHECK(run(plan, &s, STEPS, NULL, NULL, &done) == HL_OK && done == STEPS, "%s", hl_plan_error(plan));
    for (int i = 0; i < ROWS * N; i++)
      CHECK(fabs(s.out[i] - want.out[i]) < 1e-4 * (1 + fabs(want.out[i])), "out %d on %d threads", i, threads);
    hl_unpack_panels(dense, N, s.w, K, N);
    for (int i = 0; i < K * N; i++)
      CHECK(fabs(dense[i] - w[i]) < 1e-4, "w %d on %d threads", i, threads);
    CHECK(fabs(*s.total - total) < 1e-4 * total, "%g, not %g", *s.total, total);
    if (threads == 1) {
      first = s;
    } else {
      CHECK(memcmp(first.w, s.w, sizeof(float) * (size_t)hl_panels_size(K, N)) == 0, "%d threads: other bits", threads);
      CHECK(memcmp(first.bias_gradient, s.bias_gradient, sizeof(float) * N) == 0, "%d threads", threads);
      CHECK(*first.total == *s.total, "%d threads", threads);
      free_state(&s);
    }
    hl_plan_destroy(plan);
  }
  free_state(&first);
  free_state(&want);
  free(w);
  hl_set_num_threads(0);
}

static int stop_at_once(void *calls) {
  ++*(int *)calls;
  return 1;
}

static void test_a_poll_stops_a_run(void) {
  hl_plan *plan;
  CHECK(hl_plan_create(1, &plan) == HL_OK, "create");
  int32_t slot;
  hl_plan_add_bound(plan, 4096, &slot);
  hl_operand x = {.slot = slot, .outer_strides = {1}};
  hl_instruction code[] = {{.op = LOAD}, {.op = HL_OP_exp_f}, {.op = HL_OP_log_f}, {.op = STORE}};
  hl_program program = {.registers = "F", .nregisters = 1, .noperands = 1, .ninstructions = 4, .operands = &x};
  program.instructions = code;
  int64_t outer = 4096, done;
  CHECK(hl_plan_add_tile(plan, 1, &outer, 1, &program) == HL_OK && hl_plan_finish(plan) == HL_OK, "%s",
        hl_plan_error(plan));
  float *data = new_lanes(4096);
  hl_array bound = {data, 4096};
  int calls = 0;
  hl_run r = {.bound = &bound, .nbound = 1, .steps = INT64_MAX / 8, .poll = stop_at_once, .poll_ctx = &calls};
  CHECK(hl_plan_run(plan, &r, &done) == HL_STOPPED, "it ended by itself");
  CHECK(calls == 1 && done > 0 && done < r.steps, "%d calls", calls);
  r.poll = NULL;
  r.budget = 0.01;
  CHECK(hl_plan_run(plan, &r, &done) == HL_OK && done > 0 && done < r.steps, "budget");
  free(data);
  hl_plan_destroy(plan);
}

/* Every allocation in turn fails: the plan says so, leaks nothing, and works when memory is back. */
static void test_allocations_that_fail(void) {
  state s = new_state();
  int failures = 0;
  for (int64_t n = 1; n < 1000; n++) {
    hl_plan *plan = NULL;
    int64_t done;
    hl_set_num_threads(2);
    hl_alloc_fail_after(n);
    hl_status status = hl_plan_create(BATCH, &plan);
    if (status == HL_OK)
      status = build(plan);
    hl_set_num_threads(3); /* running needs more scratch than finishing took */
    if (status == HL_OK)
      status = run(plan, &s, 1, NULL, NULL, &done);
    hl_alloc_fail_after(0);
    CHECK(status == HL_OK || status == HL_ERR_MEMORY, "allocation %lld: %s", (long long)n, hl_status_text(status));
    if (plan && status != HL_OK)
      CHECK(hl_plan_error(plan)[0] != 0, "allocation %lld: no message", (long long)n);
    hl_plan_destroy(plan);
    failures += status != HL_OK;
    if (status == HL_OK)
      break;
  }
  CHECK(failures > 20, "only %d allocations were seen", failures);
  hl_set_num_threads(0);
  free_state(&s);
}

static void test_refusals(void) {
  hl_plan *plan;
  int32_t slot;
  int64_t done;
  CHECK(hl_plan_create(0, &plan) == HL_ERR_ARGUMENT && plan == NULL, "batch 0");
  CHECK(hl_plan_create(BATCH, &plan) == HL_OK, "create");
  CHECK(hl_plan_add_bound(plan, -1, &slot) == HL_ERR_ARGUMENT, "a negative size");
  CHECK(hl_plan_add_arena(plan, INT64_MAX / 2, 1, &slot) == HL_ERR_OVERFLOW, "a huge size");
  hl_run nothing = {.steps = 1};
  CHECK(hl_plan_run(plan, &nothing, &done) == HL_ERR_ARGUMENT && hl_plan_error(plan)[0], "not finished");
  CHECK(build(plan) == HL_OK, "%s", hl_plan_error(plan));
  CHECK(build(plan) == HL_ERR_ARGUMENT, "already finished");
  state s = new_state();
  CHECK(run(plan, &s, STEPS + 1, NULL, NULL, &done) == HL_ERR_ARGUMENT && done == 0, "too many steps");
  s.index[3] = ROWS;
  CHECK(run(plan, &s, STEPS, NULL, NULL, &done) == HL_ERR_INDEX && done == 0, "a row that is not there");
  s.index[3] = 0;
  CHECK(run(plan, &s, STEPS, NULL, NULL, &done) == HL_OK && done == STEPS, "usable after refusals");
  CHECK(hl_plan_writes(plan, 1) && !hl_plan_writes(plan, 0) && !hl_plan_writes(plan, 99), "writes");
  free_state(&s);
  hl_plan_destroy(plan);
  hl_plan_destroy(NULL);
}

int main(void) {
  test_a_training_step();
  test_a_poll_stops_a_run();
  test_allocations_that_fail();
  test_refusals();
  return check_result();
}
