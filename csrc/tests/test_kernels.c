/* Every kernel of kernels.def, on every instruction set of this machine, against the reference; and the sets with fused
   multiply-adds against each other, bit for bit. */
#define _GNU_SOURCE
#include "check.h"

#include "core/rng.h"

static const float float_edges[] = {0.0f,
                                    -0.0f,
                                    1.0f,
                                    -1.0f,
                                    0.5f,
                                    -0.5f,
                                    1.5f,
                                    -1.5f,
                                    2.0f,
                                    -2.0f,
                                    2.5f,
                                    -2.5f,
                                    3.0f,
                                    -3.0f,
                                    0.625f,
                                    0.9375f,
                                    7.0f,
                                    -7.0f,
                                    10.0f,
                                    -10.0f,
                                    100.0f,
                                    1e-3f,
                                    1e10f,
                                    -1e10f,
                                    88.7f,
                                    88.75f,
                                    -87.4f,
                                    -104.0f,
                                    0x1p24f,
                                    0x1p24f,
                                    0x1.8p23f,
                                    -0x1p31f,
                                    0x1p31f,
                                    1e-40f,
                                    -1e-40f,
                                    0x1p-149f,
                                    -0x1p-149f,
                                    0x1p-126f,
                                    0x1.fffffep-127f,
                                    0x1.fffffep127f,
                                    -0x1.fffffep127f,
                                    INFINITY,
                                    -INFINITY,
                                    NAN,
                                    0x1.000002p0f,
                                    0x1.fffffep-1f,
                                    3.1415927f,
                                    65536.0f,
                                    65537.0f,
                                    1e30f,
                                    0x1.fffffep30f};
static const int32_t int_edges[] = {
    0, 1, -1, 2, -2, 3, -3, 7, -7, 10, 16, 31, 32, 100, -100, 123456789, INT32_MAX, INT32_MIN, INT32_MIN + 1, 65536};
enum { FLOATS = sizeof float_edges / sizeof float_edges[0], INTS = sizeof int_edges / sizeof int_edges[0] };
enum { LONGEST = 16384 };

static const char *names[HL_OP_COUNT] = {
#define HL_UNARY(name, in, out) [HL_OP_##name] = #name,
#define HL_BINARY(name, in, out) [HL_OP_##name] = #name,
#define HL_TERNARY(name, in, out) [HL_OP_##name] = #name,
#define HL_ROWRED(name, in, out) [HL_OP_##name] = #name,
#include "kernels/kernels.def"
};

static int is_approximate(hl_op op) {
  switch (op) {
  case HL_OP_exp_f:
  case HL_OP_expm1_f:
  case HL_OP_log_f:
  case HL_OP_log1p_f:
  case HL_OP_tanh_f:
  case HL_OP_sigmoid_f:
  case HL_OP_erf_f:
  case HL_OP_sin_f:
  case HL_OP_cos_f:
  case HL_OP_pow_f:
    return 1;
  default:
    return 0;
  }
}

/* Close enough for approximations: the same special value, or a few floats apart. */
static int near_float(float a, float b) {
  if (same_float(a, b))
    return 1;
  if (a != a || b != b || signbit(a) != signbit(b))
    return 0;
  int64_t apart = (int64_t)bits_of(a) - (int64_t)bits_of(b);
  return (apart < 0 ? -apart : apart) <= 4;
}

/* Lane i of an input of type `type` ('f', 'i', 'b'); `turn` makes two inputs run through all pairs of edges. */
static float input_lane(char type, int64_t i, int turn, uint64_t *state) {
  int64_t edges = type == 'f' ? FLOATS : type == 'i' ? INTS : 2;
  int64_t at = turn == 0 ? i % edges : i / edges % edges;
  if (type == 'f')
    return i < edges * edges ? float_edges[at] : float_of(random_bits(state));
  if (type == 'i')
    return float_of(i < edges * edges ? (uint32_t)int_edges[at] : random_bits(state));
  return float_of(i < 4 ? (uint32_t)at : random_bits(state) & 1);
}

static float *inputs[3], *expected, *got, *from_fma;

/* A hash of all results of the sets with FMA, NaNs made equal. AVX and NEON never meet on one machine: that both give
   this number is what shows that they agree bit for bit. */
