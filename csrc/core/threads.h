/* Threads: the only file that calls OpenMP. */
#ifndef HL_CORE_THREADS_H
#define HL_CORE_THREADS_H

#include <stdint.h>

/* Set by the argument > hl_set_num_threads > HOTLOOP_NUM_THREADS > OMP_NUM_THREADS > hl_cpu_count order;
   after fork the child always gets 1. */
int hl_get_num_threads(void);
/* n >= 1 sets; n == 0 restores the default. */
void hl_set_num_threads(int n);

/* Runs body(ctx, thread, nthreads) on nthreads threads and returns when all are done. nthreads == 1 runs in
   the caller without touching OpenMP. */
typedef void (*hl_team_fn)(void *ctx, int thread, int nthreads);
void hl_team_run(int nthreads, hl_team_fn body, void *ctx);

/* A sense-counting barrier that spins briefly, then yields the CPU. */
typedef struct hl_barrier {
  _Alignas(64) int64_t arrived; /* accessed with C11 atomics or compiler atomics only */
  _Alignas(64) int64_t phase;
} hl_barrier;
void hl_barrier_init(hl_barrier *barrier);
void hl_barrier_wait(hl_barrier *barrier, int nthreads);

/* A work queue over [0, ntasks): each thread takes from its own contiguous range first, then steals. */
#define HL_MAX_THREADS 256
typedef struct hl_range {
  _Alignas(64) int64_t next;
  int64_t end;
} hl_range;
void hl_ranges_reset(hl_range *ranges, int nthreads, int64_t ntasks);
/* Returns the next task for the thread, or -1 when none is left anywhere. */
int64_t hl_ranges_take(hl_range *ranges, int thread, int nthreads);

#endif
