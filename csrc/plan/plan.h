/* Plans: a table of buffers and a list of steps, checked once and then run for many batches. All sizes and offsets are
   in 4-byte elements. */
#ifndef HL_PLAN_H
#define HL_PLAN_H

#include <stdint.h>

#include "core/status.h"
#include "gemm/gemm.h"
#include "tile/program.h"

typedef struct hl_plan hl_plan;

/* Batch number s covers the rows pos .. pos + batch_size - 1 with pos = s * batch_size. */
hl_status hl_plan_create(int64_t batch_size, hl_plan **plan);
void hl_plan_destroy(hl_plan *plan);
/* Why the last call on this plan failed; valid until the next one. Never NULL. */
const char *hl_plan_error(const hl_plan *plan);

/* Buffers. Each call writes the number of the new slot. Arena slots may overlap. */
hl_status hl_plan_add_arena(hl_plan *plan, int64_t size, int64_t offset, int32_t *slot);
hl_status hl_plan_add_const(hl_plan *plan, const void *data, int64_t size, int32_t *slot);
hl_status hl_plan_add_bound(hl_plan *plan, int64_t size, int32_t *slot);
hl_status hl_plan_add_input(hl_plan *plan, int64_t row_size, int32_t *slot);
hl_status hl_plan_add_output(hl_plan *plan, int64_t row_size, int32_t *slot);

/* Whether programs of the steps added from here on may run compiled chains (kernels/chains.h). They may at first; the
   results are the same, so this is for comparing. */
void hl_plan_chains(hl_plan *plan, int enabled);

/* Whether the products added from here on whose left operand is the caller's, an input or bound, leave out the terms of
   zeros: where the data is sparse enough for it to pay, as measured at the start of each run, or never, or always. The
   results are the same bits. At first it is what HOTLOOP_SPARSE says: "0" for never, "always", else where it pays. */
typedef enum hl_sparse_mode { HL_SPARSE_NEVER, HL_SPARSE_AUTO, HL_SPARSE_ALWAYS } hl_sparse_mode;
void hl_plan_sparse(hl_plan *plan, hl_sparse_mode mode);

/* Steps, run in this order. A refused step leaves the plan as it was. */
hl_status hl_plan_add_tile(hl_plan *plan, int32_t nouter, const int64_t *outer, int64_t cols,
                           const hl_program *program);

/* One matrix of a product. As a: ld and trans as in hl_gemm_a; in an input slot its rows go through the row mapping.
   As b: panel means column panels of the stored matrix. As c: trans must be 0. */
typedef struct hl_matrix {
  int32_t slot;
  int32_t trans;
  int32_t panel;
  int64_t offset;
  int64_t ld;
} hl_matrix;
/* c may be NULL when there is an epilogue; the product is register 0 of the epilogue. */
hl_status hl_plan_add_gemm(hl_plan *plan, int64_t m, int64_t n, int64_t k, const hl_matrix *a, const hl_matrix *b,
                           const hl_matrix *c, const hl_program *epilogue);

/* A whole array computed from whole arrays (plan/block.h). All are contiguous and row-major, or in panels where it says
   so, and in no input or output slot; the target overlaps no source. The sources and sizes of each kind:
     gather   table[batch, rows, cols], indices[batch, count] -> [batch, count, cols]
              batch, rows, cols, count, shared, fill. shared: one row of indices serves every batch. An index that is no
              row gives the 32 bits `fill`. With one batch the table may be in panels.
     scatter  indices[batch, count], updates[batch, count, cols] -> [batch, rows, cols]
              batch, rows, cols, count, shared, hl_combine. Each row of the result combines the updates of its index, in
              their order, from the neutral element on; updates of no row are left out.
     scan     x[outer, length, inner] -> the same: running sums or products along `length`
              outer, length, inner, reverse, choice (0 sum_f, 1 prod_f, 2 sum_i, 3 prod_i)
     argsort  x[rows, cols] -> positions in sorted order, per row; equal values keep their order, NaN is above all
              rows, cols, floats (else int32), descending
     search   sorted[length], values[count] -> the first place (right: behind the last) that keeps the line sorted
              length, count, floats, right
     product  a, b -> [axes..., m, n]: op(A) op(B) at each place of the axes
              m, n, k, ta, tb, lda, ldb, naxes, the axes' sizes, their strides in a, their strides in b
   and of matrices one after the other, computed in double precision:
     triangular  t[batch, n, n], b[batch, n, m] -> the x with op(t) x = b; the other half of t is not read
                 batch, n, m, lower, trans
     cholesky    a[batch, n, n] -> the lower triangular factor, of the lower half of a; NaN if there is none
                 batch, n
     lu          a[batch, n, n] -> [batch, n + 2, n]: the factors in one matrix (a zero pivot is left alone), the row
                 exchanged in each turn, and the row of a that each row was, both as float
                 batch, n
     qr          a[batch, m, n] -> q[m, k] and r[k, n] behind each other; k is m (complete) or the smaller side
                 batch, m, n, complete
     eigh        a[batch, n, n] -> [batch, n + 1, n]: the eigenvalues of the lower half of a, smallest first, and the
                 matrix whose columns are the vectors
                 batch, n
     svd         a[batch, m, n] -> u[m, k], s[k] (largest first) and vt[k, n] behind each other; k is the smaller side
                 batch, m, n */
