/* Register tiles of products: kernels.h states the contract. One function per number of rows, so that the rows left
   over at the bottom of a matrix run at full speed, each of them one loop over k with all sums in registers. */
#include <stddef.h>

#include "kernels/shared/isa.h"
#include "simd.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* sum += *left * right, for all rows of a tile: how far apart their elements of A are is a constant when A is packed.
   Where a multiply-add can broadcast by itself, that saves an instruction but loads the element once a vector: together
   more loads than there are ports for them, as soon as lines arrive from L2 as well. So every third row loads its
   element once. */
#define MAC(mac, sum, left, right, vectors)                                                                            \
  const f32x16 everywhere = f32_set1(*(left));                                                                         \
  _Pragma("GCC unroll 2") for (int v = 0; v < vectors; ++v)(sum)[v] = mac(everywhere, (right)[v], (sum)[v]);
#ifdef HL_BROADCAST_MAC
#define ROW_MAC(row, sum, left, right, vectors)                                                                        \
  if ((row) % 3 == 2) {                                                                                                \
    MAC(f32_plain_mac, sum, left, right, vectors)                                                                      \
  } else {                                                                                                             \
    _Pragma("GCC unroll 2") for (int v = 0; v < vectors; ++v)(sum)[v] = f32_broadcast_mac(left, (right)[v], (sum)[v]); \
  }
#else
#define ROW_MAC(row, sum, left, right, vectors) MAC(f32_mac, sum, left, right, vectors)
#endif

/* One step of k: column u of A's rows, or of the packed tile, times a row of B. */
#define STEP(u)                                                                                                        \
  do {                                                                                                                 \
    f32x16 right[HL_GEMM_VECTORS];                                                                                     \
    _Pragma("GCC unroll 2") for (int v = 0; v < vectors; ++v) right[v] = f32_load(b + (u) * b_step + v * HL_LANES);    \
    _Pragma("GCC unroll 16") for (int i = 0; i < mr; ++i) {                                                            \
      const float *from = packed ? column + (u) * HL_GEMM_MR_PACKED + i : row[i] + (u);                                \
      ROW_MAC(i, sum[i], from, right, vectors)                                                                         \
    }                                                                                                                  \
  } while (0)

/* How the operands lie: A as rows or packed, B as a panel or, in STRIDED, with A packed, at a distance given. */
enum { ROWS, PACKED, STRIDED };

