#include "ops/attention/blocks.h"

using namespace jepa;
using namespace jepa::attention;

namespace {

// P = exp(scale·s − lse) and dS = scale·P·(dP − D) in place of s and dP, zero where the query sees nothing.
JEPA_INLINE void differentiate(const Head& head, int64_t i, int64_t first_key, int64_t vectors, float lse, float dot,
                               float* score, float* dp) {
  const bool blind = lse == -__builtin_inff();
  const Interval keys = blind ? Interval{0, 0} : head.visible(i);
  const Vf scale = set(head.a.scale), zero = set(0.0f), shift = set(blind ? 0.0f : lse), d = set(dot);
  for (int64_t k = 0; k < vectors; k++) {
    const Vm open = seen(head, keys, i, first_key + k * W);
    const Vf p = select(open, exp(load(score + k * W) * scale - shift), zero);
    store(score + k * W, p);
    store(dp + k * W, select(open, p * (load(dp + k * W) - d) * scale, zero));
  }
}

JEPA_INLINE void write_rows(const float* from, int64_t from_row, float* to, int64_t to_row, int64_t count,
                            int64_t width, bool add) {
  for (int64_t r = 0; r < count; r++)
    for (int64_t c = 0; c < width; c += W) {
      const int n = static_cast<int>(width - c < W ? width - c : W);
      const Vf x = load(from + r * from_row + c);
      store_n(to + r * to_row + c, add ? x + load_n(to + r * to_row + c, n) : x, n);
    }
}
JEPA_INLINE void clear_rows(float* to, int64_t row, int64_t count, int64_t width) {
  for (int64_t r = 0; r < count; r++) clear(to + r * row, width);
}

struct Scratch {
  float *keys_transposed, *values_transposed, *keys, *dk, *dv;
  float *queries, *dy, *dq, *score, *dp, *dot;
};
Scratch divide(const Attributes& a, char* scratch) {
  float* next = reinterpret_cast<float*>(scratch);
  const auto take = [&next](int64_t count) {
    float* taken = next;
    next += count;
    return taken;
  };
  const int64_t d = padded(a.width), dv = padded(a.value_width);
  Scratch s;
  s.keys_transposed = take(kKeys * d);
  s.keys = take(kKeys * d);
  s.dk = take(kKeys * d);
  s.values_transposed = take(kKeys * dv);
  s.dv = take(kKeys * dv);
  s.queries = take(kGradientQueries * d);
  s.dq = take(kGradientQueries * d);
  s.dy = take(kGradientQueries * dv);
  s.score = take(kGradientQueries * kKeys);
  s.dp = take(kGradientQueries * kKeys);
  s.dot = take(a.queries);
  return s;
}

void run_head(const Call& call, const Attributes& a, int64_t index, char* memory) {
  const Head head(call, a, index);
  const Scratch s = divide(a, memory);
  const float* dy = head.rows(call.in[0], a.dy);
  const float* q = head.rows(call.in[1], a.q);
  const float* k = head.rows(call.in[2], a.k);
  const float* v = head.rows(call.in[3], a.v);
  const float* y = head.rows(call.in[4], a.y);
  const float* lse = reinterpret_cast<const float*>(call.in[5].data) + head.b * a.lse_batch + head.h * a.lse_head;
  float* dq = head.rows(call.out[0], a.dq);
  float* dk = head.rows(call.out[1], a.dk);
  float* dv = head.rows(call.out[2], a.dv);
  const int64_t vectors = (a.width + W - 1) / W, row = vectors * W;
  const int64_t value_vectors = (a.value_width + W - 1) / W, value_row = value_vectors * W;
  for (int64_t i = 0; i < a.queries; i++) {
    Vf sum = set(0.0f);
    for (int64_t c = 0; c < a.value_width; c += W) {
      const int n = static_cast<int>(a.value_width - c < W ? a.value_width - c : W);
      sum = fma(load_n(dy + i * a.dy.row + c, n), load_n(y + i * a.y.row + c, n), sum);
    }
    s.dot[i] = sum_lanes(sum);
  }
  clear_rows(dq, a.dq.row, a.queries, a.width);
  clear_rows(dk + head.key_end * a.dk.row, a.dk.row, a.keys - head.key_end, a.width);
  clear_rows(dv + head.key_end * a.dv.row, a.dv.row, a.keys - head.key_end, a.value_width);

  for (int64_t j = 0; j < head.key_end; j += kKeys) {
    const int64_t count = head.key_end - j < kKeys ? head.key_end - j : kKeys, lanes = (count + W - 1) / W;
    transpose_keys(k + j * a.k.row, a.k.row, count, a.width, s.keys_transposed);
    transpose_keys(v + j * a.v.row, a.v.row, count, a.value_width, s.values_transposed);
    const Rows keys = whole_vectors(k + j * a.k.row, a.k.row, count, a.width, s.keys);
    clear(s.dk, count * row);
    clear(s.dv, count * value_row);
    for (int64_t i = 0; i < a.queries; i += kGradientQueries) {
      const int64_t m = a.queries - i < kGradientQueries ? a.queries - i : kGradientQueries;
      const Interval open = head.visible(i, i + m);
      if (open.end <= j || open.begin >= j + count) continue;
      const float *qi = q + i * a.q.row, *dyi = dy + i * a.dy.row;
      tile_multiply({qi, a.q.row, 1}, s.keys_transposed, kKeys, s.score, kKeys, m, lanes, a.width, false);
      tile_multiply({dyi, a.dy.row, 1}, s.values_transposed, kKeys, s.dp, kKeys, m, lanes, a.value_width, false);
      for (int64_t r = 0; r < m; r++)
        differentiate(head, i + r, j, lanes, lse[(i + r) * a.lse_row], s.dot[i + r], s.score + r * kKeys,
                      s.dp + r * kKeys);
      const Rows queries = whole_vectors(qi, a.q.row, m, a.width, s.queries);
      const Rows cotangents = whole_vectors(dyi, a.dy.row, m, a.value_width, s.dy);
      tile_multiply({s.score, 1, kKeys}, cotangents.data, cotangents.row, s.dv, value_row, count, value_vectors, m,
                    true);
      tile_multiply({s.dp, 1, kKeys}, queries.data, queries.row, s.dk, row, count, vectors, m, true);
      tile_multiply({s.dp, kKeys, 1}, keys.data, keys.row, s.dq, row, m, vectors, count, false);
      write_rows(s.dq, row, dq + i * a.dq.row, a.dq.row, m, a.width, true);
    }
    write_rows(s.dk, row, dk + j * a.dk.row, a.dk.row, count, a.width, false);
    write_rows(s.dv, value_row, dv + j * a.dv.row, a.dv.row, count, a.value_width, false);
  }
}

void run(const Call& call, int, int64_t begin, int64_t end, char* scratch) {
  const auto& a = *static_cast<const Attributes*>(call.attributes);
  for (int64_t index = begin; index < end; index++) run_head(call, a, index, scratch);
}

}  // namespace

JEPA_KERNEL(attention_gradient, run)
