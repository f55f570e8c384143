/* Memory, status texts, random words, CPU counts, threads. */
#define _GNU_SOURCE
#include "check.h"

#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cpu.h"
#include "core/memory.h"
#include "core/rng.h"
#include "core/threads.h"

static void check_memory(void) {
  int64_t product;
  CHECK(hl_mul_overflow(1ll << 31, 1ll << 31, &product) == 0 && product == 1ll << 62, "fits");
  CHECK(hl_mul_overflow(1ll << 32, 1ll << 31, &product) == 1, "2^63");
  CHECK(hl_alloc(1ll << 40, 1ll << 40) == NULL && hl_alloc(-1, 4) == NULL && hl_alloc(INT64_MAX, 1) == NULL, "refused");
  for (int64_t n = 0; n < 200; n += 33) {
    unsigned char *block = hl_alloc(n, 1);
    CHECK(block != NULL && (uintptr_t)block % 64 == 0, "%lld bytes", (long long)n);
    for (int64_t i = 0; i < n; ++i)
      CHECK(block[i] == 0, "zeroed");
    hl_free(block);
  }
  for (int64_t n = 1 << 16; n <= 1 << 22; n <<= 1) { /* in the heap, and mapped by themselves */
    unsigned char *block = hl_alloc(n - 64, 1);
    CHECK(block != NULL && (uintptr_t)block % 64 == 0, "%lld bytes", (long long)n);
    CHECK(block[0] == 0 && block[n / 2] == 0 && block[n - 65] == 0, "zeroed");
    memset(block, 7, (size_t)(n - 64));
    hl_free(block);
  }
  hl_alloc_fail_after(2);
  void *first = hl_alloc(1, 1), *second = hl_alloc(1, 1), *third = hl_alloc(1, 1);
  CHECK(first != NULL && second == NULL && third != NULL, "the second fails");
  hl_free(first);
  hl_free(third);
  hl_alloc_fail_after(1);
  hl_alloc_fail_after(0);
  first = hl_alloc(1, 1);
  CHECK(first != NULL, "switched off");
  hl_free(first);
  hl_free(NULL);
}

static void check_status(void) {
  for (int s = HL_OK; s <= HL_ERR_INTERNAL; ++s)
    for (int t = HL_OK; t < s; ++t)
      CHECK(strcmp(hl_status_text((hl_status)s), hl_status_text((hl_status)t)) != 0, "texts %d and %d", s, t);
  CHECK(strcmp(hl_status_text((hl_status)999), "unknown status") == 0, "999");
}

