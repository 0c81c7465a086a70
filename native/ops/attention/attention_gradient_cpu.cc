#include "ops/attention/score_gradient.h"
#include "ops/attention/tiny_heads.h"

using namespace jepa;
using namespace jepa::attention;

namespace {

// A chunk of queries as products want them: rows to multiply from the left, and from the right; not pairs, they are the same.
struct Queries {
  Rows q, dy, q_right, dy_right;
};

Queries queries_of(const Problem& p, Interval part) {
  const Attributes& a = p.a;
  const Scratch& s = p.s;
  if (!is_paired(a)) {
    const Rows q = ready_rows(p.q, part, a.width, true, a.rounded, false, s.queries);
    const Rows dy = ready_rows(p.dy, part, a.value_width, true, a.rounded, false, s.dy);
    return {q, dy, q, dy};
  }
  const int64_t count = part.end - part.begin;
  const Rows q = rounded_rows(p.q, part, a.width, false, s.queries);
  const Rows dy = rounded_rows(p.dy, part, a.value_width, false, s.dy);
  return {q, dy, paired_rows(p.q, part, a.width, false, s.queries + count * q.row),
          paired_rows(p.dy, part, a.value_width, false, s.dy + count * dy.row)};
}

// Keys of one block against a chunk of queries: dk and dv, and the columns of dS from `column` on.
void run_block(const Problem& p, const Block& block, Interval chunk, const Queries& rows, bool first, int64_t column) {
  const auto& [q, dy, q_right, dy_right] = rows;
  const Attributes& a = p.a;
  const Scratch& s = p.s;
  const bool paired = is_paired(a);
  const int64_t m = block.queries.end - block.queries.begin, skipped = block.queries.begin - chunk.begin;
  const float *qi = q.data + skipped * q.row, *dyi = dy.data + skipped * dy.row;
  // dS for dq: a pair takes half the room.
  float* kept = s.slopes + steps_of(a, column);
  clear_rows(kept, kScoreRow, skipped, steps_of(a, block.keys));
  clear_rows(kept + (skipped + m) * kScoreRow, kScoreRow, chunk.end - block.queries.end, steps_of(a, block.keys));
  float* slopes = s.slopes + skipped * kScoreRow;
  const int64_t lanes = block.vectors * W;
  Product scores = {qi, q.row, s.keys_transposed, kLanes, steps_of(a, a.width), s.shares, kLanes, lanes};
  scores.scale = a.scale * kLog2E;
  Product dp = {dyi,       dy.row, s.values_transposed, kLanes, steps_of(a, a.value_width), slopes + column,
                kScoreRow, lanes};
  if (column == 0) {
    const int64_t i = block.queries.begin;
    scores.ahead[0] = next_rows(p.call, a, p.head.index, 1, a.q, i, a.width);
    scores.ahead[1] = next_rows(p.call, a, p.head.index, 4, a.y, i, a.value_width);
    dp.ahead[0] = next_rows(p.call, a, p.head.index, 0, a.dy, i, a.value_width);
  }
  multiply<true>(scores, m, paired);
  multiply<true>(dp, m, paired);
  if (paired)
    differentiate_pairs(p, block, s.shares, slopes, column);
  else if (a.rounded)
    differentiate<true>(p, block, s.shares, slopes + column);
  else
    differentiate<false>(p, block, s.shares, slopes + column);
  float *dv = p.dv + block.key * a.dv.row, *dk = p.dk + block.key * a.dk.row;
  const int64_t right = paired ? skipped / 2 : skipped, steps = steps_of(a, m);
  Product values = {s.shares, kLanes,       dy_right.data + right * dy_right.row, dy_right.row, steps, dv,
                    a.dv.row, a.value_width};
  Product keys = {paired ? s.turned : slopes + column,
                  paired ? kLanes : kScoreRow,
                  q_right.data + right * q_right.row,
                  q_right.row,
                  steps,
                  dk,
                  a.dk.row,
                  a.width};
  if (!first) {
    values.c = dv;
    values.c_row = a.dv.row;
    keys.c = dk;
    keys.c_row = a.dk.row;
  }
  values.ahead[0] = next_rows(p.call, a, p.head.index, 2, a.k, block.key, a.width);
  values.ahead[1] = next_rows(p.call, a, p.head.index, 3, a.v, block.key, a.value_width);
  multiply<false>(values, block.keys, paired);
  multiply<false>(keys, block.keys, paired);
}

// dq of a chunk of queries from dS of a chunk of keys, by rows that see about the same keys.
void run_queries(const Problem& p, Interval queries, Interval keys, Rows k, bool first) {
  const Attributes& a = p.a;
  const int64_t step = a.flags & ~(kMask | kKeyLength) ? 4 * kTileRows : kKeys;
  for (int64_t i = queries.begin; i < queries.end; i += step) {
    const int64_t m = queries.end - i < step ? queries.end - i : step;
    Interval some = common(p.head.some(i, i + m), keys);
    if (some.empty()) some = {keys.begin, keys.begin};
    if (some.empty() && !first) continue;
    const bool paired = is_paired(a);
    if (paired) some.begin -= (some.begin - keys.begin) % 2;
    const int64_t skipped = paired ? (some.begin - keys.begin) / 2 : some.begin - keys.begin;
    float* dq = p.dq + i * p.dq_row;
    Product product = {p.s.slopes + (i - queries.begin) * kScoreRow + skipped,
                       kScoreRow,
                       k.data + skipped * k.row,
                       k.row,
                       steps_of(a, some.end - some.begin),
                       dq,
                       p.dq_row,
                       a.width};
    if (!first) {
      product.c = dq;
      product.c_row = p.dq_row;
    }
    multiply<true>(product, m, paired);
  }
}

// Part `index` of at most kKeys, of parts as equal as whole blocks allow.
Interval part_of(Interval whole, int64_t parts, int64_t index) {
  const int64_t blocks = (whole.end - whole.begin + kLanes - 1) / kLanes;
  const int64_t end = whole.begin + blocks * (index + 1) / parts * kLanes;
  return {whole.begin + blocks * index / parts * kLanes, end < whole.end ? end : whole.end};
}
int64_t parts_of(Interval whole) { return whole.empty() ? 1 : (whole.end - whole.begin + kKeys - 1) / kKeys; }

void run_keys(const Problem& p, Interval tile) {
  const Attributes& a = p.a;
  const Scratch& s = p.s;
  const Interval all = {0, a.queries};
  const bool paired = is_paired(a);
  const int64_t key_parts = parts_of(tile), query_parts = parts_of(all);
  for (int64_t kp = 0; kp < key_parts; kp++) {
    const Interval keys = part_of(tile, key_parts, kp);
    const Rows k = paired ? paired_rows(p.k, keys, a.width, false, s.keys)
                          : ready_rows(p.k, keys, a.width, true, a.rounded, false, s.keys);
    for (int64_t qp = 0; qp < query_parts; qp++) {
      const Interval queries = part_of(all, query_parts, qp);
      const Queries rows = queries_of(p, queries);
      for (int64_t j = keys.begin; j < keys.end; j += kLanes) {
        const Block block = block_of(p, queries, j, keys.end - j < kLanes ? keys.end - j : kLanes);
        if (!block.queries.empty() && paired) {
          transpose_pairs(p.k.data + j * p.k.row, p.k.row, block.keys, a.width, s.keys_transposed);
          transpose_pairs(p.v.data + j * p.v.row, p.v.row, block.keys, a.value_width, s.values_transposed);
        } else if (!block.queries.empty()) {
          transpose_rows(p.k.data + j * p.k.row, p.k.row, block.keys, a.width, a.scale * kLog2E, a.rounded,
                         s.keys_transposed);
          transpose_rows(p.v.data + j * p.v.row, p.v.row, block.keys, a.value_width, 1.0f, a.rounded,
                         s.values_transposed);
        }
        run_block(p, block, queries, rows, qp == 0, j - keys.begin);
      }
      run_queries(p, queries, keys, k, kp == 0);
    }
  }
}

void run_tile(const Call& call, const Attributes& a, int64_t tile, char* memory) {
  const int64_t index = tile / a.key_tiles, share = tile % a.key_tiles;
  Problem p = {call,    a,       Head(call, a, index), divide(a, memory), {}, {}, {}, {}, {}, nullptr, nullptr,
               nullptr, a.dq.row};
  const Head& head = p.head;
  p.dy = {head.rows(call.in[0], a.dy), a.dy.row};
  p.q = {head.rows(call.in[1], a.q), a.q.row};
  p.k = {head.rows(call.in[2], a.k), a.k.row};
  p.v = {head.rows(call.in[3], a.v), a.v.row};
  p.y = {head.rows(call.in[4], a.y), a.y.row};
  p.dq = head.rows(call.out[0], a.dq);
  p.dk = head.rows(call.out[1], a.dk);
  p.dv = head.rows(call.out[2], a.dv);
  if (a.key_tiles > 1) {
    p.dq = reinterpret_cast<float*>(call.workspace) + tile * a.queries * a.width;
    p.dq_row = a.width;
  }
  prepare_rows(p, reinterpret_cast<const float*>(call.in[5].data) + head.b * a.lse_batch + head.h * a.lse_head);
  const int64_t begin = share * a.tile_keys;
  const int64_t end = begin + a.tile_keys < a.keys ? begin + a.tile_keys : a.keys;
  const int64_t known = end < head.key_end ? end : head.key_end > begin ? head.key_end : begin;
  run_keys(p, {begin, known});
  clear_rows(p.dk + known * a.dk.row, a.dk.row, end - known, a.width);
  clear_rows(p.dv + known * a.dv.row, a.dv.row, end - known, a.value_width);
}

// dq of one (b, h) from the shares of its key tiles, in their order.
void add_shares(const Call& call, const Attributes& a, int64_t index) {
  const Head head(call, a, index);
  float* dq = head.rows(call.out[0], a.dq);
  const int64_t size = a.queries * a.width;
  const float* shares = reinterpret_cast<const float*>(call.workspace) + index * a.key_tiles * size;
  for (int64_t i = 0; i < a.queries; i++)
    for (int64_t c = 0; c < a.width; c += W) {
      const int n = static_cast<int>(a.width - c < W ? a.width - c : W);
      Vf sum = load_n(shares + i * a.width + c, n);
      for (int64_t share = 1; share < a.key_tiles; share++)
        sum = sum + load_n(shares + share * size + i * a.width + c, n);
      store_n(dq + i * a.dq.row + c, sum, n);
    }
}

void run(const Call& call, int phase, int64_t begin, int64_t end, char* scratch) {
  const auto& a = *static_cast<const Attributes*>(call.attributes);
  [[maybe_unused]] const TileRegisters registers(is_paired(a) && !a.tiny);
  for (int64_t tile = begin; tile < end; tile++) {
    if (a.tiny)
      each_group(a, tile,
                 [&](const Group& group) { tiny_gradient_group(call, group, reinterpret_cast<float*>(scratch)); });
    else if (phase == 0)
      run_tile(call, a, tile, scratch);
    else
      add_shares(call, a, tile);
  }
}

}  // namespace

JEPA_KERNEL(attention_gradient, run)
