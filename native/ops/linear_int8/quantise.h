// A row of float32 as bytes q + 128, see linear_int8.h.
#pragma once
#include "ops/linear_int8/linear_int8.h"
#include "simd/math.h"

namespace {

constexpr int32_t kInfinity = 0x7f800000;

JEPA_INLINE int32_t greatest_lane(Vi a) {
  int32_t lanes[W], most = 0;
  store_i(lanes, a);
  for (int i = 0; i < W; i++) most = lanes[i] > most ? lanes[i] : most;
  return most;
}

// Bits of the largest absolute value; above those of infinity if there is a NaN.
JEPA_INLINE int32_t greatest_bits(const float* from, int64_t count) {
  const Vi magnitude = set_i(0x7fffffff);
  Vi most = set_i(0);
  for (int64_t k = 0; k < count; k += W) {
    const Vi x = as_int(load_n(from + k, static_cast<int>(count - k < W ? count - k : W))) & magnitude;
    most = select(most < x, x, most);
  }
  return greatest_lane(most);
}

// Writes `count` numbers and then 128, which is 0, up to a whole group and, where vectors are long, beyond it: at most
// row_bytes(count). Returns the scale.
JEPA_INLINE float quantise_row(const float* from, int64_t count, uint8_t* to) {
  int32_t bits = greatest_bits(from, count);
  const int64_t padded = jepa::linear_int8::groups(count) * jepa::linear_int8::kGroup;
  if (bits >= kInfinity) {
    for (int64_t k = 0; k < padded; k++) to[k] = 128;
    return __builtin_nanf("");
  }
  float most;
  __builtin_memcpy(&most, &bits, 4);
  most = most < 0x1p-100f ? 0x1p-100f : most;
  const Vf factor = set(127.0f / most);
  for (int64_t k = 0; k < count; k += W) {
    const Vf x = load_n(from + k, static_cast<int>(count - k < W ? count - k : W));
    store_u8(to + k, truncate(round(x * factor)) + set_i(128));
  }
  for (int64_t k = count; k < padded; k++) to[k] = 128;
  return most / 127.0f;
}

}  // namespace
