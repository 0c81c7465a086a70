// gather_rows: out[i] = table[indices[i]]
//
//   table [R, D]  any row stride, any dtype      indices [n] int32      out [n, D] the dtype of table; overwritten
//
// scatter_add_rows: out[r] = Σ rows[i] over indices[i] = r, its adjoint; a row that nothing is added to is zero
//
//   rows [n, D]  any row stride, float32         indices [n] int32      out [R, D] float32; overwritten
//
// Additions happen in the order of i, whatever the number of threads: phase 0 sorts the positions by row (a counting
// sort, which keeps their order), phase 1 sums the rows of the output one by one. An index outside [0, R) is a fault of
// the step; its row is skipped (gather leaves zeros).
#pragma once
#include "runtime/op.h"

namespace jepa::rows {

struct Attributes {
  int64_t table_rows, count, columns;
  int64_t in_stride, index_stride, out_stride;
  int64_t width;          // bytes of an element
  int64_t rows_per_tile;  // gather: of indices; scatter: of output rows
};

}  // namespace jepa::rows