#define HL_BLOCKS(X)                                                                                                   \
  X(gather, 2)                                                                                                         \
  X(scatter, 2)                                                                                                        \
  X(scan, 1)                                                                                                           \
  X(argsort, 1)                                                                                                        \
  X(search, 2)                                                                                                         \
  X(product, 2)                                                                                                        \
  X(triangular, 2)                                                                                                     \
  X(cholesky, 1)                                                                                                       \
  X(lu, 1)                                                                                                             \
  X(qr, 1)                                                                                                             \
  X(eigh, 1)                                                                                                           \
  X(svd, 1)
typedef enum hl_block_kind {
#define X(name, nsources) HL_BLOCK_##name,
  HL_BLOCKS(X)
#undef X
      HL_BLOCK_COUNT
} hl_block_kind;
#define HL_BLOCK_SOURCES 2
#define HL_BLOCK_AXES 6
#define HL_BLOCK_SIZES (8 + 3 * HL_BLOCK_AXES)
const char *hl_block_name(int32_t kind); /* NULL if there is none of that number */
typedef struct hl_place {
  int32_t slot;
  int32_t panel;
  int64_t offset;
} hl_place;
hl_status hl_plan_add_block(hl_plan *plan, int32_t kind, const hl_place *target, const hl_place *sources,
                            int32_t nsources, const int64_t *sizes, int32_t nsizes);

/* Closes the plan: allocates the arena and everything the steps need, so that running allocates nothing per batch. */
hl_status hl_plan_finish(hl_plan *plan);

typedef struct hl_array {
  void *data;
  int64_t size; /* elements */
} hl_array;

typedef struct hl_run {
  const hl_array *bound, *inputs, *outputs; /* in the order in which the slots were added */
  int32_t nbound, ninputs, noutputs;
  int32_t nkept;        /* of the bound ones, the first: nobody changes them but plans, and who calls hl_kept_changed */
  const int64_t *index; /* NULL: row i of the batch is row pos + i */
  int64_t nindex;
  int64_t start, steps; /* batches start .. start + steps - 1 */
  double budget;        /* seconds; <= 0 for none. At least one batch is run. */
  /* Called on the calling thread about every 20 ms; nonzero asks to stop. May be NULL. */
  int (*poll)(void *ctx);
  void *poll_ctx;
} hl_run;

/* To be called, from any thread, after a change of arrays that runs are told are kept. What was found in them, as that
   all weights are finite, is looked up anew in later runs. */
void hl_kept_changed(void);

/* *done becomes the number of finished batches. HL_OK also when the budget ended the run early. HL_STOPPED when poll or
   hl_plan_stop ended it: normally between two batches, and inside one only if it has been running for 80 ms (buffers
   that the broken batch writes are then partly updated). Arrays must not overlap those that the plan writes. */
hl_status hl_plan_run(hl_plan *plan, const hl_run *run, int64_t *done);
/* From any thread: makes the current run stop. */
void hl_plan_stop(hl_plan *plan);
/* Whether a step writes this slot. */
int hl_plan_writes(const hl_plan *plan, int32_t slot);

/* Time per step. Off at first. */
typedef struct hl_step_profile {
  const char *kind;  /* "tile", "gemm", or the name of a block kind */
  const char *chain; /* the chain that its program runs compiled, "" without one */
  int64_t rows, cols, depth;
  int64_t tasks;
  int32_t parallel;
  int64_t calls, nanoseconds;
  int64_t sparse_calls; /* products that left out the terms of zeros */
  int64_t macs;         /* multiply-adds of products that were done, in all calls */
} hl_step_profile;
void hl_plan_profile(hl_plan *plan, int enabled); /* also clears the counters */
int32_t hl_plan_nsteps(const hl_plan *plan);
void hl_plan_profile_step(const hl_plan *plan, int32_t step, hl_step_profile *profile);

#endif
