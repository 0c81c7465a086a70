// Between rows in memory and lanes: four columns of W rows at a time, so that every width that is a multiple of four needs
// no masks. `at(r)` is the address of row r's first element.
#pragma once
#include "simd/vec.h"

namespace {

#if defined(JEPA_TARGET_avx512)
// Transposes each 4×4 block that the 128-bit parts of four vectors make.
JEPA_INLINE void transpose_parts(Vf (&x)[4]) {
  const __m512 a = _mm512_unpacklo_ps(x[0].v, x[1].v), b = _mm512_unpackhi_ps(x[0].v, x[1].v);
  const __m512 c = _mm512_unpacklo_ps(x[2].v, x[3].v), d = _mm512_unpackhi_ps(x[2].v, x[3].v);
  x[0].v = _mm512_shuffle_ps(a, c, 0x44);
  x[1].v = _mm512_shuffle_ps(a, c, 0xee);
  x[2].v = _mm512_shuffle_ps(b, d, 0x44);
  x[3].v = _mm512_shuffle_ps(b, d, 0xee);
}
// x[k], lane r = at(r)[column + k]
template <class Rows>
JEPA_INLINE void load_quad(Rows at, int64_t column, Vf (&x)[4]) {
#pragma GCC unroll 4
  for (int r = 0; r < 4; r++) {
    __m512 v = _mm512_castps128_ps512(_mm_loadu_ps(at(r) + column));
    v = _mm512_insertf32x4(v, _mm_loadu_ps(at(r + 4) + column), 1);
    v = _mm512_insertf32x4(v, _mm_loadu_ps(at(r + 8) + column), 2);
    x[r].v = _mm512_insertf32x4(v, _mm_loadu_ps(at(r + 12) + column), 3);
  }
  transpose_parts(x);
}
// at(r)[column + k] = x[k], lane r, for the first `count` rows
template <class Rows>
JEPA_INLINE void store_quad(Rows at, int64_t column, int64_t count, Vf (&x)[4]) {
  transpose_parts(x);
#pragma GCC unroll 4
  for (int r = 0; r < 4; r++) {
    if (r < count) _mm_storeu_ps(at(r) + column, _mm512_castps512_ps128(x[r].v));
    if (r + 4 < count) _mm_storeu_ps(at(r + 4) + column, _mm512_extractf32x4_ps(x[r].v, 1));
    if (r + 8 < count) _mm_storeu_ps(at(r + 8) + column, _mm512_extractf32x4_ps(x[r].v, 2));
    if (r + 12 < count) _mm_storeu_ps(at(r + 12) + column, _mm512_extractf32x4_ps(x[r].v, 3));
  }
}
#elif defined(JEPA_TARGET_avx2)
JEPA_INLINE void transpose_parts(Vf (&x)[4]) {
  const __m256 a = _mm256_unpacklo_ps(x[0].v, x[1].v), b = _mm256_unpackhi_ps(x[0].v, x[1].v);
  const __m256 c = _mm256_unpacklo_ps(x[2].v, x[3].v), d = _mm256_unpackhi_ps(x[2].v, x[3].v);
  x[0].v = _mm256_shuffle_ps(a, c, 0x44);
  x[1].v = _mm256_shuffle_ps(a, c, 0xee);
  x[2].v = _mm256_shuffle_ps(b, d, 0x44);
  x[3].v = _mm256_shuffle_ps(b, d, 0xee);
}
template <class Rows>
JEPA_INLINE void load_quad(Rows at, int64_t column, Vf (&x)[4]) {
#pragma GCC unroll 4
  for (int r = 0; r < 4; r++)
    x[r].v =
        _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(at(r) + column)), _mm_loadu_ps(at(r + 4) + column), 1);
  transpose_parts(x);
}
template <class Rows>
JEPA_INLINE void store_quad(Rows at, int64_t column, int64_t count, Vf (&x)[4]) {
  transpose_parts(x);
#pragma GCC unroll 4
  for (int r = 0; r < 4; r++) {
    if (r < count) _mm_storeu_ps(at(r) + column, _mm256_castps256_ps128(x[r].v));
    if (r + 4 < count) _mm_storeu_ps(at(r + 4) + column, _mm256_extractf128_ps(x[r].v, 1));
  }
}
#elif defined(JEPA_TARGET_neon)
template <class Rows>
JEPA_INLINE void load_quad(Rows at, int64_t column, Vf (&x)[4]) {
#pragma GCC unroll 4
  for (int r = 0; r < 4; r++) x[r] = load(at(r) + column);
  transpose_4x4(x);
}
template <class Rows>
JEPA_INLINE void store_quad(Rows at, int64_t column, int64_t count, Vf (&x)[4]) {
  transpose_4x4(x);
#pragma GCC unroll 4
  for (int r = 0; r < 4; r++)
    if (r < count) store(at(r) + column, x[r]);
}
#else
template <class Rows>
JEPA_INLINE void load_quad(Rows at, int64_t column, Vf (&x)[4]) {
  for (int k = 0; k < 4; k++) x[k].v = at(0)[column + k];
}
template <class Rows>
JEPA_INLINE void store_quad(Rows at, int64_t column, int64_t, Vf (&x)[4]) {
  for (int k = 0; k < 4; k++) at(0)[column + k] = x[k].v;
}
#endif

// One column of W rows.
template <class Rows>
JEPA_INLINE Vf load_column(Rows at, int64_t column) {
  float lanes[W];
  for (int r = 0; r < W; r++) lanes[r] = at(r)[column];
  return load(lanes);
}
template <class Rows>
JEPA_INLINE void store_column(Rows at, int64_t column, int64_t count, Vf x) {
  float lanes[W];
  store(lanes, x);
  for (int64_t r = 0; r < W && r < count; r++) at(static_cast<int>(r))[column] = lanes[r];
}

}  // namespace
