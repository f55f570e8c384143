#define _GNU_SOURCE
#include "core/cpu.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sched.h>
#endif

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

typedef struct x86_features {
  bool avx2_fma, avx512;
} x86_features;

/* CPUID says what the CPU can do; XCR0 (read by XGETBV) which registers the operating system saves. */
static x86_features detect_x86(void) {
  x86_features found = {false, false};
  unsigned eax, ebx, ecx, edx;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx))
    return found;
  const unsigned fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28;
  if ((ecx & (fma | osxsave | avx)) != (fma | osxsave | avx))
    return found;
  unsigned xcr0, xcr0_high;
  __asm__ volatile("xgetbv" : "=a"(xcr0), "=d"(xcr0_high) : "c"(0));
  if ((xcr0 & 0x6u) != 0x6u) /* xmm, ymm */
    return found;
  if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx))
    return found;
  found.avx2_fma = (ebx & (1u << 5)) != 0;
  const unsigned f = 1u << 16, dq = 1u << 17, bw = 1u << 30, vl = 1u << 31;
  /* opmask, upper halves of zmm0-15, zmm16-31 */
  found.avx512 = found.avx2_fma && (xcr0 & 0xE0u) == 0xE0u && (ebx & (f | dq | bw | vl)) == (f | dq | bw | vl);
  return found;
}
#endif

bool hl_isa_supported(hl_isa isa) {
  switch (isa) {
  case HL_ISA_PORTABLE:
    return true;
#ifdef HL_HAVE_NEON
  case HL_ISA_NEON:
    return true; /* part of every AArch64 */
#endif
#ifdef HL_HAVE_AVX2
  case HL_ISA_AVX2:
    return detect_x86().avx2_fma;
#endif
#ifdef HL_HAVE_AVX512
  case HL_ISA_AVX512:
    return detect_x86().avx512;
#endif
  default:
    return false;
  }
}

const char *hl_isa_name(hl_isa isa) {
  switch (isa) {
  case HL_ISA_PORTABLE:
    return "portable";
  case HL_ISA_NEON:
    return "neon";
  case HL_ISA_AVX2:
    return "avx2";
  case HL_ISA_AVX512:
    return "avx512";
  default:
    return "unknown";
  }
}

enum { PATH_SIZE = 4096 };

/* Reads the first line of the file root + directory + name; false when it cannot. */
static bool read_line(char *line, size_t size, const char *root, const char *directory, const char *name) {
  char path[PATH_SIZE];
  int length = snprintf(path, sizeof path, "%s%s/%s", root, directory, name);
  if (length < 0 || (size_t)length >= sizeof path)
    return false;
  FILE *file = fopen(path, "re");
  if (file == NULL)
    return false;
  bool ok = fgets(line, (int)size, file) != NULL;
  fclose(file);
  return ok;
}

static int ceil_cpus(long long quota, long long period) {
  if (quota <= 0 || period <= 0)
    return 0;
  long long cpus = quota / period + (quota % period != 0);
  return cpus > INT32_MAX ? INT32_MAX : (int)cpus;
}

static int quota_v2(const char *root, const char *directory) {
  char line[128];
  long long quota, period;
  if (!read_line(line, sizeof line, root, directory, "cpu.max") || sscanf(line, "%lld %lld", &quota, &period) != 2)
    return 0; /* no file (the root of the tree has none), or "max 100000": no limit */
  return ceil_cpus(quota, period);
}

static int quota_v1(const char *root, const char *directory) {
  char quota[128], period[128];
  if (!read_line(quota, sizeof quota, root, directory, "cpu.cfs_quota_us") ||
      !read_line(period, sizeof period, root, directory, "cpu.cfs_period_us"))
    return 0;
  return ceil_cpus(atoll(quota), atoll(period)); /* a quota of -1 is no limit */
}

static int tighter(int a, int b) { return a == 0 ? b : b == 0 ? a : a < b ? a : b; }

/* A quota anywhere between the process's own group and the root limits it. In a container the path is often that of
   the host while the mount shows the container's group as root: missing levels are passed over. */
static int quota_along(int (*quota)(const char *, const char *), const char *root, char *directory) {
  int limit = 0;
  for (;;) {
    limit = tighter(limit, quota(root, directory));
    char *slash = strrchr(directory, '/');
    if (slash == NULL)
      return limit;
    *slash = '\0';
  }
}

static bool lists_cpu(const char *controllers) {
  for (const char *item = controllers; item != NULL; item = strchr(item, ',') ? strchr(item, ',') + 1 : NULL)
    if (strncmp(item, "cpu", 3) == 0 && (item[3] == ',' || item[3] == '\0'))
      return true;
  return false;
}

int hl_cgroup_cpus(const char *membership, const char *root) {
  FILE *file = fopen(membership, "re");
  if (file == NULL)
    return 0;
  int limit = 0;
  char line[PATH_SIZE];
  while (fgets(line, sizeof line, file) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    char *controllers = strchr(line, ':'); /* "hierarchy:controllers:directory" */
    if (controllers == NULL)
      continue;
    char *directory = strchr(++controllers, ':');
    if (directory == NULL)
      continue;
    *directory++ = '\0';
    if (*controllers == '\0') {
      limit = tighter(limit, quota_along(quota_v2, root, directory));
    } else if (lists_cpu(controllers)) {
      char copy[PATH_SIZE], mount[PATH_SIZE];
      const char *names[] = {"cpu", controllers}; /* distributions differ in what they call the mount */
      for (int i = 0; i < 2; ++i) {
        int length = snprintf(mount, sizeof mount, "%s/%s", root, names[i]);
        if (length < 0 || (size_t)length >= sizeof mount)
          continue;
        strcpy(copy, directory);
        limit = tighter(limit, quota_along(quota_v1, mount, copy));
      }
    }
  }
  fclose(file);
  return limit;
}

static int affinity_cpus(void) {
#ifdef __linux__
  /* The kernel's mask may be wider than cpu_set_t: grow until it fits. */
  for (int cpus = 1024; cpus <= 1 << 20; cpus *= 2) {
    cpu_set_t *set = CPU_ALLOC(cpus);
    if (set == NULL)
      return 0;
    size_t size = CPU_ALLOC_SIZE(cpus);
    int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
    CPU_FREE(set);
    if (count > 0)
      return count;
  }
#endif
  return 0;
}

int hl_cpu_count(void) {
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  int count = online > 0 && online < INT32_MAX ? (int)online : 1;
  count = tighter(count, affinity_cpus());
  count = tighter(count, hl_cgroup_cpus("/proc/self/cgroup", "/sys/fs/cgroup"));
  return count;
}
