// The inner kernel: a strip of quantised rows times some columns of a panel, accumulated in registers, as float32.
#pragma once
#include "ops/linear_int8/linear_int8.h"
#include "simd/dot.h"
#include "simd/tile.h"

namespace {

// Rows of a strip. Without an instruction for it a dot product takes more registers: operands as 16 bits, even and odd.
#if defined(JEPA_TARGET_avx512_vnni)
constexpr int kRows = kTileRows;
#elif defined(JEPA_TARGET_avx512)
constexpr int kRows = 12;
#else
constexpr int kRows = 4;
#endif
constexpr int kColumns = kTileVectors * W;
static_assert(jepa::linear_int8::kPanel % kColumns == 0, "whole passes");

// Columns of y and what they are made with, from the first column of a pass on.
struct Columns {
  const uint8_t* panel;
  const int32_t* offsets;
  const float *scales, *bias, *residual;  // null: nothing is added; the residual from the strip's first row on
  int64_t residual_row;
  int64_t count;  // up to kColumns
};

// x: quantised rows, row_bytes apart, with their scales.
template <int Rows>
void strip(const uint8_t* x, int64_t row_bytes, const float* row_scales, const Columns& at, int64_t depth, float* y,
           int64_t y_row) {
  Vi sum[Rows][kTileVectors];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++)
#pragma GCC unroll 4
    for (int v = 0; v < kTileVectors; v++) sum[i][v] = load_i(at.offsets + v * W);
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++)
    __builtin_prefetch(y + i * y_row, 1, 3), __builtin_prefetch(y + i * y_row + kLine, 1, 3);
  const auto* b = reinterpret_cast<const int32_t*>(at.panel);
  for (int64_t g = 0; g < depth; g++) {
    Vi right[kTileVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kTileVectors; v++) right[v] = load_i(b + g * jepa::linear_int8::kPanel + v * W);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++) {
      int32_t four;
      __builtin_memcpy(&four, x + i * row_bytes + g * jepa::linear_int8::kGroup, 4);
      const Vi left = set_i(four);
#pragma GCC unroll 4
      for (int v = 0; v < kTileVectors; v++) sum[i][v] = dot_u8s8(left, right[v], sum[i][v]);
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < kTileVectors; v++) {
    const int64_t left = at.count - v * W;
    const int n = static_cast<int>(left < 0 ? 0 : left < W ? left : W);
    const Vf scale = load(at.scales + v * W), bias = at.bias ? load_n(at.bias + v * W, n) : set(0.0f);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++) {
      Vf value = to_float(sum[i][v]) * set(row_scales[i]) * scale;
      if (at.bias) value = value + bias;
      if (at.residual) value = value + load_n(at.residual + i * at.residual_row + v * W, n);
      store_n(y + i * y_row + v * W, value, n);
    }
  }
}

using Strip = void (*)(const uint8_t*, int64_t, const float*, const Columns&, int64_t, float*, int64_t);

JEPA_INLINE Strip strip_of(int64_t rows) {
  static constexpr Strip table[] = {
    nullptr,
    strip<1>,
    strip<2>,
    strip<3>,
    strip<4>,
#if defined(JEPA_TARGET_avx512)
    strip<5>,
    strip<6>,
    strip<7>,
    strip<8>,
    strip<9>,
    strip<10>,
    strip<11>,
    strip<12>,
#endif
#if defined(JEPA_TARGET_avx512_vnni)
    strip<13>,
    strip<14>,
#endif
  };
  return table[rows];
}

}  // namespace