static uint64_t fma_hash = 14695981039346656037u;
static const uint64_t expected_fma_hash = 0x7ec97c4041265b34u;

static void hash_results(const float *results, int64_t n, int floats) {
  for (int64_t i = 0; i < n; ++i) {
    uint32_t bits = floats && results[i] != results[i] ? 0x7fc00000u : bits_of(results[i]);
    fma_hash = (fma_hash ^ bits) * 1099511628211u;
  }
}

static void check_elementwise(hl_op op, char in, char out, int count) {
  uint64_t state = 1234567;
  for (int turn = 0; turn < count; ++turn)
    for (int64_t i = 0; i < LONGEST; ++i)
      inputs[turn][i] = input_lane(in, i, turn, &state);
  if (op == HL_OP_select)
    for (int64_t i = 0; i < LONGEST; ++i)
      inputs[0][i] = float_of(random_bits(&state) & 1);
  const float *b = count > 1 ? inputs[1] : NULL, *c = count > 2 ? inputs[2] : NULL;
  const int approximate = is_approximate(op), floats = out == 'f' && op != HL_OP_select;
  hl_kernels_reference()->elementwise[op](expected, inputs[0], b, c, LONGEST);
  int have_fma = 0;
  for (int isa = 0; isa < HL_ISA_COUNT; ++isa) {
    const hl_kernels *k = hl_kernels_of((hl_isa)isa);
    if (k == NULL)
      continue;
    const char *isa_name = hl_isa_name((hl_isa)isa);
    k->elementwise[op](got, inputs[0], b, c, LONGEST);
    for (int64_t i = 0; i < LONGEST; ++i) {
      int same = floats ? same_float(got[i], expected[i]) : bits_of(got[i]) == bits_of(expected[i]);
      CHECK(same || (approximate && near_float(got[i], expected[i])), "%s on %s of %a, %a is %a, not %a", names[op],
            isa_name, inputs[0][i], b ? b[i] : 0, got[i], expected[i]);
      CHECK(!has_fma(k) || !have_fma || bits_of(got[i]) == bits_of(from_fma[i]) ||
                (floats && same_float(got[i], from_fma[i])),
            "%s of %a, %a differs between sets with FMA: %a on %s, %a", names[op], inputs[0][i], b ? b[i] : 0, got[i],
            isa_name, from_fma[i]);
    }
    if (has_fma(k) && !have_fma) {
      hash_results(got, LONGEST, floats);
      memcpy(from_fma, got, sizeof(float) * LONGEST);
      have_fma = 1;
    }
    /* In place, one vector: dst may be any of the inputs, and nothing beyond n is written. */
    for (int turn = 0; turn < count; ++turn) {
      float *copies[3] = {NULL, NULL, NULL};
      for (int i = 0; i < count; ++i) {
        copies[i] = new_lanes(2 * HL_LANES);
        memcpy(copies[i], inputs[i], sizeof(float) * 2 * HL_LANES);
      }
      k->elementwise[op](copies[turn], copies[0], copies[1], copies[2], HL_LANES);
      CHECK(memcmp(copies[turn] + HL_LANES, inputs[turn] + HL_LANES, sizeof(float) * HL_LANES) == 0, "%s", names[op]);
      k->elementwise[op](got, inputs[0], b, c, HL_LANES);
      for (int i = 0; i < HL_LANES; ++i)
        CHECK(floats ? same_float(copies[turn][i], got[i]) : bits_of(copies[turn][i]) == bits_of(got[i]),
              "%s in place on %s", names[op], isa_name);
      for (int i = 0; i < count; ++i)
        free(copies[i]);
    }
  }
}

