/* CPU and operating-system features, and how many threads this process may use. */
#ifndef HL_CORE_CPU_H
#define HL_CORE_CPU_H

#include <stdbool.h>

typedef enum hl_isa { HL_ISA_PORTABLE = 0, HL_ISA_NEON, HL_ISA_AVX2, HL_ISA_AVX512, HL_ISA_COUNT } hl_isa;

/* True when the CPU and the operating system (saved register state) support the ISA and it was built in. */
bool hl_isa_supported(hl_isa isa);
const char *hl_isa_name(hl_isa isa);

/* min(CPU affinity, cgroup v1/v2 quota rounded up, online CPUs), at least 1. */
int hl_cpu_count(void);

/* The CPU quota of the process's cgroups, rounded up to whole CPUs, or 0 when there is none. `membership` is a file in
   the format of /proc/self/cgroup, `root` the mount point of the hierarchies: parameters, so that tests can build a
   tree of their own. */
int hl_cgroup_cpus(const char *membership, const char *root);

#endif
