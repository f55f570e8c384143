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

/* Steps shared by a team, without barriers. Thread 0 leads: it opens a step (a turn, counted 1, 2, 3, ...), works on
   it, waits until every task is done, and goes on. The others follow: they wait for a new turn and take tasks of it.
   Nobody waits for a thread that has no task, so one that the scheduler has put aside costs its share and no more: the
   rest do its tasks, and when it is back it joins at the turn that is open by then. */
#define HL_MAX_THREADS 256
#define HL_MAX_SHARED_TASKS INT32_MAX
#define HL_TURN_OVER UINT64_MAX
typedef struct hl_share {     /* one per thread: its own contiguous part of the tasks, which others may steal from */
  _Alignas(64) uint64_t word; /* turn (its low 32 bits) and next task; accessed with compiler atomics only */
} hl_share;
typedef struct hl_relay {
  _Alignas(64) uint64_t turn;
  _Alignas(64) int64_t completed;
} hl_relay;
void hl_relay_init(hl_relay *relay, hl_share *shares, int nthreads);
/* Thread 0. Every task of the turn before must be done. */
void hl_relay_open(hl_relay *relay, hl_share *shares, int nthreads, int64_t ntasks, uint64_t turn);
/* The next task of that turn for this thread, from its own part first; -1 when none is left or the turn has passed. */
int64_t hl_relay_take(hl_share *shares, int thread, int nthreads, int64_t ntasks, uint64_t turn);
/* Reports tasks done; what they wrote is visible to thread 0 after hl_relay_wait and to all in later turns. */
void hl_relay_report(hl_relay *relay, int64_t count);
/* Thread 0: waits until ntasks tasks of the turn have been reported. Spins briefly, then yields the CPU, then naps. */
void hl_relay_wait(hl_relay *relay, int64_t ntasks);
/* The others: waits for a turn other than `seen` and returns it, HL_TURN_OVER at the end. */
uint64_t hl_relay_follow(hl_relay *relay, uint64_t seen);
/* Thread 0: there will be no more turns. */
void hl_relay_close(hl_relay *relay);

#endif
