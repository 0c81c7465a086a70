// matmul: y = activation(s) + residual, or s·activation′(h), of the sums s = a·b + bias; in float32 with fused multiply-add.
//
//   a [batch…, M, K]   b [batch…, K, N]   one of the last two strides 1 (so a transpose is a view); batch strides may be 0
//   bias [N] optional; residual or h, as y, with the flag    y [batch…, M, N]   last stride 1; overwritten
//   s, as y: a second result, optional
//   or b is one axis of K·⌈N/32⌉·32 numbers, written by matmul_pack
//   attributes: u32 flags (1: b is packed, 2: bfloat16, 4: residual, 8: slope at h, 16: y is read late, 32 or 64: a or b is a
//     picture), u32 K, u32 N, u32 activation (see simd/activation_kind.h); of a picture 40 bytes more, the attributes of im2col
//
// Convolutions: in the place of a or b, of two axes, a picture [N, H, W, C] stands for its windows as rows (runtime/windows.h), which are
// gathered as blocks need them (simd/windows.h) instead of being written out.
//
// bfloat16: a and b are rounded to it (nearest even) as they are copied into blocks, sums stay float32. A packed b is bfloat16
// then. Blocks hold pairs along the inner axis where the CPU multiplies pairs (avx512_bf16) or tiles of them (avx512_amx, tiles.h),
// which add in an order of their own; elsewhere they hold the rounded numbers as float32, whose products are exact. Targets differ by
// rounding of sums only.
//
// Rows of a are read where they lie, and so are rows of b beside a transposed a (the gradient of weights), unless their distance
// makes them fall into the same few sets of a cache: then blocks of them are copied, for the gradient of weights by a phase of
// their own (whole.h). Other operands b are packed by the block.
//
// Work is cut into blocks of rows and columns, and a long inner axis with a small result also into fixed chunks whose partial
// results are added in order by a last phase: sums never depend on the number of threads.
// matmul_pack: b [K, N] → panels of 32 columns, [⌈N/32⌉][K][32], or in bfloat16 pairs along K, [⌈N/32⌉][⌈K/2⌉][32][2]. What is
// beyond N and K is zero. One pack serves many products; no attributes.
#pragma once
#include "runtime/windows.h"
#include "simd/activation_kind.h"

namespace jepa::matmul {

constexpr int64_t kPanel = 32;   // columns of a packed panel
constexpr int64_t kRows = 196;   // most rows of a block: 14 strips of 14
constexpr int64_t kDepth = 512;  // inner steps of a block: kRows·kDepth of a stay in L2 while b streams past
// Bytes of a result from which on it is written past the caches: if it is read late, and anyway, since the caches would not keep it.
constexpr int64_t kLarge = 2 << 20, kHuge = 16 << 20;
constexpr int64_t kChunk = 2048;                         // inner steps of a partial result
constexpr int64_t kWholePanels = 8;                      // of a tile that packs b whole
constexpr int64_t kCopiedRow = kDepth + 16;              // of a copied block of a: never a multiple of 4 KiB
constexpr int64_t kPairedDepth = 2 * kDepth;             // of pairs of bfloat16, which take half the room
constexpr int64_t kCopied = kRows * kCopiedRow * 3 / 2;  // numbers of a copied block, strips filled up
constexpr uint32_t kPacked = 1, kRounded = 2, kResidual = 4, kSlope = 8, kLate = 16, kWindowsA = 32,
                   kWindowsB = 64;  // flags

struct Attributes {
  int64_t m, n, k;
  int64_t batches, batch_rank;
  int64_t batch_shape[kMaxRank], a_batch[kMaxRank], b_batch[kMaxRank], y_batch[kMaxRank];
  int64_t beside_batch[kMaxRank], sums_batch[kMaxRank];  // of residual or slope, and of the second result
  int64_t a_row, a_column, b_row, b_column, y_row, beside_row, sums_row;
  int64_t depth;  // inner steps of a block
  int64_t panels, row_blocks, column_blocks, chunks;
  Activation activation;
  bool packed, bias, residual, slope;
  bool streamed, sums_streamed;  // y and sums are written past the caches; sums are always read late
  bool rounded;                  // operands are bfloat16
  bool copied, b_copied;         // before use: in place, rows would push each other out of the caches
  bool a_whole, b_whole;         // copied by a phase of their own, into the workspace at:
  int64_t a_whole_at, b_whole_at;
  int64_t a_whole_block;      // numbers of a block of rows, at most
  int packing;                // phases before the product
  bool a_windows, b_windows;  // are gathered from a picture
  int64_t rows_of_row;        // that belong together where this goes by rows: those of a picture
  Windows windows;
};

}  // namespace jepa::matmul
