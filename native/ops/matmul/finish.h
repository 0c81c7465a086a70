// What becomes of sums while they are in the first cache: bias, activation, a residual or the slope of an activation. Results
// larger than the caches are written past them: reading what is about to be overwritten costs more than the arithmetic here.
#pragma once
#include "ops/matmul/matmul.h"
#include "simd/activation.h"

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

template <class Activate, class Slope>
JEPA_INLINE void finish_vectors(const Finish& f, int64_t rows, int64_t columns, const float* from, int64_t from_row,
                                float* y, int64_t y_row, bool streamed, Activate activate, Slope slope) {
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j += W) {
      const int n = static_cast<int>(columns - j < W ? columns - j : W);
      const auto read = [n](const float* p) __attribute__((always_inline)) { return n == W ? load(p) : load_n(p, n); };
      Vf x = read(from + i * from_row + j);
      if (f.bias) x = x + read(f.bias + j);
      if (f.sums) write(f.sums + i * f.sums_row + j, x, n, f.sums_streamed);
      if (f.slope_at) {
        x = x * slope(read(f.slope_at + i * f.beside_row + j));
      } else {
        x = activate(x);
        if (f.residual) x = x + read(f.residual + i * f.beside_row + j);
      }
      write(y + i * y_row + j, x, n, streamed);
    }
}

// y [rows, columns] of sums at `from`, which may be y. What is streamed (non-temporal stores), y or sums, has rows aligned to
// lines; ends of rows that are no whole vector are stored as usual.
__attribute__((noinline, unused)) static void finish_tile(const Finish& f, int64_t rows, int64_t columns,
                                                          const float* from, int64_t from_row, float* y, int64_t y_row,
                                                          bool streamed) {
#define WITH(kind, slope)                                                                 \
  return finish_vectors(                                                                  \
      f, rows, columns, from, from_row, y, y_row, streamed,                               \
      [](Vf x) __attribute__((always_inline)) { return activated(x, Activation::kind); }, \
      [](Vf x) __attribute__((always_inline)) { return slope; })
  switch (f.activation) {
    case Activation::gelu_erf:
      WITH(gelu_erf, gelu_erf_derivative(x));
    case Activation::gelu_tanh:
      WITH(gelu_tanh, gelu_tanh_derivative(x));
    case Activation::silu:
      WITH(silu, x);
    case Activation::relu:
      WITH(relu, x);
    case Activation::none:
      WITH(none, x);
  }
#undef WITH
}

}  // namespace
