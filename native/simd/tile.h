// The size of a register tile: rows of broadcast elements times vectors of columns, accumulated in registers.
#pragma once
#include "simd/vec.h"

namespace {

#if defined(JEPA_TARGET_avx512)
constexpr int kTileRows = 14, kTileVectors = 2;  // 28 accumulators, 2 of B, 1 of A: 31 of 32 registers
#elif defined(JEPA_TARGET_avx2)
constexpr int kTileRows = 6, kTileVectors = 2;  // 12 accumulators, 2 of B, 1 of A: 15 of 16 registers
#elif defined(JEPA_TARGET_neon)
// 24 accumulators, 4 of B, 1 of A: 29 of 32 registers. 8 rows of 3 vectors have as many, and load 11 times a step, not 10.
constexpr int kTileRows = 6, kTileVectors = 4;
#else
constexpr int kTileRows = 4, kTileVectors = 4;
#endif
constexpr int64_t kLine = 16;  // floats of a cache line

JEPA_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
// Where part `part` of `parts` equal ones of `total` begins.
JEPA_INLINE int64_t share(int64_t total, int64_t part, int64_t parts) { return total * part / parts; }

}  // namespace
