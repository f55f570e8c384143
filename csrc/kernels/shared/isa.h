/* Names of the functions that one instruction set's files share: HL_ISA_NAME(gemm_nn) is hl_gemm_nn__avx2. */
#ifndef HL_ISA_H
#define HL_ISA_H

#include "kernels/kernels.h"

#define HL_ISA_PASTE(name, isa) hl_##name##__##isa
#define HL_ISA_EXPAND(name, isa) HL_ISA_PASTE(name, isa)
#define HL_ISA_NAME(name) HL_ISA_EXPAND(name, HL_ISA_SUFFIX)

#define HL_UNARY(name, in, out) void HL_ISA_NAME(name)(float *, const float *, const float *, const float *, int64_t);
#define HL_BINARY(name, in, out) HL_UNARY(name, in, out)
#define HL_TERNARY(name, in, out) HL_UNARY(name, in, out)
#define HL_ROWRED(name, in, out) void HL_ISA_NAME(name)(float *, const float *, int64_t, int64_t, int64_t);
#include "kernels/kernels.def"

#define HL_CHAIN_DECLARE(name) void HL_ISA_NAME(chain_##name)(float *const *places, int64_t n);
HL_CHAINS(HL_CHAIN_DECLARE)
#undef HL_CHAIN_DECLARE

void HL_ISA_NAME(uniform)(float *dst, uint32_t key0, uint32_t key1, uint32_t stream, uint64_t first, int64_t n);
void HL_ISA_NAME(fill)(float *dst, float value, int64_t n);
void HL_ISA_NAME(copy_rows)(float *dst, int64_t ldd, const float *src, int64_t lds, int64_t rows, int64_t cols,
                            int64_t width);
void HL_ISA_NAME(colsum_f)(float *acc, const float *src, int64_t rows, int64_t n, int64_t ld);
void HL_ISA_NAME(transpose)(float *dst, int64_t ldd, const float *src, int64_t lds, int64_t rows, int64_t cols);
void HL_ISA_NAME(gemm_rows)(const hl_gemm_args *args);
void HL_ISA_NAME(gemm_packed)(const hl_gemm_args *args);
void HL_ISA_NAME(gemm_pack)(float *dst, const float *src, int64_t ld, const int64_t *rows, int64_t k, int64_t i0,
                            int64_t m, int64_t tiles);
void HL_ISA_NAME(gemm_pack_panels)(float *dst, const float *src, int64_t ld, int64_t k, int64_t i0, int64_t m,
                                   int64_t tiles);
int64_t HL_ISA_NAME(fma_chains)(float *sink, int64_t rounds);
void HL_ISA_NAME(gemm_thin)(const hl_gemm_args *args);
int32_t HL_ISA_NAME(gemm_sparse)(const hl_sparse_args *args);
void HL_ISA_NAME(gemm_list)(hl_sparse_entry *entries, int32_t *counts, const float *const *a, int32_t a_trans,
                            int64_t first, int64_t rows, int64_t k);
int32_t HL_ISA_NAME(finite)(const float *x, int64_t n);

#endif
