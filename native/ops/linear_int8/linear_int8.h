// linear_int8: y = activation(x·Wᵀ + bias) + residual with both operands rounded to 8 bits, for inference: it has no gradient.
//   x [M, K]  float32, last stride 1, rounded row by row as it comes    y [M, N]  float32, last stride 1; overwritten
//   panels, scales, offsets  of W [N, K], written by linear_int8_pack   bias [N]  optional
//   residual [M, N]  with the flag, as y
//   attributes: u32 flags (4: residual), u32 activation (see simd/activation_kind.h)
// linear_int8_pack: W [N, K] float32, dense → panels uint8 [⌈N/32⌉·⌈K/4⌉·128], scales float32 [⌈N/32⌉·32], offsets int32 [⌈N/32⌉·32]
//   no attributes. Panels of 32 rows of W, [⌈N/32⌉][⌈K/4⌉][32][4] signed bytes; what is beyond N and K is zero.
//
// Symmetric quantisation with a scale for each row of x and each row of W (PyTorch's quantize_dynamic: one for all of x):
//   s = max(maxⱼ |vⱼ|, 2⁻¹⁰⁰)/127,  qⱼ = vⱼ·(127/max) rounded to nearest even, in [−127, 127]
//   y[i][n] = (Σ_k q(x)[i][k]·q(W)[n][k])·s(x)[i]·s(W)[n] + bias[n]
// The CPU multiplies unsigned by signed bytes: x is stored as q + 128, and sums begin at offsets[n] = −128·Σ_k q(W)[n][k]. Sums
// are exact integers, so without an activation every target gives the same bits, and K ≤ 131072 keeps them in 32 bits.
// A row (of x or W) that holds NaN or infinity gives NaN: the largest is found among the bits, where NaN is above infinity.
#pragma once
#include "runtime/op.h"
#include "simd/activation_kind.h"

namespace jepa::linear_int8 {

constexpr uint32_t kResidual = 4;       // flag, the same as of matmul
constexpr int64_t kPanel = 32;          // rows of W side by side
constexpr int64_t kGroup = 4;           // inner steps that are multiplied and added at once
constexpr int64_t kMostSteps = 131072;  // 128·127·K < 2³¹
constexpr int64_t kQuantisedRows = 16;  // of a tile of the first phase
constexpr int64_t kStrips = 8;          // of 14 rows, of a block: they stay in L2 while panels stream past

// Bytes of a quantised row: an odd number of lines, so that the rows of a strip lie in different sets of the cache.
constexpr int64_t row_bytes(int64_t k) { return ((k + 63) / 64 | 1) * 64; }
constexpr int64_t groups(int64_t k) { return (k + kGroup - 1) / kGroup; }
constexpr int64_t panels(int64_t n) { return (n + kPanel - 1) / kPanel; }

// The workspace: scales of the rows of x, then the rows, and room behind them: matrix tiles are read whole.
constexpr int64_t kReadBehind = 15;
constexpr int64_t scale_bytes(int64_t m) { return (m + 15) / 16 * 64; }

struct Attributes {
  int64_t m, k, n;
  int64_t x_row, y_row, residual_row;
  int64_t row_blocks, column_blocks;
  Activation activation;
  bool bias, residual;
};

}  // namespace jepa::linear_int8
