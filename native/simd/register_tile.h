// Products of tiles that lie in L1 or L2. Accumulators stay in registers over the whole depth; lanes run along the columns
// of B and Y, elements of A are broadcast.
//
//   y[i][·] = after[i]·(Σ_p a(i, p)·b[p][·] + before[i]·c[i][·])
//
//   A [m, depth]  a(i, p) = a[i·a_stride + p] if dense, else a[p·a_stride + i]: a transpose needs no copy
//   B [depth, columns]  rows b_row apart, readable up to the next whole vector
//   C, Y [m, columns]   rows c_row and y_row apart, nothing behind the last column touched; C may be Y, and may be absent
//
// Pairs: A and B hold pairs of bfloat16 along the depth, and sums are multiplied by `scale`, which would not survive rounding.
#pragma once
#include "simd/dot.h"
#include "simd/pairs.h"
#include "simd/tile.h"

namespace {

// Rows that will be needed later, at least as many as the product has: fetched into L2 meanwhile, a line a step. Addresses
// behind their end do no harm.
struct Ahead {
  const float* data = nullptr;
  int64_t row = 0, width = 0;
};

struct Product {
  const float* a;
  int64_t a_stride;
  const float* b;
  int64_t b_row;
  int64_t depth;
  float* y;
  int64_t y_row;
  int64_t columns;
  const float* c = nullptr;  // absent: nothing is added
  int64_t c_row = 0;
  const float* before = nullptr;  // absent: ones
  const float* after = nullptr;
  float scale = 1.0f;   // of pairs only
  Ahead ahead[2] = {};  // the second only beside a first, whose width goes for both
};

template <int Rows, int Vectors, bool Dense, bool Pairs>
void tile_strip(const Product& t, int64_t row, int64_t column) {
  Vf sum[Rows][Vectors];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; v++) sum[i][v] = set(0.0f);
  const int64_t stride = t.a_stride, b_row = t.b_row;
  const float *b = t.b + column, *a = Dense ? t.a + row * stride : t.a + row;
  // Three rows a pointer: base, base + stride and base + 2·stride are addresses of one instruction.
  constexpr int kGroups = Dense ? (Rows + 2) / 3 : 1;
  const float* at[kGroups];
#pragma GCC unroll 8
  for (int g = 0; g < kGroups; g++) at[g] = a + 3 * g * stride;
  // One step of the depth.
  const auto step = [&]() __attribute__((always_inline)) {
    Vf right[Vectors];
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; v++) right[v] = load(b + v * W);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++) {
      const Vf left = set(Dense ? at[i / 3][i % 3 * stride] : at[0][i]);
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; v++)
        sum[i][v] = Pairs ? dot_bf16(as_int(left), as_int(right[v]), sum[i][v]) : fma(left, right[v], sum[i][v]);
    }
    b += b_row;
#pragma GCC unroll 8
    for (int g = 0; g < kGroups; g++) at[g] += Dense ? 1 : stride;
  };
  int64_t p = 0;
  if (column == 0) {
    // Line p / kLine of row i in step i.
    const Ahead &one = t.ahead[0], &two = t.ahead[t.ahead[1].width > 0];
    while (p < t.depth && p < one.width) {
      const float *line = one.data + row * one.row + p, *other = two.data + row * two.row + p;
      for (const int64_t end = p + kLine < t.depth ? p + kLine : t.depth; p < end; p++) {
        __builtin_prefetch(line, 0, 2);
        __builtin_prefetch(other, 0, 2);
        line += one.row;
        other += two.row;
        step();
      }
    }
  }
  for (; p < t.depth; p++) step();
  const int64_t left = t.columns - column - (Vectors - 1) * W;
  const int last = static_cast<int>(left < W ? left : W);  // columns of the last vector
  if (Pairs && t.scale != 1.0f) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++)
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; v++) sum[i][v] = sum[i][v] * set(t.scale);
  }
  if (t.c) {
    const float* c = t.c + row * t.c_row + column;
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++) {
      const Vf factor = set(t.before ? t.before[row + i] : 1.0f);
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; v++)
        sum[i][v] = fma(v < Vectors - 1 ? load(c + i * t.c_row + v * W) : load_n(c + i * t.c_row + v * W, last), factor,
                        sum[i][v]);
    }
  }
  if (t.after) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++)
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; v++) sum[i][v] = sum[i][v] * set(t.after[row + i]);
  }
  float* y = t.y + row * t.y_row + column;
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; v++) {
      if (v < Vectors - 1 || last == W)
        store(y + i * t.y_row + v * W, sum[i][v]);
      else
        store_n(y + i * t.y_row + v * W, sum[i][v], last);
    }
}

using TileStrip = void (*)(const Product&, int64_t, int64_t);

template <int Vectors, bool Dense, bool Pairs>
TileStrip tile_strip_of(int64_t rows) {
  static constexpr TileStrip table[] = {
    nullptr,
    tile_strip<1, Vectors, Dense, Pairs>,
    tile_strip<2, Vectors, Dense, Pairs>,
    tile_strip<3, Vectors, Dense, Pairs>,
    tile_strip<4, Vectors, Dense, Pairs>,
#if !defined(JEPA_TARGET_scalar)
    tile_strip<5, Vectors, Dense, Pairs>,
    tile_strip<6, Vectors, Dense, Pairs>,
#endif
#if defined(JEPA_TARGET_avx512)
    tile_strip<7, Vectors, Dense, Pairs>,
    tile_strip<8, Vectors, Dense, Pairs>,
    tile_strip<9, Vectors, Dense, Pairs>,
    tile_strip<10, Vectors, Dense, Pairs>,
    tile_strip<11, Vectors, Dense, Pairs>,
    tile_strip<12, Vectors, Dense, Pairs>,
    tile_strip<13, Vectors, Dense, Pairs>,
    tile_strip<14, Vectors, Dense, Pairs>,
#endif
  };
  return table[rows];
}

// Strips of equal height, but for one row: 64 rows are 13 + 13 + 13 + 13 + 12, not 14 + 14 + 14 + 14 + 8.
template <bool Dense, bool Pairs>
__attribute__((noinline, unused)) static void multiply_tiles(const Product& t, int64_t m) {
  const int64_t strips = (m + kTileRows - 1) / kTileRows;
  if (strips == 0) return;
  const int64_t rows = m / strips, higher = m % strips;
  for (int64_t column = 0; column < t.columns;) {
    const bool wide = t.columns - column > (kTileVectors - 1) * W;
    int64_t row = 0;
    for (int64_t s = 0; s < strips; s++) {
      const int64_t n = rows + (s < higher);
      (wide ? tile_strip_of<kTileVectors, Dense, Pairs>(n) : tile_strip_of<1, Dense, Pairs>(n))(t, row, column);
      row += n;
    }
    column += wide ? kTileVectors * W : W;
  }
}

}  // namespace
