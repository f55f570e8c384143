/* Running a finished plan: one parallel region, many batches, no allocation. */
#define _POSIX_C_SOURCE 199309L /* clock_gettime */

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/fpenv.h"
#include "plan/internal.h"

typedef struct runner {
  hl_plan *plan;
  const hl_run *run;
  hl_relay relay;
  _Atomic int32_t break_off; /* the rest of this batch is skipped */
  int64_t done;
  /* Thread 0 only. */
  int64_t unseen_cost; /* work since the clock was last read */
  hl_fpenv callers_env;
  double began, batch_began, polled, clock; /* clock: when it was last read */
} runner;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Thread 0, between tasks and batches: reads the clock now and then, asks the caller, honours a stop. */
#define CLOCK_COST (1 << 19) /* about 20 microseconds of work */
static void look_up(runner *r, int64_t cost) {
  r->unseen_cost += cost;
  if (r->unseen_cost < CLOCK_COST)
    return;
  r->unseen_cost = 0;
  double t = r->clock = now();
  if (r->run->poll && t - r->polled > HL_POLL_SECONDS) {
    hl_fpenv_leave(r->callers_env); /* the callback may run any Python code */
    int asked_to_stop = r->run->poll(r->run->poll_ctx);
    r->callers_env = hl_fpenv_enter();
    if (asked_to_stop)
      atomic_store_explicit(&r->plan->stop, 1, memory_order_relaxed);
    r->polled = r->clock = now();
  }
  if (atomic_load_explicit(&r->plan->stop, memory_order_relaxed) && t - r->batch_began > HL_STOP_INSIDE_SECONDS)
    atomic_store_explicit(&r->break_off, 1, memory_order_relaxed);
}

typedef struct worker {
  runner *r;
  int32_t thread, nthreads;
  float **bases;
  unsigned char *scratch;
  const int64_t *rows; /* row numbers of this batch, or NULL */
  hl_tile_state tile;
  hl_gemm gemm;
} worker;

static void begin_step(worker *w, hl_step *step) {
  if (step->kind == HL_STEP_TILE) {
    hl_tile_begin(&w->tile, step->tile, w->scratch, step->partials, w->bases, w->rows, step->direct);
    return;
  }
  if (step->kind == HL_STEP_BLOCK)
    return;
  hl_gemm *g = &w->gemm;
  *g = step->gemm;
  g->a.data = w->bases[step->a.slot] + step->a.offset;
  g->a.rows = step->a_input ? w->rows : NULL;
  g->b.data = w->bases[step->b.slot] + step->b.offset;
  if (step->packed && !step->use_sparse)
    hl_gemm_use_packed(w->r->plan->kernels, g, w->r->plan->packed);
  if (step->tile) {
    hl_tile_begin(&w->tile, step->tile, w->scratch + step->epilogue_scratch, NULL, w->bases, w->rows, step->direct);
    g->ctx = &w->tile;
  } else {
    g->c = w->bases[step->c.slot] + step->c.offset;
  }
}

static int64_t count_tasks(const hl_step *step, int32_t packing) {
  if (step->use_sparse)
    return packing ? step->sparse.pack_tasks : step->sparse.tasks;
  return packing ? step->pack_tasks : step->ntasks;
}

static void do_task(worker *w, const hl_step *step, int32_t packing, int64_t task) {
  if (step->kind == HL_STEP_TILE) {
    hl_tile_task(&w->tile, task);
    return;
  }
  if (step->kind == HL_STEP_BLOCK) {
    hl_block_run(step->block, w->r->plan->kernels, w->bases, w->scratch, task);
    return;
  }
  hl_gemm *g = &w->gemm;
  if (step->use_sparse) {
    if (packing)
      hl_sparse_pack(w->r->plan->kernels, g, &step->sparse, task, w->r->plan->packed, w->scratch);
    else
      hl_sparse_run(w->r->plan->kernels, g, &step->sparse, task, w->r->plan->packed, w->scratch);
    return;
  }
  if (packing) {
    hl_gemm_pack(w->r->plan->kernels, g, task, w->r->plan->packed);
    return;
  }
  int64_t i0 = task % step->row_tasks * step->task_rows, i1 = i0 + step->task_rows;
  int64_t s0 = task / step->row_tasks * step->task_slabs, s1 = s0 + step->task_slabs;
  hl_gemm_run(w->r->plan->kernels, g, i0, i1 < g->m ? i1 : g->m, s0, s1 < step->slabs ? s1 : step->slabs, w->scratch);
}

