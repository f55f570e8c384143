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

void hl_relay_init(hl_relay *relay, hl_share *shares, int nthreads) {
  __atomic_store_n(&relay->turn, 0, __ATOMIC_RELAXED);
  __atomic_store_n(&relay->completed, 0, __ATOMIC_RELAXED);
  for (int t = 0; t < nthreads; ++t)
    __atomic_store_n(&shares[t].word, 0, __ATOMIC_RELAXED);
}

/* Where thread t's part of the tasks begins; that of t + 1 is where it ends. */
static int64_t part_begin(int64_t ntasks, int nthreads, int t) {
  int64_t share = ntasks / nthreads, extra = ntasks % nthreads;
  return t * share + (t < extra ? t : extra);
}

void hl_relay_open(hl_relay *relay, hl_share *shares, int nthreads, int64_t ntasks, uint64_t turn) {
  __atomic_store_n(&relay->completed, 0, __ATOMIC_RELAXED);
  for (int t = 0; t < nthreads; ++t)
    __atomic_store_n(&shares[t].word, turn << 32 | (uint64_t)part_begin(ntasks, nthreads, t), __ATOMIC_RELAXED);
  __atomic_store_n(&relay->turn, turn, __ATOMIC_RELEASE);
}

int64_t hl_relay_take(hl_share *shares, int thread, int nthreads, int64_t ntasks, uint64_t turn) {
  for (int i = 0; i < nthreads; ++i) {
    int t = (thread + i) % nthreads;
    int64_t end = part_begin(ntasks, nthreads, t + 1);
    uint64_t word = __atomic_load_n(&shares[t].word, __ATOMIC_RELAXED);
    /* The turn in the word: a late thread must not take a task of a step that it has not seen opened. */
    while (word >> 32 == (turn & UINT32_MAX) && (int64_t)(word & UINT32_MAX) < end)
      if (__atomic_compare_exchange_n(&shares[t].word, &word, word + 1, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        return (int64_t)(word & UINT32_MAX);
  }
  return -1;
}

void hl_relay_report(hl_relay *relay, int64_t count) { __atomic_add_fetch(&relay->completed, count, __ATOMIC_RELEASE); }

enum {
  SPIN_NS = 100 * 1000,  /* longer than what one thread does alone between two shared steps, and than the skew of
                            balanced ones: who naps comes back 110 us later, and then the other one waits for him */
  YIELD_NS = 130 * 1000, /* until then somebody else may have the core */
  NAP_NS = 50 * 1000, /* after that the awaited thread is away for long, and a waiter that goes on yielding uses up its
                         own claim to a core */
  LOOK = 32           /* pauses between looks at the clock; one takes 10 to 70 ns, depending on the CPU */
};

typedef struct patience {
  int32_t rounds;
  int64_t began;
} patience;

static void idle(patience *p) {
  relax();
  if (++p->rounds % LOOK)
    return;
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  int64_t ns = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
  if (p->rounds == LOOK)
    p->began = ns;
  else if (ns - p->began > YIELD_NS)
    nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
  else if (ns - p->began > SPIN_NS)
    sched_yield();
}

void hl_relay_wait(hl_relay *relay, int64_t ntasks) {
  for (patience p = {0}; __atomic_load_n(&relay->completed, __ATOMIC_ACQUIRE) < ntasks;)
    idle(&p);
}

uint64_t hl_relay_follow(hl_relay *relay, uint64_t seen) {
  uint64_t turn;
  for (patience p = {0}; (turn = __atomic_load_n(&relay->turn, __ATOMIC_ACQUIRE)) == seen;)
    idle(&p);
  return turn;
}

void hl_relay_close(hl_relay *relay) { __atomic_store_n(&relay->turn, HL_TURN_OVER, __ATOMIC_RELEASE); }
