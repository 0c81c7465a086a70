// 8 lanes: AVX2, FMA, F16C.
#pragma once
#include <immintrin.h>

#include <cstdint>

namespace {

constexpr int W = 8;
struct Vf {
  __m256 v;
};
struct Vi {
  __m256i v;
};
struct Vm {
  __m256 v;
};

JEPA_INLINE __m256i first_lanes(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

JEPA_INLINE Vf set(float x) { return {_mm256_set1_ps(x)}; }
JEPA_INLINE Vi set_i(int32_t x) { return {_mm256_set1_epi32(x)}; }
JEPA_INLINE Vf load(const float* p) { return {_mm256_loadu_ps(p)}; }
JEPA_INLINE Vf load_n(const float* p, int n) { return {_mm256_maskload_ps(p, first_lanes(n))}; }
JEPA_INLINE void store(float* p, Vf a) { _mm256_storeu_ps(p, a.v); }
// Past the caches; p is aligned to W floats.
JEPA_INLINE void stream(float* p, Vf a) { _mm256_stream_ps(p, a.v); }
JEPA_INLINE void stream_end() { _mm_sfence(); }
JEPA_INLINE void store_n(float* p, Vf a, int n) { _mm256_maskstore_ps(p, first_lanes(n), a.v); }
JEPA_INLINE Vi load_i(const int32_t* p) { return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))}; }
JEPA_INLINE void store_i(int32_t* p, Vi a) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.v); }

JEPA_INLINE Vf operator+(Vf a, Vf b) { return {_mm256_add_ps(a.v, b.v)}; }
JEPA_INLINE Vf operator-(Vf a, Vf b) { return {_mm256_sub_ps(a.v, b.v)}; }
JEPA_INLINE Vf operator*(Vf a, Vf b) { return {_mm256_mul_ps(a.v, b.v)}; }
JEPA_INLINE Vf operator/(Vf a, Vf b) { return {_mm256_div_ps(a.v, b.v)}; }
JEPA_INLINE Vf fma(Vf a, Vf b, Vf c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
JEPA_INLINE Vf fnma(Vf a, Vf b, Vf c) { return {_mm256_fnmadd_ps(a.v, b.v, c.v)}; }
// Between two limits, or above one; NaN stays.
JEPA_INLINE Vf clamp(Vf a, float low, float high) {
  return {_mm256_max_ps(_mm256_set1_ps(low), _mm256_min_ps(_mm256_set1_ps(high), a.v))};
}
JEPA_INLINE Vf at_least(Vf a, float low) { return {_mm256_max_ps(_mm256_set1_ps(low), a.v)}; }
JEPA_INLINE Vf sqrt(Vf a) { return {_mm256_sqrt_ps(a.v)}; }
JEPA_INLINE Vf round(Vf a) { return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
JEPA_INLINE Vf floor(Vf a) { return {_mm256_floor_ps(a.v)}; }

JEPA_INLINE Vm operator<(Vf a, Vf b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)}; }
JEPA_INLINE Vm operator<=(Vf a, Vf b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ)}; }
JEPA_INLINE Vm operator==(Vf a, Vf b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)}; }
JEPA_INLINE Vm unordered(Vf a, Vf b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_UNORD_Q)}; }
JEPA_INLINE Vm operator<(Vi a, Vi b) { return {_mm256_castsi256_ps(_mm256_cmpgt_epi32(b.v, a.v))}; }
JEPA_INLINE Vm operator==(Vi a, Vi b) { return {_mm256_castsi256_ps(_mm256_cmpeq_epi32(a.v, b.v))}; }
JEPA_INLINE Vm operator|(Vm a, Vm b) { return {_mm256_or_ps(a.v, b.v)}; }
JEPA_INLINE Vm operator&(Vm a, Vm b) { return {_mm256_and_ps(a.v, b.v)}; }
JEPA_INLINE Vm operator!(Vm a) { return {_mm256_xor_ps(a.v, _mm256_castsi256_ps(_mm256_set1_epi32(-1)))}; }
JEPA_INLINE Vf select(Vm m, Vf a, Vf b) { return {_mm256_blendv_ps(b.v, a.v, m.v)}; }
JEPA_INLINE Vi select(Vm m, Vi a, Vi b) {
  return {_mm256_castps_si256(_mm256_blendv_ps(_mm256_castsi256_ps(b.v), _mm256_castsi256_ps(a.v), m.v))};
}

