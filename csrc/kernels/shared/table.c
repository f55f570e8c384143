/* The kernel table of one instruction set. */
#include "kernels/shared/isa.h"
#include "simd.h"

extern const hl_kernels HL_ISA_NAME(kernels);

const hl_kernels HL_ISA_NAME(kernels) = {
    .isa = HL_ISA_ENUM,
    .elementwise =
        {
#define HL_UNARY(name, in, out) [HL_OP_##name] = HL_ISA_NAME(name),
#define HL_BINARY(name, in, out) [HL_OP_##name] = HL_ISA_NAME(name),
#define HL_TERNARY(name, in, out) [HL_OP_##name] = HL_ISA_NAME(name),
#include "kernels/kernels.def"
        },
    .rowreduce =
        {
#define HL_ROWRED(name, in, out) [HL_OP_##name] = HL_ISA_NAME(name),
#include "kernels/kernels.def"
        },
    .chain =
        {
#define CHAIN(name) [HL_CHAIN_##name] = HL_ISA_NAME(chain_##name),
            HL_CHAINS(CHAIN)
#undef CHAIN
        },
    .uniform = HL_ISA_NAME(uniform),
    .fill = HL_ISA_NAME(fill),
    .copy_rows = HL_ISA_NAME(copy_rows),
    .colsum_f = HL_ISA_NAME(colsum_f),
    .transpose = HL_ISA_NAME(transpose),
    .gemm_mr_rows = HL_GEMM_MR_ROWS,
    .gemm_mr_packed = HL_GEMM_MR_PACKED,
    .gemm_rows = HL_ISA_NAME(gemm_rows),
    .gemm_packed = HL_ISA_NAME(gemm_packed),
    .gemm_pack = HL_ISA_NAME(gemm_pack),
    .gemm_pack_panels = HL_ISA_NAME(gemm_pack_panels),
    .fma_chains = HL_ISA_NAME(fma_chains),
    .gemm_thin = HL_ISA_NAME(gemm_thin),
    .gemm_sparse_panels = HL_SPARSE_PANELS,
    .gemm_sparse = HL_ISA_NAME(gemm_sparse),
    .gemm_list = HL_ISA_NAME(gemm_list),
    .finite = HL_ISA_NAME(finite),
};
