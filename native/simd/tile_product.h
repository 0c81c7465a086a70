// The products of register_tile.h, of pairs, by matrix tiles.
#pragma once
#include "simd/matrix_tile.h"
#include "simd/register_tile.h"

namespace {

#if defined(JEPA_TARGET_avx512_amx)

constexpr int64_t kTiledDepth = 128;  // pairs at a time: a strip of A is 16 KiB of them

// Rows [row, row + height) of A, 16 pairs of each from p on; tiles of a strip beside each other, zeros behind the depth.
template <bool Dense>
JEPA_INLINE void pack_tiles(const Product& t, int64_t row, int64_t height, int64_t p, float* to) {
  const int steps = static_cast<int>(smaller(kTile, t.depth - p));
  if (Dense) {
    for (int64_t i = 0; i < height; i++) store(to + i * kTile, load_n(t.a + (row + i) * t.a_stride + p, steps));
    return;
  }
  for (int64_t i = 0; i < height; i += kTile) {
    const int rows = static_cast<int>(smaller(kTile, height - i));
    __m512i pairs[kTile];
    for (int k = 0; k < kTile; k++) {
      const float* from = t.a + (p + k) * t.a_stride + row + i;
      pairs[k] = k < steps ? as_int(load_n(from, rows)).v : _mm512_setzero_si512();
    }
    transpose_tile(pairs, to + i * kTile);
  }
}

// sums [32, 32] of a packed strip and columns of B. High: of two tiles of rows, else of one; Wide: likewise of columns.
template <bool High, bool Wide>
void sum_tiles(const Product& t, const float* strip, int64_t column, float* sums) {
  clear_tile<0>(), clear_tile<1>(), clear_tile<2>(), clear_tile<3>();
  for (int64_t p = 0; p < t.depth; p += kTile, strip += kTileNumbers) {
    const float* b = t.b + p * t.b_row + column;
    int64_t b_row = t.b_row;
    alignas(64) float rest[kTile * kTileStrip];
    if (t.depth - p < kTile) {
      for (int64_t i = 0; i < kTile; i++)
        for (int64_t j = 0; j < (Wide ? 2 : 1) * kTile; j += kTile)
          store(rest + i * kTileStrip + j, i < t.depth - p ? load(b + i * b_row + j) : set(0.0f));
      b = rest;
      b_row = kTileStrip;
    }
    load_tile<6>(b, b_row);
    load_tile<4>(strip, kTile);
    multiply_pair_tiles<0, 4, 6>();
    if (Wide) load_tile<7>(b + kTile, b_row), multiply_pair_tiles<1, 4, 7>();
    if (High) load_tile<5>(strip + kTile * kTile, kTile), multiply_pair_tiles<2, 5, 6>();
    if (High && Wide) multiply_pair_tiles<3, 5, 7>();
  }
  store_tile<0>(sums, kTileStrip);
  if (Wide) store_tile<1>(sums + kTile, kTileStrip);
  if (High) store_tile<2>(sums + kTile * kTileStrip, kTileStrip);
  if (High && Wide) store_tile<3>(sums + kTile * kTileStrip + kTile, kTileStrip);
}

// y of rows [row, row + height) and up to 32 columns.
JEPA_INLINE void finish_tiles(const Product& t, int64_t row, int64_t height, int64_t column, const float* sums) {
  const int64_t width = smaller(kTileStrip, t.columns - column);
  for (int64_t i = 0; i < height; i++) {
    const Vf before = set(t.before ? t.before[row + i] : 1.0f), after = set(t.after ? t.after[row + i] : 1.0f);
    for (int64_t j = 0; j < width; j += W) {
      const int n = static_cast<int>(smaller(W, width - j));
      Vf sum = load(sums + i * kTileStrip + j) * set(t.scale);
      if (t.c) sum = fma(load_n(t.c + (row + i) * t.c_row + column + j, n), before, sum);
      store_n(t.y + (row + i) * t.y_row + column + j, sum * after, n);
    }
  }
}

// A product of at most kTiledDepth pairs.
template <bool Dense>
void multiply_piece(const Product& t, int64_t m) {
  alignas(64) float strip[kTiledDepth * kTileStrip], sums[kTileStrip * kTileStrip];
  const int64_t strips = (m + kTileStrip - 1) / kTileStrip;
  for (int64_t s = 0; s < strips; s++) {
    const int64_t row = share(m, s, strips), height = share(m, s + 1, strips) - row;
    for (int64_t p = 0; p < t.depth; p += kTile) pack_tiles<Dense>(t, row, height, p, strip + p * kTileStrip);
    for (int64_t column = 0; column < t.columns; column += kTileStrip) {
      const bool wide = t.columns - column > kTile;
      if (height > kTile)
        (wide ? sum_tiles<true, true> : sum_tiles<true, false>)(t, strip, column, sums);
      else
        (wide ? sum_tiles<false, true> : sum_tiles<false, false>)(t, strip, column, sums);
      finish_tiles(t, row, height, column, sums);
    }
  }
}

template <bool Dense>
__attribute__((noinline, unused)) static void multiply_by_tiles(const Product& t, int64_t m) {
  for (int64_t p = 0; p == 0 || p < t.depth; p += kTiledDepth) {
    Product piece = t;
    piece.a += Dense ? p : p * t.a_stride;
    piece.b += p * t.b_row;
    piece.depth = smaller(kTiledDepth, t.depth - p);
    if (p > 0) piece.c = t.y, piece.c_row = t.y_row, piece.before = nullptr;
    if (p + piece.depth < t.depth) piece.after = nullptr;
    multiply_piece<Dense>(piece, m);
  }
}

#endif

// By matrix tiles where the target has them and operands are pairs.
template <bool Dense>
JEPA_INLINE void multiply(const Product& t, int64_t m, bool pairs) {
#if defined(JEPA_TARGET_avx512_amx)
  if (pairs) return multiply_by_tiles<Dense>(t, m);
  multiply_tiles<Dense, false>(t, m);
#else
  if (kPairs && pairs)
    multiply_tiles<Dense, kPairs>(t, m);
  else
    multiply_tiles<Dense, false>(t, m);
#endif
}

}  // namespace
