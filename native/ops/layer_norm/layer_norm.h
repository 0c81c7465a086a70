// layer_norm: y = (x − mean)·rstd·weight + bias over the last axis (Ba, Kiros & Hinton 2016, eq. 4; biased variance),
// rstd = 1/√(var + ε).
//
//   x [rows, D]  any row stride          weight, bias [D], each optional
//   y [rows, D]  overwritten, may be x   mean, rstd [rows], saved for the gradient
//   attributes: f32 epsilon, u32 flags (1 weight, 2 bias)
//
// layer_norm_gradient, with x̂ = (x − mean)·rstd and g = dy·weight:
//
//   dx = rstd·(g − mean(g) − x̂·mean(g·x̂)) + r      dweight = Σ dy·x̂      dbias = Σ dy      all overwritten
//   inputs dy, x, mean, rstd, (weight), (r); outputs dx, (dweight), (dbias); attributes: u32 flags (1 weight, 2 bias, 4 r: the
//   gradient that comes to x another way, of its shape)
//
// Statistics take two passes over a row that stays in L1, accumulated in float64: one-pass variance cancels when
// |mean| ≫ std. The saved mean is rounded to float32; the rest of it, mean(x − mean), is taken off as well, or every x̂
// of a row far from zero would be off by a rounding error of the mean. Rows go in fixed tiles; tiles leave partial
// dweight and dbias in the workspace, and phase 1 adds them in order.
#pragma once
#include "runtime/op.h"

namespace jepa::layer_norm {

constexpr uint32_t kWeight = 1, kBias = 2, kResidual = 4;
constexpr int64_t kColumnBlock = 256;  // of phase 1

struct Attributes {
  float epsilon;
  uint32_t flags;
  int64_t rows, width, rows_per_tile, tiles;
  int64_t x_stride, y_stride;  // gradient: of x and dx
  int64_t dy_stride, residual_stride;
};

}  // namespace jepa::layer_norm
