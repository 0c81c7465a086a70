// attention: y = softmax(scale·q·kᵀ + mask)·v without storing the scores (Dao et al. 2022, 2023).
//
//   q [B, H, Sq, d]   k [B, H, Sk, d]   v [B, H, Sk, dv]      float32, last axis dense, other strides free
//   mask bool, broadcast to [B, H, Sq, Sk] by strides 0 (flag 2); key_length int32 [B] (flag 4), in this order
//   y [B, H, Sq, dv], lse [B, H, Sq] = ln Σ exp(score), saved for the gradient; overwritten
//   attributes: f32 scale, u32 flags, i32 query_offset, window_left, window_right, block, window_blocks
//
// A query at position p = i + query_offset sees key j if all that is asked for holds:
//
//   1 causal      j ≤ p
//   2 mask        mask[b, h, i, j]
//   4 key_length  j < key_length[b]
//   8 window      −window_left ≤ j − p ≤ window_right
//   16 block      ⌊j/block⌋ ≤ ⌊p/block⌋, and with window_blocks > 0 also ⌊p/block⌋ − ⌊j/block⌋ < window_blocks
//
// All but the mask make an interval of keys, outside of which nothing is read: what lies behind key_length may be NaN.
// A query that sees no key gives y = 0, lse = −∞ and no gradient. Softmax is kept online with the running maximum, so
// scores of any finite size are safe.
//
// attention_gradient (dy, q, k, v, y, lse, masks → dq, dk, dv, overwritten), P = exp(scale·q·kᵀ − lse), D = Σ dy·y:
//
//   dv = Pᵀ·dy      dS = scale·P ∘ (dy·vᵀ − D)      dq = dS·k      dk = dSᵀ·q
//
// Forward tiles are blocks of queries of one (b, h). Gradient tiles are whole (b, h): dk and dv add up over queries, dq
// over keys, in one fixed order.
#pragma once
#include "runtime/op.h"

namespace jepa::attention {

constexpr uint32_t kCausal = 1, kMask = 2, kKeyLength = 4, kWindow = 8, kBlock = 16;
constexpr int64_t kQueries = 128;         // of a forward tile: repays the transpose of a block of keys
constexpr int64_t kGradientQueries = 64;  // of a block within a gradient tile
constexpr int64_t kKeys = 64;             // of a block
constexpr int64_t kWidest = 16;           // lanes of the widest target: rows of scratch are padded to it

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
  int64_t query_tiles;
};

}  // namespace jepa::attention