static void check_rowreduce(hl_op op, char in, char out) {
  enum { ROWS = 5, MOST = 208 };
  const int64_t sizes[] = {0, 1, 2, 10, 15, 16, 17, 31, 32, 33, 48, 100, 200};
  float dst[ROWS], want[ROWS];
  for (int kind = 0; kind < 4; ++kind) /* 0: random reals; 1: few values, so ties; 2: with NaNs; 3: edges */
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; ++s) {
      uint64_t state = 99 + s;
      int64_t cols = sizes[s], ld = (cols + HL_LANES - 1) / HL_LANES * HL_LANES;
      float *src = inputs[0];
      for (int64_t i = 0; i < ROWS * MOST; ++i) {
        uint32_t random = random_bits(&state);
        if (in == 'i')
          src[i] = float_of(kind == 1 ? random % 3 : kind == 3 ? (uint32_t)int_edges[random % INTS] : random);
        else
          src[i] = kind == 0   ? random_float(&state)
                   : kind == 1 ? (float)(random % 3) - 1
                   : kind == 2 ? (random % 40 == 0 ? NAN : random_float(&state))
                               : float_edges[random % FLOATS];
      }
      hl_kernels_reference()->rowreduce[op](want, src, ROWS, cols, ld);
      int have_fma = 0;
      for (int isa = 0; isa < HL_ISA_COUNT; ++isa) {
        const hl_kernels *k = hl_kernels_of((hl_isa)isa);
        if (k == NULL)
          continue;
        memset(dst, 0x55, sizeof dst);
        k->rowreduce[op](dst, src, ROWS, cols, ld);
        for (int r = 0; r < ROWS; ++r)
          CHECK(out == 'f' ? same_float(dst[r], want[r]) : bits_of(dst[r]) == bits_of(want[r]),
                "%s on %s, %lld columns, kind %d, row %d: %a, not %a", names[op], hl_isa_name((hl_isa)isa),
                (long long)cols, kind, r, dst[r], want[r]);
        if (has_fma(k) && !have_fma)
          hash_results(dst, ROWS, out == 'f'), have_fma = 1;
      }
    }
}

static void check_data(const hl_kernels *k) {
  const char *isa = hl_isa_name(k->isa);
  const uint64_t firsts[] = {0, 1, 2, 3, 4, 63, 1000003, (1ull << 34) - 8};
  float numbers[176];
  for (size_t f = 0; f < sizeof firsts / sizeof firsts[0]; ++f)
    for (int64_t n = 0; n <= 160; n += n < 40 ? 1 : 24) {
      memset(numbers, 0x55, sizeof numbers);
      k->uniform(numbers, 0xdeadbeef, 42, 7, firsts[f], n);
      for (int64_t i = 0; i < n; ++i) {
        uint32_t word = hl_philox_word(0xdeadbeef, 42, 7, firsts[f] + (uint64_t)i);
        CHECK(numbers[i] == (float)(word >> 8) * 0x1p-24f, "uniform on %s", isa);
      }
      CHECK(bits_of(numbers[n]) == 0x55555555, "uniform on %s goes beyond %lld numbers", isa, (long long)n);
    }

  uint64_t state = 5;
  for (int64_t i = 0; i < LONGEST; ++i)
    inputs[0][i] = random_float(&state);
  for (int64_t n = 16; n <= 144; n += 16)
    for (int64_t rows = 0; rows < 8; rows += 3) {
      memcpy(expected, inputs[0] + 8000, sizeof(float) * (size_t)n);
      memcpy(got, inputs[0] + 8000, sizeof(float) * (size_t)n);
      hl_kernels_reference()->colsum_f(expected, inputs[0], rows, n, 160);
      k->colsum_f(got, inputs[0], rows, n, 160);
      CHECK(memcmp(got, expected, sizeof(float) * (size_t)n) == 0, "colsum on %s, %lld columns", isa, (long long)n);
    }
  for (int64_t cols = 0; cols <= 50; ++cols)
    for (int64_t width = cols; width <= 70; ++width)
      for (int64_t rows = 0; rows < 3; ++rows) { /* from the end of memory that may be read, next to what must stay */
        float *src = malloc(sizeof(float) * (size_t)(rows ? (rows - 1) * 53 + cols + !cols : 1));
        for (int64_t i = 0; rows && i < (rows - 1) * 53 + cols; ++i)
          src[i] = random_float(&state);
        memset(expected, 0x55, sizeof(float) * 240);
        memset(got, 0x55, sizeof(float) * 240);
        hl_kernels_reference()->copy_rows(expected, 75, src, 53, rows, cols, width);
        k->copy_rows(got, 75, src, 53, rows, cols, width);
        CHECK(memcmp(got, expected, sizeof(float) * 240) == 0, "copy_rows on %s, %lld of %lld columns", isa,
              (long long)cols, (long long)width);
        free(src);
      }
  for (int64_t n = 0; n <= 144; n += 16) {
    memset(expected, 0, sizeof(float) * 160);
    memset(got, 0, sizeof(float) * 160);
    hl_kernels_reference()->fill(expected, inputs[0][n], n);
    k->fill(got, inputs[0][n], n);
    CHECK(memcmp(got, expected, sizeof(float) * 160) == 0, "fill on %s, %lld lanes", isa, (long long)n);
  }
  const int64_t sizes[] = {0, 1, 3, 4, 7, 8, 9, 16, 31, 32, 50};
  const size_t count = sizeof sizes / sizeof sizes[0];
  for (size_t r = 0; r < count; ++r)
    for (size_t c = 0; c < count; ++c) {
      memset(got, 0, sizeof(float) * 60 * 60);
      memset(expected, 0, sizeof(float) * 60 * 60);
      hl_kernels_reference()->transpose(expected, 60, inputs[0], 57, sizes[r], sizes[c]);
      k->transpose(got, 60, inputs[0], 57, sizes[r], sizes[c]);
      CHECK(memcmp(got, expected, sizeof(float) * 60 * 60) == 0, "transpose on %s, %lld x %lld", isa,
            (long long)sizes[r], (long long)sizes[c]);
    }
}

