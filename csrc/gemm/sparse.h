/* Products whose left operand is mostly zeros. For each batch, lists say where its rows are not zero, and only those
   terms are computed: in index order, so that the bits are those of gemm.h. */
#ifndef HL_GEMM_SPARSE_H
#define HL_GEMM_SPARSE_H

#include <stdint.h>

#include "gemm/gemm.h"
#include "kernels/kernels.h"

/* How a product of some shape is done: depends on the shape alone. */
typedef struct hl_sparse {
  int64_t window, windows; /* rows of op(A) whose lists follow one another */
  int64_t part, parts;     /* columns of op(A) that are done before the next ones, so that B's stay in the L1 cache */
  int64_t counts;          /* where the rows' numbers of nonzeros begin, behind the lists */
  int64_t pack_windows, pack_tasks;
  int64_t nonzeros; /* where each pack task's number of nonzeros is */
  int64_t known;    /* where what is known of B's parts is */
  int64_t size;     /* of the lists, in 4-byte elements; 0: this product cannot be done so */
  int64_t scratch;  /* bytes that a thread needs */
  int64_t task_rows, task_slabs, row_tasks, tasks;
} hl_sparse;

/* With fewer rows it takes as long to look whether B is finite as to multiply all terms. */
enum { HL_SPARSE_FEW = 16 };

/* b may be row-major or in panels, but not transposed, and a must be row-major (indexed or not). */
hl_sparse hl_sparse_shape(const hl_kernels *kernels, const hl_gemm *gemm);
/* Makes the lists of some windows' rows. */
void hl_sparse_pack(const hl_kernels *kernels, const hl_gemm *gemm, const hl_sparse *sparse, int64_t task, float *lists,
                    void *scratch);
/* One task, when all lists are made. Where an operand's infinity or NaN, or the sign of a zero that underflow has left,
   might tell the difference, the task is done as hl_gemm_run does it. */
void hl_sparse_run(const hl_kernels *kernels, const hl_gemm *gemm, const hl_sparse *sparse, int64_t task, float *lists,
                   void *scratch);
/* Nonzeros of A, when all lists are made. */
int64_t hl_sparse_nonzeros(const hl_sparse *sparse, const float *lists);

#endif
