// copy: out = x, between any two layouts of one shape and dtype (materialising a view, parts of a concatenation, the
// interior of a padding, transposes).
//
//   x    any strides (0 repeats)
//   out  the shape and dtype of x, any strides without overlap; overwritten; never shares memory with x
//
// Axes that both sides walk alike are merged and ordered by the output's strides. If the input's dense axis is then
// another one than the output's, the two form a transpose, which goes through blocks of 64 × 64 so that each side
// touches whole cache lines.
#pragma once
#include "runtime/op.h"

namespace jepa::copying {

constexpr int kBlock = 64;

struct Attributes {
  int64_t elements, width;  // width: bytes of an element
  int32_t rank;             // ≥ 1; the last axis is the output's densest
  int64_t shape[kMaxRank], in[kMaxRank], out[kMaxRank];
  bool transposed;
  // Of a transpose: rows lie along the input's dense axis, columns along the output's.
  // `rank` counts the axes outside both.
  int64_t rows, row_out, columns, column_in;
  int64_t row_blocks, column_blocks, units, units_per_tile;
};

}  // namespace jepa::copying
