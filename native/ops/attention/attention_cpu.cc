#include "ops/attention/heads.h"
#include "ops/attention/pairs.h"
#include "ops/attention/tiny_heads.h"

using namespace jepa;
using namespace jepa::attention;

namespace {

// One lane a query.
struct Statistics {
  float largest[kLanes], sum[kLanes];   // of the scores so far, in powers of two
  float before[kLanes], after[kLanes];  // factors of the output so far, and of all of it
  int32_t begin[kLanes], end[kLanes];   // the keys it sees
};

struct Scratch {
  float *queries, *scores, *y, *keys, *values, *mask;
  Statistics* statistics;
};
Scratch divide(const Attributes& a, char* memory) {
  const Chunk c(a);
  Scratch s;
  s.queries = reinterpret_cast<float*>(memory);
  s.scores = s.queries + kLanes * c.width;
  s.y = s.scores + kKeys * kLanes;
  s.keys = s.y + kLanes * c.value_width;
  s.values = s.keys + (c.keys + 1) * c.width;
  s.statistics = reinterpret_cast<Statistics*>(s.values + (c.keys + 1) * c.value_width);
  s.mask = reinterpret_cast<float*>(s.statistics + 1);
  return s;
}

struct Block {
  const Call& call;
  const Head& head;
  int64_t first, count, vectors;  // queries, and the lanes' vectors
  Interval some, all;             // keys
  const Scratch& s;
};

// Whether query r sees key j, as numbers: rows of the mask, kKeys apart.
void spread_mask(const Block& block, int64_t key, int64_t keys) {
  const Attributes& a = block.head.a;
  for (int64_t r = 0; r < block.count; r++) {
    const uint8_t* from = block.head.mask + (block.first + r) * a.mask_row + key * a.mask_key;
    auto* to = reinterpret_cast<int32_t*>(block.s.mask + r * kKeys);
    int64_t j = 0;
    for (; a.mask_key == 1 && j + W <= keys; j += W) store_i(to + j, load_u8(from + j));
    for (; j < keys; j++) to[j] = from[j * a.mask_key];
  }
}

// Scores of keys [key, key + keys) that a query does not see become −∞.
void hide(const Block& block, int64_t key, int64_t keys) {
  const Scratch& s = block.s;
  const Vf nothing = set(-__builtin_inff());
  if (!block.all.holds(key, key + keys)) {
    for (int64_t j = 0; j < keys; j++) {
      if (block.all.holds(key + j, key + j + 1)) continue;
      const Vi at = set_i(static_cast<int32_t>(key + j));
      for (int64_t v = 0; v < block.vectors; v++) {
        float* score = s.scores + j * kLanes + v * W;
        const Vm hidden = (at < load_i(s.statistics->begin + v * W)) | !(at < load_i(s.statistics->end + v * W));
        store(score, select(hidden, nothing, load(score)));
      }
    }
  }
  if (!block.head.mask) return;
  spread_mask(block, key, keys);
  const auto cover = [&](int64_t j, int64_t v, Vf open) {
    float* score = s.scores + j * kLanes + v * W;
    store(score, select(as_int(open) == set_i(0), nothing, load(score)));
  };
  for (int64_t v = 0; v < block.vectors; v++) {
    const int64_t last = block.count - v * W - 1;
    const auto at = [=](int r) { return s.mask + (v * W + (r < last ? r : last)) * kKeys; };
    int64_t j = 0;
    for (; j + 4 <= keys; j += 4) {
      Vf open[4];
      load_quad(at, j, open);
      for (int k = 0; k < 4; k++) cover(j + k, v, open[k]);
    }
    for (; j < keys; j++) cover(j, v, load_column(at, j));
  }
}

JEPA_INLINE Vf larger(Vf a, Vf b) { return select(a < b, b, a); }

// Scores of a vector of queries become exp2(score − largest), in pairs those of two keys; returns their sums.
JEPA_INLINE Vf paired_exponentials(float* scores, int64_t keys, Vf largest) {
  Vf sum[2] = {set(0.0f), set(0.0f)};
  for (int64_t j = 0; j < keys; j += 2) {
    const Vf one = exp2(load(scores + j * kLanes) - largest);
    const Vf other = j + 1 < keys ? exp2(load(scores + (j + 1) * kLanes) - largest) : set(0.0f);
    store_i(reinterpret_cast<int32_t*>(scores + j / 2 * kLanes), pair_of(one, other));
    sum[0] = sum[0] + one;
    sum[1] = sum[1] + other;
  }
  return sum[0] + sum[1];
}
template <bool Rounded>
JEPA_INLINE Vf exponentials(float* scores, int64_t keys, Vf largest) {
  Vf sum[2] = {set(0.0f), set(0.0f)};
  const auto one = [&](int64_t j, Vf& total) {
    const Vf p = exp2(load(scores + j * kLanes) - largest);
    store(scores + j * kLanes, Rounded ? to_bfloat16(p) : p);
    total = total + p;
  };
  int64_t j = 0;
  for (; j + 2 <= keys; j += 2) {
    one(j, sum[0]);
    one(j + 1, sum[1]);
  }
  if (j < keys) one(j, sum[0]);
  return sum[0] + sum[1];
}

void soften(const Block& block, int64_t keys, bool first) {
  for (int64_t v = 0; v < block.vectors; v++) {
    Statistics& t = *block.s.statistics;
    float* scores = block.s.scores + v * W;
    Vf top[4];
    for (Vf& x : top) x = set(-__builtin_inff());
    int64_t j = 0;
    for (; j + 4 <= keys; j += 4)
#pragma GCC unroll 4
      for (int k = 0; k < 4; k++) top[k] = larger(top[k], load(scores + (j + k) * kLanes));
    for (; j < keys; j++) top[0] = larger(top[0], load(scores + j * kLanes));
    Vf largest = larger(larger(top[0], top[1]), larger(top[2], top[3]));
    if (!first) largest = larger(largest, load(t.largest + v * W));
    // Where nothing has been seen yet, −∞ − (−∞) would be NaN.
    const Vf shift = select(largest == set(-__builtin_inff()), set(0.0f), largest);
    const Attributes& a = block.head.a;
    Vf sum = is_paired(a) ? paired_exponentials(scores, keys, shift)
             : a.rounded  ? exponentials<true>(scores, keys, shift)
                          : exponentials<false>(scores, keys, shift);
    if (!first) {
      const Vf before = exp2(load(t.largest + v * W) - shift);
      store(t.before + v * W, before);
      sum = fma(load(t.sum + v * W), before, sum);
    }
    store(t.largest + v * W, largest);
    store(t.sum + v * W, sum);
  }
}

// Factors of the output, and lse.
void finish(const Block& block, float* lse) {
  Statistics& t = *block.s.statistics;
  for (int64_t v = 0; v < block.vectors; v++) {
    const Vf largest = load(t.largest + v * W), sum = load(t.sum + v * W), nothing = set(-__builtin_inff());
    const Vm blind = largest == nothing;
    store(t.after + v * W, select(blind, set(0.0f), set(1.0f) / sum));
    store(t.sum + v * W, select(blind, nothing, fma(largest, set(kLn2), log(sum))));
  }
  for (int64_t r = 0; r < block.count; r++) lse[r * block.head.a.lse_row] = t.sum[r];
}

void run_block(const Block& block, Rows q, Rows k, Rows v, float* y, float* lse, Interval* packed) {
  const Attributes& a = block.head.a;
  const Scratch& s = block.s;
  Statistics& t = *s.statistics;
  const int64_t seen = block.some.empty() ? 0 : block.some.end - block.some.begin;
  if (seen == 0) {
    clear_rows(y, a.y.row, block.count, a.value_width);
    for (int64_t r = 0; r < block.count; r++) lse[r * a.lse_row] = -__builtin_inff();
    return;
  }
  if (!block.all.holds(block.some.begin, block.some.end))
    for (int64_t r = 0; r < block.vectors * W; r++) {
      const Interval keys = block.head.visible(block.first + (r < block.count ? r : block.count - 1));
      t.begin[r] = static_cast<int32_t>(keys.begin < a.keys ? keys.begin : a.keys);
      t.end[r] = static_cast<int32_t>(keys.end > 0 ? keys.end : 0);
    }
  const bool paired = is_paired(a);
  if (paired)
    transpose_pairs(q.data, q.row, block.count, a.width, s.queries);
  else
    transpose_rows(q.data, q.row, block.count, a.width, a.scale * kLog2E, a.rounded, s.queries);
  const int64_t chunks = (seen + kKeys - 1) / kKeys;
  for (int64_t chunk = 0; chunk < chunks; chunk++) {
    const int64_t key = block.some.begin + seen * chunk / chunks;
    const int64_t keys = block.some.begin + seen * (chunk + 1) / chunks - key;
    const Interval here = {key, key + keys};
    const bool known = packed->begin == here.begin && packed->end == here.end;
    *packed = here;
    const Rows kc = paired ? rounded_rows(k, here, a.width, known, s.keys)
                           : ready_rows(k, here, a.width, false, a.rounded, known, s.keys);
    const Rows vc = paired ? paired_rows(v, here, a.value_width, known, s.values)
                           : ready_rows(v, here, a.value_width, true, a.rounded, known, s.values);
    Product scores = {kc.data, kc.row, s.queries, kLanes, steps_of(a, a.width), s.scores, kLanes, block.vectors * W};
    scores.scale = a.scale * kLog2E;
    if (block.first == 0) {
      scores.ahead[0] = next_rows(block.call, a, block.head.index, 1, a.k, key, a.width);
      scores.ahead[1] = next_rows(block.call, a, block.head.index, 2, a.v, key, a.value_width);
    }
    multiply<true>(scores, keys, paired);
    if (!block.all.holds(key, key + keys) || block.head.mask) hide(block, key, keys);
    const bool first = chunk == 0, last = chunk == chunks - 1;
    soften(block, keys, first);
    if (last) finish(block, lse);
    Product p = {s.scores, kLanes, vc.data, vc.row, steps_of(a, keys), s.y, padded(a.value_width), a.value_width};
    if (!first) {
      p.c = s.y;
      p.c_row = p.y_row;
      p.before = t.before;
    }
    if (last) {
      p.y = y;
      p.y_row = a.y.row;
      p.after = t.after;
    }
    p.ahead[0] = next_rows(block.call, a, block.head.index, 0, a.q, block.first, a.width);
    multiply<false>(p, block.count, paired);
  }
}

void run_tile(const Call& call, const Attributes& a, int64_t tile, char* memory) {
  const Head head(call, a, tile / a.query_tiles);
  const int64_t begin = tile % a.query_tiles * a.tile_queries;
  const int64_t end = begin + a.tile_queries < a.queries ? begin + a.tile_queries : a.queries;
  const Scratch s = divide(a, memory);
  const Rows q = {head.rows(call.in[0], a.q), a.q.row}, k = {head.rows(call.in[1], a.k), a.k.row},
             v = {head.rows(call.in[2], a.v), a.v.row};
  float* y = head.rows(call.out[0], a.y);
  float* lse = reinterpret_cast<float*>(call.out[1].data) + head.b * a.lse_batch + head.h * a.lse_head;
  Interval packed = {-1, -1};
  for (int64_t i = begin; i < end; i += kLanes) {
    const int64_t count = end - i < kLanes ? end - i : kLanes;
    const Block block = {call, head, i, count, (count + W - 1) / W, head.some(i, i + count), head.all(i, i + count), s};
    run_block(block, {q.data + i * q.row, q.row}, k, v, y + i * a.y.row, lse + i * a.lse_row, &packed);
  }
}

void run(const Call& call, int, int64_t begin, int64_t end, char* scratch) {
  const auto& a = *static_cast<const Attributes*>(call.attributes);
  [[maybe_unused]] const TileRegisters registers(is_paired(a) && !a.tiny);
  for (int64_t tile = begin; tile < end; tile++)
    if (a.tiny)
      each_group(a, tile, [&](const Group& group) { tiny_group(call, group, reinterpret_cast<float*>(scratch)); });
    else
      run_tile(call, a, tile, scratch);
}

// All heads of batches [begin, end).
void run_rows(const Call& call, int64_t begin, int64_t end, char* scratch) {
  const auto& a = *static_cast<const Attributes*>(call.attributes);
  const int64_t tiles = a.heads * a.query_tiles;
  run(call, 0, begin * tiles, end * tiles, scratch);
}

}  // namespace

JEPA_ROW_KERNEL(attention, run, run_rows)
