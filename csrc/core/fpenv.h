/* The floating-point environment of a run: round to nearest, no traps, denormals flushed to zero.
   Optimizer slots decay towards zero without end; arithmetic on denormals is up to a hundred times slower on x86 and
   would dominate training after some hundred steps. The caller's environment comes back on leaving. */
#ifndef HL_CORE_FPENV_H
#define HL_CORE_FPENV_H

#include <stdint.h>

typedef uint64_t hl_fpenv;

#if defined(__x86_64__) || defined(_M_X64)
#include <xmmintrin.h>
/* MXCSR: FTZ (bit 15), all exceptions masked (bits 7 to 12), DAZ (bit 6), round to nearest (bits 13 and 14 clear). */
#define HL_MXCSR_RUN 0x9FC0u
static inline hl_fpenv hl_fpenv_enter(void) {
  hl_fpenv saved = _mm_getcsr();
  _mm_setcsr(HL_MXCSR_RUN);
  return saved;
}
static inline void hl_fpenv_leave(hl_fpenv saved) { _mm_setcsr((unsigned)saved); }
#elif defined(__aarch64__)
/* FPCR: FZ (bit 24); rounding mode, traps and the rest zero. */
static inline hl_fpenv hl_fpenv_enter(void) {
  hl_fpenv saved, run = UINT64_C(1) << 24;
  __asm__ volatile("mrs %0, fpcr" : "=r"(saved));
  __asm__ volatile("msr fpcr, %0" : : "r"(run));
  return saved;
}
static inline void hl_fpenv_leave(hl_fpenv saved) { __asm__ volatile("msr fpcr, %0" : : "r"(saved)); }
#else
static inline hl_fpenv hl_fpenv_enter(void) { return 0; }
static inline void hl_fpenv_leave(hl_fpenv saved) { (void)saved; }
#endif

#endif