static void check_registry(void) {
  CHECK(hl_kernels_select("vax") == HL_ERR_ISA, "an unknown name");
  setenv("HOTLOOP_ISA", "nonsense", 1);
  CHECK(hl_kernels_select(NULL) == HL_ERR_ISA, "an unknown name in HOTLOOP_ISA");
  CHECK(hl_kernels_get() == NULL, "nothing was chosen yet");
  int best = 0;
  for (int isa = 0; isa < HL_ISA_COUNT; ++isa) {
    const char *name = hl_isa_name((hl_isa)isa);
    CHECK(hl_kernels_select(name) == (hl_isa_supported((hl_isa)isa) ? HL_OK : HL_ERR_ISA), "%s", name);
    if (!hl_isa_supported((hl_isa)isa))
      continue;
    best = isa;
    CHECK(hl_kernels_get() == hl_kernels_of((hl_isa)isa), "%s", name);
    CHECK(hl_kernels_get()->isa == (hl_isa)isa, "%s", name);
    setenv("HOTLOOP_ISA", name, 1);
    CHECK(hl_kernels_select("portable") == HL_OK && hl_kernels_select(NULL) == HL_OK, "%s", name);
    CHECK(hl_kernels_get()->isa == (hl_isa)isa, "HOTLOOP_ISA=%s", name);
  }
  CHECK(hl_kernels_select("vax") == HL_ERR_ISA && hl_kernels_get()->isa == (hl_isa)best, "a refusal changes nothing");
  unsetenv("HOTLOOP_ISA");
  CHECK(hl_kernels_select(NULL) == HL_OK && hl_kernels_get()->isa == (hl_isa)best, "the best by default");
}

int main(void) {
  check_registry();
  for (int i = 0; i < 3; ++i)
    inputs[i] = new_lanes(LONGEST);
  expected = new_lanes(LONGEST);
  got = new_lanes(LONGEST);
  from_fma = new_lanes(LONGEST);
#define TYPE(t) #t[0]
#define HL_UNARY(name, in, out) check_elementwise(HL_OP_##name, TYPE(in), TYPE(out), 1);
#define HL_BINARY(name, in, out) check_elementwise(HL_OP_##name, TYPE(in), TYPE(out), 2);
#define HL_TERNARY(name, in, out) check_elementwise(HL_OP_##name, TYPE(in), TYPE(out), 3);
#define HL_ROWRED(name, in, out) check_rowreduce(HL_OP_##name, TYPE(in), TYPE(out));
#include "kernels/kernels.def"
  for (int isa = 0; isa < HL_ISA_COUNT; ++isa)
    if (hl_kernels_of((hl_isa)isa) != NULL)
      check_data(hl_kernels_of((hl_isa)isa));
  if (hl_kernels_of(HL_ISA_AVX2) != NULL || hl_kernels_of(HL_ISA_NEON) != NULL)
    CHECK(fma_hash == expected_fma_hash, "the results of sets with FMA hash to %#llx", (unsigned long long)fma_hash);
  for (int i = 0; i < 3; ++i)
    free(inputs[i]);
  free(expected);
  free(got);
  free(from_fma);
  return check_result();
}
