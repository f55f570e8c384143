/* The whole native API: the only header that the Python binding includes. */
#ifndef HOTLOOP_H
#define HOTLOOP_H

#include "core/cpu.h"
#include "core/memory.h"
#include "core/rng.h"
#include "core/status.h"
#include "core/threads.h"
#include "gemm/gemm.h"
#include "kernels/kernels.h"
#include "plan/plan.h"
#include "tile/program.h"

#endif
