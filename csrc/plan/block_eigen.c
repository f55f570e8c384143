/* Eigenvalues of symmetric matrices and singular values, by Jacobi's rotations in double precision, a matrix a task.
   Golub and Van Loan, "Matrix computations", 4th edition, sections 8.5 (cyclic) and 8.6.3 (one-sided). */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "plan/block.h"
#include "plan/internal.h"

enum { MOST_SWEEPS = 60 };
#define SMALL 1e-15

/* The rotation that makes zero of the off-diagonal element of [[a, b], [b, c]]. */
static void rotation(double a, double b, double c, double *cosine, double *sine) {
  double ratio = (c - a) / (2 * b);
  double tangent = (ratio < 0 ? -1 : 1) / (fabs(ratio) + sqrt(1 + ratio * ratio));
  *cosine = 1 / sqrt(1 + tangent * tangent);
  *sine = tangent * *cosine;
}

static void rotate(double *x, double *y, int64_t count, int64_t stride, double cosine, double sine) {
  for (int64_t i = 0; i < count * stride; i += stride) {
    double kept = x[i];
    x[i] = cosine * kept - sine * y[i];
    y[i] = sine * kept + cosine * y[i];
  }
}

static double dot(const double *x, const double *y, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++)
    sum += x[i] * y[i];
  return sum;
}

static void identity(double *x, int64_t n) {
  memset(x, 0, sizeof(double) * (size_t)(n * n));
  for (int64_t i = 0; i < n; i++)
    x[i * n + i] = 1;
}

static hl_status finish(hl_plan *plan, hl_block *block, hl_block_task_fn task, int64_t rows, int64_t cols) {
  int64_t most = rows > cols ? rows : cols, square;
  hl_status status = hl_block_volume(plan, block, 64 * (most + 1), most + 1, most + 1, &square);
  if (status == HL_OK)
    status = hl_block_volume(plan, block, block->sizes[0], square, 1, &block->cost);
  block->task = task;
  block->ntasks = block->rows = block->sizes[0];
  block->cols = rows;
  block->depth = cols;
  return status;
}

/* ---- eigh -------------------------------------------------------------------------------------------------------- */

/* v holds the vectors as rows. */
static void diagonalise(double *a, double *v, int64_t n) {
  identity(v, n);
  for (int sweep = 0, turned = 1; sweep < MOST_SWEEPS && turned; sweep++) {
    turned = 0;
    for (int64_t p = 0; p < n; p++)
      for (int64_t q = p + 1; q < n; q++) {
        double b = a[p * n + q], size = sqrt(fabs(a[p * n + p] * a[q * n + q]));
        if (!(fabs(b) > SMALL * size) || !(fabs(b) > 1e-300))
          continue;
        double cosine, sine;
        turned = 1;
        rotation(a[p * n + p], b, a[q * n + q], &cosine, &sine);
        rotate(a + p * n, a + q * n, n, 1, cosine, sine);
        rotate(a + p, a + q, n, n, cosine, sine);
        a[p * n + q] = a[q * n + p] = 0;
        rotate(v + p * n, v + q * n, n, 1, cosine, sine);
      }
  }
}

static void eigh_task(const hl_block *block, const hl_block_memory *memory, int64_t task) {
  int64_t n = block->sizes[1];
  double *a = (double *)(void *)memory->scratch, *v = a + n * n;
  int64_t *order = (int64_t *)(void *)(v + n * n);
  const float *source = memory->sources[0] + task * n * n;
  float *values = memory->target + task * n * (n + 1), *vectors = values + n;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j <= i; j++)
      a[i * n + j] = a[j * n + i] = (double)source[i * n + j];
  diagonalise(a, v, n);
  for (int64_t i = 0; i < n; i++) {
    int64_t at = i;
    for (; at > 0 && a[order[at - 1] * (n + 1)] > a[i * (n + 1)]; at--)
      order[at] = order[at - 1];
    order[at] = i;
  }
  for (int64_t j = 0; j < n; j++) {
    values[j] = (float)a[order[j] * (n + 1)];
    for (int64_t i = 0; i < n; i++)
      vectors[i * n + j] = (float)v[order[j] * n + i];
  }
}

hl_status hl_block_eigh(hl_plan *plan, hl_block *block) {
  const int64_t *s = block->sizes;
  hl_status status;
  if ((status = hl_block_check_sizes(plan, block, 2, NULL, 0)) ||
      (status = hl_block_volume(plan, block, s[0], s[1], s[1], &block->source_extents[0])) ||
      (status = hl_block_volume(plan, block, s[0], s[1], s[1] + 1, &block->target_extent)) ||
      (status = finish(plan, block, eigh_task, s[1], s[1])))
    return status;
  block->scratch = (2 * s[1] + 1) * s[1] * (int64_t)sizeof(double);
  return HL_OK;
}

