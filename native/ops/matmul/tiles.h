// Products of pairs by matrix tiles. Strips are two tiles high, and packed as tiles want them:
//
//   a: [strips][⌈steps/16⌉][32 rows][16 pairs]   what stands behind the last row of a strip is never used, pairs behind the last are zero
#pragma once
#include "ops/matmul/bfloat16.h"
#include "simd/matrix_tile.h"

namespace {

#if defined(JEPA_TARGET_avx512_amx)

// Rows of `depth` numbers, `row` apart, dense along the depth.
void tile_rows(const float* a, int64_t row, int64_t height, int64_t depth, float* strip) {
  for (int64_t i = 0; i < height; i++) {
    const float* from = a + i * row;
    float* to = strip + i * kTile;
    int64_t k = 0;
    for (; k + 2 * kTile <= depth; k += 2 * kTile, to += kTileNumbers)
      round_row(from + k, 2 * kTile, reinterpret_cast<uint16_t*>(to));
    if (k == depth) continue;
    store(to, set(0.0f));
    round_row(from + k, depth - k, reinterpret_cast<uint16_t*>(to));
  }
}

// The same of a that is dense along its rows: steps are `step` apart.
void tile_columns(const float* a, int64_t step, int64_t height, int64_t depth, float* strip) {
  for (int64_t k = 0; k < depth; k += 2 * kTile, strip += kTileNumbers)
    for (int64_t i = 0; i < height; i += kTile) {
      const int rows = static_cast<int>(smaller(kTile, height - i));
      __m512i pairs[kTile];
      for (int64_t p = 0; p < kTile; p++) {
        const float* from = a + (k + 2 * p) * step + i;
        const Vf first = k + 2 * p < depth ? load_n(from, rows) : set(0.0f);
        const Vf second = k + 2 * p + 1 < depth ? load_n(from + step, rows) : set(0.0f);
        pairs[p] = pair_of(first, second).v;
      }
      transpose_tile(pairs, strip + i * kTile);
    }
}

template <bool High>
JEPA_INLINE void multiply_step(const float* a, const float* b) {
  load_tile<6>(b, kPanel);
  load_tile<4>(a, kTile);
  multiply_pair_tiles<0, 4, 6>();
  load_tile<7>(b + kTile, kPanel);
  multiply_pair_tiles<1, 4, 7>();
  if (!High) return;
  load_tile<5>(a + kTile * kTile, kTile);
  multiply_pair_tiles<2, 5, 6>();
  multiply_pair_tiles<3, 5, 7>();
}

// c [32, 32] = or += a strip times a panel; High: of more than 16 rows, else only the first 16 of c are touched.
template <bool High>
void multiply_strip(const float* a, const float* b, int64_t steps, bool added, float* c) {
  if (added) {
    load_tile<0>(c, kPanel), load_tile<1>(c + kTile, kPanel);
    if (High) load_tile<2>(c + kTile * kPanel, kPanel), load_tile<3>(c + kTile * kPanel + kTile, kPanel);
  } else {
    clear_tile<0>(), clear_tile<1>();
    if (High) clear_tile<2>(), clear_tile<3>();
  }
  int64_t k = 0;
  for (; k + kTile <= steps; k += kTile, a += kTileNumbers) multiply_step<High>(a, b + k * kPanel);
  if (k < steps) {
    alignas(64) float rest[kTile * kPanel] = {};  // behind b may be NaN, of which zeros of a make NaN
    for (int64_t i = 0; k + i < steps; i++)
      for (int64_t j = 0; j < kPanel; j += W) store(rest + i * kPanel + j, load(b + (k + i) * kPanel + j));
    multiply_step<High>(a, rest);
  }
  store_tile<0>(c, kPanel), store_tile<1>(c + kTile, kPanel);
  if (High) store_tile<2>(c + kTile * kPanel, kPanel), store_tile<3>(c + kTile * kPanel + kTile, kPanel);
}

static_assert(kPanel == 2 * kTile && kColumns == kPanel, "a panel is two tiles wide, and one pass");
JEPA_INLINE void tiled_product(const float* a, int64_t height, const float* b, int64_t steps, bool added, float* c) {
  (height > kTile ? multiply_strip<true> : multiply_strip<false>)(a, b, steps, added, c);
}

#else

// Never called where kTiles is false.
JEPA_INLINE void tile_rows(const float*, int64_t, int64_t, int64_t, float*) {}
JEPA_INLINE void tile_columns(const float*, int64_t, int64_t, int64_t, float*) {}
JEPA_INLINE void tiled_product(const float*, int64_t, const float*, int64_t, bool, float*) {}

#endif

}  // namespace
