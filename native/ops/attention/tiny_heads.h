// Heads so small that calls and transposes would cost more than their arithmetic: one head a lane, so that every product
// and softmax is a column of vectors and no lane is idle.
#pragma once
#include "ops/attention/heads.h"

namespace {

using jepa::attention::kFew;
using jepa::attention::kGroup;

// Elements are vectors: element (i, p) is data[(i·outer + p·inner)·W].
struct LaneOperand {
  const float* data;
  int64_t outer, inner;
};

#if defined(JEPA_TARGET_avx512)
constexpr int kLaneRows = 4;
#else
constexpr int kLaneRows = 2;
#endif
constexpr int kLaneColumns = 4;

template <int M, int N>
JEPA_INLINE void lane_block(LaneOperand a, LaneOperand b, int64_t depth, float* y, int64_t y_row) {
  Vf sum[M][N];
  for (int i = 0; i < M; i++)
    for (int j = 0; j < N; j++) sum[i][j] = set(0.0f);
  for (int64_t p = 0; p < depth; p++) {
    Vf right[N];
#pragma GCC unroll 4
    for (int j = 0; j < N; j++) right[j] = load(b.data + (j * b.outer + p * b.inner) * W);
#pragma GCC unroll 4
    for (int i = 0; i < M; i++) {
      const Vf left = load(a.data + (i * a.outer + p * a.inner) * W);
#pragma GCC unroll 4
      for (int j = 0; j < N; j++) sum[i][j] = fma(left, right[j], sum[i][j]);
    }
  }
  for (int i = 0; i < M; i++)
    for (int j = 0; j < N; j++) store(y + (i * y_row + j) * W, sum[i][j]);
}
template <int M>
JEPA_INLINE void lane_columns(LaneOperand a, LaneOperand b, int64_t n, int64_t depth, float* y, int64_t y_row) {
  int64_t j = 0;
  const auto from = [&](int64_t column) { return LaneOperand{b.data + column * b.outer * W, b.outer, b.inner}; };
  for (; j + kLaneColumns <= n; j += kLaneColumns) lane_block<M, kLaneColumns>(a, from(j), depth, y + j * W, y_row);
  if (n - j == 3) lane_block<M, 3>(a, from(j), depth, y + j * W, y_row);
  if (n - j == 2) lane_block<M, 2>(a, from(j), depth, y + j * W, y_row);
  if (n - j == 1) lane_block<M, 1>(a, from(j), depth, y + j * W, y_row);
}
// y(i, j) = Σ_p a(i, p)·b(j, p), rows of y y_row vectors apart
__attribute__((noinline, unused)) static void lane_product(LaneOperand a, int64_t m, LaneOperand b, int64_t n,
                                                           int64_t depth, float* y, int64_t y_row) {
  int64_t i = 0;
  const auto from = [&](int64_t row) { return LaneOperand{a.data + row * a.outer * W, a.outer, a.inner}; };
  for (; i + kLaneRows <= m; i += kLaneRows) lane_columns<kLaneRows>(from(i), b, n, depth, y + i * y_row * W, y_row);
  for (; i < m; i++) lane_columns<1>(from(i), b, n, depth, y + i * y_row * W, y_row);
}

// W heads from the first-th on; lanes behind the last head repeat it and are never stored.
struct Group {
  const Attributes& a;
  int64_t first, count;
  JEPA_METHOD Group(const Attributes& attributes, int64_t index) : a(attributes), first(index) {
    const int64_t left = a.batches * a.heads - index;
    count = left < W ? left : W;
  }
  JEPA_METHOD void addresses(const jepa::View& view, const Heads& strides, float** at) const {
    int64_t b = first / a.heads, h = first % a.heads;
    for (int64_t r = 0; r < W; r++) {
      at[r] = reinterpret_cast<float*>(view.data) + b * strides.batch + h * strides.head;
      if (r + 1 >= count) continue;
      if (++h == a.heads) {
        h = 0;
        b++;
      }
    }
  }
};

// to[s·width + c], lane r = row s, column c of head r
__attribute__((noinline, unused)) static void load_heads(const Group& group, const jepa::View& view,
                                                         const Heads& strides, int64_t rows, int64_t width, float* to) {
  float* base[W];
  group.addresses(view, strides, base);
  const bool rounded = group.a.rounded;
  for (int64_t s = 0; s < rows; s++, to += width * W) {
    const auto at = [&](int r) -> const float* { return base[r] + s * strides.row; };
    int64_t c = 0;
    for (; c + 4 <= width; c += 4) {
      Vf x[4];
      load_quad(at, c, x);
      for (int k = 0; k < 4; k++) store(to + (c + k) * W, rounded ? to_bfloat16(x[k]) : x[k]);
    }
    for (; c < width; c++) {
      const Vf x = load_column(at, c);
      store(to + c * W, rounded ? to_bfloat16(x) : x);
    }
  }
}
__attribute__((noinline, unused)) static void store_heads(const Group& group, const jepa::View& view,
                                                          const Heads& strides, int64_t rows, int64_t width,
                                                          const float* from) {
  float* base[W];
  group.addresses(view, strides, base);
  for (int64_t s = 0; s < rows; s++, from += width * W) {
    const auto at = [&](int r) { return base[r] + s * strides.row; };
    int64_t c = 0;
    for (; c + 4 <= width; c += 4) {
      Vf x[4];
      for (int k = 0; k < 4; k++) x[k] = load(from + (c + k) * W);
      store_quad(at, c, group.count, x);
    }
    for (; c < width; c++) store_column(at, c, group.count, load(from + c * W));
  }
}

// Row i of the scores becomes exp2(score − largest) for keys that the query sees, 0 for others. False: it sees none.
struct Softmax {
  Vf largest, sum;
};
JEPA_INLINE bool tiny_softmax(const Attributes& a, Interval keys, float* score, Softmax* row) {
  const int64_t begin = keys.begin < a.keys ? keys.begin : a.keys, end = keys.end;
  const Vf scale = set(a.scale * kLog2E);
  Vf largest = set(-__builtin_inff()), sum = set(0.0f);
  for (int64_t j = begin; j < end; j++) {
    const Vf t = load(score + j * W) * scale;
    store(score + j * W, t);
    largest = select(largest < t, t, largest);
  }
  for (int64_t j = begin; j < end; j++) {
    const Vf p = exp2(load(score + j * W) - largest);
    store(score + j * W, p);
    sum = sum + p;
  }
  for (int64_t j = 0; j < begin; j++) store(score + j * W, set(0.0f));
  for (int64_t j = end < begin ? begin : end; j < a.keys; j++) store(score + j * W, set(0.0f));
  *row = {largest, sum};
  return begin < end;
}

JEPA_INLINE void tiny_group(const Call& call, const Group& group, float* memory) {
  const Attributes& a = group.a;
  const Head any_head(call, a, group.first);
  const int64_t d = a.width, dv = a.value_width, sq = a.queries, sk = a.keys;
  float *q = memory, *k = q + sq * d * W, *v = k + sk * d * W, *p = v + sk * dv * W, *y = p + sq * sk * W;
  load_heads(group, call.in[0], a.q, sq, d, q);
  load_heads(group, call.in[1], a.k, sk, d, k);
  load_heads(group, call.in[2], a.v, sk, dv, v);
  lane_product({q, d, 1}, sq, {k, d, 1}, sk, d, p, sk);
  float* lse[W];
  group.addresses(call.out[1], {a.lse_batch, a.lse_head, a.lse_row}, lse);
  float factor[kFew * W];
  for (int64_t i = 0; i < sq; i++) {
    Softmax row;
    float* score = p + i * sk * W;
    const bool sees = tiny_softmax(a, any_head.visible(i), score, &row);
    store(factor + i * W, sees ? set(1.0f) / row.sum : set(0.0f));
    for (int64_t j = 0; j < sk && a.rounded; j++) store(score + j * W, to_bfloat16(load(score + j * W)));
    const auto at = [&](int r) { return lse[r] + i * a.lse_row; };
    store_column(at, 0, group.count, sees ? fma(row.largest, set(kLn2), log(row.sum)) : set(-__builtin_inff()));
  }
  lane_product({p, sk, 1}, sq, {v, 1, dv}, dv, sk, y, dv);
  for (int64_t i = 0; i < sq; i++)
    for (int64_t c = 0; c < dv; c++) store(y + (i * dv + c) * W, load(y + (i * dv + c) * W) * load(factor + i * W));
  store_heads(group, call.out[0], a.y, sq, dv, y);
}

JEPA_INLINE void tiny_gradient_group(const Call& call, const Group& group, float* memory) {
  const Attributes& a = group.a;
  const Head any_head(call, a, group.first);
  const int64_t d = a.width, dv = a.value_width, sq = a.queries, sk = a.keys;
  float *dy = memory, *q = dy + sq * dv * W, *k = q + sq * d * W, *v = k + sk * d * W;
  float *p = v + sk * dv * W, *ds = p + sq * sk * W, *out = ds + sq * sk * W;
  load_heads(group, call.in[0], a.dy, sq, dv, dy);
  load_heads(group, call.in[1], a.q, sq, d, q);
  load_heads(group, call.in[2], a.k, sk, d, k);
  load_heads(group, call.in[3], a.v, sk, dv, v);
  lane_product({q, d, 1}, sq, {k, d, 1}, sk, d, p, sk);
  lane_product({dy, dv, 1}, sq, {v, dv, 1}, sk, dv, ds, sk);
  for (int64_t i = 0; i < sq; i++) {
    Softmax row;
    float *share = p + i * sk * W, *slope = ds + i * sk * W;
    const bool sees = tiny_softmax(a, any_head.visible(i), share, &row);
    const Vf factor = sees ? set(1.0f) / row.sum : set(0.0f), scale = set(a.scale);
    // D = Σ dy·y = Σ P·dP, with P as it went into y
    Vf mean = set(0.0f);
    for (int64_t j = 0; j < sk; j++) {
      const Vf x = load(share + j * W);
      store(share + j * W, x * factor);
      mean = fma(a.rounded ? to_bfloat16(x) : x, load(slope + j * W), mean);
    }
    mean = mean * factor;
    for (int64_t j = 0; j < sk; j++) {
      const Vf x = load(share + j * W), s = x * (load(slope + j * W) - mean) * scale;
      store(slope + j * W, a.rounded ? to_bfloat16(s) : s);
      if (a.rounded) store(share + j * W, to_bfloat16(x));
    }
  }
  lane_product({ds, sk, 1}, sq, {k, 1, d}, d, sk, out, d);
  store_heads(group, call.out[0], a.dq, sq, d, out);
  lane_product({ds, 1, sk}, sk, {q, 1, d}, d, sq, out, d);
  store_heads(group, call.out[1], a.dk, sk, d, out);
  lane_product({p, 1, sk}, sk, {dy, 1, dv}, dv, sq, out, dv);
  store_heads(group, call.out[2], a.dv, sk, dv, out);
}

template <class Run>
JEPA_INLINE void each_group(const Attributes& a, int64_t tile, Run run) {
  const int64_t all = a.batches * a.heads, end = (tile + 1) * kGroup < all ? (tile + 1) * kGroup : all;
  for (int64_t first = tile * kGroup; first < end; first += W) run(Group(a, first));
}

}  // namespace
