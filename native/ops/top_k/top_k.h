// top_k: the k best elements of every row with their positions, best first.
//
//   x [..., n]  float32, leading axes collapse to one row stride
//   values [..., k] float32, indices [..., k] int32     k ≤ n; overwritten
//   attributes: u32 largest (1 largest first, 0 smallest first)
//
// Ties go to the lower position; NaN counts as the largest; 0 and −0 are equal. A heap of the k best so far:
//   O(n + k·log k·log(n/k)) for random rows.
// Elements become 64-bit keys (order of the value, then position), so all comparisons are of integers.
#pragma once
#include "runtime/op.h"

namespace jepa::top_k {

struct Attributes {
  bool largest;
  int64_t rows, columns, count;
  int64_t in_stride, value_stride, index_stride;
  int64_t rows_per_tile;
};

}  // namespace jepa::top_k