static void check_philox(void) {
  /* The published test vector for a zero counter and key. */
  const uint32_t zeros[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  for (uint64_t i = 0; i < 4; ++i)
    CHECK(hl_philox_word(0, 0, 0, i) == zeros[i], "word %d", (int)i);
  CHECK(hl_philox_word(0, 0, 0, 4) != hl_philox_word(0, 0, 1, 0), "the stream is not the counter");
  /* What NumPy draws; an odd number of them, so that the last blocks are cut short. */
  const float drawn[11] = {0.633857191f,  1.69852817f,  0.927589118f, -0.581911266f, 1.36991835f, 0.836684704f,
                           -0.443496376f, 0.529969215f, 1.6753726f,   1.9237026f,    0.501509607f};
  float numbers[12] = {0};
  numbers[11] = 7;
  hl_philox_uniform(numbers, 11, 1, 0xFFFFFFFFFFFFFFFFu, -1, 3);
  for (int i = 0; i < 11; ++i)
    CHECK(numbers[i] == drawn[i], "number %d: %.9g", i, (double)numbers[i]);
  CHECK(numbers[11] == 7, "nothing is written behind");
}

static char tree[] = "/tmp/hotloop-cgroup-XXXXXX";

static void write_file(const char *path, const char *text) {
  char full[512];
  snprintf(full, sizeof full, "%s/%s", tree, path);
  for (char *slash = full + strlen(tree) + 1; (slash = strchr(slash, '/')) != NULL; ++slash) {
    *slash = '\0';
    mkdir(full, 0700);
    *slash = '/';
  }
  FILE *file = fopen(full, "w");
  if (file == NULL)
    abort();
  fputs(text, file);
  fclose(file);
}

static int cpus_for(const char *membership) {
  char path[512];
  write_file("membership", membership);
  snprintf(path, sizeof path, "%s/membership", tree);
  return hl_cgroup_cpus(path, tree);
}

static void check_cgroups(void) {
  if (mkdtemp(tree) == NULL)
    abort();
  CHECK(hl_cgroup_cpus("/nonexistent", tree) == 0, "no membership file");
  CHECK(cpus_for("0::/\n") == 0, "no cpu.max at the root");
  write_file("a/cpu.max", "250000 100000\n");
  write_file("a/b/cpu.max", "max 100000\n");
  write_file("a/b/c/cpu.max", "900000 100000\n");
  CHECK(cpus_for("0::/a/b\n") == 3, "a parent's 2.5 CPUs, rounded up");
  CHECK(cpus_for("0::/a/b/c\n") == 3, "the tightest of all levels");
  CHECK(cpus_for("0::/elsewhere/d\n") == 0, "levels that do not exist");
  write_file("a/cpu.max", "50000 100000\n");
  CHECK(cpus_for("0::/a/b\n") == 1, "half a CPU is one");
  write_file("a/cpu.max", "rubbish\n");
  CHECK(cpus_for("0::/a\n") == 0, "rubbish is no limit");
  write_file("cpu.max", "400000 100000\n");
  CHECK(cpus_for("0::/host/path/of/container\n") == 4, "the mount's root, when the path is the host's");
  write_file("cpu,cpuacct/d/cpu.cfs_quota_us", "150000\n");
  write_file("cpu,cpuacct/d/cpu.cfs_period_us", "100000\n");
  CHECK(cpus_for("5:memory:/d\n4:cpu,cpuacct:/d\n") == 2, "version 1");
  write_file("cpu,cpuacct/d/cpu.cfs_quota_us", "-1\n");
  CHECK(cpus_for("4:cpu,cpuacct:/d\n") == 0, "version 1 without a limit");
  CHECK(cpus_for("4:cpuset:/d\n") == 0, "cpuset is not cpu");
  char command[600];
  snprintf(command, sizeof command, "rm -rf %s", tree);
  CHECK(system(command) == 0, "%s", command);
}

static void check_cpu_count(void) {
  cpu_set_t before, one;
  CHECK(hl_cpu_count() >= 1, "at least one");
  CHECK(sched_getaffinity(0, sizeof before, &before) == 0, "affinity");
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu)
    if (CPU_ISSET(cpu, &before))
      CPU_SET(cpu, &one);
  sched_setaffinity(0, sizeof one, &one);
  CHECK(hl_cpu_count() == 1, "pinned to one CPU: %d", hl_cpu_count());
  sched_setaffinity(0, sizeof before, &before);
}

enum { TASKS = 1000, TEAM = 4 };
typedef struct shared_work {
  hl_relay relay;
  hl_share shares[HL_MAX_THREADS];
  int64_t taken[TASKS], early;
  uint64_t open; /* the turn whose tasks may run */
  int members;
} shared_work;

static void take_all(shared_work *w, int thread, int nthreads, uint64_t turn) {
  int64_t count = 0;
  for (int64_t task; (task = hl_relay_take(w->shares, thread, nthreads, TASKS, turn)) >= 0; ++count) {
    __atomic_add_fetch(&w->taken[task], 1, __ATOMIC_RELAXED);
    if (w->open != turn)
      __atomic_add_fetch(&w->early, 1, __ATOMIC_RELAXED);
  }
  hl_relay_report(&w->relay, count);
}

