// reduce: sums, extrema and their positions over any set of axes.
//
//   x    any strides                           float32 or int32
//   out  the shape of x with reduced axes of extent 1, any strides; overwritten     the dtype of x; int32 for positions
//   attributes: u32 kind, u32 axes (bit i: axis i)
//
//   sum Σx, sum_square Σx²   float32 is accumulated in float64 and rounded once: the sum of a million terms is as
//                            good as of ten, and still bound by memory. int32 wraps. The sum of nothing is 0.
//   max, min                 NaN anywhere gives NaN; of nothing is an error.
//   argmax, argmin           one axis; the first of equals; NaN counts as the extreme one, the first NaN wins
//                            (PyTorch, NumPy).
//
// Vector lanes lie along the input's densest axis: along outputs if it is kept ('columns', for example the gradient of
// a bias), along the summands if it is reduced ('rows'). Work is cut in units: one output, or one block of columns of
// one outer index. When units are few, the summands are cut too: phase 0 leaves partial sums, phase 1 joins them in
// order. Columns of a matrix are always cut so, into chunks of rows that stay in L2 while all columns are summed: the
// gradient of a bias costs one reading of its rows, or none where they have just been computed.
#pragma once
#include "runtime/op.h"

namespace jepa::reduce {

enum class Kind : uint32_t { sum, max, min, argmax, argmin, sum_square };
constexpr uint32_t kKinds = 6;

constexpr int kColumns = 64;          // of a block
constexpr int64_t kChunk = 32768;     // elements that one tile reads
constexpr int64_t kFewUnits = 32;     // below: cut the summands
constexpr int64_t kRowChunk = 65536;  // elements of a chunk of rows: 256 KiB

struct Attributes {
  Kind kind;
  bool integers;
  int64_t reduced;  // summands of an output
  // Reduced axes, collapsed, from the largest stride to the smallest.
  int32_t rank;
  int64_t shape[kMaxRank], stride[kMaxRank];
  // Kept axes without the axis of columns.
  int32_t outer_rank;
  int64_t outer[kMaxRank], outer_in[kMaxRank], outer_out[kMaxRank];
  int64_t columns, column_in, column_out;  // columns = 0: rows
  int64_t blocks;                          // of columns (1 for rows)
  int64_t units, units_per_tile;
  int64_t chunks, chunk;  // chunks = 1: the summands are not cut
  bool rows_first;        // a tile is a chunk of all units
  int64_t row_units;      // units of a row (RowWise) where outputs go by rows
};

}  // namespace jepa::reduce
