/* The kernel table: one per ISA, chosen once, validated at load.
   Lanes are 4 bytes; float and int32 share pointers of type float * and are reinterpreted by the kernel. */
#ifndef HL_KERNELS_H
#define HL_KERNELS_H

#include <stdint.h>

#include "core/cpu.h"
#include "core/status.h"
#include "kernels/chains.h"

#define HL_LANES 16         /* virtual lanes of every ISA: reduction trees are defined on them */
#define HL_PANEL 32         /* columns of a packed weight panel */
#define HL_THIN_PANELS 4    /* panels that a product of a single row takes at once */
#define HL_GEMM_MAX_MR 16   /* no register tile has more rows */
#define HL_SPARSE_DEPTH 256 /* most entries of a list of nonzeros */
#define HL_GEMM_AHEAD 4     /* floats that a packed register tile fetches ahead for each step of k: a line every four */

typedef enum hl_op {
#define HL_UNARY(name, in, out) HL_OP_##name,
#define HL_BINARY(name, in, out) HL_OP_##name,
#define HL_TERNARY(name, in, out) HL_OP_##name,
#define HL_ROWRED(name, in, out) HL_OP_##name,
#include "kernels/kernels.def"
  HL_OP_COUNT
} hl_op;

/* Elementwise: n is a multiple of HL_LANES, pointers are 64-byte aligned, dst may equal a, b or c. Unused inputs are
   NULL. The padding lanes hold garbage: kernels compute them without trapping. */
typedef void (*hl_elementwise_fn)(float *dst, const float *a, const float *b, const float *c, int64_t n);

/* dst[r] = reduction of src[r*ld .. r*ld+cols), ld a multiple of HL_LANES, src rows 64-byte aligned. The tree: lane j
   takes columns j, j+16, j+32, … in order; then lanes are combined 8 apart, 4 apart, 2 apart, 1 apart. cols == 0 gives
   the neutral element. */
typedef void (*hl_rowreduce_fn)(float *dst, const float *src, int64_t rows, int64_t cols, int64_t ld);

/* A register tile of a product, C[mr, nr] (+)= A B. One fused multiply-add chain per element, p = 0..k-1 in order.
     rows:    A(i, p) = a[i][p]                        a: mr row pointers
              or, with a jump, a[i][p + p / HL_PANEL * a_jump]: rows of panels go on in the next panel
     packed:  A(i, p) = a[0][p*gemm_mr_packed + i]     a: one pointer
              k * HL_GEMM_AHEAD floats from `ahead` on, if not NULL, are brought nearer for a later call
   B(p, j) = b[p*HL_PANEL + j], packed: b[p*b_step + j], b_step > HL_PANEL only with nr > HL_LANES.  c: [mr, nr] with
   stride ldc.  accumulate != 0 starts the chains from c instead of 0. 1 <= mr <= gemm_mr, 1 <= nr <= HL_PANEL. Whatever
   nr is, the first HL_PANEL columns of every row of B and of c (half of them when nr <= HL_LANES) are read and written.
     thin: one row (mr == 1, a[0]) over nr <= HL_THIN_PANELS * HL_PANEL columns at once, panel q of B at b + q*b_stride:
           a single row leaves no other parallelism to hide the latency of its chains. c is one row. */
typedef struct hl_gemm_args {
  int64_t k;
  const float *const *a;
  int64_t a_jump;     /* rows only */
  const float *ahead; /* packed only */
  const float *b;
  int64_t b_step;   /* packed only */
  int64_t b_stride; /* thin only */
  float *c;
  int64_t ldc;
  int32_t mr, nr;
  int32_t accumulate;
} hl_gemm_args;
typedef void (*hl_gemm_fn)(const hl_gemm_args *args);

/* The same chains, without the terms whose factor of A is zero. Row i has counts[i] entries, which follow those of the
   rows before it. For each, with v = 0..32*panels-1:
     C(i, v) += value * b[v / HL_PANEL * b_stride + at + v % HL_PANEL]
     C(i, v) in c[v / HL_PANEL * c_stride + i * HL_PANEL + v % HL_PANEL]
   accumulate == 0 starts from +0. 1 <= panels <= gemm_sparse_panels. Returns whether any sum is a negative zero. */
