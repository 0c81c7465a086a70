// Products of matrix tiles (Intel AMX): a tile is 16 rows of 64 bytes in a register, and one instruction multiplies two of them.
//
//   sum [16, 16] float32 += a [16, 16 pairs]·b [16 pairs, 16]: pairs of bfloat16 along the depth, as rows of a and columns of b hold them
//
// Of each of the two numbers of a pair the products are added in the order of the depth, then both sums to what was there: an
// order of its own, so bits differ from those of dot_bf16. Denormals are zero, rounding is to nearest.
#pragma once
#include "simd/pairs.h"

namespace {

#if defined(JEPA_TARGET_avx512_amx)
constexpr bool kTiles = true;  // whether pairs are multiplied by tiles
#else
constexpr bool kTiles = false;
#endif
constexpr int64_t kTile = 16;              // rows of a tile, numbers or pairs of a row
constexpr int64_t kTileStrip = 2 * kTile;  // rows of two tiles: with two of columns, each is loaded for two products
constexpr int64_t kTileNumbers = kTile * kTileStrip;  // of what a strip has for 16 pairs of its rows

JEPA_INLINE int64_t whole_tiles(int64_t steps) { return (steps + kTile - 1) / kTile * kTile; }

#if defined(JEPA_TARGET_avx512_amx)

// The calling thread's tiles, while it lives: eight whole ones, if they are `wanted`. Saving them costs a thread that is
// interrupted, so they are given back.
class TileRegisters {
 public:
  explicit TileRegisters(bool wanted) : wanted_(wanted) {
    if (!wanted) return;
    struct alignas(64) {
      uint8_t palette = 1, start = 0, reserved[14] = {};
      uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } shape;
    __asm__ volatile("ldtilecfg %0" : : "m"(shape));
  }
  ~TileRegisters() {
    if (wanted_) __asm__ volatile("tilerelease" : : : "memory");
  }
  TileRegisters(const TileRegisters&) = delete;
  TileRegisters& operator=(const TileRegisters&) = delete;

 private:
  const bool wanted_;
};

// Rows `row` elements apart.
template <int Tile, class T>
JEPA_INLINE void load_tile(const T* from, int64_t row) {
  __asm__ volatile("tileloadd (%0,%1,1), %%tmm%c2"
                   :
                   : "r"(from), "r"(row * static_cast<int64_t>(sizeof(T))), "i"(Tile)
                   : "memory");
}
template <int Tile, class T>
JEPA_INLINE void store_tile(T* to, int64_t row) {
  __asm__ volatile("tilestored %%tmm%c2, (%0,%1,1)"
                   :
                   : "r"(to), "r"(row * static_cast<int64_t>(sizeof(T))), "i"(Tile)
                   : "memory");
}
template <int Tile>
JEPA_INLINE void clear_tile() {
  __asm__ volatile("tilezero %%tmm%c0" : : "i"(Tile));
}
template <int Sum, int A, int B>
JEPA_INLINE void multiply_pair_tiles() {
  __asm__ volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(Sum), "i"(A), "i"(B));
}

// int32 sums of unsigned bytes of a times signed bytes of b, four in the place of a pair.
template <int Sum, int A, int B>
JEPA_INLINE void multiply_byte_tiles() {
  __asm__ volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(Sum), "i"(A), "i"(B));
}

// A 16 × 16 block of 32-bit elements: to[j·16 + i] = from[i][j].
JEPA_INLINE void transpose_tile(const __m512i (&from)[16], float* to) {
  __m512i pair[16], quad[16], half[16];
  for (int i = 0; i < 16; i += 2) {
    pair[i] = _mm512_unpacklo_epi32(from[i], from[i + 1]);
    pair[i + 1] = _mm512_unpackhi_epi32(from[i], from[i + 1]);
  }
  for (int i = 0; i < 16; i += 4)
    for (int j = 0; j < 2; j++) {
      quad[i + 2 * j] = _mm512_unpacklo_epi64(pair[i + j], pair[i + 2 + j]);
      quad[i + 2 * j + 1] = _mm512_unpackhi_epi64(pair[i + j], pair[i + 2 + j]);
    }
  // quad[4·g + c]: column 4·b + c of rows 4·g … 4·g + 3 in its part b of 128 bits.
  for (int c = 0; c < 4; c++) {
    half[c] = _mm512_shuffle_i32x4(quad[c], quad[4 + c], 0x88);
    half[4 + c] = _mm512_shuffle_i32x4(quad[c], quad[4 + c], 0xdd);
    half[8 + c] = _mm512_shuffle_i32x4(quad[8 + c], quad[12 + c], 0x88);
    half[12 + c] = _mm512_shuffle_i32x4(quad[8 + c], quad[12 + c], 0xdd);
  }
  for (int c = 0; c < 4; c++) {
    const auto put = [&](int column, __m512i x) { _mm512_storeu_si512(to + column * 16, x); };
    put(c, _mm512_shuffle_i32x4(half[c], half[8 + c], 0x88));
    put(8 + c, _mm512_shuffle_i32x4(half[c], half[8 + c], 0xdd));
    put(4 + c, _mm512_shuffle_i32x4(half[4 + c], half[12 + c], 0x88));
    put(12 + c, _mm512_shuffle_i32x4(half[4 + c], half[12 + c], 0xdd));
  }
}

#else
struct TileRegisters {
  explicit TileRegisters(bool) {}
};
#endif

}  // namespace
