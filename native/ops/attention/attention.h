// attention: y = softmax(scale·q·kᵀ + mask)·v without storing the scores (Dao et al. 2022, 2023).
//
//   q [B, H, Sq, d]   k [B, H, Sk, d]   v [B, H, Sk, dv]      float32, last axis dense, other strides free
//   mask bool, broadcast to [B, H, Sq, Sk] by strides 0 (flag 2); key_length int32 [B] (flag 4), in this order
//   y [B, H, Sq, dv], lse [B, H, Sq] = ln Σ exp(score), saved for the gradient; overwritten
//   attributes: f32 scale, u32 flags, i32 query_offset, window_left, window_right, block, window_blocks, u32 compute
//
// A query at position p = i + query_offset sees key j if all that is asked for holds:
//
//   1 causal      j ≤ p
//   2 mask        mask[b, h, i, j]
//   4 key_length  j < key_length[b]
//   8 window      −window_left ≤ j − p ≤ window_right
//   16 block      ⌊j/block⌋ ≤ ⌊p/block⌋, and with window_blocks > 0 also ⌊p/block⌋ − ⌊j/block⌋ < window_blocks
//
// All but the mask make an interval of keys whose ends grow with the query: blocks that no query sees are never read, so
// what lies behind key_length may be NaN, and blocks that every query sees are not tested. A query that sees no key gives
// y = 0, lse = −∞ and no gradient. Scores of any finite size are safe: softmax subtracts the maximum, of all keys at once
// up to kKeys of them, else kept online. Exponentials are powers of two: scale·log2 e goes into q.
//
// attention_gradient (dy, q, k, v, y, lse, masks → dq, dk, dv, overwritten), P = exp(scale·q·kᵀ − lse), D = Σ dy·y:
//
//   dv = Pᵀ·dy      dS = scale·P ∘ (dy·vᵀ − D)      dq = dS·k      dk = dSᵀ·q
//
// compute 0: float32. 1: bfloat16 operands, that is q, k, v, dy and every P and dS that enters a product are rounded to
// bfloat16 (nearest even), sums stay float32; P is rounded before it is divided by its sum, which is of unrounded P.
//
// Forward tiles are blocks of queries of one (b, h), gradient tiles blocks of keys of one (b, h); if those are several, each
// adds up its share of dq in the workspace and a second phase sums the shares in order. Many tiny heads (at most kFew queries,
// keys and columns, nothing but intervals of one batch) go kGroup heads a tile, one head a lane.
#pragma once
#include "runtime/op.h"

namespace jepa::attention {

constexpr uint32_t kCausal = 1, kMask = 2, kKeyLength = 4, kWindow = 8, kBlock = 16;
constexpr int64_t kLanes = 32;     // queries (forward) or keys (gradient) whose scores lie side by side
constexpr int64_t kKeys = 256;     // keys whose scores are kept at once; queries too, in the gradient
constexpr int64_t kQueries = 128;  // of a forward tile where there are enough tiles
constexpr int64_t kFew = 16;
constexpr int64_t kGroup = 16;   // a multiple of every target's lanes
constexpr int64_t kWidest = 16;  // lanes of the widest target: rows of scratch are padded to it
constexpr int64_t kEnough = 16;  // tiles to share among threads

constexpr int64_t padded(int64_t width) { return (width + kWidest - 1) / kWidest * kWidest; }

// [B, H, S, width] with a dense last axis.
struct Heads {
  int64_t batch, head, row;
};

struct Attributes {
  float scale;
  uint32_t flags;
  int64_t query_offset, window_left, window_right, block, window_blocks;
  int64_t batches, heads, queries, keys, width, value_width;
  Heads q, k, v, y, dy, dq, dk, dv;
  int64_t lse_batch, lse_head, lse_row;
  int64_t mask_batch, mask_head, mask_row, mask_key;
  int64_t key_length_stride;
  int32_t mask_input, key_length_input;  // −1: none
  bool rounded;                          // operands of products are bfloat16
  bool tiny;                             // a head a lane
  int64_t tile_queries, query_tiles;     // forward
  int64_t tile_keys, key_tiles;          // gradient
};

// Parts of a thread's scratch, in floats. Rows of a chunk are at most kKeys.
struct Chunk {
  int64_t queries, keys, width, value_width;  // widths padded
  explicit Chunk(const Attributes& a)
      : queries(a.queries < kKeys ? a.queries : kKeys),
        keys(a.keys < kKeys ? a.keys : kKeys),
        width(padded(a.width)),
        value_width(padded(a.value_width)) {}
};
// Rows of dS, apart from multiples of 4 KiB.
constexpr int64_t kScoreRow = kKeys + kWidest;

inline int64_t forward_floats(const Attributes& a) {
  const Chunk c(a);
  // Transposed queries, scores, outputs; packed keys and values; a mask's rows; statistics.
  return kLanes * c.width + kKeys * kLanes + kLanes * c.value_width + (c.keys + 1) * (c.width + c.value_width) +
         (a.flags & kMask ? kLanes * kKeys : 0) + 8 * kLanes;
}
inline int64_t gradient_floats(const Attributes& a) {
  const Chunk c(a);
  // Transposed keys and values; P; dS; packed queries, dy and keys, in pairs both ways; shifts and D; pairs of dS.
  return kLanes * (c.width + c.value_width) + kKeys * kLanes + c.queries * kScoreRow +
         (c.queries + 1) * (c.width + c.value_width) + (c.keys + 1) * c.width + 2 * (a.queries + kWidest) +
         kKeys * kLanes / 2;
}
// A vector of the widest target for every element of q, k, v, P and y; of dy, q, k, v, P, dS and one gradient.
inline int64_t tiny_floats(const Attributes& a) {
  return kWidest * (a.queries * (a.width + a.keys + a.value_width) + a.keys * (a.width + a.value_width));
}
inline int64_t tiny_gradient_floats(const Attributes& a) {
  return kWidest *
         (a.queries * (a.width + a.value_width + 2 * a.keys) + a.keys * (a.width + a.value_width) + kFew * kFew);
}

}  // namespace jepa::attention
