/* What the tile compiler makes of programs: where memory stands for registers, which shape a domain takes, how it is
   cut into tiles and tasks. That the code computes the right thing is tested through plans. */
#include "tile/internal.h"

#include "core/memory.h"
#include "tests/check.h"

enum { STORE = HL_PROGRAM_store, LOAD = HL_PROGRAM_load };

static hl_tile *compile(const hl_tile_domain *domain, const char *registers, const hl_operand *operands,
                        int32_t noperands, const hl_instruction *code, int32_t ncode, const hl_reduction *reductions,
                        int32_t nreductions) {
  hl_tile_memory slots[8];
  for (int i = 0; i < 8; i++)
    slots[i] = (hl_tile_memory){.space = i + 1, .aligned = 1, .bound = 1, .size = 1 << 20, .row_size = 1 << 20};
  slots[7].mapping = HL_MAP_INPUT;
  slots[7].row_size = domain->cols;
  hl_program program = {.registers = registers,
                        .nregisters = (int32_t)strlen(registers),
                        .noperands = noperands,
                        .ninstructions = ncode,
                        .nreductions = nreductions,
                        .operands = operands,
                        .instructions = code,
                        .reductions = reductions};
  hl_tile *tile;
  char error[HL_ERROR_TEXT];
  hl_status status = hl_tile_compile(hl_kernels_get(), domain, &program, slots, 8, &tile, error);
  CHECK(status == HL_OK, "%s", error);
  return tile;
}

static int count(const hl_tile_section *section, hl_code_kind kind) {
  int n = 0;
  for (int32_t i = 0; i < section->count; i++)
    n += section->code[i].kind == (int)kind;
  return n;
}

/* momentum = 0.9 momentum + g; weight -= momentum; g is the product. All of it happens in place. */
static void test_an_update_works_in_memory(void) {
  hl_operand operands[2] = {{.slot = 0, .panel = 1}, {.slot = 1, .panel = 1}};
  hl_instruction code[] = {
      {.op = LOAD, .dst = 1, .imm = 0},
      {.op = LOAD, .dst = 2, .imm = 1},
      {.op = HL_PROGRAM_const_f, .dst = 3},
      {.op = HL_OP_mul_f, .dst = 2, .a = 2, .b = 3},
      {.op = HL_OP_add_f, .dst = 2, .a = 2},
      {.op = STORE, .a = 2, .imm = 1},
      {.op = HL_OP_sub_f, .dst = 1, .a = 1, .b = 2},
      {.op = STORE, .a = 1, .imm = 0},
  };
  hl_tile_domain domain = {.nouter = 1, .epilogue = 1, .outer = {100}, .cols = 64, .max_rows = 14, .batch_size = 1};
  hl_tile *t = compile(&domain, "FFFF", operands, 2, code, 8, NULL, 0);
  if (!t)
    return;
  const hl_tile_section *body = &t->body[HL_VARIANT_DIRECT];
  CHECK(count(body, HL_CODE_LOAD) == 0 && count(body, HL_CODE_STORE) == 0, "memory is copied");
  CHECK(body->count == 3, "%d instructions for three operations", body->count);
  CHECK(t->once.count == 1 && t->columns.count == 0 && t->masks.count == 2,
        "the constant and the panel mask are kept across tiles");
  CHECK(t->body[HL_VARIANT_COPY].count == 5, "two masked stores besides");
  CHECK(t->nbound == 2 && t->ndirect == 2, "%d", t->nbound);
  hl_tile_free(t);
}

