/* Triangular solutions and the factorisations by elimination and by reflections, a matrix a task. Each is computed in
   double precision in scratch memory, in one fixed order. Golub and Van Loan, "Matrix computations", 4th edition:
   algorithms 3.1.1, 3.4.1, 4.2.1 and 5.2.1. */
#include <math.h>
#include <stddef.h>

#include "plan/block.h"
#include "plan/internal.h"

static double *load(double *to, const float *from, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    to[i] = (double)from[i];
  return to;
}

static void store(float *to, const double *from, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    to[i] = (float)from[i];
}

/* A task is a matrix; every product of sizes that scratch memory counts must fit. */
static hl_status finish(hl_plan *plan, hl_block *block, hl_block_task_fn task, int64_t rows, int64_t cols,
                        int64_t doubles) {
  int64_t work;
  hl_status status = hl_block_volume(plan, block, block->sizes[0], rows, cols, &work);
  if (status == HL_OK)
    status = hl_block_volume(plan, block, work, 4 * (rows < cols ? rows : cols) + 8, 1, &block->cost);
  if (status != HL_OK)
    return status;
  block->task = task;
  block->ntasks = block->sizes[0];
  block->scratch = doubles * (int64_t)sizeof(double);
  block->rows = block->sizes[0];
  block->cols = rows;
  block->depth = cols;
  return HL_OK;
}

/* ---- triangular -------------------------------------------------------------------------------------------------- */

static void triangular_task(const hl_block *block, const hl_block_memory *memory, int64_t task) {
  int64_t n = block->sizes[1], m = block->sizes[2], lower = block->sizes[3], trans = block->sizes[4];
  const float *t = memory->sources[0] + task * n * n;
  double *x = load((double *)(void *)memory->scratch, memory->sources[1] + task * n * m, n * m);
  int64_t down = trans ? 1 : n, right = trans ? n : 1;
  for (int64_t step = 0; step < n; step++) {
    int64_t i = lower != trans ? step : n - 1 - step;
    double *row = x + i * m;
    for (int64_t before = 0; before < step; before++) {
      int64_t j = lower != trans ? before : n - 1 - before;
      double factor = (double)t[i * down + j * right];
      for (int64_t c = 0; c < m; c++)
        row[c] -= factor * x[j * m + c];
    }
    for (int64_t c = 0; c < m; c++)
      row[c] /= (double)t[i * down + i * right];
  }
  store(memory->target + task * n * m, x, n * m);
}

hl_status hl_block_triangular(hl_plan *plan, hl_block *block) {
  const int64_t *s = block->sizes, limits[] = {2, 2};
  hl_status status;
  if ((status = hl_block_check_sizes(plan, block, 5, limits, 2)) ||
      (status = hl_block_volume(plan, block, s[0], s[1], s[1], &block->source_extents[0])) ||
      (status = hl_block_volume(plan, block, s[0], s[1], s[2], &block->source_extents[1])))
    return status;
  block->target_extent = block->source_extents[1];
  return finish(plan, block, triangular_task, s[1], s[2], s[1] * s[2]);
}

/* ---- cholesky ---------------------------------------------------------------------------------------------------- */

static void cholesky_task(const hl_block *block, const hl_block_memory *memory, int64_t task) {
  int64_t n = block->sizes[1];
  double *l = load((double *)(void *)memory->scratch, memory->sources[0] + task * n * n, n * n);
  int positive = 1;
  for (int64_t i = 0; i < n; i++) {
    for (int64_t j = 0; j <= i; j++) {
      double sum = l[i * n + j];
      for (int64_t p = 0; p < j; p++)
        sum -= l[i * n + p] * l[j * n + p];
      if (j == i && !(sum > 0))
        positive = 0;
      l[i * n + j] = j == i ? sqrt(sum > 0 ? sum : 1) : sum / l[j * n + j];
    }
    for (int64_t j = i + 1; j < n; j++)
      l[i * n + j] = 0;
  }
  for (int64_t i = 0; i < n * n && !positive; i++)
    l[i] = NAN;
  store(memory->target + task * n * n, l, n * n);
}

hl_status hl_block_cholesky(hl_plan *plan, hl_block *block) {
  const int64_t *s = block->sizes;
  hl_status status;
  if ((status = hl_block_check_sizes(plan, block, 2, NULL, 0)) ||
      (status = hl_block_volume(plan, block, s[0], s[1], s[1], &block->target_extent)))
    return status;
  block->source_extents[0] = block->target_extent;
  return finish(plan, block, cholesky_task, s[1], s[1], s[1] * s[1]);
}

/* ---- lu ---------------------------------------------------------------------------------------------------------- */

static void swap_rows(double *a, int64_t i, int64_t j, int64_t n) {
  for (int64_t c = 0; c < n && i != j; c++) {
    double kept = a[i * n + c];
    a[i * n + c] = a[j * n + c];
    a[j * n + c] = kept;
  }
}

