// What the inner kernel fetches into L2 for the panels and depths that come next.
#pragma once
#include "ops/matmul/strip.h"

namespace {

// `rows` rows of `width` numbers, `step` apart.
struct Region {
  const float* at;
  int64_t step, rows, width;
  JEPA_METHOD int64_t lines_of_row() const { return (width + kLine - 1) / kLine; }
  JEPA_METHOD int64_t lines() const { return rows * lines_of_row(); }
};

struct Ahead {
  const float* nothing;  // any address there is: others cost a walk through the page tables
  const float* panel;    // where a is read by rows: the next packed one, or null
  Region region[2];      // where a is read by columns; either may be empty
  int64_t steps, calls;  // of a call of the inner kernel; of it until the regions are due

  JEPA_METHOD Fetch for_rows(int64_t strip) const {
    if (!panel || strip >= kPanel / kLine) return {nothing, 0, 0, 0, nullptr, 0};
    return {panel + strip * steps * kLine, kLine, 0, 0, nullptr, 0};
  }

  // Row by row and shared out evenly: memory is quicker to read on than to jump about in, and many requests at once would keep
  // the operands waiting (measured: a tenth of the gradients of weights).
  JEPA_METHOD Fetch for_columns(int64_t call) const {
    const int64_t lines = region[0].lines() + region[1].lines();
    if (lines == 0) return {};
    int64_t own = calls * region[0].lines() / lines;  // calls for the first region
    if (own == 0 && region[0].rows > 0) own = 1;
    const bool second = call >= own;
    const Region& r = region[second];
    const int64_t count = second ? calls - own : own, at = second ? call - own : call;
    if (r.rows == 0 || at >= count) return {};
    const int64_t from = r.rows * at / count, to = r.rows * (at + 1) / count, turns = (steps + kLine - 1) / kLine;
    return {r.at + from * r.step, r.step, r.width, ((to - from) * r.lines_of_row() + turns - 1) / turns, nullptr, 0};
  }
};

}  // namespace
