/* Epilogues: programs over the register tiles of a product, one call for each. Most are a chain and nothing else, over
   panels and what is the same in every row, as an update of weights is. Where its vectors lie is then found in the
   first tile, and for others that is so much further on in all panels: to find them every time took a twentieth of the
   instructions of a training step. */
#include "tile/internal.h"

/* Elements in all panels together, 8 MB, from which on no line of them is in L2 when it is needed again. */
enum { FAR = 1 << 21 };

/* After a tile of nr columns from j0 on, whose code was `body`. */
static void remember(hl_tile_state *s, const hl_tile_section *body, int64_t j0, int64_t nr) {
  const hl_tile *t = s->tile;
  const hl_tile_code *c = body->code;
  hl_tile_lone *lone = &s->lone;
  lone->nr = -1;
  if (body->count != 1 || c->kind != HL_CODE_CHAIN || !c->full)
    return;
  lone->npanels = lone->nproducts = 0;
  for (uint32_t i = 0; i < c->imm; i++) {
    const int32_t loc = t->chain_locs[c->operand + (int32_t)i];
    lone->places[i] = s->loc[loc];
    if (loc == t->product_loc) {
      lone->products[lone->nproducts++] = (int32_t)i;
    } else if (loc >= t->operand_loc) {
      const hl_tile_operand *o = &t->operands[loc - t->operand_loc];
      if (o->access != HL_ACCESS_PANEL)
        return;
      lone->starts[lone->npanels] = hl_tile_address(s, o, 0, 0);
      lone->panels[lone->npanels++] = (int32_t)i;
    }
  }
  lone->chain = c->call.chain;
  lone->slab = t->columns.count ? j0 : -1;
  lone->nr = nr;
  lone->far = t->ndirect * t->rows * t->cols >= FAR;
}

static void run_lone(hl_tile_lone *lone, float *product, int64_t offset, int64_t lanes) {
  for (int32_t i = 0; i < lone->npanels; i++)
    lone->places[lone->panels[i]] = lone->starts[i] + offset;
  for (int32_t i = 0; i < lone->nproducts; i++)
    lone->places[lone->products[i]] = product;
  lone->chain(lone->places, lanes);
}

/* What the next tile's chain reads, all of it panels, while the product computes the tile. In line: calls of a function
   that does nothing else have been removed, as being without effect. */
static inline __attribute__((always_inline)) void fetch(const hl_tile_state *s, int64_t row, int64_t rows, int64_t j0) {
  for (int32_t i = 0; i < s->tile->ndirect; i++) {
    const float *at = hl_tile_address(s, &s->tile->operands[s->tile->direct_operands[i]], row, j0);
    for (int64_t lane = 0; lane < rows * HL_PANEL; lane += HL_LANES)
      __builtin_prefetch(at + lane, 1);
  }
}

void hl_tile_epilogue(void *state, float *product, int64_t i0, int64_t mr, int64_t j0, int64_t nr) {
  hl_tile_state *s = state;
  const hl_tile *t = s->tile;
  if (s->lone.nr == nr && (s->lone.slab < 0 || s->lone.slab == j0)) {
    const int64_t next = i0 + mr, left = t->rows - next;
    run_lone(&s->lone, product, j0 * t->rows + i0 * HL_PANEL, mr * t->block_cols);
    if (s->lone.far)
      fetch(s, next, left < mr ? left : mr, j0);
    return;
  }
  hl_tile_extent e = {.r0 = i0, .rows = mr, .c0 = j0, .cols = nr, .ld = t->block_cols};
  e.lanes_full = mr * e.ld;
  e.lanes_row = hl_tile_round16(mr);
  s->loc[t->product_loc] = product;
  remember(s, &t->body[hl_tile_run(s, &e)], j0, nr);
}
