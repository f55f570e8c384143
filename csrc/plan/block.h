/* Block steps: whole contiguous arrays computed from whole contiguous arrays, where a value may depend on any other and
   no tile program can say so. block.c checks and dispatches; each kind is in a file of its own. */
#ifndef HL_PLAN_BLOCK_H
#define HL_PLAN_BLOCK_H

#include "kernels/kernels.h"
#include "plan/plan.h"

typedef struct hl_block hl_block;

/* Where one task finds its arrays. */
typedef struct hl_block_memory {
  const hl_kernels *kernels;
  float *target;
  const float *sources[HL_BLOCK_SOURCES];
  unsigned char *scratch;
} hl_block_memory;

typedef void (*hl_block_task_fn)(const hl_block *block, const hl_block_memory *memory, int64_t task);

struct hl_block {
  hl_block_kind kind;
  int32_t nsources, nsizes;
  hl_place target, sources[HL_BLOCK_SOURCES];
  int64_t sizes[HL_BLOCK_SIZES];
  /* What the kind's own check sets. Extents count elements from the place's offset. */
  int64_t target_extent, source_extents[HL_BLOCK_SOURCES];
  int32_t panels_allowed; /* of source 0 */
  hl_block_task_fn task;
  int64_t ntasks, cost, scratch; /* in units of hl_opcode_cost; bytes per thread */
  int64_t split[4];              /* how the kind cuts its work into tasks */
  hl_gemm gemm;                  /* product */
  int64_t rows, cols, depth;     /* for the profile */
};

/* One per kind: checks the sizes and sets the rest of the block. */
hl_status hl_block_gather(hl_plan *plan, hl_block *block);
hl_status hl_block_scatter(hl_plan *plan, hl_block *block);
hl_status hl_block_scan(hl_plan *plan, hl_block *block);
hl_status hl_block_argsort(hl_plan *plan, hl_block *block);
hl_status hl_block_search(hl_plan *plan, hl_block *block);
hl_status hl_block_product(hl_plan *plan, hl_block *block);
hl_status hl_block_triangular(hl_plan *plan, hl_block *block);
hl_status hl_block_cholesky(hl_plan *plan, hl_block *block);
hl_status hl_block_lu(hl_plan *plan, hl_block *block);
hl_status hl_block_qr(hl_plan *plan, hl_block *block);
hl_status hl_block_eigh(hl_plan *plan, hl_block *block);
hl_status hl_block_svd(hl_plan *plan, hl_block *block);

/* Refuses sizes that are negative, and flags (the last `nflags` sizes) that are not below their limits. */
hl_status hl_block_check_sizes(hl_plan *plan, const hl_block *block, int32_t nsizes, const int64_t *flag_limits,
                               int32_t nflags);
/* *product = a * b * c, or the error that it does not fit. */
hl_status hl_block_volume(hl_plan *plan, const hl_block *block, int64_t a, int64_t b, int64_t c, int64_t *product);
/* How many of `count` equal units a task takes, so that tasks are neither too many nor too few. */
int64_t hl_block_grain(int64_t count, int64_t unit_cost);

/* Runs one task; `bases` are the slots' addresses. */
void hl_block_run(const hl_block *block, const hl_kernels *kernels, float *const *bases, unsigned char *scratch,
                  int64_t task);

#endif
