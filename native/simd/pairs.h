// Pairs of bfloat16 as CPUs multiply them (dot_bf16): one pair in the place of a float32, the number of the earlier step in its low half.
#pragma once
#include "simd/math.h"

namespace {

#if defined(JEPA_TARGET_avx512_bf16)
constexpr bool kPairs = true;  // whether products of pairs are faster here than those of float32

// Rounds as to_bfloat16 does but for denormals, which the products take for zero as well.
JEPA_INLINE Vi both_rounded(Vf first, Vf second) {
  return {reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second.v, first.v))};
}
JEPA_INLINE Vi pair_of(Vf first, Vf second) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21,
                                         5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return {_mm512_permutexvar_epi16(order, both_rounded(first, second).v)};
}
#else
constexpr bool kPairs = false;

JEPA_INLINE Vi pair_of(Vf first, Vf second) {
  return shift_right<16>(as_int(to_bfloat16(first))) | as_int(to_bfloat16(second));
}
#endif

// `count` numbers side by side; the rest of the last vector is zero.
JEPA_INLINE void round_row(const float* from, int64_t count, uint16_t* to) {
  int64_t at = 0;
#if defined(JEPA_TARGET_avx512_bf16)
  for (; at + 2 * W <= count; at += 2 * W)
    store_i(reinterpret_cast<int32_t*>(to + at), both_rounded(load(from + at), load(from + at + W)));
#endif
  for (; at < count; at += W) store_bf16(to + at, load_n(from + at, static_cast<int>(count - at < W ? count - at : W)));
}

// The numbers of whole vectors side by side.
template <int N>
JEPA_INLINE void store_rounded(const Vf (&x)[N], uint16_t* to) {
#if defined(JEPA_TARGET_avx512_bf16)
  static_assert(N % 2 == 0, "two vectors are one of pairs");
  for (int v = 0; v < N; v += 2) store_i(reinterpret_cast<int32_t*>(to + v * W), both_rounded(x[v], x[v + 1]));
#else
  for (int v = 0; v < N; v++) store_bf16(to + v * W, x[v]);
#endif
}

}  // namespace
