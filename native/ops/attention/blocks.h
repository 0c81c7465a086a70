// Pieces that attention and its gradient share: which keys a query sees,
// and blocks of keys made ready for tile_multiply.
#pragma once
#include "ops/attention/attention.h"
#include "simd/math.h"
#include "simd/tile_multiply.h"
#include "simd/transpose.h"

namespace {

using jepa::Call;
using jepa::attention::Attributes;
using jepa::attention::Heads;

struct Interval {
  int64_t begin, end;
};

JEPA_INLINE int64_t floor_divide(int64_t a, int64_t b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

// One (b, h) of a call.
struct Head {
  const Attributes& a;
  int64_t b, h, key_end;
  const uint8_t* mask;

  JEPA_METHOD Head(const Call& call, const Attributes& attributes, int64_t index)
      : a(attributes),
        b(index / attributes.heads),
        h(index % attributes.heads),
        key_end(attributes.keys),
        mask(nullptr) {
    if (a.key_length_input >= 0) {
      const auto* lengths = reinterpret_cast<const int32_t*>(call.in[a.key_length_input].data);
      const int64_t length = lengths[b * a.key_length_stride];
      key_end = length < 0 ? 0 : length < a.keys ? length : a.keys;
    }
    if (a.mask_input >= 0)
      mask = reinterpret_cast<const uint8_t*>(call.in[a.mask_input].data) + b * a.mask_batch + h * a.mask_head;
  }
  JEPA_METHOD float* rows(const jepa::View& view, const Heads& strides) const {
    return reinterpret_cast<float*>(view.data) + b * strides.batch + h * strides.head;
  }
  // The keys that query i may see, but for the mask.
  JEPA_METHOD Interval visible(int64_t i) const {
    using namespace jepa::attention;
    const int64_t p = i + a.query_offset;
    int64_t begin = 0, end = key_end;
    if (a.flags & kCausal && p + 1 < end) end = p + 1;
    if (a.flags & kWindow) {
      if (p - a.window_left > begin) begin = p - a.window_left;
      if (p + a.window_right + 1 < end) end = p + a.window_right + 1;
    }
    if (a.flags & jepa::attention::kBlock) {
      const int64_t own = floor_divide(p, a.block);
      if ((own + 1) * a.block < end) end = (own + 1) * a.block;
      if (a.window_blocks > 0 && (own - a.window_blocks + 1) * a.block > begin)
        begin = (own - a.window_blocks + 1) * a.block;
    }
    return begin < end ? Interval{begin, end} : Interval{0, 0};
  }
  // All keys that some query of [first, last) may see.
  JEPA_METHOD Interval visible(int64_t first, int64_t last) const {
    Interval all = {a.keys, 0};
    for (int64_t i = first; i < last; i++) {
      const Interval one = visible(i);
      if (one.begin == one.end) continue;
      if (one.begin < all.begin) all.begin = one.begin;
      if (one.end > all.end) all.end = one.end;
    }
    return all.begin < all.end ? all : Interval{0, 0};
  }
  JEPA_METHOD bool masked(int64_t i, int64_t j) const { return mask && !mask[i * a.mask_row + j * a.mask_key]; }
};

// The lanes of one vector of scores, keys j … j + W − 1 of query i, that the query sees.
JEPA_INLINE Vm seen(const Head& head, const Interval& keys, int64_t i, int64_t j) {
  const int64_t from = keys.begin - j, to = keys.end - j;
  const Vm before = first(static_cast<int>(from < 0 ? 0 : from < W ? from : W));
  Vm lanes = (!before) & first(static_cast<int>(to < 0 ? 0 : to < W ? to : W));
  if (head.mask) {
    int32_t open[W];
    for (int k = 0; k < W; k++) open[k] = j + k < keys.end && j + k >= keys.begin && !head.masked(i, j + k);
    lanes = lanes & (set_i(0) < load_i(open));
  }
  return lanes;
}

// to[c·kKeys + r] = from[r·row + c] for `count` keys; lanes behind the last key are zero.
JEPA_INLINE void transpose_keys(const float* from, int64_t row, int64_t count, int64_t width, float* to) {
  using jepa::attention::kKeys;
  const int64_t whole = count - count % kTransposed, wide = width - width % kTransposed;
  for (int64_t r = 0; r < whole; r += kTransposed) {
    for (int64_t c = 0; c < wide; c += kTransposed)
      transpose_8x8(reinterpret_cast<const uint32_t*>(from + r * row + c), row,
                    reinterpret_cast<uint32_t*>(to + c * kKeys + r), kKeys);
    for (int64_t c = wide; c < width; c++)
      for (int64_t k = r; k < r + kTransposed; k++) to[c * kKeys + k] = from[k * row + c];
  }
  const int64_t lanes = (count + W - 1) / W * W;
  for (int64_t c = 0; c < width; c++) {
    for (int64_t r = whole; r < count; r++) to[c * kKeys + r] = from[r * row + c];
    for (int64_t r = count; r < lanes; r++) to[c * kKeys + r] = 0.0f;
  }
}

// Rows as tile_multiply wants them: in place if they are whole vectors, else copied and padded with zeros.
struct Rows {
  const float* data;
  int64_t row;
};
JEPA_INLINE Rows whole_vectors(const float* from, int64_t row, int64_t count, int64_t width, float* to) {
  if (width % W == 0) return {from, row};
  const int64_t wide = (width + W - 1) / W * W;
  for (int64_t r = 0; r < count; r++) {
    for (int64_t c = 0; c < width; c++) to[r * wide + c] = from[r * row + c];
    for (int64_t c = width; c < wide; c++) to[r * wide + c] = 0.0f;
  }
  return {to, wide};
}

JEPA_INLINE void clear(float* p, int64_t n) {
  for (int64_t i = 0; i < n; i++) p[i] = 0.0f;
}

}  // namespace