static void serial_step(worker *w, hl_step *step) {
  runner *r = w->r;
  begin_step(w, step);
  for (int32_t packing = hl_step_packs(step); packing >= 0; packing--)
    for (int64_t task = 0, n = count_tasks(step, packing); task < n; task++) {
      look_up(r, step->task_cost);
      if (atomic_load_explicit(&r->break_off, memory_order_relaxed))
        break;
      do_task(w, step, packing, task);
    }
  if (step->partials)
    hl_tile_reduce(&w->tile);
}

/* Takes tasks of a shared step until none is left. */
static void share_step(worker *w, hl_step *step, int32_t packing, uint64_t turn) {
  runner *r = w->r;
  int64_t task, count = 0, ntasks = count_tasks(step, packing);
  begin_step(w, step);
  while ((task = hl_relay_take(r->plan->shares, w->thread, w->nthreads, ntasks, turn)) >= 0) {
    if (w->thread == 0)
      look_up(r, step->task_cost);
    if (!atomic_load_explicit(&r->break_off, memory_order_relaxed))
      do_task(w, step, packing, task);
    count++;
  }
  if (count)
    hl_relay_report(&r->relay, count);
}

static void open_step(worker *w, const hl_step *step, int32_t packing, uint64_t *turn) {
  hl_relay_open(&w->r->relay, w->r->plan->shares, w->nthreads, count_tasks(step, packing), ++*turn);
}

/* Thread 0's part of a shared step: opening it, unless its packing is open already, a share of the work, and what comes
   after the last task. */
static void lead_step(worker *w, hl_step *step, int32_t open, uint64_t *turn) {
  for (int32_t packing = hl_step_packs(step); packing >= 0; packing--, open = 0) {
    if (!open)
      open_step(w, step, packing, turn);
    share_step(w, step, packing, *turn);
    hl_relay_wait(&w->r->relay, count_tasks(step, packing));
  }
  if (step->partials)
    hl_tile_reduce(&w->tile);
}

static void account(const hl_plan *plan, hl_step *step, double *since) {
  double t = now();
  step->calls++;
  step->sparse_calls += step->use_sparse;
  if (step->use_sparse)
    step->macs += hl_sparse_nonzeros(&step->sparse, plan->packed) * step->gemm.n;
  else if (step->kind == HL_STEP_GEMM)
    step->macs += step->gemm.m * step->gemm.n * step->gemm.k;
  step->nanoseconds += (int64_t)((t - *since) * 1e9);
  *since = t;
}

/* Where the rows of this batch are. */
static void enter_batch(worker *w, int64_t batch) {
  const hl_plan *plan = w->r->plan;
  const hl_run *run = w->r->run;
  int64_t pos = batch * plan->batch_size;
  if (run->index)
    w->rows = run->index + pos;
  for (int32_t i = 0; i < plan->nmapped; i++) {
    const hl_slot *slot = &plan->slots[plan->mapped[i]];
    const hl_array *array = slot->kind == HL_SLOT_INPUT ? &run->inputs[slot->number] : &run->outputs[slot->number];
    int64_t first = slot->kind == HL_SLOT_INPUT && run->index ? 0 : pos;
    w->bases[plan->mapped[i]] = (float *)array->data + first * slot->size;
  }
}

/* Elements of a row that ends before the CPU has seen where its reads lead. */
enum { SHORT_ROW = 64 };

/* Some of the next batch's short rows, if they lie anywhere: after each step a few, for a core has only so many lines
   on their way. In line: calls of a function that does nothing else may be removed, as being without effect. */
static inline __attribute__((always_inline)) void fetch_rows(const runner *r, int64_t batch, int32_t step) {
  const hl_plan *plan = r->plan;
  const hl_run *run = r->run;
  if (!run->index || batch >= run->start + run->steps)
    return;
  const int64_t *rows = run->index + batch * plan->batch_size;
  const int64_t from = plan->batch_size * step / plan->nsteps, to = plan->batch_size * (step + 1) / plan->nsteps;
  for (int32_t i = 0; i < plan->nmapped; i++) {
    const hl_slot *slot = &plan->slots[plan->mapped[i]];
    if (slot->kind != HL_SLOT_INPUT || slot->size > SHORT_ROW)
      continue;
    const float *data = run->inputs[slot->number].data;
    for (int64_t row = from; row < to; row++)
      for (int64_t c = 0; c < slot->size; c += HL_LANES)
        __builtin_prefetch(data + rows[row] * slot->size + c);
  }
}

/* Whether this was the last batch. The clock may be some 20 microseconds behind. */
static int32_t end_batch(runner *r) {
  if (atomic_load_explicit(&r->break_off, memory_order_relaxed))
    return 1;
  r->done++;
  look_up(r, 1 << 12);
  r->batch_began = r->clock;
  return r->done == r->run->steps || atomic_load_explicit(&r->plan->stop, memory_order_relaxed) ||
         (r->run->budget > 0 && r->clock - r->began >= r->run->budget);
}