static void work(void *ctx, int thread, int nthreads) {
  shared_work *w = ctx;
  __atomic_add_fetch(&w->members, 1, __ATOMIC_RELAXED);
  if (thread > 0) {
    for (uint64_t turn = 0; (turn = hl_relay_follow(&w->relay, turn)) != HL_TURN_OVER;)
      take_all(w, thread, nthreads, turn);
    return;
  }
  for (uint64_t turn = 1; turn <= 50; ++turn) {
    w->open = turn; /* plain: the relay orders it */
    hl_relay_open(&w->relay, w->shares, nthreads, TASKS, turn);
    take_all(w, thread, nthreads, turn);
    hl_relay_wait(&w->relay, TASKS);
  }
  hl_relay_close(&w->relay);
}

static void check_threads(void) {
  static shared_work w;
  for (int team = 1; team <= TEAM; ++team) {
    memset(&w, 0, sizeof w);
    hl_relay_init(&w.relay, w.shares, team);
    hl_team_run(team, work, &w);
    CHECK(w.members >= 1 && w.members <= team, "%d of %d", w.members, team);
    CHECK(w.early == 0, "someone ran a task of a turn that was not open");
    for (int t = 0; t < TASKS; ++t)
      CHECK(w.taken[t] == 50, "task %d was taken %d times", t, (int)w.taken[t]);
  }
  hl_relay relay;
  hl_share few[3];
  hl_relay_init(&relay, few, 3);
  hl_relay_open(&relay, few, 3, 2, 7);
  CHECK(hl_relay_take(few, 0, 3, 2, 6) == -1, "a task of another turn");
  CHECK(hl_relay_take(few, 2, 3, 2, 7) == 0 && hl_relay_take(few, 2, 3, 2, 7) == 1, "stealing");
  CHECK(hl_relay_take(few, 0, 3, 2, 7) == -1, "nothing is left");
}

static void check_num_threads(void) {
#ifdef HL_TEST_OPENMP
  unsetenv("HOTLOOP_NUM_THREADS");
  unsetenv("OMP_NUM_THREADS");
  CHECK(hl_get_num_threads() == hl_cpu_count(), "the default");
  setenv("OMP_NUM_THREADS", "3,2", 1);
  CHECK(hl_get_num_threads() == 3, "OMP_NUM_THREADS");
  setenv("HOTLOOP_NUM_THREADS", "5", 1);
  CHECK(hl_get_num_threads() == 5, "HOTLOOP_NUM_THREADS goes before");
  setenv("HOTLOOP_NUM_THREADS", "many", 1);
  CHECK(hl_get_num_threads() == 3, "not a number");
  hl_set_num_threads(2);
  CHECK(hl_get_num_threads() == 2, "set");
  hl_set_num_threads(100000);
  CHECK(hl_get_num_threads() == HL_MAX_THREADS, "at most");
  hl_set_num_threads(0);
  CHECK(hl_get_num_threads() == 3, "back to the default");
#else
  hl_set_num_threads(2);
  CHECK(hl_get_num_threads() == 1, "built without OpenMP");
#endif
}

static void check_fork(void) {
  static shared_work w;
  pid_t child = fork();
  if (child == 0) {
    alarm(20); /* a hang becomes a failure */
    hl_set_num_threads(4);
    memset(&w, 0, sizeof w);
    hl_relay_init(&w.relay, w.shares, 4);
    hl_team_run(4, work, &w);
    _exit(hl_get_num_threads() == 1 && w.members == 1 ? 0 : 1);
  }
  int state = -1;
  waitpid(child, &state, 0);
  CHECK(WIFEXITED(state) && WEXITSTATUS(state) == 0, "after a fork: %d", state);
}

int main(void) {
  check_memory();
  check_status();
  check_philox();
  check_cgroups();
  check_cpu_count();
  check_num_threads();
  check_threads();
  check_fork();
  return check_result();
}
