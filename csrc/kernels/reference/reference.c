/* The specification of every kernel: readable loops, one after the other in the order of kernels.def. Tests compare
   each table with this one. Transcendental functions are libm's double-precision ones rounded to float: the others are
   compared with them in units in the last place, everything else bit for bit. */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "core/rng.h"
#include "kernels/kernels.h"

static int32_t as_int(float lane) {
  int32_t value;
  memcpy(&value, &lane, sizeof value);
  return value;
}

static float as_lane(int32_t value) {
  float lane;
  memcpy(&lane, &value, sizeof lane);
  return lane;
}

/* Readers and writers of the lane types that kernels.def names: f, i, b. */
static float get_f(const float *lanes, int64_t i) { return lanes[i]; }
static int32_t get_i(const float *lanes, int64_t i) { return as_int(lanes[i]); }
static int32_t get_b(const float *lanes, int64_t i) { return as_int(lanes[i]); }
static void put_f(float *lanes, int64_t i, float value) { lanes[i] = value; }
static void put_i(float *lanes, int64_t i, int32_t value) { lanes[i] = as_lane(value); }
static void put_b(float *lanes, int64_t i, int32_t value) { lanes[i] = as_lane(value); }

static int32_t wrap(int64_t value) { return (int32_t)(uint32_t)(uint64_t)value; }

static float neg_f(float x) { return -x; }
static float abs_f(float x) { return fabsf(x); }
static float sign_f(float x) { return x > 0 ? 1.0f : x < 0 ? -1.0f : x; } /* keeps NaN and the sign of zero */
static float floor_f(float x) { return floorf(x); }
static float ceil_f(float x) { return ceilf(x); }
static float round_f(float x) { return rintf(x); }
static float sqrt_f(float x) { return sqrtf(x); }
static float exp_f(float x) { return (float)exp((double)x); }
static float expm1_f(float x) { return (float)expm1((double)x); }
static float log_f(float x) { return (float)log((double)x); }
static float log1p_f(float x) { return (float)log1p((double)x); }
static float tanh_f(float x) { return (float)tanh((double)x); }
static float sigmoid_f(float x) { return (float)(1.0 / (1.0 + exp(-(double)x))); }
static float erf_f(float x) { return (float)erf((double)x); }
static float sin_f(float x) { return (float)sin((double)x); }
static float cos_f(float x) { return (float)cos((double)x); }
static int32_t isnan_f(float x) { return x != x; }
static int32_t neg_i(int32_t x) { return wrap(-(int64_t)x); }
static int32_t abs_i(int32_t x) { return wrap(x < 0 ? -(int64_t)x : x); }
static int32_t sign_i(int32_t x) { return (x > 0) - (x < 0); }
static int32_t not_b(int32_t x) { return x == 0; }
static int32_t f2i(float x) { return x >= -2147483648.0f && x < 2147483648.0f ? (int32_t)x : INT32_MIN; }
static float i2f(int32_t x) { return (float)x; }
static int32_t f2b(float x) { return x != 0; }
static int32_t i2b(int32_t x) { return x != 0; }

static float add_f(float a, float b) { return a + b; }
static float sub_f(float a, float b) { return a - b; }
static float mul_f(float a, float b) { return a * b; }
static float div_f(float a, float b) { return a / b; }
static float max_f(float a, float b) { return a > b || a != a ? a : b; }
static float min_f(float a, float b) { return a < b || a != a ? a : b; }
static float pow_f(float a, float b) { return (float)pow((double)a, (double)b); }
static float mod_f(float a, float b) {
  float rest = fmodf(a, b);
  if (rest == 0)
    return copysignf(0.0f, b);
  return (rest < 0) != (b < 0) ? rest + b : rest;
}
static int32_t eq_f(float a, float b) { return a == b; }
static int32_t ne_f(float a, float b) { return a != b; }
static int32_t lt_f(float a, float b) { return a < b; }
static int32_t le_f(float a, float b) { return a <= b; }
static int32_t add_i(int32_t a, int32_t b) { return wrap((int64_t)a + b); }
static int32_t sub_i(int32_t a, int32_t b) { return wrap((int64_t)a - b); }
static int32_t mul_i(int32_t a, int32_t b) { return wrap((int64_t)a * b); }
static int32_t div_i(int32_t a, int32_t b) {
  if (b == 0)
    return 0;
  int64_t quotient = (int64_t)a / b;
  return wrap((int64_t)a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient);
}
static int32_t max_i(int32_t a, int32_t b) { return a > b ? a : b; }
static int32_t min_i(int32_t a, int32_t b) { return a < b ? a : b; }
static int32_t mod_i(int32_t a, int32_t b) {
  if (b == 0)
    return 0;
  int64_t rest = (int64_t)a % b;
  return (int32_t)(rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest);
}
static int32_t eq_i(int32_t a, int32_t b) { return a == b; }
static int32_t ne_i(int32_t a, int32_t b) { return a != b; }
static int32_t lt_i(int32_t a, int32_t b) { return a < b; }
static int32_t le_i(int32_t a, int32_t b) { return a <= b; }
static int32_t and_b(int32_t a, int32_t b) { return a & b; }
static int32_t or_b(int32_t a, int32_t b) { return a | b; }
static int32_t xor_b(int32_t a, int32_t b) { return a ^ b; }

