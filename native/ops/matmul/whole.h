// Operands of a transposed product (the gradient of weights) that a first phase packs whole: each is read once and row by row, as
// memory likes it, and not again by every block that needs it. What is packed is what blocks would have made of it, by depths:
//
//   a: [blocks of rows][depths][strips][steps][kStripRow], or as tiles.h has it
//   b: [depths][panels][steps][kPanel]
#pragma once
#include "ops/matmul/bfloat16.h"
#include "ops/matmul/strip.h"
#include "ops/matmul/tiles.h"
#include "simd/windows.h"

namespace {

using jepa::matmul::Attributes;
using jepa::matmul::kWholePanels;

constexpr int64_t kGroup = kTiles ? 32 : 16;  // inner steps that are packed at a time: their rows stay in L1

// Rounded operands are packed whole only where pairs are multiplied.
JEPA_INLINE bool a_is_whole(const Attributes& t) { return t.a_whole && (kPairs || !t.rounded); }
JEPA_INLINE bool b_is_whole(const Attributes& t) { return t.b_whole && (kPairs || !t.rounded); }
JEPA_INLINE int64_t steps_of(const Attributes& t, int64_t depth) { return t.rounded ? rounded_steps(depth) : depth; }
JEPA_INLINE bool is_tiled(const Attributes& t) { return kTiles && t.rounded; }
JEPA_INLINE int64_t strips_of(const Attributes& t, int64_t rows) {
  const int64_t most = is_tiled(t) ? kTileStrip : kTileRows;
  return (rows + most - 1) / most;
}
// Numbers of a packed strip.
JEPA_INLINE int64_t strip_numbers(const Attributes& t, int64_t depth) {
  const int64_t steps = steps_of(t, depth);
  return is_tiled(t) ? kTileStrip * whole_tiles(steps) : kStripRow * steps;
}

// Inner steps of a block: rounded numbers that are no pairs take more room than `depth` reckons with.
JEPA_INLINE int64_t depth_of(const Attributes& t) {
  return t.rounded && !kPairs ? smaller(jepa::matmul::kDepth, t.depth) : t.depth;
}

// Where the strips of a block of rows begin at inner step k, and the panels of b at step k.
JEPA_INLINE float* whole_a(const Attributes& t, char* workspace, int64_t row_block, int64_t strips, int64_t k) {
  return reinterpret_cast<float*>(workspace) + t.a_whole_at + row_block * t.a_whole_block +
         strips * strip_numbers(t, k);
}
JEPA_INLINE float* whole_b(const Attributes& t, char* workspace, int64_t k) {
  return reinterpret_cast<float*>(workspace) + t.b_whole_at + steps_of(t, k) * t.panels * kPanel;
}

// `depth` steps of `rows` rows, dense along the rows.
void pack_whole_a(const Attributes& t, const float* a, int64_t rows, int64_t depth, int64_t strips, float* to) {
  const int64_t stride = strip_numbers(t, depth);
  for (int64_t k = 0; k < depth; k += kGroup) {
    const int64_t steps = smaller(kGroup, depth - k);
    for (int64_t s = 0; s < strips; s++) {
      const int64_t first = share(rows, s, strips), height = share(rows, s + 1, strips) - first;
      const float* from = a + k * t.a_column + first;
      float* strip = to + s * stride + strip_numbers(t, k);
      if (is_tiled(t)) {
        tile_columns(from, t.a_column, height, steps, strip);
      } else if (t.rounded) {
        round_strip<kStripRow>(from, t.a_column, height, steps, strip);
      } else {
        pack_strip<kStripRow, false>(from, t.a_column, height, steps, strip);
      }
    }
  }
}

// A panel of the windows of a picture: `depth` of them from window k on, their columns from `first` on.
JEPA_INLINE void gather_panel(const Attributes& t, const float* picture, int64_t k, int64_t first, int64_t depth,
                              int64_t columns, float* panel) {
  gather_block(t.windows, picture, k, depth, first, columns, panel, kPanel);
  for (int64_t i = 0; i < depth && columns < kPanel; i++) zero_run(kPanel - columns, panel + i * kPanel + columns);
}

// `depth` steps from `from_step` on of `panels` panels from panel `first` on.
void pack_whole_b(const Attributes& t, const float* b, int64_t first, int64_t panels, int64_t from_step, int64_t depth,
                  float* to) {
  const int64_t stride = kPanel * steps_of(t, depth);
  alignas(64) float rows[kGroup * kPanel];
  for (int64_t k = 0; k < depth; k += kGroup) {
    const int64_t steps = smaller(kGroup, depth - k);
    for (int64_t p = 0; p < panels; p++) {
      const int64_t column = (first + p) * kPanel, width = smaller(kPanel, t.n - column);
      float* panel = to + p * stride + steps_of(t, k) * kPanel;
      if (t.b_windows) {
        gather_panel(t, b, from_step + k, column, steps, width, t.rounded ? rows : panel);
        if (t.rounded) pair_rows(rows, kPanel, steps, reinterpret_cast<int32_t*>(panel));
        continue;
      }
      const float* from = b + (from_step + k) * t.b_row + column;
      for (int64_t next = kGroup; next < 2 * kGroup; next++)  // what follows, perhaps from another core's cache
        for (int64_t j = 0; j < kPanel; j += kLine) __builtin_prefetch(from + next * t.b_row + j, 0, 3);
      if (!t.rounded) {
        pack_rows(from, t.b_row, steps, width, panel);
      } else if (width == kPanel) {
        pair_rows(from, t.b_row, steps, reinterpret_cast<int32_t*>(panel));
      } else {
        pack_rows(from, t.b_row, steps, width, rows);
        pair_rows(rows, kPanel, steps, reinterpret_cast<int32_t*>(panel));
      }
    }
  }
}

}  // namespace
