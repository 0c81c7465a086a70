#include "ops/attention/blocks.h"

using namespace jepa;
using namespace jepa::attention;

namespace {

// Where the softmax of one query stands: the largest score so far, and Σ exp(score − largest).
struct Running {
  float largest, sum;
};

// Scores of one query against one block of keys become exp(score − largest); the output so far is scaled to the new
// maximum.
JEPA_INLINE void soften(const Head& head, int64_t i, int64_t first_key, int64_t vectors, float* score, Running* running,
                        float* y, int64_t y_vectors) {
  const Interval keys = head.visible(i);
  const Vf scale = set(head.a.scale), nothing = set(-__builtin_inff());
  Vf largest = nothing;
  for (int64_t k = 0; k < vectors; k++) {
    const Vf s = select(seen(head, keys, i, first_key + k * W), load(score + k * W) * scale, nothing);
    store(score + k * W, s);
    largest = max(largest, s);
  }
  const float block = any(unordered(largest, largest)) ? __builtin_nanf("") : max_lanes(largest);
  if (block == -__builtin_inff()) {
    for (int64_t k = 0; k < vectors; k++) store(score + k * W, set(0.0f));
    return;
  }
  const float before = running->largest, now = block <= before ? before : block;
  Vf sum = set(0.0f);
  for (int64_t k = 0; k < vectors; k++) {
    const Vf p = exp(load(score + k * W) - set(now));
    store(score + k * W, p);
    sum = sum + p;
  }
  const float total = sum_lanes(sum);
  if (now == before) {
    running->sum += total;
    return;
  }
  float factor[W];
  store(factor, exp(set(before - now)));
  for (int64_t k = 0; k < y_vectors; k++) store(y + k * W, load(y + k * W) * set(factor[0]));
  *running = {now, running->sum * factor[0] + total};
}

void run_tile(const Call& call, const Attributes& a, int64_t tile, char* scratch) {
  const Head head(call, a, tile / a.query_tiles);
  const int64_t first_query = tile % a.query_tiles * kQueries;
  const int64_t left = a.queries - first_query, m = left < kQueries ? left : kQueries;
  const int64_t y_vectors = (a.value_width + W - 1) / W, y_row = y_vectors * W;
  float* transposed = reinterpret_cast<float*>(scratch);
  float* values = transposed + kKeys * a.width;
  float* score = values + kKeys * padded(a.value_width);
  float* y = score + kQueries * kKeys;
  auto* running = reinterpret_cast<Running*>(y + kQueries * padded(a.value_width));
  const float* q = head.rows(call.in[0], a.q) + first_query * a.q.row;
  const float* k = head.rows(call.in[1], a.k);
  const float* v = head.rows(call.in[2], a.v);
  clear(y, m * y_row);
  for (int64_t i = 0; i < m; i++) running[i] = {-__builtin_inff(), 0.0f};

  const Interval keys = head.visible(first_query, first_query + m);
  for (int64_t j = keys.begin; j < keys.end; j += kKeys) {
    const int64_t count = keys.end - j < kKeys ? keys.end - j : kKeys, vectors = (count + W - 1) / W;
    transpose_keys(k + j * a.k.row, a.k.row, count, a.width, transposed);
    tile_multiply({q, a.q.row, 1}, transposed, kKeys, score, kKeys, m, vectors, a.width, false);
    for (int64_t i = 0; i < m; i++)
      soften(head, first_query + i, j, vectors, score + i * kKeys, &running[i], y + i * y_row, y_vectors);
    const Rows block = whole_vectors(v + j * a.v.row, a.v.row, count, a.value_width, values);
    tile_multiply({score, kKeys, 1}, block.data, block.row, y, y_row, m, y_vectors, count, true);
  }

  float* out = head.rows(call.out[0], a.y) + first_query * a.y.row;
  float* lse =
      reinterpret_cast<float*>(call.out[1].data) + head.b * a.lse_batch + head.h * a.lse_head + first_query * a.lse_row;
  for (int64_t i = 0; i < m; i++) {
    const Running& r = running[i];
    const bool blind = r.largest == -__builtin_inff();
    const Vf factor = set(blind ? 0.0f : 1.0f / r.sum);
    for (int64_t c = 0; c < a.value_width; c += W) {
      const int64_t rest = a.value_width - c;
      store_n(out + i * a.y.row + c, load(y + i * y_row + c) * factor, static_cast<int>(rest < W ? rest : W));
    }
    float logarithm[W];
    store(logarithm, log(set(blind ? 1.0f : r.sum)));
    lse[i * a.lse_row] = blind ? -__builtin_inff() : r.largest + logarithm[0];
  }
}

void run(const Call& call, int, int64_t begin, int64_t end, char* scratch) {
  const auto& a = *static_cast<const Attributes*>(call.attributes);
  for (int64_t tile = begin; tile < end; tile++) run_tile(call, a, tile, scratch);
}

}  // namespace

JEPA_KERNEL(attention, run)
