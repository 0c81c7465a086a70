// What becomes of sums while they are in the first cache: bias, activation, a residual or the slope of an activation. Results
// larger than the caches are written past them: reading what is about to be overwritten costs more than the arithmetic here.
#pragma once
#include "ops/matmul/matmul.h"
#include "simd/activation.h"
#include "simd/tile.h"

namespace {

using jepa::Activation;

// Pointers belong to the first row and column of the sums at hand; absent ones are null.
struct Finish {
  const float *bias, *residual, *slope_at;
  float* sums;                   // where they are kept as they are before the activation
  int64_t beside_row, sums_row;  // of residual or slope_at, and of sums
  Activation activation;
  bool streamed, sums_streamed;  // y and sums are written past the caches

  JEPA_METHOD bool needed() const { return bias || beside() || sums || activation != Activation::none; }
  JEPA_METHOD const float* beside() const { return residual ? residual : slope_at; }
  JEPA_METHOD Finish at(int64_t row, int64_t column) const {
    Finish moved = *this;
    if (bias) moved.bias += column;
    if (residual) moved.residual += row * beside_row + column;
    if (slope_at) moved.slope_at += row * beside_row + column;
    if (sums) moved.sums += row * sums_row + column;
    return moved;
  }
};

JEPA_INLINE void write(float* p, Vf x, int n, bool streamed) {
  if (n < W) return store_n(p, x, n);
  streamed ? stream(p, x) : store(p, x);
}

template <int Rows, int Vectors>
struct Shape {
  static constexpr int rows = Rows, vectors = Vectors;
};

// Of `Rows` rows and `Vectors` vectors, the last of `n` numbers.
template <Activation Kind, int Rows, int Vectors>
JEPA_INLINE void finish_vectors(const Finish& f, int n, const float* from, int64_t from_row, float* y, int64_t y_row,
                                bool streamed) {
  Vf x[Rows * Vectors];
  const auto each = [](auto what) __attribute__((always_inline)) {
#pragma GCC unroll 4
    for (int i = 0; i < Rows; i++)
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; v++) what(i * Vectors + v, i, v * W);
  };
  const auto read = [n](const float* p) __attribute__((always_inline)) { return n == W ? load(p) : load_n(p, n); };
  each([&](int at, int i, int j) __attribute__((always_inline)) {
    x[at] = read(from + i * from_row + j);
    if (f.bias) x[at] = x[at] + read(f.bias + j);
    if (f.sums) write(f.sums + i * f.sums_row + j, x[at], n, f.sums_streamed);
  });
  if (f.slope_at) {
    Vf slopes[Rows * Vectors];
    each([&](int at, int i, int j)
             __attribute__((always_inline)) { slopes[at] = read(f.slope_at + i * f.beside_row + j); });
    slope(slopes, Kind);
    each([&](int at, int, int) __attribute__((always_inline)) { x[at] = x[at] * slopes[at]; });
  } else {
    activate(x, Kind);
    if (f.residual)
      each([&](int at, int i, int j)
               __attribute__((always_inline)) { x[at] = x[at] + read(f.residual + i * f.beside_row + j); });
  }
  each([&](int at, int i, int j) __attribute__((always_inline)) { write(y + i * y_row + j, x[at], n, streamed); });
}

template <Activation Kind>
JEPA_INLINE void finish_all(const Finish& f, int64_t rows, int64_t columns, const float* from, int64_t from_row,
                            float* y, int64_t y_row, bool streamed) {
  constexpr int together = kTileVectors < 4 ? 2 : 1;  // four vectors fill the pipelines
  const auto part = [&](auto shape, int64_t i, int64_t j, int n) __attribute__((always_inline)) {
    finish_vectors<Kind, shape.rows, shape.vectors>(f.at(i, j), n, from + i * from_row + j, from_row, y + i * y_row + j,
                                                    y_row, streamed);
  };
  int64_t j = 0;
  for (; j + kTileVectors * W <= columns; j += kTileVectors * W) {
    int64_t i = 0;
    for (; i + together <= rows; i += together) part(Shape<together, kTileVectors>(), i, j, W);
    for (; i < rows; i++) part(Shape<1, kTileVectors>(), i, j, W);
  }
  for (; j < columns; j += W)
    for (int64_t i = 0; i < rows; i++) part(Shape<1, 1>(), i, j, static_cast<int>(columns - j < W ? columns - j : W));
}

// y [rows, columns] of sums at `from`, which may be y. What is streamed (non-temporal stores), y or sums, has rows aligned to
// lines; ends of rows that are no whole vector are stored as usual.
__attribute__((noinline, unused)) static void finish_tile(const Finish& f, int64_t rows, int64_t columns,
                                                          const float* from, int64_t from_row, float* y, int64_t y_row,
                                                          bool streamed) {
  switch (f.activation) {
    case Activation::gelu_erf:
      return finish_all<Activation::gelu_erf>(f, rows, columns, from, from_row, y, y_row, streamed);
    case Activation::gelu_tanh:
      return finish_all<Activation::gelu_tanh>(f, rows, columns, from, from_row, y, y_row, streamed);
    case Activation::silu:
      return finish_all<Activation::silu>(f, rows, columns, from, from_row, y, y_row, streamed);
    case Activation::relu:
      return finish_all<Activation::relu>(f, rows, columns, from, from_row, y, y_row, streamed);
    case Activation::none:
      return finish_all<Activation::none>(f, rows, columns, from, from_row, y, y_row, streamed);
  }
}

}  // namespace
