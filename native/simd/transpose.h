// Transposes an 8×8 block of 32-bit elements in registers: to[j·to_stride + i] = from[i·from_stride + j].
#pragma once
#include "simd/vec.h"

namespace {

constexpr int kTransposed = 8;

#if defined(JEPA_TARGET_avx2) || defined(JEPA_TARGET_avx512)
JEPA_INLINE void transpose_8x8(const uint32_t* from, int64_t from_stride, uint32_t* to, int64_t to_stride) {
  __m256 row[8], pair[8], quad[8];
  for (int i = 0; i < 8; i++) row[i] = _mm256_loadu_ps(reinterpret_cast<const float*>(from + i * from_stride));
  for (int i = 0; i < 8; i += 2) {
    pair[i] = _mm256_unpacklo_ps(row[i], row[i + 1]);
    pair[i + 1] = _mm256_unpackhi_ps(row[i], row[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    quad[i] = _mm256_shuffle_ps(pair[i], pair[i + 2], 0x44);
    quad[i + 1] = _mm256_shuffle_ps(pair[i], pair[i + 2], 0xee);
    quad[i + 2] = _mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0x44);
    quad[i + 3] = _mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0xee);
  }
  for (int j = 0; j < 4; j++) {
    _mm256_storeu_ps(reinterpret_cast<float*>(to + j * to_stride), _mm256_permute2f128_ps(quad[j], quad[j + 4], 0x20));
    _mm256_storeu_ps(reinterpret_cast<float*>(to + (j + 4) * to_stride),
                     _mm256_permute2f128_ps(quad[j], quad[j + 4], 0x31));
  }
}
#elif defined(JEPA_TARGET_neon)
JEPA_INLINE void transpose_8x8(const uint32_t* from, int64_t from_stride, uint32_t* to, int64_t to_stride) {
  for (int i = 0; i < 8; i += 4)
    for (int j = 0; j < 8; j += 4) {
      Vf x[4];
      for (int r = 0; r < 4; r++) x[r] = {vreinterpretq_f32_u32(vld1q_u32(from + (i + r) * from_stride + j))};
      transpose_4x4(x);
      for (int r = 0; r < 4; r++) vst1q_u32(to + (j + r) * to_stride + i, vreinterpretq_u32_f32(x[r].v));
    }
}
#else
JEPA_INLINE void transpose_8x8(const uint32_t* from, int64_t from_stride, uint32_t* to, int64_t to_stride) {
  for (int j = 0; j < 8; j++)
    for (int i = 0; i < 8; i++) to[j * to_stride + i] = from[i * from_stride + j];
}
#endif

}  // namespace