/* x is stored before its old value has been used for the last time: it must be copied first. */
static void test_old_values_survive(void) {
  hl_operand operands[2] = {{.slot = 0, .outer_strides = {1}}, {.slot = 1, .outer_strides = {1}}};
  hl_instruction code[] = {
      {.op = LOAD, .dst = 0, .imm = 0}, {.op = HL_OP_add_f, .dst = 1},
      {.op = STORE, .a = 1, .imm = 0},  {.op = HL_OP_mul_f, .dst = 2, .a = 0, .b = 1},
      {.op = STORE, .a = 2, .imm = 1},
  };
  hl_tile_domain domain = {.nouter = 1, .outer = {1000}, .cols = 1, .batch_size = 1};
  hl_tile *t = compile(&domain, "FFF", operands, 2, code, 5, NULL, 0);
  if (!t)
    return;
  const hl_tile_section *body = &t->body[HL_VARIANT_DIRECT];
  CHECK(count(body, HL_CODE_LOAD) + count(body, HL_CODE_STORE) >= 1, "somebody must keep the old value");
  hl_tile_free(t);
}

static hl_tile *copy_of(int32_t nouter, const int64_t *outer, int64_t cols, const int64_t *strides, int64_t col_stride,
                        int32_t slot, const char *registers, const hl_reduction *reduction) {
  hl_operand operand = {.slot = slot, .col_stride = col_stride};
  hl_tile_domain domain = {.nouter = nouter, .cols = cols, .batch_size = nouter ? outer[0] : 1};
  for (int32_t i = 0; i < nouter; i++) {
    domain.outer[i] = outer[i];
    operand.outer_strides[i] = strides[i];
  }
  hl_instruction code[] = {{.op = LOAD}, {.op = HL_OP_neg_f}, {.op = STORE}};
  return compile(&domain, registers, &operand, 1, code, slot == 7 ? 2 : 3, reduction, reduction != NULL);
}

static void test_shapes(void) {
  int64_t outer[3] = {6, 5, 7}, rows_first[3] = {5 * 7 * 3, 7 * 3, 3}, gaps[3] = {500, 49, 7};
  hl_tile *t = copy_of(3, outer, 3, rows_first, 1, 0, "F", NULL);
  CHECK(t && t->lanes_mode && t->rows == 630 && t->nouter == 1, "contiguous is one line");
  hl_tile_free(t);
  t = copy_of(3, outer, 3, gaps, 1, 0, "F", NULL);
  CHECK(t && !t->lanes_mode && t->nouter == 2 && t->rows == 6 * 35, "a gap keeps two dimensions apart");
  hl_tile_free(t);
  int64_t rows[1] = {1000}, three[1] = {3}, ten[1] = {10};
  hl_reduction sum = {.op = HL_COMBINE_sum_f, .slot = 1};
  t = copy_of(1, rows, 3, three, 1, 0, "F", &sum);
  CHECK(t && !t->lanes_mode && t->cols == 3 && t->unit_rows == HL_REDUCE_ROWS, "column sums need columns");
  hl_tile_free(t);
  t = copy_of(1, rows, 1, three, 0, 0, "R", &sum);
  CHECK(t && t->lanes_mode && t->unit_rows == HL_REDUCE_LANES, "a total of one column is a line");
  hl_tile_free(t);
  t = copy_of(1, rows, 10, ten, 1, 7, "F", &sum);
  CHECK(t && t->operands[0].indexed && t->nouter == 1, "rows of an input stay rows");
  hl_tile_free(t);
}

/* Tasks cover the domain once, whatever its shape. */
static void test_tasks_cover_the_domain(void) {
  int64_t sizes[] = {1, 2, 63, 64, 65, 1000, 40000};
  for (int i = 0; i < 7; i++)
    for (int j = 0; j < 7; j++)
      for (int with = 0; with < 2; with++) {
        if (sizes[i] * (sizes[j] + 1) > 1 << 20)
          continue;
        int64_t stride = sizes[j] + 1;
        hl_reduction sum = {.op = HL_COMBINE_sum_f, .slot = 1};
        hl_tile *t = copy_of(1, &sizes[i], sizes[j], &stride, 1, 0, "F", with ? &sum : NULL);
        if (!t)
          continue;
        int64_t blocks = (t->ntasks + t->row_tasks - 1) / t->row_tasks * t->task_blocks;
        CHECK(t->row_tasks * t->task_rows >= t->rows && (t->row_tasks - 1) * t->task_rows < t->rows, "rows");
        CHECK(blocks >= t->nblocks && blocks - t->task_blocks < t->nblocks, "columns");
        CHECK(t->task_rows % t->unit_rows == 0 || t->task_rows >= t->rows, "whole blocks");
        CHECK(t->full_lanes % HL_LANES == 0 && t->row_lanes % HL_LANES == 0 && hl_tile_scratch(t) % 64 == 0, "aligned");
        hl_tile_free(t);
      }
}

