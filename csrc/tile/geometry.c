/* Sizes of tiles and tasks. From shapes and the program alone: never from the number of threads or the ISA. */
#include "core/memory.h"
#include "tile/builder.h"

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t div_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

static void lanes_tiles(hl_tile *t, int64_t lanes) {
  t->tile_rows = max64(HL_LANES, min64(4096, lanes) / HL_LANES * HL_LANES);
  t->unit_rows = t->tile_rows;
  if (t->nreductions) {
    int64_t power = HL_LANES; /* divides the reduction block */
    while (power * 2 <= min64(t->tile_rows, HL_REDUCE_LANES))
      power *= 2;
    t->tile_rows = power;
    t->unit_rows = HL_REDUCE_LANES;
  }
  t->tile_rows = min64(t->tile_rows, max64(HL_LANES, hl_tile_round16(t->rows)));
  if (!t->nreductions)
    t->unit_rows = t->tile_rows;
  t->block_cols = HL_LANES;
  t->nblocks = 1;
}

static void grid_tiles(hl_tile *t, int64_t lanes, int whole_row) {
  int64_t padded = max64(HL_LANES, hl_tile_round16(t->cols));
  if (t->panels) {
    t->block_cols = HL_PANEL;
  } else if (whole_row || padded <= lanes) {
    t->block_cols = padded;
  } else {
    int64_t blocks = div_up(padded, max64(HL_LANES, lanes / HL_LANES * HL_LANES));
    t->block_cols = hl_tile_round16(div_up(padded, blocks));
  }
  t->nblocks = max64(1, div_up(t->cols, t->block_cols));
  t->tile_rows = max64(1, min64(lanes / t->block_cols, t->rows));
  if (t->nreductions)
    t->tile_rows = min64(t->tile_rows, HL_REDUCE_ROWS);
  t->unit_rows = t->nreductions ? HL_REDUCE_ROWS : t->tile_rows;
}

void hl_tile_geometry(hl_tile_builder *b, int whole_row) {
  hl_tile *t = b->tile;
  const hl_program *p = b->program;
  int64_t lane_cost = 0;
  for (int32_t i = 0; i < p->ninstructions; i++)
    if (b->values[i].last >= 0 || p->instructions[i].op == HL_PROGRAM_store)
      lane_cost += b->values[i].level == HL_LEVEL_BODY ? hl_opcode_cost(p->instructions[i].op) : 0;
  lane_cost = max64(1, lane_cost + p->nreductions);
  int64_t lanes = max64(HL_LANES, HL_TILE_LANES / max64(1, b->live));
  if (t->epilogue) {
    t->tile_rows = t->unit_rows = b->domain->max_rows;
    t->block_cols = t->cols <= HL_LANES ? HL_LANES : HL_PANEL; /* hl_gemm_tile_ld */
    t->nblocks = max64(1, div_up(t->cols, HL_PANEL));
  } else if (t->lanes_mode) {
    lanes_tiles(t, lanes);
  } else {
    grid_tiles(t, lanes, whole_row);
  }
  int64_t width = t->lanes_mode ? 1 : t->nblocks * t->block_cols;
  int64_t block_width = t->lanes_mode ? 1 : t->block_cols;
  if (hl_mul_overflow(t->rows * width, lane_cost, &t->cost))
    t->cost = INT64_MAX;
  int64_t target = max64(HL_TASK_COST, t->cost / HL_MAX_TASKS);
  int64_t column_cost = max64(1, t->cost / t->nblocks);
  int64_t row_units = max64(1, div_up(t->rows, t->unit_rows));
  if (column_cost <= target) {
    t->task_rows = row_units * t->unit_rows;
    t->task_blocks = min64(t->nblocks, target / column_cost);
  } else {
    int64_t unit_cost = max64(1, t->unit_rows * block_width * lane_cost);
    t->task_rows = max64(1, target / unit_cost) * t->unit_rows;
    t->task_blocks = 1;
  }
  t->row_tasks = div_up(t->rows, t->task_rows);
  t->ntasks = t->row_tasks * div_up(t->nblocks, t->task_blocks);
  if (t->panels && t->cols == 0)
    t->ntasks = 0;
  if (t->row_tasks == 0)
    t->row_tasks = 1;
  t->reduce_blocks = div_up(t->rows, t->unit_rows);
  t->full_lanes = t->lanes_mode ? 0 : t->tile_rows * t->block_cols;
  if (t->epilogue)
    t->full_lanes += HL_LANES; /* registers 4 KiB apart would share their places in the L1 cache */
  t->row_lanes = hl_tile_round16(t->tile_rows);
  for (int32_t i = 0; i < t->nreductions; i++) {
    hl_tile_reduce_spec *spec = &t->reductions[i];
    spec->width = spec->full ? max64(HL_LANES, t->panels ? t->nblocks * HL_PANEL : hl_tile_round16(t->cols)) : HL_LANES;
    spec->acc = t->reduce_lanes;
    t->reduce_lanes += spec->full ? t->block_cols : t->unit_rows;
    spec->partial = t->partial_lanes;
    t->partial_lanes += spec->width * max64(1, t->reduce_blocks);
  }
}