static void lead(worker *w) {
  runner *r = w->r;
  hl_plan *plan = r->plan;
  uint64_t turn = 0;
  int32_t finish = 0;
  for (int64_t batch = r->run->start; !finish; batch++) {
    enter_batch(w, batch);
    double since = plan->profile ? now() : 0;
    for (int32_t i = 0; i < plan->ngroups; i++) {
      const hl_group *g = &plan->groups[i];
      if (g->packs_next && w->nthreads > 1)
        open_step(w, &plan->steps[g[1].first], 1, &turn);
      for (hl_step *step = &plan->steps[g->first], *end = step + g->count; step < end; step++) {
        if (g->parallel && w->nthreads > 1)
          lead_step(w, step, i > 0 && g[-1].packs_next, &turn);
        else
          serial_step(w, step);
        fetch_rows(r, batch + 1, (int32_t)(step - plan->steps));
        if (plan->profile)
          account(plan, step, &since);
      }
    }
    finish = end_batch(r);
  }
}

/* The number of a turn says which step of which batch it is, so that a late thread needs to be told nothing else. */
static void follow(worker *w) {
  const runner *r = w->r;
  hl_plan *plan = r->plan;
  int64_t batch = -1;
  for (uint64_t turn = 0; (turn = hl_relay_follow(&w->r->relay, turn)) != HL_TURN_OVER;) {
    int64_t now_in = r->run->start + (int64_t)((turn - 1) / (uint64_t)plan->nshared);
    if (now_in != batch)
      enter_batch(w, batch = now_in);
    const hl_phase *phase = &plan->shared[(turn - 1) % (uint64_t)plan->nshared];
    share_step(w, &plan->steps[phase->step], phase->packing, turn);
  }
}

static void run_batches(runner *r, int thread, int nthreads) {
  hl_plan *plan = r->plan;
  worker w = {.r = r, .thread = thread, .nthreads = nthreads};
  w.bases = plan->bases + thread * plan->bases_stride;
  w.scratch = plan->thread_scratch + thread * (plan->scratch + 128);
  if (thread) {
    /* Thread 0 changes only the mapped slots of its own table, which enter_batch sets here too. */
    for (int32_t i = 0; i < plan->nslots; i++)
      if (plan->memories[i].mapping == HL_MAP_NONE)
        w.bases[i] = plan->bases[i];
    follow(&w);
  } else {
    lead(&w);
    hl_relay_close(&r->relay);
  }
}

static void run_team(void *ctx, int thread, int nthreads) {
  hl_fpenv saved = hl_fpenv_enter();
  if (thread == 0)
    ((runner *)ctx)->callers_env = saved;
  run_batches(ctx, thread, nthreads);
  hl_fpenv_leave(saved);
}

#define REFUSE(status, ...)                                                                                            \
  do {                                                                                                                 \
    snprintf(plan->error, sizeof plan->error, __VA_ARGS__);                                                            \
    return status;                                                                                                     \
  } while (0)

static hl_status check_rows(hl_plan *plan, const hl_run *run) {
  int64_t end, batches;
  if (run->start < 0 || run->steps < 0)
    REFUSE(HL_ERR_ARGUMENT, "start (%lld) and steps (%lld) must not be negative", (long long)run->start,
           (long long)run->steps);
  batches = run->steps > INT64_MAX - run->start ? INT64_MAX : run->start + run->steps;
  if (hl_mul_overflow(batches, plan->batch_size, &end))
    REFUSE(HL_ERR_OVERFLOW, "start + steps batches do not fit in 64 bits");
  if (run->index && plan->ninputs && end > run->nindex)
    REFUSE(HL_ERR_ARGUMENT, "%lld batches of %lld rows need %lld index entries, but index has %lld", (long long)batches,
           (long long)plan->batch_size, (long long)end, (long long)run->nindex);
  int64_t fewest = INT64_MAX;
  for (int32_t i = 0; i < plan->nmapped; i++) {
    const hl_slot *slot = &plan->slots[plan->mapped[i]];
    int input = slot->kind == HL_SLOT_INPUT;
    const hl_array *array = input ? &run->inputs[slot->number] : &run->outputs[slot->number];
    if (slot->size == 0)
      continue;
    const char *name = input ? "input" : "output";
    if (array->size % slot->size)
      REFUSE(HL_ERR_ARGUMENT, "%s %d has %lld elements, which is no multiple of its row size %lld", name, slot->number,
             (long long)array->size, (long long)slot->size);
    int64_t rows = array->size / slot->size;
    if (input && run->index)
      fewest = rows < fewest ? rows : fewest;
    else if (rows < end)
      REFUSE(HL_ERR_ARGUMENT, "%lld batches of %lld rows need %lld rows, but %s %d has %lld", (long long)batches,
             (long long)plan->batch_size, (long long)end, name, slot->number, (long long)rows);
  }
  if (run->index && plan->ninputs) {
    int64_t low = INT64_MAX, high = -1;
    for (int64_t i = run->start * plan->batch_size; i < end; i++) {
      low = run->index[i] < low ? run->index[i] : low;
      high = run->index[i] > high ? run->index[i] : high;
    }
    if (end > run->start * plan->batch_size && (low < 0 || high >= fewest))
      REFUSE(HL_ERR_INDEX, "index holds rows %lld to %lld, but the inputs have rows 0 to %lld", (long long)low,
             (long long)high, (long long)fewest - 1);
  }
  return HL_OK;
}