JEPA_INLINE Vi operator+(Vi a, Vi b) { return {_mm256_add_epi32(a.v, b.v)}; }
JEPA_INLINE Vi operator-(Vi a, Vi b) { return {_mm256_sub_epi32(a.v, b.v)}; }
JEPA_INLINE Vi operator*(Vi a, Vi b) { return {_mm256_mullo_epi32(a.v, b.v)}; }
// The upper 32 bits of unsigned products.
JEPA_INLINE Vi multiply_high(Vi a, Vi b) {
  const __m256i even = _mm256_mul_epu32(a.v, b.v);
  const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a.v, 32), _mm256_srli_epi64(b.v, 32));
  return {_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa)};
}
JEPA_INLINE Vi operator&(Vi a, Vi b) { return {_mm256_and_si256(a.v, b.v)}; }
JEPA_INLINE Vi operator|(Vi a, Vi b) { return {_mm256_or_si256(a.v, b.v)}; }
JEPA_INLINE Vi operator^(Vi a, Vi b) { return {_mm256_xor_si256(a.v, b.v)}; }
template <int n>
JEPA_INLINE Vi shift_left(Vi a) {
  return {_mm256_slli_epi32(a.v, n)};
}
template <int n>
JEPA_INLINE Vi shift_right(Vi a) {
  return {_mm256_srli_epi32(a.v, n)};
}
JEPA_INLINE Vf as_float(Vi a) { return {_mm256_castsi256_ps(a.v)}; }
JEPA_INLINE Vi as_int(Vf a) { return {_mm256_castps_si256(a.v)}; }
JEPA_INLINE Vf to_float(Vi a) { return {_mm256_cvtepi32_ps(a.v)}; }
JEPA_INLINE Vi truncate(Vf a) { return {_mm256_cvttps_epi32(a.v)}; }

// a·2^n for whole n and results from zero to the largest float: 2^n in two factors, either of which may be out of range
// whole.
JEPA_INLINE Vf scale(Vf a, Vf n) {
  const Vi whole = truncate(n), half = truncate(n * set(0.5f));
  const Vf first = as_float(shift_left<23>(half + set_i(127)));
  return a * first * as_float(shift_left<23>(whole - half + set_i(127)));
}

JEPA_INLINE Vi load_u16(const uint16_t* p) {
  return {_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
JEPA_INLINE void store_u16(uint16_t* p, Vi a) {
  const __m256i low = _mm256_and_si256(a.v, _mm256_set1_epi32(0xffff));
  const __m128i packed = _mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), packed);
}
JEPA_INLINE Vi load_u8(const uint8_t* p) {
  return {_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)))};
}
JEPA_INLINE void store_u8(uint8_t* p, Vi a) {
  const __m256i low = _mm256_and_si256(a.v, _mm256_set1_epi32(0xff));
  const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(words, words));
}
JEPA_INLINE Vf load_f16(const uint16_t* p) {
  return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
JEPA_INLINE void store_f16(uint16_t* p, Vf a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT));
}

JEPA_INLINE float sum_lanes(Vf a) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

// Of lanes without NaN.
JEPA_INLINE float max_lanes(Vf a) {
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}
JEPA_INLINE float min_lanes(Vf a) {
  const __m128 four = _mm_min_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  const __m128 two = _mm_min_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_min_ss(two, _mm_shuffle_ps(two, two, 1)));
}
JEPA_INLINE Vm first(int n) { return {_mm256_castsi256_ps(first_lanes(n))}; }
JEPA_INLINE bool any(Vm m) { return _mm256_movemask_ps(m.v) != 0; }
JEPA_INLINE Vi load_i_n(const int32_t* p, int n) { return {_mm256_maskload_epi32(p, first_lanes(n))}; }
JEPA_INLINE void store_i_n(int32_t* p, Vi a, int n) { _mm256_maskstore_epi32(p, first_lanes(n), a.v); }

// W lanes of float64, for sums and their squares (exact products of two float32).
struct Vd {
  __m256d low, high;
};
JEPA_INLINE Vd zero_d() { return {_mm256_setzero_pd(), _mm256_setzero_pd()}; }
JEPA_INLINE Vd widen(Vf a) {
  return {_mm256_cvtps_pd(_mm256_castps256_ps128(a.v)), _mm256_cvtps_pd(_mm256_extractf128_ps(a.v, 1))};
}
JEPA_INLINE Vd operator+(Vd a, Vd b) { return {_mm256_add_pd(a.low, b.low), _mm256_add_pd(a.high, b.high)}; }
JEPA_INLINE Vd fma(Vd a, Vd b, Vd c) {
  return {_mm256_fmadd_pd(a.low, b.low, c.low), _mm256_fmadd_pd(a.high, b.high, c.high)};
}
JEPA_INLINE void store_d(double* p, Vd a) {
  _mm256_storeu_pd(p, a.low);
  _mm256_storeu_pd(p + 4, a.high);
}
JEPA_INLINE double sum_lanes(Vd a) {
  const __m256d four = _mm256_add_pd(a.low, a.high);
  const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
  return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

}  // namespace
