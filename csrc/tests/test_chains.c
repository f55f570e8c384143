/* The chains of every instruction set against the reference, which does their steps one by one; and square roots, which
   chains need fast, against the C library's for every float. */
#include "check.h"

#include "core/fpenv.h"

enum { LONGEST = 16 * 4 * 7 + 48, CHUNK = 4096 };

static const float edges[] = {0.0f,     -0.0f,     1.0f,      -1.0f,    INFINITY, -INFINITY,       NAN,    0x1p-126f,
                              1e-40f,   -1e-40f,   0x1p-100f, 0x1p-99f, 1e-7f,    0x1.fffffep127f, 1e30f,  -1e30f,
                              0x1p-60f, -0x1p-60f, 0x1p-149f, 3.0f,     0.9f,     0.001f,          1e-20f, -1e-20f};
enum { EDGES = sizeof edges / sizeof edges[0] };

/* Mostly ordinary numbers, now and then a vector with edges in it. */
static void fill(float *lanes, int64_t n, int positive, uint64_t *state) {
  for (int64_t i = 0; i < n; ++i) {
    float x = random_float(state);
    if (i / HL_LANES % 5 == 1)
      x = edges[random_bits(state) % EDGES];
    if (i / HL_LANES % 7 == 2)
      x = 0;
    lanes[i] = positive ? fabsf(x) : x;
  }
}

/* in_place: how many of the results take the places of the last vectors. */
static void check_chain(const hl_kernels *kernels, hl_chain chain, int64_t n, int in_place, uint64_t seed) {
  const hl_chain_pattern *p = hl_chain_pattern_of(chain);
  int32_t ninputs = p->nvectors + p->nscalars;
  float *places[2][HL_CHAIN_PLACES];
  uint64_t state = seed;
  for (int side = 0; side < 2; ++side) {
    state = seed;
    for (int32_t i = 0; i < ninputs + p->nresults; ++i) {
      int32_t result = i - ninputs, of = p->nvectors - p->nresults + result;
      if (result >= 0 && result < in_place && of >= 0) {
        places[side][i] = places[side][of];
        continue;
      }
      places[side][i] = new_lanes(n);
      fill(places[side][i], n, random_bits(&state) % 2, &state);
      if (i >= p->nvectors && i < ninputs && random_bits(&state) % 4)
        places[side][i][0] = random_float(&state);
    }
  }
  hl_kernels_reference()->chain[chain](places[0], n);
  kernels->chain[chain](places[1], n);
  for (int32_t r = 0; r < p->nresults; ++r)
    for (int64_t i = 0; i < n; ++i) {
      float want = places[0][ninputs + r][i], got = places[1][ninputs + r][i];
      CHECK(same_float(got, want), "%s on %s, result %d, lane %d of %d is %a, not %a", p->name,
            hl_isa_name(kernels->isa), (int)r, (int)i, (int)n, got, want);
    }
  for (int side = 0; side < 2; ++side)
    for (int32_t i = 0; i < ninputs + p->nresults; ++i)
      if (i - ninputs < 0 || i - ninputs >= in_place || p->nvectors - p->nresults + i - ninputs < 0)
        free(places[side][i]);
}

static void check_pattern(hl_chain chain) {
  const hl_chain_pattern *p = hl_chain_pattern_of(chain);
  int32_t ninputs = p->nvectors + p->nscalars;
  for (int32_t s = 0; s < p->nsteps; ++s)
    for (int u = 0; u < 3; ++u)
      CHECK(p->steps[s].inputs[u] < ninputs + s, "%s: step %d reads a value that is not made yet", p->name, (int)s);
  CHECK(p->results[p->nresults - 1] == ninputs + p->nsteps - 1, "%s: the last step must give the last result", p->name);
  for (int32_t v = 0; v < ninputs + p->nsteps - 1; ++v) {
    int used = 0;
    for (int32_t s = 0; s < p->nsteps; ++s)
      for (int u = 0; u < 3; ++u)
        used |= p->steps[s].inputs[u] == v;
    CHECK(used, "%s: value %d is used by no step", p->name, (int)v);
  }
}

/* Floats by their bits, from `first` to `end`. */
static void check_sqrt(const hl_kernels *kernels, uint64_t first, uint64_t end, uint64_t stride) {
  static _Alignas(64) float in[CHUNK], want[CHUNK], got[CHUNK];
  for (uint64_t next = first; next < end;) {
    for (int i = 0; i < CHUNK; ++i, next += stride)
      in[i] = float_of((uint32_t)next);
    for (int i = 0; i < CHUNK; ++i)
      want[i] = sqrtf(in[i]);
    kernels->elementwise[HL_OP_sqrt_f](got, in, NULL, NULL, CHUNK);
    if (memcmp(got, want, sizeof got) != 0)
      for (int i = 0; i < CHUNK; ++i)
        CHECK(same_float(got[i], want[i]), "sqrt of %a on %s is %a, not %a", in[i], hl_isa_name(kernels->isa), got[i],
              want[i]);
  }
}

/* Zeros beside other numbers, in every lane: the zeros keep their sign, the others take the path they take alone. */
static void check_sqrt_of_mixtures(const hl_kernels *kernels) {
  uint64_t state = 99;
  for (int round = 0; round < 2000; ++round) {
    _Alignas(64) float in[HL_LANES], got[HL_LANES];
    for (int i = 0; i < HL_LANES; ++i) {
      uint32_t bits = random_bits(&state);
      float other = round % 2 ? edges[bits % EDGES] : fabsf(random_float(&state));
      in[i] = bits >> 30 == 0 ? 0.0f : bits >> 30 == 1 ? -0.0f : other;
    }
    kernels->elementwise[HL_OP_sqrt_f](got, in, NULL, NULL, HL_LANES);
    for (int i = 0; i < HL_LANES; ++i)
      CHECK(same_float(got[i], sqrtf(in[i])), "sqrt of %a on %s is %a", in[i], hl_isa_name(kernels->isa), got[i]);
  }
}

int main(int argc, char **argv) {
  uint64_t stride = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  stride = argc > 1 ? stride : 251;
#endif
  if (quick())
    stride = 4093;
  for (int chain = 0; chain < HL_CHAIN_COUNT; ++chain)
    check_pattern((hl_chain)chain);
  for (int flush = 0; flush < 2; ++flush) { /* as called by anybody, then as in a run */
    hl_fpenv callers = 0;
    if (flush)
      callers = hl_fpenv_enter();
    for (int isa = 0; isa < HL_ISA_COUNT; ++isa) {
      const hl_kernels *kernels = hl_kernels_of((hl_isa)isa);
      if (kernels == NULL)
        continue;
      for (int chain = 0; chain < HL_CHAIN_COUNT; ++chain)
        for (int64_t n = HL_LANES; n <= LONGEST; n += n < 160 ? HL_LANES : 144)
          for (int in_place = 0; in_place <= hl_chain_pattern_of((hl_chain)chain)->nresults; ++in_place)
            check_chain(kernels, (hl_chain)chain, n, in_place, 7919u * (uint64_t)n + (uint64_t)chain + 1);
      check_sqrt_of_mixtures(kernels);
      /* Those of hardware are sampled; of our own, every float that is not negative is tried as in a run. */
      int own = kernels->isa == HL_ISA_AVX512;
      if (own && flush)
        check_sqrt(kernels, 0, 1ull << 31, stride);
      check_sqrt(kernels, 3, 1ull << 32, own ? 31 * stride : 1021 * stride);
    }
    if (flush)
      hl_fpenv_leave(callers);
  }
  return check_result();
}
