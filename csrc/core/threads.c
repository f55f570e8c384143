#define _GNU_SOURCE
#include "core/threads.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include "core/cpu.h"

static _Atomic int chosen_threads; /* by hl_set_num_threads; 0 = the default */
static _Atomic int forked;         /* 1 in a child: OpenMP's threads stayed behind, and waiting for them would hang */

static void after_fork_in_child(void) { atomic_store(&forked, 1); }

/* At load: a fork may come before the first call. */
__attribute__((constructor)) static void watch_forks(void) { pthread_atfork(NULL, NULL, after_fork_in_child); }

/* A whole number >= 1, or the first number of a list as OMP_NUM_THREADS allows; 0 when unset or not such a number. */
static int threads_from(const char *variable) {
  const char *text = getenv(variable);
  if (text == NULL)
    return 0;
  char *end;
  errno = 0;
  long value = strtol(text, &end, 10);
  if (end == text || errno != 0 || value < 1 || (*end != '\0' && *end != ','))
    return 0;
  return value > HL_MAX_THREADS ? HL_MAX_THREADS : (int)value;
}

static int clamp_threads(int n) { return n > HL_MAX_THREADS ? HL_MAX_THREADS : n; }

/* hl_cpu_count reads files, which takes longer than many a run: asked again once a second, for affinity and quotas may
   change. Count and time are one word, so that threads may race for it. */
static int recent_cpu_count(void) {
  static _Atomic uint64_t known; /* seconds of the clock << 16 | count */
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  uint64_t second = (uint64_t)t.tv_sec + 1, last = atomic_load(&known);
  if (last >> 16 == second)
    return (int)(last & 0xffff);
  int count = clamp_threads(hl_cpu_count());
  atomic_store(&known, second << 16 | (uint64_t)count);
  return count;
}

int hl_get_num_threads(void) {
#ifdef _OPENMP
  if (atomic_load(&forked))
    return 1;
  int n = atomic_load(&chosen_threads);
  if (n == 0)
    n = threads_from("HOTLOOP_NUM_THREADS");
  if (n == 0)
    n = threads_from("OMP_NUM_THREADS");
  if (n == 0)
    n = recent_cpu_count();
  return n;
#else
  return 1;
#endif
}

void hl_set_num_threads(int n) { atomic_store(&chosen_threads, n < 0 ? 0 : clamp_threads(n)); }

void hl_team_run(int nthreads, hl_team_fn body, void *ctx) {
#ifdef _OPENMP
  if (nthreads > 1 && !atomic_load(&forked)) {
#pragma omp parallel num_threads(clamp_threads(nthreads))
    body(ctx, omp_get_thread_num(), omp_get_num_threads()); /* the runtime may grant fewer */
    return;
  }
#endif
  body(ctx, 0, 1);
}

static void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

void hl_barrier_init(hl_barrier *barrier) {
  __atomic_store_n(&barrier->arrived, 0, __ATOMIC_RELAXED);
  __atomic_store_n(&barrier->phase, 0, __ATOMIC_RELEASE);
}

void hl_barrier_wait(hl_barrier *barrier, int nthreads) {
  enum { SPINS = 2000 }; /* some 20-50 us: longer than the skew of balanced steps, shorter than a scheduler's slice */
  if (nthreads == 1)
    return;
  int64_t phase = __atomic_load_n(&barrier->phase, __ATOMIC_ACQUIRE);
  if (__atomic_add_fetch(&barrier->arrived, 1, __ATOMIC_ACQ_REL) == nthreads) {
    __atomic_store_n(&barrier->arrived, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&barrier->phase, phase + 1, __ATOMIC_RELEASE);
    return;
  }
  for (int spins = 0; __atomic_load_n(&barrier->phase, __ATOMIC_ACQUIRE) == phase; ++spins) {
    if (spins < SPINS)
      relax();
    else
      sched_yield(); /* someone else may hold the core that the last thread needs */
  }
}

void hl_ranges_reset(hl_range *ranges, int nthreads, int64_t ntasks) {
  int64_t share = ntasks / nthreads, extra = ntasks % nthreads, first = 0;
  for (int t = 0; t < nthreads; ++t) {
    int64_t count = share + (t < extra);
    __atomic_store_n(&ranges[t].next, first, __ATOMIC_RELAXED);
    __atomic_store_n(&ranges[t].end, first + count, __ATOMIC_RELAXED);
    first += count;
  }
}

int64_t hl_ranges_take(hl_range *ranges, int thread, int nthreads) {
  for (int i = 0; i < nthreads; ++i) {
    hl_range *range = &ranges[(thread + i) % nthreads];
    int64_t end = __atomic_load_n(&range->end, __ATOMIC_RELAXED);
    /* Looking first keeps exhausted ranges from counting up at every visit. */
    if (__atomic_load_n(&range->next, __ATOMIC_RELAXED) < end) {
      int64_t task = __atomic_fetch_add(&range->next, 1, __ATOMIC_RELAXED);
      if (task < end)
        return task;
    }
  }
  return -1;
}
