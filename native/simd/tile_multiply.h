// C (+)= A·B for tiles that lie in L1 or L2: lanes along the columns of B and C, elements of A broadcast.
//
//   A [m, depth]  element (i, p) at a[i·a_row + p·a_step], so that transposes need no copy
//   B [depth, vectors·W], C [m, vectors·W]  whole vectors, rows b_row and c_row apart
#pragma once
#include "simd/vec.h"

namespace {

struct TileOperand {
  const float* data;
  int64_t row, step;
};

// As many accumulators as hide the latency of a multiply-add and leave registers for B.
#if defined(JEPA_TARGET_avx512)
constexpr int kTileRows = 8;
#else
constexpr int kTileRows = 4;
#endif

template <int rows, int vectors>
JEPA_INLINE void tile_block(TileOperand a, const float* b, int64_t b_row, float* c, int64_t c_row, int64_t depth,
                            bool accumulate) {
  Vf sum[rows][vectors];
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < vectors; j++) sum[i][j] = accumulate ? load(c + i * c_row + j * W) : set(0.0f);
  for (int64_t p = 0; p < depth; p++) {
    Vf column[vectors];
    for (int j = 0; j < vectors; j++) column[j] = load(b + p * b_row + j * W);
    for (int i = 0; i < rows; i++) {
      const Vf x = set(a.data[i * a.row + p * a.step]);
      for (int j = 0; j < vectors; j++) sum[i][j] = fma(x, column[j], sum[i][j]);
    }
  }
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < vectors; j++) store(c + i * c_row + j * W, sum[i][j]);
}

template <int rows>
JEPA_INLINE void tile_rows(TileOperand a, const float* b, int64_t b_row, float* c, int64_t c_row, int64_t vectors,
                           int64_t depth, bool accumulate) {
  int64_t j = 0;
  for (; j + 2 <= vectors; j += 2) tile_block<rows, 2>(a, b + j * W, b_row, c + j * W, c_row, depth, accumulate);
  if (j < vectors) tile_block<rows, 1>(a, b + j * W, b_row, c + j * W, c_row, depth, accumulate);
}

__attribute__((noinline, unused)) static void tile_multiply(TileOperand a, const float* b, int64_t b_row, float* c,
                                                            int64_t c_row, int64_t m, int64_t vectors, int64_t depth,
                                                            bool accumulate) {
  int64_t i = 0;
  for (; i + kTileRows <= m; i += kTileRows) {
    const TileOperand block = {a.data + i * a.row, a.row, a.step};
    tile_rows<kTileRows>(block, b, b_row, c + i * c_row, c_row, vectors, depth, accumulate);
  }
  for (; i + 2 <= m; i += 2) {
    const TileOperand block = {a.data + i * a.row, a.row, a.step};
    tile_rows<2>(block, b, b_row, c + i * c_row, c_row, vectors, depth, accumulate);
  }
  if (i < m) {
    const TileOperand block = {a.data + i * a.row, a.row, a.step};
    tile_rows<1>(block, b, b_row, c + i * c_row, c_row, vectors, depth, accumulate);
  }
}

}  // namespace