#define HL_UNARY(name, in, out)                                                                                        \
  static void each_##name(float *dst, const float *a, const float *b, const float *c, int64_t n) {                     \
    (void)b, (void)c;                                                                                                  \
    for (int64_t i = 0; i < n; ++i)                                                                                    \
      put_##out(dst, i, name(get_##in(a, i)));                                                                         \
  }
#define HL_BINARY(name, in, out)                                                                                       \
  static void each_##name(float *dst, const float *a, const float *b, const float *c, int64_t n) {                     \
    (void)c;                                                                                                           \
    for (int64_t i = 0; i < n; ++i)                                                                                    \
      put_##out(dst, i, name(get_##in(a, i), get_##in(b, i)));                                                         \
  }
#include "kernels/kernels.def"

static void each_select(float *dst, const float *a, const float *b, const float *c, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    memcpy(dst + i, get_b(a, i) ? b + i : c + i, sizeof *dst);
}

/* Row reductions: 16 lanes, lane j takes columns j, j+16, ...; then lanes fold 8, 4, 2 and 1 apart. */
#define FOLD(name, type, in, neutral, op)                                                                              \
  static void row_##name(float *dst, const float *src, int64_t rows, int64_t cols, int64_t ld) {                       \
    for (int64_t r = 0; r < rows; ++r) {                                                                               \
      type lane[HL_LANES];                                                                                             \
      for (int j = 0; j < HL_LANES; ++j)                                                                               \
        lane[j] = neutral;                                                                                             \
      for (int64_t c = 0; c < cols; ++c)                                                                               \
        lane[c % HL_LANES] = op(lane[c % HL_LANES], get_##in(src, r * ld + c));                                        \
      for (int apart = HL_LANES / 2; apart > 0; apart /= 2)                                                            \
        for (int j = 0; j < apart; ++j)                                                                                \
          lane[j] = op(lane[j], lane[j + apart]);                                                                      \
      put_##in(dst, r, lane[0]);                                                                                       \
    }                                                                                                                  \
  }
FOLD(row_sum_f, float, f, 0.0f, add_f)
FOLD(row_max_f, float, f, -INFINITY, max_f)
FOLD(row_min_f, float, f, INFINITY, min_f)
FOLD(row_prod_f, float, f, 1.0f, mul_f)
FOLD(row_sum_i, int32_t, i, 0, add_i)
FOLD(row_max_i, int32_t, i, INT32_MIN, max_i)
FOLD(row_min_i, int32_t, i, INT32_MAX, min_i)
FOLD(row_prod_i, int32_t, i, 1, mul_i)

static int more_f(float a, float b) { return a > b || (a != a && b == b); }
static int less_f(float a, float b) { return a < b || (a != a && b == b); }
static int more_i(int32_t a, int32_t b) { return a > b; }
static int less_i(int32_t a, int32_t b) { return a < b; }

