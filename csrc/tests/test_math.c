/* Transcendental kernels against libm in double precision: the largest error in units in the last place, over a sample
   of all floats. An argument sets the stride through the bit patterns (1 = all of them, minutes). */
#include "check.h"

typedef struct function {
  hl_op op;
  const char *name;
  double (*exact)(double);
  double limit;
} function;

static double sigmoid(double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }

static const function functions[] = {
    {HL_OP_exp_f, "exp", exp, 2},       {HL_OP_expm1_f, "expm1", expm1, 2}, {HL_OP_log_f, "log", log, 2},
    {HL_OP_log1p_f, "log1p", log1p, 2}, {HL_OP_tanh_f, "tanh", tanh, 2},    {HL_OP_sigmoid_f, "sigmoid", sigmoid, 2},
    {HL_OP_erf_f, "erf", erf, 4},       {HL_OP_sin_f, "sin", sin, 2},       {HL_OP_cos_f, "cos", cos, 2},
};
enum { FUNCTIONS = sizeof functions / sizeof functions[0], CHUNK = 4096 };

/* Infinity counts as 2^128, the float that would come next. */
static double finite(double x) { return isinf(x) ? copysign(0x1p128, x) : x; }

static double error_in_ulp(float got, double exact) {
  if (isnan(exact) || isnan(got))
    return isnan(exact) && isnan(got) ? 0 : INFINITY;
  if (fabs(exact) >= 0x1.000002p128) /* clearly beyond: must be infinity of the right sign */
    return isinf(got) && (got > 0) == (exact > 0) ? 0 : INFINITY;
  int exponent;
  frexp(exact, &exponent);
  return fabs(finite(got) - exact) / ldexp(1.0, exponent - 24 < -149 ? -149 : exponent - 24);
}

static void check_function(const hl_kernels *kernels, const function *f, uint32_t stride) {
  static _Alignas(64) float in[CHUNK], out[CHUNK];
  double worst = 0;
  float worst_at = 0;
  uint64_t next = 0;
  while (next < 1ull << 32) {
    for (int i = 0; i < CHUNK; ++i, next += stride)
      in[i] = float_of((uint32_t)(next < 1ull << 32 ? next : 0));
    kernels->elementwise[f->op](out, in, NULL, NULL, CHUNK);
    for (int i = 0; i < CHUNK; ++i) {
      double exact = f->exact(in[i]);
      double error = error_in_ulp(out[i], exact);
      if (exact == 0 && !signbit(exact) != !signbit(out[i]))
        error = INFINITY;
      if (error > worst)
        worst = error, worst_at = in[i];
    }
  }
  printf("%-8s %-8s %.3f ulp at %a\n", hl_isa_name(kernels->isa), f->name, worst, worst_at);
  CHECK(worst <= f->limit, "%s on %s is %g ulp off at %a", f->name, hl_isa_name(kernels->isa), worst, worst_at);
}

static void check_pow(const hl_kernels *kernels, int64_t samples) {
  static _Alignas(64) float x[CHUNK], y[CHUNK], out[CHUNK];
  uint64_t state = 88172645463325252u;
  double worst = 0;
  float worst_x = 0, worst_y = 0;
  for (int64_t done = 0; done < samples; done += CHUNK) {
    for (int i = 0; i < CHUNK; ++i) {
      x[i] = float_of(random_bits(&state) & 0x7fffffff); /* any positive float, NaN and infinity too */
      double range = 104 / fabs(log(x[i]) + 1e-30);      /* most results in range, some beyond */
      y[i] = (float)(1.05 * range * random_float(&state));
      if (i % 4 == 1) { /* near 1, where the logarithm is hardest */
        x[i] = 1 + 0.01f * random_float(&state);
        y[i] = 9000 * random_float(&state);
      } else if (i % 4 == 2) { /* negative, to whole powers */
        x[i] = -10 * fabsf(random_float(&state));
        y[i] = rintf(20 * random_float(&state));
      }
    }
    kernels->elementwise[HL_OP_pow_f](out, x, y, NULL, CHUNK);
    for (int i = 0; i < CHUNK; ++i) {
      double error = error_in_ulp(out[i], pow(x[i], y[i]));
      if (error > worst)
        worst = error, worst_x = x[i], worst_y = y[i];
    }
  }
  printf("%-8s %-8s %.3f ulp at %a, %a\n", hl_isa_name(kernels->isa), "pow", worst, worst_x, worst_y);
  CHECK(worst <= 4, "pow on %s is %g ulp off at %a, %a", hl_isa_name(kernels->isa), worst, worst_x, worst_y);
}

int main(int argc, char **argv) {
  uint32_t stride = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : quick() ? 100003 : 5003;
  for (int isa = 0; isa < HL_ISA_COUNT; ++isa) {
    const hl_kernels *kernels = hl_kernels_of((hl_isa)isa);
    if (kernels == NULL)
      continue;
    for (int f = 0; f < FUNCTIONS; ++f)
      check_function(kernels, &functions[f], stride == 0 ? 1 : stride);
    check_pow(kernels, quick() ? 1 << 13 : 1 << 18);
  }
  return check_result();
}