static void test_names(void) {
  CHECK(strcmp(hl_opcode_name(HL_OP_add_f), "add_f") == 0 && strcmp(hl_opcode_name(STORE), "store") == 0, "names");
  CHECK(hl_opcode_name(-1) == NULL && hl_opcode_name(HL_PROGRAM_COUNT) == NULL, "outside");
  CHECK(hl_combine_name(HL_COMBINE_COUNT) == NULL && strcmp(hl_combine_name(HL_COMBINE_max_i), "max_i") == 0, "names");
  for (int32_t op = 0; op < HL_PROGRAM_COUNT; op++)
    CHECK(hl_opcode_cost(op) >= 1, "%s is free", hl_opcode_name(op));
}

/* weight -= rate * g, with the operands of the product turned. */
static const hl_operand sgd_operands[2] = {{.slot = 0, .panel = 1}, {.slot = 1}};
enum { SGD_LENGTH = 5 };
static const hl_instruction sgd_code[SGD_LENGTH] = {
    {.op = LOAD, .dst = 1, .imm = 0},      {.op = LOAD, .dst = 2, .imm = 1},
    {.op = HL_OP_mul_f, .dst = 3, .a = 2}, {.op = HL_OP_sub_f, .dst = 4, .a = 1, .b = 3},
    {.op = STORE, .a = 4, .imm = 0},
};

/* One chain in memory, or its two instructions. Where columns are padded it goes through a register and a mask. */
static void test_a_chain_takes_the_place_of_its_instructions(void) {
  for (int interpreted = 0; interpreted < 2; interpreted++) {
    hl_tile_domain domain = {.nouter = 1, .epilogue = 1, .outer = {100}, .cols = 40, .max_rows = 14, .batch_size = 1};
    domain.interpreted = interpreted;
    hl_tile *t = compile(&domain, "FFFFF", sgd_operands, 2, sgd_code, SGD_LENGTH, NULL, 0);
    if (!t)
      return;
    for (int variant = 0; variant < 2; variant++) {
      const hl_tile_section *body = &t->body[variant];
      int mask = variant == HL_VARIANT_COPY;
      CHECK(count(body, HL_CODE_CHAIN) == !interpreted, "variant %d", variant);
      CHECK(count(body, HL_CODE_ELEMENTWISE) == mask + 2 * interpreted, "variant %d", variant);
      CHECK(body->count == 1 + interpreted + mask, "variant %d has %d instructions", variant, body->count);
    }
    const char *name = hl_tile_chain(t);
    CHECK(interpreted ? !name : name && strcmp(name, "sgd") == 0, "the chain is %s", name ? name : "none");
    hl_tile_free(t);
  }
}

enum { ROWS = 100, COLS = 72, TILE = 14, SLABS = 3, PANELS = ROWS * SLABS * HL_PANEL };

/* Runs an epilogue over a whole product, every so many tiles, so that slabs alternate. memory is both
   panels of slot 0 and, behind them, the columns of slot 1. */
static void run_epilogue(hl_tile *t, int64_t stride, const float *product, float *memory) {
  _Alignas(64) float tile[HL_GEMM_MAX_MR * HL_PANEL];
  float *bases[8] = {memory, memory + PANELS}, *scratch = new_lanes(hl_tile_scratch(t) / (int64_t)sizeof(float));
  const int64_t tiles = (ROWS + TILE - 1) / TILE * SLABS;
  hl_tile_state state;
  hl_tile_begin(&state, t, scratch, NULL, bases, NULL, 1);
  for (int64_t n = 0; n < tiles; n++) {
    const int64_t number = n * stride % tiles, i0 = number / SLABS * TILE, j0 = number % SLABS * HL_PANEL;
    const int64_t mr = ROWS - i0 < TILE ? ROWS - i0 : TILE, nr = COLS - j0 < HL_PANEL ? COLS - j0 : HL_PANEL;
    memcpy(tile, product + (j0 * ROWS + i0 * HL_PANEL), sizeof(float) * (size_t)(mr * HL_PANEL));
    hl_tile_epilogue(&state, tile, i0, mr, j0, nr);
  }
  free(scratch);
}

