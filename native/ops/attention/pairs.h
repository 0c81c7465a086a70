// Operands of attention's products as pairs of bfloat16 along the inner axis. A pair that the last step lacks is zero.
#pragma once
#include "ops/attention/heads.h"
#include "simd/pairs.h"

namespace {

JEPA_INLINE bool is_paired(const Attributes& a) { return kPairs && a.rounded; }
JEPA_INLINE int64_t steps_of(const Attributes& a, int64_t depth) { return is_paired(a) ? (depth + 1) / 2 : depth; }

// to[c/2·kLanes + r] = the pair of from[r·row + c] and its neighbour; lanes behind the last row repeat it.
JEPA_INLINE void transpose_pairs(const float* from, int64_t row, int64_t count, int64_t width, float* to) {
  for (int64_t lane = 0; lane < count; lane += W) {
    const int64_t last = count - lane - 1;
    const float* first = from + lane * row;
    const auto at = [=](int r) { return first + (r < last ? r : last) * row; };
    const auto put = [&](int64_t c, Vf x, Vf y) {
      store_i(reinterpret_cast<int32_t*>(to + c / 2 * kLanes + lane), pair_of(x, y));
    };
    int64_t c = 0;
    for (; c + 4 <= width; c += 4) {
      Vf x[4];
      load_quad(at, c, x);
      put(c, x[0], x[1]);
      put(c + 2, x[2], x[3]);
    }
    for (; c < width; c += 2) put(c, load_column(at, c), c + 1 < width ? load_column(at, c + 1) : set(0.0f));
  }
}

// Rows of pairs of neighbours, unless they are `known` to be there.
JEPA_INLINE Rows rounded_rows(Rows from, Interval part, int64_t width, bool known, float* to) {
  const int64_t to_row = jepa::attention::padded(width) / 2;
  for (int64_t r = part.begin; r < part.end && !known; r++)
    round_row(from.data + r * from.row, width, reinterpret_cast<uint16_t*>(to + (r - part.begin) * to_row));
  return {to, to_row};
}

// Pairs of a row and the next one, in the first one's place of half as many.
JEPA_INLINE Rows paired_rows(Rows from, Interval part, int64_t width, bool known, float* to) {
  const int64_t to_row = jepa::attention::padded(width);
  for (int64_t r = part.begin; r < part.end && !known; r += 2)
    for (int64_t c = 0; c < width; c += W) {
      const int n = static_cast<int>(width - c < W ? width - c : W);
      const float* x = from.data + r * from.row + c;
      const Vf second = r + 1 < part.end ? load_n(x + from.row, n) : set(0.0f);
      store_i(reinterpret_cast<int32_t*>(to + (r - part.begin) / 2 * to_row + c), pair_of(load_n(x, n), second));
    }
  return {to, to_row};
}

}  // namespace