typedef struct hl_sparse_entry {
  uint32_t at;
  float value;
} hl_sparse_entry;
typedef struct hl_sparse_args {
  const hl_sparse_entry *entries;
  const int32_t *counts;
  int64_t rows;
  const float *b;
  int64_t b_stride;
  float *c;
  int64_t c_stride;
  int32_t panels, accumulate;
} hl_sparse_args;

typedef struct hl_kernels {
  hl_isa isa;
  hl_elementwise_fn elementwise[HL_OP_COUNT]; /* NULL at the row reductions' places */
  hl_rowreduce_fn rowreduce[HL_OP_COUNT];     /* NULL at the elementwise places */
  hl_chain_fn chain[HL_CHAIN_COUNT];
  /* dst[i] = the upper 24 bits of the word of element first + i (see core/rng.h), in [0, 1). */
  void (*uniform)(float *dst, uint32_t key0, uint32_t key1, uint32_t stream, uint64_t first, int64_t n);
  /* dst[i] = value for i < n, a multiple of HL_LANES. */
  void (*fill)(float *dst, float value, int64_t n);
  /* dst[r*ldd + c] = c < cols ? src[r*lds + c] : 0, r < rows, c < width >= cols. */
  void (*copy_rows)(float *dst, int64_t ldd, const float *src, int64_t lds, int64_t rows, int64_t cols, int64_t width);
  /* acc[j] = op(acc[j], src[r*ld + j]) for r = 0..rows-1 in order, j < n, n a multiple of HL_LANES. */
  void (*colsum_f)(float *acc, const float *src, int64_t rows, int64_t n, int64_t ld);
  /* dst[c*ldd + r] = src[r*lds + c], r < rows, c < cols. */
  void (*transpose)(float *dst, int64_t ldd, const float *src, int64_t lds, int64_t rows, int64_t cols);
  int32_t gemm_mr_rows, gemm_mr_packed; /* rows of the register tile */
  hl_gemm_fn gemm_rows, gemm_packed, gemm_thin;
  /* Packs the transpose of k rows of src (row p at src + (rows ? rows[p] : p)*ld) for gemm_packed: columns [i0, m) of
     them, but no more than `tiles` tiles, tile t going to dst + t*k*gemm_mr_packed. Beyond m come zeros. i0 is a
     multiple of gemm_mr_packed. gemm_pack_panels: src is the first of the k rows in panels of ld rows each. */
  void (*gemm_pack)(float *dst, const float *src, int64_t ld, const int64_t *rows, int64_t k, int64_t i0, int64_t m,
                    int64_t tiles);
  void (*gemm_pack_panels)(float *dst, const float *src, int64_t ld, int64_t k, int64_t i0, int64_t m, int64_t tiles);
  int32_t gemm_sparse_panels;
  int32_t (*gemm_sparse)(const hl_sparse_args *args);
  /* Writes an entry with at = p * HL_PANEL for each p < k <= HL_SPARSE_DEPTH where A(i, p) is not zero, row after row,
     and how many each row has. A(i, p) = a_trans ? a[p][first + i] : a[first + i][p]. HL_LANES entries behind the last
     one may be overwritten. */
  void (*gemm_list)(hl_sparse_entry *entries, int32_t *counts, const float *const *a, int32_t a_trans, int64_t first,
                    int64_t rows, int64_t k);
  int32_t (*finite)(const float *x, int64_t n); /* whether all of x is; n a multiple of HL_LANES */
  /* For measuring the machine: `rounds` multiply-adds on each lane of a few registers, as products do them. Returns how
     many floating-point operations that is; sink[HL_LANES] takes the result. */
  int64_t (*fma_chains)(float *sink, int64_t rounds);
} hl_kernels;

/* The table in force: chosen at first use from HOTLOOP_ISA or, without it, the best supported. Never NULL after
   hl_kernels_select returned HL_OK. */
const hl_kernels *hl_kernels_get(void);
/* name: "portable", "avx2", "avx512", "neon", or NULL for HOTLOOP_ISA / the best. HL_ERR_ISA leaves the table as is. */
hl_status hl_kernels_select(const char *name);
/* The table of one ISA, or NULL if not built in or not supported: for tests and benchmarks. */
const hl_kernels *hl_kernels_of(hl_isa isa);
/* The readable loops that specify every kernel (kernels/reference). Same signatures. */
const hl_kernels *hl_kernels_reference(void);

#endif