/* mr, vectors and kind are constants at every call: the loops over them unroll, and `sum` becomes registers. */
ALWAYS_INLINE void tile(const hl_gemm_args *g, int64_t j, const int mr, const int vectors, const int kind) {
  const int packed = kind != ROWS;
  f32x16 sum[HL_GEMM_MAX_MR][HL_GEMM_VECTORS];
  float *c = g->c + j;
#pragma GCC unroll 16
  for (int i = 0; i < mr; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v)
      sum[i][v] = g->accumulate ? f32_load(c + i * g->ldc + v * HL_LANES) : f32_set1(0.0f);

  /* Several steps between two additions to the row pointers: there are 12 of them, nearly all the general registers. */
  enum { STEPS = 4 };
  const int64_t jump = packed ? 0 : g->a_jump, b_step = kind == STRIDED ? g->b_step : HL_PANEL;
  const float *row[HL_GEMM_MAX_MR], *column = g->a[0], *b = g->b + j;
  const float *ahead = j == 0 ? g->ahead : NULL;
  if (!packed) {
#pragma GCC unroll 16
    for (int i = 0; i < mr; ++i)
      row[i] = g->a[i];
  }
  for (int64_t left = g->k, part; left > 0; left -= part) {
    part = jump && left > HL_PANEL ? HL_PANEL : left;
    int64_t p = part;
    /* The rows of the panel after the next one, which the CPU cannot foresee. Only few columns: where there are many,
       these rows have been read for the first ones. */
    if (!packed && vectors == 1 && jump)
#pragma GCC unroll 16
      for (int i = 0; i < mr; ++i) {
        __builtin_prefetch(row[i] + 2 * (jump + HL_PANEL));
        __builtin_prefetch(row[i] + 2 * (jump + HL_PANEL) + HL_LANES);
      }
    for (; p >= STEPS; p -= STEPS, b += STEPS * b_step) {
#pragma GCC unroll 4
      for (int u = 0; u < STEPS; ++u)
        STEP(u);
      if (packed) {
        if (ahead) {
          __builtin_prefetch(ahead, 0, 2);
          ahead += STEPS * HL_GEMM_AHEAD;
        }
        column += STEPS * HL_GEMM_MR_PACKED;
      } else {
#pragma GCC unroll 16
        for (int i = 0; i < mr; ++i) {
          row[i] += STEPS;
          __asm__("" : "+r"(row[i])); /* keeps the compiler from computing all addresses from one position */
        }
      }
    }
    for (; p > 0; --p, b += b_step) {
      STEP(0);
      if (packed) {
        column += HL_GEMM_MR_PACKED;
      } else {
#pragma GCC unroll 16
        for (int i = 0; i < mr; ++i)
          ++row[i];
      }
    }
    if (jump) {
#pragma GCC unroll 16
      for (int i = 0; i < mr; ++i)
        row[i] += jump;
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < mr; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v)
      f32_store(c + i * g->ldc + v * HL_LANES, sum[i][v]);
}

typedef void (*tile_fn)(const hl_gemm_args *g, int64_t j);

#define TILE(name, mr, vectors, kind)                                                                                  \
  static void name##_##mr##x##vectors(const hl_gemm_args *g, int64_t j) { tile(g, j, mr, vectors, kind); }
/* FOR_ROWS_<n>(F, ...) is F for 1..n rows. */
#define FOR_ROWS_2(F, ...) F(__VA_ARGS__, 1) F(__VA_ARGS__, 2)
#define FOR_ROWS_6(F, ...)                                                                                             \
  FOR_ROWS_2(F, __VA_ARGS__) F(__VA_ARGS__, 3) F(__VA_ARGS__, 4) F(__VA_ARGS__, 5) F(__VA_ARGS__, 6)
#define FOR_ROWS_12(F, ...)                                                                                            \
  FOR_ROWS_6(F, __VA_ARGS__)                                                                                           \
  F(__VA_ARGS__, 7) F(__VA_ARGS__, 8) F(__VA_ARGS__, 9) F(__VA_ARGS__, 10) F(__VA_ARGS__, 11) F(__VA_ARGS__, 12)
#define FOR_ROWS_14(F, ...) FOR_ROWS_12(F, __VA_ARGS__) F(__VA_ARGS__, 13) F(__VA_ARGS__, 14)
#define FOR_ROWS_PASTE(n) FOR_ROWS_##n
#define FOR_ROWS(n) FOR_ROWS_PASTE(n)

#define DEFINE(name, vectors, kind, mr) TILE(name, mr, vectors, kind)
#define ENTRY(name, vectors, mr) [mr] = name##_##mr##x##vectors,

FOR_ROWS(HL_GEMM_MR_ROWS)(DEFINE, rows, 1, ROWS)
    FOR_ROWS(HL_GEMM_MR_PACKED)(DEFINE, packed, 1, PACKED) static const tile_fn rows_narrow[HL_GEMM_MR_ROWS + 1] = {
        FOR_ROWS(HL_GEMM_MR_ROWS)(ENTRY, rows, 1)};
static const tile_fn packed_narrow[HL_GEMM_MR_PACKED + 1] = {FOR_ROWS(HL_GEMM_MR_PACKED)(ENTRY, packed, 1)};

#if HL_GEMM_VECTORS == 2
FOR_ROWS(HL_GEMM_MR_ROWS)(DEFINE, rows, 2, ROWS)
    FOR_ROWS(HL_GEMM_MR_PACKED)(DEFINE, packed, 2, PACKED) static const tile_fn rows_wide[HL_GEMM_MR_ROWS + 1] = {
        FOR_ROWS(HL_GEMM_MR_ROWS)(ENTRY, rows, 2)};
static const tile_fn packed_wide[HL_GEMM_MR_PACKED + 1] = {FOR_ROWS(HL_GEMM_MR_PACKED)(ENTRY, packed, 2)};
FOR_ROWS(HL_GEMM_MR_PACKED)
(DEFINE, strided, 2,
 STRIDED) static const tile_fn strided_wide[HL_GEMM_MR_PACKED + 1] = {FOR_ROWS(HL_GEMM_MR_PACKED)(ENTRY, strided, 2)};
#define RUN_STRIDED(g) strided_wide[g->mr](g, 0);
#define RUN(kind, g)                                                                                                   \
  if (g->nr > HL_LANES)                                                                                                \
    kind##_wide[g->mr](g, 0);                                                                                          \
  else                                                                                                                 \
    kind##_narrow[g->mr](g, 0);
#else
FOR_ROWS(HL_GEMM_MR_PACKED)
(DEFINE, strided, 1,
 STRIDED) static const tile_fn strided_narrow[HL_GEMM_MR_PACKED + 1] = {FOR_ROWS(HL_GEMM_MR_PACKED)(ENTRY, strided, 1)};
#define RUN_STRIDED(g)                                                                                                 \
  strided_narrow[g->mr](g, 0);                                                                                         \
  strided_narrow[g->mr](g, HL_LANES);
#define RUN(kind, g)                                                                                                   \
  kind##_narrow[g->mr](g, 0);                                                                                          \
  if (g->nr > HL_LANES)                                                                                                \
    kind##_narrow[g->mr](g, HL_LANES);
#endif

void HL_ISA_NAME(gemm_rows)(const hl_gemm_args *args) { RUN(rows, args) }
void HL_ISA_NAME(gemm_packed)(const hl_gemm_args *args) {
  if (args->b_step != HL_PANEL) {
    RUN_STRIDED(args)
    return;
  }
  RUN(packed, args)
}

/* `tiles` whole tiles' columns of one row at a time: then every cache line of it is read once. */
ALWAYS_INLINE void pack(float *dst, const float *src, int64_t ld, const int64_t *rows, int64_t k, const int tiles) {
  enum { MR = HL_GEMM_MR_PACKED };
  for (int64_t p = 0; p < k; ++p, dst += MR) {
    const float *from = src + (rows ? rows[p] : p) * ld;
#pragma GCC unroll 4
    for (int t = 0; t < tiles; ++t)
      __builtin_memcpy(dst + t * k * MR, from + t * MR, MR * sizeof(float));
  }
}

void HL_ISA_NAME(gemm_pack)(float *dst, const float *src, int64_t ld, const int64_t *rows, int64_t k, int64_t i0,
                            int64_t m, int64_t tiles) {
  enum { MR = HL_GEMM_MR_PACKED, AT_ONCE = 4 };
  int64_t whole = (m - i0) / MR, t = 0;
  whole = whole < tiles ? whole : tiles;
  for (; t + AT_ONCE <= whole; t += AT_ONCE)
    pack(dst + t * k * MR, src + i0 + t * MR, ld, rows, k, AT_ONCE);
  for (; t < whole; ++t)
    pack(dst + t * k * MR, src + i0 + t * MR, ld, rows, k, 1);
  int64_t left = m - i0 - t * MR;
  if (t == tiles || left <= 0)
    return;
  float *to = dst + t * k * MR;
  for (int64_t p = 0; p < k; ++p)
    for (int64_t i = 0; i < MR; ++i)
      to[p * MR + i] = i < left ? src[(rows ? rows[p] : p) * ld + i0 + t * MR + i] : 0.0f;
}

/* Tile by tile, those that lie within one panel quickly. */
void HL_ISA_NAME(gemm_pack_panels)(float *dst, const float *src, int64_t ld, int64_t k, int64_t i0, int64_t m,
                                   int64_t tiles) {
  enum { MR = HL_GEMM_MR_PACKED };
  for (int64_t i = i0; i < m && i < i0 + tiles * MR; i += MR, dst += k * MR) {
    const float *from = src + i / HL_PANEL * ld * HL_PANEL + i % HL_PANEL;
    const int64_t valid = m - i < MR ? m - i : MR, first = HL_PANEL - i % HL_PANEL; /* columns left in this panel */
    if (valid == MR && first >= MR) {
      for (int64_t p = 0; p < k; ++p)
        __builtin_memcpy(dst + p * MR, from + p * HL_PANEL, MR * sizeof(float));
      continue;
    }
    const int64_t here = first < valid ? first : valid;
    const float *next = src + (i / HL_PANEL + 1) * ld * HL_PANEL;
    int64_t p = 0;
    if (valid == MR)
      for (; p + 1 < k; ++p) { /* what either copy takes too much of is there to be read, and overwritten by the next */
        __builtin_memcpy(dst + p * MR, from + p * HL_PANEL, MR * sizeof(float));
        __builtin_memcpy(dst + p * MR + here, next + p * HL_PANEL, MR * sizeof(float));
      }
    for (; p < k; ++p) {
      for (int64_t c = 0; c < here; ++c)
        dst[p * MR + c] = from[p * HL_PANEL + c];
      for (int64_t c = here; c < valid; ++c)
        dst[p * MR + c] = next[p * HL_PANEL + c - here];
      for (int64_t c = valid; c < MR; ++c)
        dst[p * MR + c] = 0.0f;
    }
  }
}

/* One row times one or more whole panels. */
ALWAYS_INLINE void thin(const hl_gemm_args *g, int64_t panel, const int panels) {
  f32x16 sum[2 * HL_THIN_PANELS];
  float *c = g->c + panel * HL_PANEL;
#pragma GCC unroll 8
  for (int v = 0; v < 2 * panels; ++v)
    sum[v] = g->accumulate ? f32_load(c + v * HL_LANES) : f32_set1(0.0f);
  const float *a = g->a[0], *end = a + g->k, *b = g->b + panel * g->b_stride;
  const int64_t stride = g->b_stride;
  for (; a != end; ++a, b += HL_PANEL) {
    f32x16 left = f32_set1(*a);
#pragma GCC unroll 8
    for (int v = 0; v < 2 * panels; ++v)
      sum[v] = f32_mac(left, f32_load(b + v / 2 * stride + v % 2 * HL_LANES), sum[v]);
  }
#pragma GCC unroll 8
  for (int v = 0; v < 2 * panels; ++v)
    f32_store(c + v * HL_LANES, sum[v]);
}

void HL_ISA_NAME(gemm_thin)(const hl_gemm_args *args) {
  int64_t panels = (args->nr + HL_PANEL - 1) / HL_PANEL, q = 0;
  for (; q + HL_GEMM_THIN_PASS <= panels; q += HL_GEMM_THIN_PASS)
    thin(args, q, HL_GEMM_THIN_PASS);
  for (; q < panels; ++q)
    thin(args, q, 1);
}
