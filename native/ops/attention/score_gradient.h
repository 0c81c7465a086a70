// Shares P and gradients of scores dS of a block of keys against some queries, as the products of attention_gradient want them.
#pragma once
#include "ops/attention/pairs.h"

namespace {

using jepa::attention::Chunk;
using jepa::attention::kScoreRow;
using jepa::attention::kWidest;

struct Scratch {
  float *keys_transposed, *values_transposed, *shares, *slopes, *queries, *dy, *keys, *shift, *mean, *turned;
};
Scratch divide(const Attributes& a, char* memory) {
  const Chunk c(a);
  Scratch s;
  s.keys_transposed = reinterpret_cast<float*>(memory);
  s.values_transposed = s.keys_transposed + kLanes * c.width;
  s.shares = s.values_transposed + kLanes * c.value_width;
  s.slopes = s.shares + kKeys * kLanes;
  s.queries = s.slopes + c.queries * kScoreRow;
  s.dy = s.queries + (c.queries + 1) * c.width;
  s.keys = s.dy + (c.queries + 1) * c.value_width;
  s.shift = s.keys + (c.keys + 1) * c.width;
  s.mean = s.shift + a.queries + kWidest;
  s.turned = s.mean + a.queries + kWidest;
  return s;
}

// One (b, h), and where its operands lie.
struct Problem {
  const Call& call;
  const Attributes& a;
  Head head;
  Scratch s;
  Rows dy, q, k, v, y;
  float *dq, *dk, *dv;
  int64_t dq_row;
};

// log2 Σ exp(score) and D = Σ dy·y for every query; one that sees nothing is shifted by +∞.
void prepare_rows(const Problem& p, const float* lse) {
  const Attributes& a = p.a;
  for (int64_t i = 0; i < a.queries; i++) {
    Vf sum = set(0.0f);
    for (int64_t c = 0; c < a.value_width; c += W) {
      const int n = static_cast<int>(a.value_width - c < W ? a.value_width - c : W);
      const float *dy = p.dy.data + i * p.dy.row + c, *y = p.y.data + i * p.y.row + c;
      const Vf x = n == W ? load(dy) : load_n(dy, n);
      sum = fma(a.rounded ? to_bfloat16(x) : x, n == W ? load(y) : load_n(y, n), sum);
    }
    p.s.mean[i] = sum_lanes(sum);
    const float total = lse[i * a.lse_row];
    p.s.shift[i] = total == -__builtin_inff() ? __builtin_inff() : total * kLog2E;
  }
}

// The lanes of keys j … j + W − 1 that query i sees.
JEPA_INLINE Vm seen(const Head& head, Interval keys, int64_t i, int64_t j) {
  const int64_t from = keys.begin - j, to = keys.end - j;
  const Vm before = first(static_cast<int>(from < 0 ? 0 : from < W ? from : W));
  Vm lanes = (!before) & first(static_cast<int>(to < 0 ? 0 : to < W ? to : W));
  if (head.mask) {
    const uint8_t* mask = head.mask + i * head.a.mask_row + j * head.a.mask_key;
    const int64_t left = head.a.keys - j;
    Vi open;
    if (head.a.mask_key == 1 && left >= W) {
      open = load_u8(mask);
    } else {
      int32_t one[W];
      for (int k = 0; k < W; k++) one[k] = k < left ? mask[k * head.a.mask_key] : 0;
      open = load_i(one);
    }
    lanes = lanes & (set_i(0) < open);
  }
  return lanes;
}

// A block of keys against queries [begin, end) of a chunk.
struct Block {
  int64_t key, keys, vectors;
  Interval queries;  // that see some of them
  bool open;         // all of those see all of these
};

// P = exp2(score − shift) and dS = scale·P·(dP − D) in place of scores and dP.
template <bool Rounded>
void differentiate(const Problem& p, const Block& block, float* shares, float* slopes) {
  const Vf scale = set(p.a.scale), zero = set(0.0f);
  for (int64_t i = block.queries.begin; i < block.queries.end; i++, shares += kLanes, slopes += kScoreRow) {
    const Vf shift = set(p.s.shift[i]), mean = set(p.s.mean[i]);
    const Interval keys = block.open ? Interval{0, p.a.keys} : p.head.visible(i);
    const bool open = block.open || (keys.holds(block.key, block.key + block.keys) && !p.head.mask);
    for (int64_t v = 0; v < block.vectors; v++) {
      Vf share = exp2(load(shares + v * W) - shift);
      Vf slope = share * (load(slopes + v * W) - mean) * scale;
      if (!open) {
        const Vm lanes = seen(p.head, keys, i, block.key + v * W);
        share = select(lanes, share, zero);
        slope = select(lanes, slope, zero);
      }
      store(shares + v * W, Rounded ? to_bfloat16(share) : share);
      store(slopes + v * W, Rounded ? to_bfloat16(slope) : slope);
    }
  }
}

// The same as pairs along the queries, dS apart in `turned`; and dS as pairs along the keys, where the floats were of half the column.
void differentiate_pairs(const Problem& p, const Block& block, float* shares, float* slopes, int64_t column) {
  const Vf scale = set(p.a.scale), zero = set(0.0f);
  constexpr int kVectors = kLanes / W;
  for (int64_t i = block.queries.begin; i < block.queries.end; i += 2, shares += 2 * kLanes, slopes += 2 * kScoreRow) {
    Vf share[2][kVectors], slope[2][kVectors];
    for (int r = 0; r < 2; r++) {
      for (int v = 0; v < kVectors; v++) share[r][v] = slope[r][v] = zero;
      if (i + r >= block.queries.end) break;
      const Vf shift = set(p.s.shift[i + r]), mean = set(p.s.mean[i + r]);
      const Interval keys = block.open ? Interval{0, p.a.keys} : p.head.visible(i + r);
      const bool open = block.open || (keys.holds(block.key, block.key + block.keys) && !p.head.mask);
      for (int64_t v = 0; v < block.vectors; v++) {
        const int64_t at = v * W;
        share[r][v] = exp2(load(shares + r * kLanes + at) - shift);
        slope[r][v] = share[r][v] * (load(slopes + r * kScoreRow + column + at) - mean) * scale;
        if (open) continue;
        const Vm lanes = seen(p.head, keys, i + r, block.key + at);
        share[r][v] = select(lanes, share[r][v], zero);
        slope[r][v] = select(lanes, slope[r][v], zero);
      }
      store_rounded(slope[r], reinterpret_cast<uint16_t*>(slopes + r * kScoreRow + column / 2));
    }
    const int64_t to = (i - block.queries.begin) / 2 * kLanes;
    for (int64_t v = 0; v < block.vectors; v++) {
      store_i(reinterpret_cast<int32_t*>(p.s.shares + to + v * W), pair_of(share[0][v], share[1][v]));
      store_i(reinterpret_cast<int32_t*>(p.s.turned + to + v * W), pair_of(slope[0][v], slope[1][v]));
    }
  }
}

Block block_of(const Problem& p, Interval chunk, int64_t key, int64_t keys) {
  Block block = {key, keys, (keys + W - 1) / W, chunk, true};
  const Head& head = p.head;
  Interval& i = block.queries;
  while (i.begin < i.end && head.visible(i.begin).end <= key) i.begin++;
  while (i.begin < i.end && head.visible(i.end - 1).begin >= key + keys) i.end--;
  if (is_paired(p.a)) i.begin -= (i.begin - chunk.begin) % 2;  // pairs of queries begin where those of the chunk do
  block.open = !i.empty() && head.all(i.begin, i.end).holds(key, key + keys) && !head.mask;
  return block;
}

}  // namespace
