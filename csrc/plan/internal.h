/* The inside of a plan, shared by the files of csrc/plan. */
#ifndef HL_PLAN_INTERNAL_H
#define HL_PLAN_INTERNAL_H

#include <stdatomic.h>

#include "core/memory.h"
#include "core/threads.h"
#include "gemm/sparse.h"
#include "plan/block.h"
#include "plan/plan.h"
#include "tile/tile.h"

/* Steps (or runs of them) cheaper than this stay on one thread: in units of hl_opcode_cost, about 3 microseconds, which
   is what waking the others and a cold cache cost. */
#define HL_PARALLEL_COST 65536
#define HL_POLL_SECONDS 0.02        /* between two calls of the poll callback */
#define HL_STOP_INSIDE_SECONDS 0.08 /* a batch that runs longer may be broken off */

typedef enum hl_slot_kind { HL_SLOT_ARENA, HL_SLOT_CONST, HL_SLOT_BOUND, HL_SLOT_INPUT, HL_SLOT_OUTPUT } hl_slot_kind;

typedef struct hl_slot {
  hl_slot_kind kind;
  int32_t number;  /* among the slots of its kind */
  int32_t written; /* a step stores to it */
  int32_t panels;  /* holds panels somewhere: must be 64-byte aligned */
  int64_t size;    /* elements; of one row for inputs and outputs */
  int64_t offset;  /* in the arena */
  float *data;     /* const: the copy */
} hl_slot;

typedef enum hl_step_kind { HL_STEP_TILE, HL_STEP_GEMM, HL_STEP_BLOCK } hl_step_kind;

/* What was found when a product's right operand was last looked at. */
typedef struct hl_finite_weight {
  const float *data; /* NULL: not yet */
  uint64_t changes;  /* of kept arrays, until then */
  int32_t finite;
} hl_finite_weight;

typedef struct hl_step {
  hl_step_kind kind;
  int32_t direct; /* this run: the tile program's memory operands are aligned */
  hl_tile *tile;  /* the program, or the epilogue; may be NULL for a product */
  hl_block *block;
  float *partials;
  int64_t ntasks, cost, task_cost;
  int64_t scratch, epilogue_scratch; /* bytes; the epilogue's comes after the product's */
  hl_gemm gemm;
  hl_matrix a, b, c;
  int32_t has_c, a_input;
  int64_t task_rows, task_slabs, row_tasks, slabs;
  int64_t packed,
      pack_tasks;     /* elements of packed operands, 0 for none, and tasks that pack them before the others begin */
  hl_sparse sparse;   /* size 0: never */
  int32_t use_sparse; /* this run */
  hl_finite_weight weight;
  int64_t calls, nanoseconds; /* with a profile, as these */
  int64_t sparse_calls, macs; /* multiply-adds of products */
} hl_step;

/* Whether tasks that pack an operand, or make lists of its nonzeros, come before the others in this run. */
static inline int32_t hl_step_packs(const hl_step *step) { return step->use_sparse || step->packed > 0; }

/* Consecutive small steps run by thread 0, or one step shared by all threads. */
typedef struct hl_group {
  int32_t first, count, parallel;
  int32_t packs_next; /* this run: while thread 0 does these, the others pack the next group's left operand, which no
                         step writes */
} hl_group;

/* A shared step's tasks, or those that pack its A beforehand. */
typedef struct hl_phase {
  int32_t step, packing;
} hl_phase;

struct hl_plan {
  const hl_kernels *kernels;
  int64_t batch_size;
  int32_t finished, profile, interpreted;
  int32_t first_written; /* the least number of a bound array that a step writes; INT32_MAX without any */
  hl_sparse_mode sparse;
  _Atomic int32_t busy, stop;
  char error[HL_ERROR_TEXT + 32];
  hl_slot *slots;
  hl_tile_memory *memories; /* the slots as the tile compiler sees them */
  int32_t nslots, slots_room, nbound, ninputs, noutputs;
  hl_step *steps;
  int32_t nsteps, steps_room;
  hl_group *groups;
  int32_t ngroups;
  hl_phase *shared; /* what is shared, in order: turn t of a run is number (t - 1) % nshared of them */
  int32_t nshared;
  int64_t most_tasks; /* of a shared step */
  int64_t arena_size, scratch;
  float *arena;
  int64_t packed_size; /* elements */
  float *packed;       /* A of the step that is running, packed, or the lists of its nonzeros */
  float **bases;       /* of this run; thread t's own copy starts at t * bases_stride */
  int64_t bases_stride;
  int32_t *mapped; /* input and output slots */
  int32_t nmapped;
  unsigned char *thread_scratch;
  int32_t threads_room;
  hl_share *shares;
};

/* Writes the message and returns the status. */
hl_status hl_plan_fail(hl_plan *plan, hl_status status, const char *format, ...);
/* HL_OK if things may still be added. */
hl_status hl_plan_open(hl_plan *plan);
/* Makes an array of count elements one of `room`; 1 without memory, and then the old one is still there. */
int hl_plan_grow(void **block, int32_t count, int32_t room, size_t size);
/* A zeroed step behind the last one; it counts only when nsteps is raised. */
hl_status hl_plan_new_step(hl_plan *plan, hl_step **step);
void hl_step_free(hl_step *step);
hl_status hl_plan_compile(hl_plan *plan, hl_step *step, const hl_tile_domain *domain, const hl_program *program);
/* A step has been accepted: remembers which slots it writes and which hold panels. */
void hl_plan_note_program(hl_plan *plan, const hl_program *program);

/* Whether a product may run on lists of nonzeros, which needs its gemm to be complete; and whether it does in this run.
 */
hl_sparse_mode hl_sparse_default(void);
void hl_step_allow_sparse(const hl_plan *plan, hl_step *step);
void hl_plan_choose_sparse(hl_plan *plan, const hl_run *run);
/* Writes down which steps are shared, and which of them pack an operand first, or while others run. */
void hl_plan_list_phases(hl_plan *plan);

/* Makes room for n threads' scratch, base tables and queues. */
hl_status hl_plan_reserve(hl_plan *plan, int32_t n);

#endif