/* Behind the factors: the row exchanged in each turn, and the row of the matrix that each row was. */
static void lu_task(const hl_block *block, const hl_block_memory *memory, int64_t task) {
  int64_t n = block->sizes[1];
  double *a = load((double *)(void *)memory->scratch, memory->sources[0] + task * n * n, n * n);
  double *exchanged = a + n * n, *origin = exchanged + n;
  for (int64_t i = 0; i < n; i++)
    origin[i] = (double)i;
  for (int64_t k = 0; k < n; k++) {
    int64_t pivot = k;
    for (int64_t i = k + 1; i < n; i++)
      if (fabs(a[i * n + k]) > fabs(a[pivot * n + k]))
        pivot = i;
    exchanged[k] = (double)pivot;
    swap_rows(a, k, pivot, n);
    swap_rows(origin, k, pivot, 1);
    for (int64_t i = k + 1; i < n && a[k * n + k] != 0; i++) {
      double factor = a[i * n + k] /= a[k * n + k];
      for (int64_t c = k + 1; c < n; c++)
        a[i * n + c] -= factor * a[k * n + c];
    }
  }
  store(memory->target + task * n * (n + 2), a, n * (n + 2));
}

hl_status hl_block_lu(hl_plan *plan, hl_block *block) {
  const int64_t *s = block->sizes;
  hl_status status;
  if ((status = hl_block_check_sizes(plan, block, 2, NULL, 0)) ||
      (status = hl_block_volume(plan, block, s[0], s[1], s[1], &block->source_extents[0])) ||
      (status = hl_block_volume(plan, block, s[0], s[1], s[1] + 2, &block->target_extent)))
    return status;
  return finish(plan, block, lu_task, s[1], s[1], s[1] * (s[1] + 2));
}

/* ---- qr ---------------------------------------------------------------------------------------------------------- */

/* x -= scale * v (v' x), for the rows from `first` on of x [rows, cols]. */
static void reflect(double *x, int64_t first, int64_t rows, int64_t cols, int64_t from, const double *v, double scale) {
  for (int64_t c = from; c < cols; c++) {
    double sum = 0;
    for (int64_t i = first; i < rows; i++)
      sum += v[i] * x[i * cols + c];
    sum *= scale;
    for (int64_t i = first; i < rows; i++)
      x[i * cols + c] -= sum * v[i];
  }
}

static void qr_task(const hl_block *block, const hl_block_memory *memory, int64_t task) {
  int64_t m = block->sizes[1], n = block->sizes[2], turns = m < n ? m : n, k = block->sizes[3] ? m : turns;
  double *r = load((double *)(void *)memory->scratch, memory->sources[0] + task * m * n, m * n);
  double *q = r + m * n, *vectors = q + m * k, *scales = vectors + m * turns;
  for (int64_t j = 0; j < turns; j++) {
    double *v = vectors + j * m, square = 0, head = r[j * n + j];
    for (int64_t i = j + 1; i < m; i++) {
      v[i] = r[i * n + j];
      square += v[i] * v[i];
    }
    scales[j] = 0;
    if (square == 0)
      continue;
    double length = sqrt(head * head + square), diagonal = head < 0 ? length : -length;
    v[j] = head - diagonal;
    scales[j] = 2 / (v[j] * v[j] + square);
    reflect(r, j, m, n, j + 1, v, scales[j]);
    r[j * n + j] = diagonal;
    for (int64_t i = j + 1; i < m; i++)
      r[i * n + j] = 0;
  }
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < k; j++)
      q[i * k + j] = i == j;
  for (int64_t j = turns - 1; j >= 0; j--)
    if (scales[j] != 0)
      reflect(q, j, m, k, j, vectors + j * m, scales[j]);
  float *target = memory->target + task * (m * k + k * n);
  store(target, q, m * k);
  store(target + m * k, r, k * n);
}

hl_status hl_block_qr(hl_plan *plan, hl_block *block) {
  const int64_t *s = block->sizes, limits[] = {2};
  int64_t turns = s[1] < s[2] ? s[1] : s[2], k = s[3] ? s[1] : turns, most = s[1] > s[2] ? s[1] : s[2], square;
  hl_status status;
  if ((status = hl_block_check_sizes(plan, block, 4, limits, 1)) ||
      (status = hl_block_volume(plan, block, s[0], s[1], s[2], &block->source_extents[0])) ||
      (status = hl_block_volume(plan, block, 4 * (s[0] ? s[0] : 1), most + 1, most + 1, &square)))
    return status;
  block->target_extent = s[0] * (s[1] * k + k * s[2]);
  return finish(plan, block, qr_task, s[1], s[2], s[1] * s[2] + s[1] * k + s[1] * turns + turns);
}