/* An update in place, and max(g + bias, 0), whose bias is another one in every slab: compiled as a chain and
   not, to the same bits. The padding of the last panel keeps its zeros. */
static void test_epilogues_in_any_order(void) {
  hl_operand relu[2] = {{.slot = 0, .panel = 1}, {.slot = 1, .col_stride = 1}};
  hl_instruction relu_code[] = {
      {.op = LOAD, .dst = 1, .imm = 1},
      {.op = HL_OP_add_f, .dst = 2, .b = 1},
      {.op = HL_PROGRAM_const_f, .dst = 3},
      {.op = HL_OP_le_f, .dst = 4, .a = 2, .b = 3},
      {.op = HL_OP_select, .dst = 5, .a = 4, .b = 3, .c = 2},
      {.op = STORE, .a = 5, .imm = 0},
  };
  uint64_t seed = 5;
  float *product = new_lanes(PANELS), *memory[3];
  for (int i = 0; i < 3; i++)
    memory[i] = new_lanes(PANELS + SLABS * HL_PANEL);
  for (int round = 0; round < 6; round++) {
    const int which = round % 2;
    const int64_t stride = round < 2 ? 7 : round < 4 ? 11 : 13;
    for (int64_t i = 0; i < PANELS; i++) {
      const int64_t col = i / (ROWS * HL_PANEL) * HL_PANEL + i % HL_PANEL;
      product[i] = random_float(&seed);
      memory[0][i] = col < COLS ? random_float(&seed) : 0.0f;
    }
    for (int64_t i = PANELS; i < PANELS + SLABS * HL_PANEL; i++)
      memory[0][i] = random_float(&seed);
    for (int interpreted = 0; interpreted < 2; interpreted++) {
      hl_tile_domain domain = {.nouter = 1, .epilogue = 1, .outer = {ROWS}, .cols = COLS, .max_rows = TILE};
      domain.batch_size = 1;
      domain.interpreted = interpreted;
      hl_tile *t = which ? compile(&domain, "FFFFFF", relu, 2, relu_code, 6, NULL, 0)
                         : compile(&domain, "FFFFF", sgd_operands, 2, sgd_code, SGD_LENGTH, NULL, 0);
      if (!t)
        return;
      CHECK((hl_tile_chain(t) == NULL) == interpreted, "program %d", which);
      CHECK((t->columns.count > 0) == which, "program %d reads %d things per column", which, t->columns.count);
      float *result = memcpy(memory[1 + interpreted], memory[0], sizeof(float) * (PANELS + SLABS * HL_PANEL));
      run_epilogue(t, interpreted ? 1 : stride, product, result);
      for (int64_t i = 0; i < PANELS; i++) {
        const int64_t col = i / (ROWS * HL_PANEL) * HL_PANEL + i % HL_PANEL;
        const float g = product[i], *others = memory[0] + PANELS;
        const float sum = g + others[col], want = which ? (sum <= 0 ? 0 : sum) : memory[0][i] - g * others[0];
        CHECK(same_float(result[i], col < COLS ? want : 0.0f), "program %d, element %lld", which, (long long)i);
      }
      hl_tile_free(t);
    }
  }
  for (int i = 0; i < 3; i++)
    free(memory[i]);
  free(product);
}

int main(void) {
  test_epilogues_in_any_order();
  test_an_update_works_in_memory();
  test_a_chain_takes_the_place_of_its_instructions();
  test_old_values_survive();
  test_shapes();
  test_tasks_cover_the_domain();
  test_names();
  return check_result();
}
