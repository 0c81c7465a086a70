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

}  // namespace
