// The strip of strip.h by matrix tiles, two of them high. Offsets come last: sums without them may wrap, and wrap back, so that every
// bit is the same.
#pragma once
#include "ops/linear_int8/strip.h"
#include "simd/matrix_tile.h"

namespace {

#if defined(JEPA_TARGET_avx512_amx)

constexpr int64_t kMostRows = kTileStrip;  // of a strip
static_assert(kColumns == kTileStrip, "a pass is two tiles wide");

// sums [32, 32] of rows of bytes, readable to the end of a line, and a panel.
template <bool High>
void sum_bytes(const uint8_t* x, int64_t row_bytes, const uint8_t* panel, int64_t depth, int32_t* sums) {
  constexpr int64_t kRow = jepa::linear_int8::kPanel * jepa::linear_int8::kGroup;
  clear_tile<0>(), clear_tile<1>(), clear_tile<2>(), clear_tile<3>();
  for (int64_t g = 0; g < depth; g += kTile, x += 64, panel += kTile * kRow) {
    alignas(64) uint8_t rest[kTile * kRow];
    const uint8_t* b = panel;
    if (depth - g < kTile) {  // what x has there is anything, and counts nothing
      const int64_t known = (depth - g) * kRow;
      __builtin_memcpy(rest, panel, known);
      __builtin_memset(rest + known, 0, sizeof rest - known);
      b = rest;
    }
    load_tile<6>(b, kRow);
    load_tile<4>(x, row_bytes);
    multiply_byte_tiles<0, 4, 6>();
    load_tile<7>(b + 64, kRow);
    multiply_byte_tiles<1, 4, 7>();
    if (!High) continue;
    load_tile<5>(x + kTile * row_bytes, row_bytes);
    multiply_byte_tiles<2, 5, 6>();
    multiply_byte_tiles<3, 5, 7>();
  }
  store_tile<0>(sums, kTileStrip), store_tile<1>(sums + kTile, kTileStrip);
  if (High) store_tile<2>(sums + kTileNumbers, kTileStrip), store_tile<3>(sums + kTileNumbers + kTile, kTileStrip);
}

JEPA_INLINE void multiply_strip(int64_t rows, const uint8_t* x, int64_t row_bytes, const float* row_scales,
                                const Columns& at, int64_t depth, float* y, int64_t y_row) {
  alignas(64) int32_t sums[kTileStrip * kTileStrip];
  (rows > kTile ? sum_bytes<true> : sum_bytes<false>)(x, row_bytes, at.panel, depth, sums);
  for (int64_t j = 0; j < at.count; j += W) {
    const int n = static_cast<int>(smaller(W, at.count - j));
    const Vf scale = load(at.scales + j), bias = at.bias ? load_n(at.bias + j, n) : set(0.0f);
    for (int64_t i = 0; i < rows; i++) {
      Vf value = to_float(load_i(sums + i * kTileStrip + j) + load_i(at.offsets + j)) * set(row_scales[i]) * scale;
      if (at.bias) value = value + bias;
      if (at.residual) value = value + load_n(at.residual + i * at.residual_row + j, n);
      store_n(y + i * y_row + j, value, n);
    }
  }
}

#else

constexpr int64_t kMostRows = kRows;

JEPA_INLINE void multiply_strip(int64_t rows, const uint8_t* x, int64_t row_bytes, const float* row_scales,
                                const Columns& at, int64_t depth, float* y, int64_t y_row) {
  strip_of(rows)(x, row_bytes, row_scales, at, depth, y, y_row);
}

#endif

}  // namespace
