// Panels of the right operand: kPanel columns of b [depth, columns] side by side, inner step by inner step.
#pragma once
#include "ops/matmul/matmul.h"
#include "simd/math.h"
#include "simd/transpose.h"

namespace {

using jepa::matmul::kPanel;

JEPA_INLINE void pack_rows(const float* b, int64_t row, int64_t depth, int64_t columns, float* panel) {
  if (columns == kPanel) {
    for (int64_t k = 0; k < depth; k++)
      for (int64_t j = 0; j < kPanel; j += W) store(panel + k * kPanel + j, load(b + k * row + j));
    return;
  }
  for (int64_t k = 0; k < depth; k++) {
    for (int64_t j = 0; j < kPanel; j += W) {
      const int64_t left = columns - j;
      Vf x = set(0.0f);
      if (left > 0) x = load_n(b + k * row + j, static_cast<int>(left < W ? left : W));
      store(panel + k * kPanel + j, x);
    }
  }
}

JEPA_INLINE void pack_elements(const float* b, int64_t row, int64_t column, int64_t first, int64_t last, int64_t j,
                               int64_t columns, float* panel) {
  for (int64_t c = j; c < j + kTransposed; c++)
    for (int64_t k = first; k < last; k++) panel[k * kPanel + c] = c < columns ? b[k * row + c * column] : 0.0f;
}

// b[k][j] for `columns` ≤ kPanel columns into a panel, zeros behind them.
__attribute__((noinline, unused)) static void pack_panel(const float* b, int64_t row, int64_t column, int64_t depth,
                                                         int64_t columns, float* panel) {
  if (column == 1) return pack_rows(b, row, depth, columns, panel);
  // A transpose, in blocks that stay in registers; what is read along a column stays in L1 until its neighbours are.
  int64_t k = 0;
  for (; row == 1 && k + kTransposed <= depth; k += kTransposed) {
    for (int64_t j = 0; j < kPanel; j += kTransposed) {
      if (j + kTransposed <= columns) {
        transpose_8x8(reinterpret_cast<const uint32_t*>(b + k + j * column), column,
                      reinterpret_cast<uint32_t*>(panel + k * kPanel + j), kPanel);
      } else {
        pack_elements(b, row, column, k, k + kTransposed, j, columns, panel);
      }
    }
  }
  for (int64_t j = 0; j < kPanel; j += kTransposed) pack_elements(b, row, column, k, depth, j, columns, panel);
}

// a[k][i] for `height` rows i, dense along i, into [depth][Row]; what stands behind the last row is never read.
template <int Row, bool Rounded>
JEPA_INLINE void pack_strip(const float* a, int64_t step, int64_t height, int64_t depth, float* strip) {
  static_assert(Row % W == 0, "whole vectors");
  for (int v = 0; v < Row / W; v++) {
    const int64_t left = height - v * W;
    const int n = static_cast<int>(left < 0 ? 0 : left < W ? left : W);
    for (int64_t k = 0; k < depth; k++) {
      __builtin_prefetch(a + (k + 24) * step + v * W, 0, 3);
      const Vf x = load_n(a + k * step + v * W, n);
      store(strip + k * Row + v * W, Rounded ? to_bfloat16(x) : x);
    }
  }
}

}  // namespace