#define ARG(name, in, beats)                                                                                           \
  static void row_##name(float *dst, const float *src, int64_t rows, int64_t cols, int64_t ld) {                       \
    for (int64_t r = 0; r < rows; ++r) {                                                                               \
      int64_t best = 0;                                                                                                \
      for (int64_t c = 1; c < cols; ++c)                                                                               \
        if (beats(get_##in(src, r * ld + c), get_##in(src, r * ld + best)))                                            \
          best = c;                                                                                                    \
      put_i(dst, r, (int32_t)best);                                                                                    \
    }                                                                                                                  \
  }
ARG(row_argmax_f, f, more_f)
ARG(row_argmin_f, f, less_f)
ARG(row_argmax_i, i, more_i)
ARG(row_argmin_i, i, less_i)

static void uniform(float *dst, uint32_t key0, uint32_t key1, uint32_t stream, uint64_t first, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    dst[i] = (float)(hl_philox_word(key0, key1, stream, first + (uint64_t)i) >> 8) * 0x1p-24f;
}

static void fill(float *dst, float value, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    dst[i] = value;
}

static void copy_rows(float *dst, int64_t ldd, const float *src, int64_t lds, int64_t rows, int64_t cols,
                      int64_t width) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < width; ++c)
      dst[r * ldd + c] = c < cols ? src[r * lds + c] : 0.0f;
}

static void colsum_f(float *acc, const float *src, int64_t rows, int64_t n, int64_t ld) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t j = 0; j < n; ++j)
      acc[j] += src[r * ld + j];
}

static void transpose(float *dst, int64_t ldd, const float *src, int64_t lds, int64_t rows, int64_t cols) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c)
      dst[c * ldd + r] = src[r * lds + c];
}

enum { REFERENCE_MR = 4 };

static void gemm_rows(const hl_gemm_args *g) {
  for (int32_t i = 0; i < g->mr; ++i)
    for (int32_t j = 0; j < g->nr; ++j) {
      float sum = g->accumulate ? g->c[i * g->ldc + j] : 0.0f;
      for (int64_t p = 0; p < g->k; ++p)
        sum = fmaf(g->a[i][p + p / HL_PANEL * g->a_jump], g->b[p * HL_PANEL + j], sum);
      g->c[i * g->ldc + j] = sum;
    }
}

static void gemm_packed(const hl_gemm_args *g) {
  for (int32_t i = 0; i < g->mr; ++i)
    for (int32_t j = 0; j < g->nr; ++j) {
      float sum = g->accumulate ? g->c[i * g->ldc + j] : 0.0f;
      for (int64_t p = 0; p < g->k; ++p)
        sum = fmaf(g->a[0][p * REFERENCE_MR + i], g->b[p * g->b_step + j], sum);
      g->c[i * g->ldc + j] = sum;
    }
}

static void gemm_pack(float *dst, const float *src, int64_t ld, const int64_t *rows, int64_t k, int64_t i0, int64_t m,
                      int64_t tiles) {
  for (int64_t t = 0; t < tiles && i0 + t * REFERENCE_MR < m; ++t)
    for (int64_t p = 0; p < k; ++p)
      for (int64_t i = 0; i < REFERENCE_MR; ++i) {
        int64_t column = i0 + t * REFERENCE_MR + i;
        *dst++ = column < m ? src[(rows ? rows[p] : p) * ld + column] : 0.0f;
      }
}

static void gemm_pack_panels(float *dst, const float *src, int64_t ld, int64_t k, int64_t i0, int64_t m,
                             int64_t tiles) {
  for (int64_t t = 0; t < tiles && i0 + t * REFERENCE_MR < m; ++t)
    for (int64_t p = 0; p < k; ++p)
      for (int64_t i = 0; i < REFERENCE_MR; ++i) {
        int64_t column = i0 + t * REFERENCE_MR + i;
        *dst++ = column < m ? src[column / HL_PANEL * ld * HL_PANEL + p * HL_PANEL + column % HL_PANEL] : 0.0f;
      }
}

static void gemm_thin(const hl_gemm_args *g) {
  for (int32_t j = 0; j < g->nr; ++j) {
    float sum = g->accumulate ? g->c[j] : 0.0f;
    for (int64_t p = 0; p < g->k; ++p)
      sum = fmaf(g->a[0][p], g->b[j / HL_PANEL * g->b_stride + p * HL_PANEL + j % HL_PANEL], sum);
    g->c[j] = sum;
  }
}

