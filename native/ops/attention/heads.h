// What attention and its gradient share: which keys a query sees, and operands made ready for products of tiles.
#pragma once
#include "ops/attention/attention.h"
#include "simd/exp2.h"
#include "simd/lanes.h"
#include "simd/math.h"
#include "simd/tile_product.h"

namespace {

using jepa::Call;
using jepa::attention::Attributes;
using jepa::attention::Heads;
using jepa::attention::kKeys;
using jepa::attention::kLanes;

constexpr float kLog2E = 1.44269504f, kLn2 = 0.693147181f;

struct Interval {
  int64_t begin, end;
  JEPA_METHOD bool empty() const { return begin >= end; }
  JEPA_METHOD bool holds(int64_t first, int64_t last) const { return begin <= first && last <= end; }
};
JEPA_INLINE Interval common(Interval a, Interval b) {
  return {a.begin > b.begin ? a.begin : b.begin, a.end < b.end ? a.end : b.end};
}

JEPA_INLINE int64_t floor_divide(int64_t a, int64_t b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

// One (b, h) of a call.
struct Head {
  const Attributes& a;
  int64_t index, b, h, key_end;
  const uint8_t* mask;

  JEPA_METHOD Head(const Call& call, const Attributes& attributes, int64_t number)
      : a(attributes),
        index(number),
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
  // The keys that query i may see, but for the mask; begin ≥ end if none. Both ends grow with i.
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
    return {begin, end};
  }
  // Outside of `some` no query of [first, last) sees a key; of `all` every one sees every key, but for the mask.
  JEPA_METHOD Interval some(int64_t first, int64_t last) const { return {visible(first).begin, visible(last - 1).end}; }
  JEPA_METHOD Interval all(int64_t first, int64_t last) const { return {visible(last - 1).begin, visible(first).end}; }
};

// to[c·kLanes + r] = factor·from[r·row + c] for count ≤ kLanes rows; lanes behind the last row repeat it.
JEPA_INLINE void transpose_rows(const float* from, int64_t row, int64_t count, int64_t width, float factor,
                                bool rounded, float* to) {
  const Vf scale = set(factor);
  for (int64_t lane = 0; lane < count; lane += W) {
    const int64_t last = count - lane - 1;
    const float* first = from + lane * row;
    const auto put = [&](int64_t c, Vf x) { store(to + c * kLanes + lane, (rounded ? to_bfloat16(x) : x) * scale); };
    const auto columns = [&](auto at) {
      int64_t c = 0;
      for (; c + 4 <= width; c += 4) {
        Vf x[4];
        load_quad(at, c, x);
        for (int k = 0; k < 4; k++) put(c + k, x[k]);
      }
      for (; c < width; c++) put(c, load_column(at, c));
    };
    if (last >= W - 1)
      columns([=](int r) { return first + r * row; });
    else
      columns([=](int r) { return first + (r < last ? r : last) * row; });
  }
}

struct Rows {
  const float* data;
  int64_t row;
};
// The same rows of the next (b, h), which most likely is this thread's next: operands that come from L3 or memory, in short
// rows far apart, are otherwise waited for. Nothing if this is the last.
JEPA_INLINE Ahead next_rows(const Call& call, const Attributes& a, int64_t index, int input, const Heads& strides,
                            int64_t first, int64_t width) {
  const int64_t next = index + 1;
  if (next >= a.batches * a.heads) return {};
  // An address only: its key_length may be of another block of rows, which nobody has computed yet.
  const int64_t at = next / a.heads * strides.batch + next % a.heads * strides.head + first * strides.row;
  return {call.in[input].as<const float>() + at, strides.row, width};
}
// Rows that lie 4 KiB apart share their lines of L1: fourteen at once push each other out.
JEPA_INLINE bool apart(int64_t row) { return row % 1024 != 0; }
JEPA_INLINE void copy_rows(const float* from, int64_t row, int64_t count, int64_t width, bool rounded, float* to,
                           int64_t to_row) {
  for (int64_t r = 0; r < count; r++)
    for (int64_t c = 0; c < width; c += W) {
      const int64_t left = width - c;
      const Vf x = left < W ? load_n(from + r * row + c, static_cast<int>(left)) : load(from + r * row + c);
      store(to + r * to_row + c, rounded ? to_bfloat16(x) : x);
    }
}
// Rows as products want them: in place if whole vectors can be read (or need not be), else copied and padded with zeros,
// unless the copy is `known` to be there.
JEPA_INLINE Rows ready_rows(Rows from, Interval part, int64_t width, bool whole, bool rounded, bool known, float* to) {
  const float* first = from.data + part.begin * from.row;
  if ((!whole || width % W == 0) && apart(from.row) && !rounded) return {first, from.row};
  const int64_t to_row = (width + W - 1) / W * W;
  if (!known) copy_rows(first, from.row, part.end - part.begin, width, rounded, to, to_row);
  return {to, to_row};
}

JEPA_INLINE void clear_rows(float* to, int64_t row, int64_t count, int64_t width) {
  for (int64_t r = 0; r < count; r++)
    for (int64_t c = 0; c < width; c++) to[r * row + c] = 0.0f;
}

}  // namespace
