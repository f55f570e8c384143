/* Chooses the kernel table once, from what is built in, what the machine supports, and HOTLOOP_ISA. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"

extern const hl_kernels hl_kernels__portable;
#ifdef HL_HAVE_NEON
extern const hl_kernels hl_kernels__neon;
#endif
#ifdef HL_HAVE_AVX2
extern const hl_kernels hl_kernels__avx2;
#endif
#ifdef HL_HAVE_AVX512
extern const hl_kernels hl_kernels__avx512;
#endif

static const hl_kernels *_Atomic in_force;

const hl_kernels *hl_kernels_of(hl_isa isa) {
  if (!hl_isa_supported(isa))
    return NULL;
  switch (isa) {
  case HL_ISA_PORTABLE:
    return &hl_kernels__portable;
#ifdef HL_HAVE_NEON
  case HL_ISA_NEON:
    return &hl_kernels__neon;
#endif
#ifdef HL_HAVE_AVX2
  case HL_ISA_AVX2:
    return &hl_kernels__avx2;
#endif
#ifdef HL_HAVE_AVX512
  case HL_ISA_AVX512:
    return &hl_kernels__avx512;
#endif
  default:
    return NULL;
  }
}

/* A hole in a table would be a crash in the middle of a run: refuse it at load. */
static bool complete(const hl_kernels *k) {
#define HL_UNARY(name, in, out) &&k->elementwise[HL_OP_##name] != NULL
#define HL_BINARY(name, in, out) &&k->elementwise[HL_OP_##name] != NULL
#define HL_TERNARY(name, in, out) &&k->elementwise[HL_OP_##name] != NULL
#define HL_ROWRED(name, in, out) &&k->rowreduce[HL_OP_##name] != NULL
#define CHAIN(name) &&k->chain[HL_CHAIN_##name] != NULL
  bool all = true
#include "kernels/kernels.def"
      HL_CHAINS(CHAIN);
#undef CHAIN
  return all && k->uniform != NULL && k->fill != NULL && k->colsum_f != NULL && k->transpose != NULL &&
         k->fma_chains != NULL && k->gemm_rows != NULL && k->gemm_packed != NULL && k->gemm_pack != NULL &&
         k->gemm_pack_panels != NULL && k->gemm_thin != NULL && k->gemm_sparse != NULL && k->gemm_list != NULL &&
         k->finite != NULL && k->gemm_mr_rows >= 1 && k->gemm_mr_rows <= HL_GEMM_MAX_MR && k->gemm_mr_packed >= 1 &&
         k->gemm_mr_packed <= HL_GEMM_MAX_MR;
}

hl_status hl_kernels_select(const char *name) {
  const hl_kernels *chosen = NULL;
  if (name == NULL)
    name = getenv("HOTLOOP_ISA");
  /* The enum is in rising order of preference. An empty HOTLOOP_ISA is as good as none. */
  for (int isa = 0; isa < HL_ISA_COUNT; ++isa)
    if (name == NULL || *name == '\0' || strcmp(name, hl_isa_name((hl_isa)isa)) == 0)
      chosen = hl_kernels_of((hl_isa)isa) != NULL ? hl_kernels_of((hl_isa)isa) : chosen;
  if (chosen == NULL)
    return HL_ERR_ISA;
  if (!complete(chosen))
    return HL_ERR_INTERNAL;
  atomic_store_explicit(&in_force, chosen, memory_order_release);
  return HL_OK;
}

const hl_kernels *hl_kernels_get(void) {
  const hl_kernels *chosen = atomic_load_explicit(&in_force, memory_order_acquire);
  if (chosen == NULL && hl_kernels_select(NULL) == HL_OK)
    chosen = atomic_load_explicit(&in_force, memory_order_acquire);
  return chosen;
}