static hl_status bind(hl_plan *plan, const hl_run *run) {
  if (run->nbound != plan->nbound || run->ninputs != plan->ninputs || run->noutputs != plan->noutputs)
    REFUSE(HL_ERR_ARGUMENT, "the plan needs %d bound arrays, %d inputs and %d outputs, not %d, %d and %d", plan->nbound,
           plan->ninputs, plan->noutputs, run->nbound, run->ninputs, run->noutputs);
  hl_status status = check_rows(plan, run);
  if (status != HL_OK)
    return status;
  int aligned = 1;
  for (int32_t i = 0; i < plan->nslots; i++) {
    const hl_slot *slot = &plan->slots[i];
    switch (slot->kind) {
    case HL_SLOT_ARENA:
      plan->bases[i] = plan->arena + slot->offset;
      break;
    case HL_SLOT_CONST:
      plan->bases[i] = slot->data;
      break;
    case HL_SLOT_BOUND:
      if (run->bound[slot->number].size != slot->size)
        REFUSE(HL_ERR_ARGUMENT, "bound array %d has %lld elements; the plan was made for %lld", slot->number,
               (long long)run->bound[slot->number].size, (long long)slot->size);
      plan->bases[i] = run->bound[slot->number].data;
      if (slot->size == 0)
        break; /* the address of an empty array means nothing */
      if ((uintptr_t)plan->bases[i] % 64) {
        aligned = 0;
        if (slot->panels)
          REFUSE(HL_ERR_ARGUMENT, "bound array %d holds panels and must be 64-byte aligned", slot->number);
      }
      break;
    default:
      plan->bases[i] = NULL; /* set for every batch */
    }
  }
  for (int32_t i = 0; i < plan->nsteps; i++)
    if (plan->steps[i].tile)
      plan->steps[i].direct = aligned || hl_tile_aligned(plan->steps[i].tile, plan->bases);
  return HL_OK;
}

static hl_status run_locked(hl_plan *plan, const hl_run *run, int64_t *done) {
  int nthreads = 1;
  if (plan->most_tasks) {
    nthreads = hl_get_num_threads();
    if (nthreads > plan->most_tasks)
      nthreads = (int)plan->most_tasks;
    if (nthreads > HL_MAX_THREADS)
      nthreads = HL_MAX_THREADS;
  }
  hl_status status = hl_plan_reserve(plan, nthreads);
  if (status == HL_OK)
    status = bind(plan, run);
  if (status != HL_OK || run->steps == 0)
    return status;
  if (plan->nsteps == 0) {
    *done = run->steps;
    return HL_OK;
  }
  hl_plan_choose_sparse(plan, run);
  runner r = {.plan = plan, .run = run};
  hl_relay_init(&r.relay, plan->shares, nthreads);
  r.began = r.batch_began = r.polled = r.clock = now();
  hl_team_run(nthreads, run_team, &r);
  *done = r.done;
  return r.done < run->steps && atomic_load_explicit(&plan->stop, memory_order_relaxed) ? HL_STOPPED : HL_OK;
}

hl_status hl_plan_run(hl_plan *plan, const hl_run *run, int64_t *done) {
  *done = 0;
  if (atomic_exchange_explicit(&plan->busy, 1, memory_order_acquire))
    return HL_ERR_BUSY;                                        /* the message belongs to the run that is going on */
  atomic_store_explicit(&plan->stop, 0, memory_order_relaxed); /* a stop from here on counts */
  plan->error[0] = 0;
  hl_status status;
  if (plan->finished) {
    status = run_locked(plan, run, done);
    if (plan->first_written < run->nkept)
      hl_kept_changed();
  } else {
    snprintf(plan->error, sizeof plan->error, "the plan is not finished");
    status = HL_ERR_ARGUMENT;
  }
  atomic_store_explicit(&plan->busy, 0, memory_order_release);
  return status;
}

void hl_plan_stop(hl_plan *plan) { atomic_store_explicit(&plan->stop, 1, memory_order_relaxed); }
