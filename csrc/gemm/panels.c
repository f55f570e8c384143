/* Panels made of rows, and rows of panels. */
#include <string.h>

#include "gemm/internal.h"

int64_t hl_panels_size(int64_t k, int64_t n) { return round_up(n, HL_PANEL) * k; }

void hl_pack_panels(float *panels, const float *src, int64_t ld, int64_t k, int64_t n) {
  for (int64_t j0 = 0; j0 < n; j0 += HL_PANEL) {
    size_t width = (size_t)at_most(n - j0, HL_PANEL);
    for (int64_t r = 0; r < k; ++r) {
      float *row = panels + j0 * k + r * HL_PANEL;
      memcpy(row, src + r * ld + j0, sizeof(float) * width);
      memset(row + width, 0, sizeof(float) * (HL_PANEL - width));
    }
  }
}

void hl_unpack_panels(float *dst, int64_t ld, const float *panels, int64_t k, int64_t n) {
  for (int64_t j0 = 0; j0 < n; j0 += HL_PANEL)
    for (int64_t r = 0; r < k; ++r)
      memcpy(dst + r * ld + j0, panels + j0 * k + r * HL_PANEL, sizeof(float) * (size_t)at_most(n - j0, HL_PANEL));
}