static int32_t gemm_sparse(const hl_sparse_args *g) {
  const hl_sparse_entry *entry = g->entries;
  int32_t found = 0;
  for (int64_t i = 0; i < g->rows; entry += g->counts[i++])
    for (int32_t v = 0; v < g->panels * HL_PANEL; ++v) {
      float *c = g->c + v / HL_PANEL * g->c_stride + i * HL_PANEL + v % HL_PANEL;
      float sum = g->accumulate ? *c : 0.0f;
      for (int32_t e = 0; e < g->counts[i]; ++e)
        sum = fmaf(entry[e].value, g->b[v / HL_PANEL * g->b_stride + entry[e].at + v % HL_PANEL], sum);
      found |= sum == 0.0f && signbit(sum);
      *c = sum;
    }
  return found;
}

static void gemm_list(hl_sparse_entry *entries, int32_t *counts, const float *const *a, int32_t a_trans, int64_t first,
                      int64_t rows, int64_t k) {
  for (int64_t i = 0; i < rows; ++i) {
    counts[i] = 0;
    for (int64_t p = 0; p < k; ++p) {
      const float x = a_trans ? a[p][first + i] : a[first + i][p];
      if (x != 0.0f) {
        *entries++ = (hl_sparse_entry){(uint32_t)p * HL_PANEL, x};
        ++counts[i];
      }
    }
  }
}

static int32_t finite_all(const float *x, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    if (!isfinite(x[i]))
      return 0;
  return 1;
}

static int64_t fma_chains(float *sink, int64_t rounds) {
  for (int lane = 0; lane < HL_LANES; ++lane) {
    sink[lane] = 0.0f;
    for (int64_t round = 0; round < rounds; ++round)
      sink[lane] = fmaf(sink[lane], 0.5f, 0.25f);
  }
  return rounds * HL_LANES * 2;
}

/* A chain is its steps, one after the other. */
static const hl_kernels reference;
static void run_chain(hl_chain chain, float *const *places, int64_t n) {
  const hl_chain_pattern *p = hl_chain_pattern_of(chain);
  const int32_t ninputs = p->nvectors + p->nscalars;
  float values[HL_CHAIN_VALUES];
  for (int64_t i = 0; i < n; ++i) {
    for (int32_t v = 0; v < ninputs; ++v)
      values[v] = places[v][v < p->nvectors ? i : 0];
    for (int32_t s = 0; s < p->nsteps; ++s) {
      const float *in[3];
      for (int u = 0; u < 3; ++u)
        in[u] = p->steps[s].inputs[u] < 0 ? NULL : &values[p->steps[s].inputs[u]];
      reference.elementwise[p->steps[s].op](&values[ninputs + s], in[0], in[1], in[2], 1);
    }
    for (int32_t r = 0; r < p->nresults; ++r)
      memcpy(places[ninputs + r] + i, &values[p->results[r]], sizeof(float));
  }
}
#define CHAIN(name)                                                                                                    \
  static void chain_##name(float *const *places, int64_t n) { run_chain(HL_CHAIN_##name, places, n); }
HL_CHAINS(CHAIN)
#undef CHAIN

static const hl_kernels reference = {
    .isa = HL_ISA_PORTABLE,
    .elementwise =
        {
#define HL_UNARY(name, in, out) [HL_OP_##name] = each_##name,
#define HL_BINARY(name, in, out) [HL_OP_##name] = each_##name,
#define HL_TERNARY(name, in, out) [HL_OP_##name] = each_##name,
#include "kernels/kernels.def"
        },
    .rowreduce =
        {
#define HL_ROWRED(name, in, out) [HL_OP_##name] = row_##name,
#include "kernels/kernels.def"
        },
    .chain =
        {
#define CHAIN(name) [HL_CHAIN_##name] = chain_##name,
            HL_CHAINS(CHAIN)
#undef CHAIN
        },
    .uniform = uniform,
    .fill = fill,
    .copy_rows = copy_rows,
    .colsum_f = colsum_f,
    .transpose = transpose,
    .gemm_mr_rows = REFERENCE_MR,
    .gemm_mr_packed = REFERENCE_MR,
    .gemm_rows = gemm_rows,
    .gemm_packed = gemm_packed,
    .gemm_pack = gemm_pack,
    .gemm_pack_panels = gemm_pack_panels,
    .fma_chains = fma_chains,
    .gemm_thin = gemm_thin,
    .gemm_sparse_panels = 2,
    .gemm_sparse = gemm_sparse,
    .gemm_list = gemm_list,
    .finite = finite_all,
};

const hl_kernels *hl_kernels_reference(void) { return &reference; }