/* ---- svd --------------------------------------------------------------------------------------------------------- */

/* Makes row j a unit vector at right angles to the rows before it. */
static void complete_row(double *rows, int64_t j, int64_t length) {
  double *row = rows + j * length;
  for (int64_t axis = 0; axis < length; axis++) {
    memset(row, 0, sizeof(double) * (size_t)length);
    row[axis] = 1;
    for (int turn = 0; turn < 2; turn++)
      for (int64_t i = 0; i < j; i++) {
        double share = dot(rows + i * length, row, length);
        for (int64_t c = 0; c < length; c++)
          row[c] -= share * rows[i * length + c];
      }
    double size = sqrt(dot(row, row, length));
    if (size > 0.5 / sqrt((double)length)) {
      for (int64_t c = 0; c < length; c++)
        row[c] /= size;
      return;
    }
  }
}

/* Turns the rows of w [k, length] until they are at right angles; v [k, k] takes the turns. */
static void separate(double *w, double *v, int64_t k, int64_t length) {
  identity(v, k);
  for (int sweep = 0, turned = 1; sweep < MOST_SWEEPS && turned; sweep++) {
    turned = 0;
    for (int64_t p = 0; p < k; p++)
      for (int64_t q = p + 1; q < k; q++) {
        double *x = w + p * length, *y = w + q * length;
        double a = dot(x, x, length), b = dot(x, y, length), c = dot(y, y, length);
        if (!(fabs(b) > SMALL * sqrt(a * c)) || !(fabs(b) > 1e-300))
          continue;
        double cosine, sine;
        turned = 1;
        rotation(a, b, c, &cosine, &sine);
        rotate(x, y, length, 1, cosine, sine);
        rotate(v + p * k, v + q * k, k, 1, cosine, sine);
      }
  }
}

/* A = U S V'. The shorter side k is turned: w starts as A (m < n) or A', so that w = V or U times S, row by row. */
static void svd_task(const hl_block *block, const hl_block_memory *memory, int64_t task) {
  int64_t m = block->sizes[1], n = block->sizes[2], wide = m < n, k = wide ? m : n, length = wide ? n : m;
  double *w = (double *)(void *)memory->scratch, *v = w + k * length, *values = v + k * k, *unit = values + k;
  int64_t *order = (int64_t *)(void *)(unit + k * length);
  const float *source = memory->sources[0] + task * m * n;
  for (int64_t j = 0; j < k; j++)
    for (int64_t i = 0; i < length; i++)
      w[j * length + i] = (double)(wide ? source[j * n + i] : source[i * n + j]);
  separate(w, v, k, length);
  for (int64_t i = 0; i < k; i++) {
    int64_t at = i;
    values[i] = sqrt(dot(w + i * length, w + i * length, length));
    for (; at > 0 && values[order[at - 1]] < values[i]; at--)
      order[at] = order[at - 1];
    order[at] = i;
  }
  for (int64_t j = 0; j < k; j++) {
    double size = values[order[j]];
    for (int64_t c = 0; c < length; c++)
      unit[j * length + c] = w[order[j] * length + c] / size;
    if (size <= 1e-14 * values[order[0]])
      complete_row(unit, j, length);
  }
  float *u = memory->target + task * (m * k + k + k * n), *singular = u + m * k, *vt = singular + k;
  for (int64_t j = 0; j < k; j++) {
    singular[j] = (float)values[order[j]];
    for (int64_t i = 0; i < m; i++)
      u[i * k + j] = (float)(wide ? v[order[j] * k + i] : unit[j * length + i]);
    for (int64_t i = 0; i < n; i++)
      vt[j * n + i] = (float)(wide ? unit[j * length + i] : v[order[j] * k + i]);
  }
}

hl_status hl_block_svd(hl_plan *plan, hl_block *block) {
  const int64_t *s = block->sizes;
  int64_t k = s[1] < s[2] ? s[1] : s[2], length = s[1] < s[2] ? s[2] : s[1];
  hl_status status;
  if ((status = hl_block_check_sizes(plan, block, 3, NULL, 0)) ||
      (status = hl_block_volume(plan, block, s[0], s[1], s[2], &block->source_extents[0])) ||
      (status = finish(plan, block, svd_task, s[1], s[2])))
    return status;
  block->target_extent = s[0] * (s[1] * k + k + k * s[2]);
  block->scratch = (2 * k * length + k * k + 2 * k) * (int64_t)sizeof(double);
  return HL_OK;
}
