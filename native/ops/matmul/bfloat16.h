// Blocks of operands rounded to bfloat16: pairs along the inner axis where the CPU multiplies pairs, else the rounded numbers as
// float32. Depths are counted from an even step, and a pair that the last step lacks is zero.
#pragma once
#include "ops/matmul/pack.h"
#include "simd/pairs.h"

namespace {

// Of the inner kernel.
JEPA_INLINE int64_t rounded_steps(int64_t depth) { return kPairs ? (depth + 1) / 2 : depth; }

// kPanel numbers of `depth` rows → [⌈depth/2⌉][kPanel] pairs; `to` may be `from`.
JEPA_INLINE void pair_rows(const float* from, int64_t row, int64_t depth, int32_t* to) {
  for (int64_t k = 0; k < depth; k += 2)
    for (int64_t j = 0; j < kPanel; j += W) {
      const Vf first = load(from + k * row + j);
      const Vf second = k + 1 < depth ? load(from + (k + 1) * row + j) : set(0.0f);
      store_i(to + k / 2 * kPanel + j, pair_of(first, second));
    }
}

// A row of a, dense.
JEPA_INLINE void round_row(const float* from, int64_t depth, float* to) {
  if (kPairs) return round_row(from, depth, reinterpret_cast<uint16_t*>(to));
  for (int64_t k = 0; k < depth; k += W)
    store(to + k, to_bfloat16(load_n(from + k, static_cast<int>(depth - k < W ? depth - k : W))));
}

// As pack_strip.
template <int Row>
JEPA_INLINE void round_strip(const float* a, int64_t step, int64_t height, int64_t depth, float* strip) {
  if (!kPairs) return pack_strip<Row, true>(a, step, height, depth, strip);
  for (int v = 0; v < Row / W; v++) {
    const int64_t left = height - v * W;
    const int n = static_cast<int>(left < 0 ? 0 : left < W ? left : W);
    for (int64_t k = 0; k < depth; k += 2) {
      const float* from = a + k * step + v * W;
      __builtin_prefetch(from + 24 * step, 0, 3);
      __builtin_prefetch(from + 25 * step, 0, 3);
      const Vf second = k + 1 < depth ? load_n(from + step, n) : set(0.0f);
      store_i(reinterpret_cast<int32_t*>(strip + k / 2 * Row + v * W), pair_of(load_n(from, n), second));
    }
  }
}

// A panel of float32 in place.
JEPA_INLINE void round_panel(float* panel, int64_t depth) {
  if (kPairs) return pair_rows(panel, kPanel, depth, reinterpret_cast<int32_t*>(panel));
  for (int64_t i = 0; i < depth * kPanel; i += W) store(panel + i, to_bfloat16(load(panel + i)));
}

// Packed pairs as the inner kernel reads them: where they are, or widened into `scratch`.
JEPA_INLINE const float* packed_panel(const float* pairs, int64_t depth, float* scratch) {
  if (kPairs) return pairs;
  const Vi upper = set_i(static_cast<int32_t>(0xffff0000u));
  for (int64_t k = 0; k < depth; k += 2)
    for (int64_t j = 0; j < kPanel; j += W) {
      const Vi pair = load_i(reinterpret_cast<const int32_t*>(pairs + k / 2 * kPanel + j));
      store(scratch + k * kPanel + j, as_float(shift_left<16>(pair)));
      if (k + 1 < depth) store(scratch + (k + 1) * kPanel + j, as_float(pair & upper));
    }
  return scratch;
}

}  // namespace
