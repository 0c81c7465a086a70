// 16 lanes: AVX-512 F, BW, DQ, VL.
#pragma once
// GCC 12's intrinsics read an "undefined" register on purpose and then warn of it (GCC bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop

#include <cstdint>

namespace {

constexpr int W = 16;
struct Vf {
  __m512 v;
};
struct Vi {
  __m512i v;
};
struct Vm {
  __mmask16 v;
};

JEPA_INLINE __mmask16 first_lanes(int n) {
  return n >= 16 ? static_cast<__mmask16>(0xffff) : static_cast<__mmask16>((1u << n) - 1);
}

JEPA_INLINE Vf set(float x) { return {_mm512_set1_ps(x)}; }
JEPA_INLINE Vi set_i(int32_t x) { return {_mm512_set1_epi32(x)}; }
JEPA_INLINE Vf load(const float* p) { return {_mm512_loadu_ps(p)}; }
JEPA_INLINE Vf load_n(const float* p, int n) { return {_mm512_maskz_loadu_ps(first_lanes(n), p)}; }
JEPA_INLINE void store(float* p, Vf a) { _mm512_storeu_ps(p, a.v); }
// Past the caches; p is aligned to W floats.
JEPA_INLINE void stream(float* p, Vf a) { _mm512_stream_ps(p, a.v); }
JEPA_INLINE void stream_end() { _mm_sfence(); }
JEPA_INLINE void store_n(float* p, Vf a, int n) { _mm512_mask_storeu_ps(p, first_lanes(n), a.v); }
JEPA_INLINE Vi load_i(const int32_t* p) { return {_mm512_loadu_si512(p)}; }
JEPA_INLINE void store_i(int32_t* p, Vi a) { _mm512_storeu_si512(p, a.v); }

JEPA_INLINE Vf operator+(Vf a, Vf b) { return {_mm512_add_ps(a.v, b.v)}; }
JEPA_INLINE Vf operator-(Vf a, Vf b) { return {_mm512_sub_ps(a.v, b.v)}; }
JEPA_INLINE Vf operator*(Vf a, Vf b) { return {_mm512_mul_ps(a.v, b.v)}; }
JEPA_INLINE Vf operator/(Vf a, Vf b) { return {_mm512_div_ps(a.v, b.v)}; }
JEPA_INLINE Vf fma(Vf a, Vf b, Vf c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
JEPA_INLINE Vf fnma(Vf a, Vf b, Vf c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }
// Between two limits, or above one; NaN stays.
JEPA_INLINE Vf clamp(Vf a, float low, float high) {
  return {_mm512_max_ps(_mm512_set1_ps(low), _mm512_min_ps(_mm512_set1_ps(high), a.v))};
}
JEPA_INLINE Vf at_least(Vf a, float low) { return {_mm512_max_ps(_mm512_set1_ps(low), a.v)}; }
JEPA_INLINE Vf sqrt(Vf a) { return {_mm512_sqrt_ps(a.v)}; }
JEPA_INLINE Vf round(Vf a) { return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
JEPA_INLINE Vf floor(Vf a) { return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)}; }

JEPA_INLINE Vm operator<(Vf a, Vf b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
JEPA_INLINE Vm operator<=(Vf a, Vf b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)}; }
JEPA_INLINE Vm operator==(Vf a, Vf b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
JEPA_INLINE Vm unordered(Vf a, Vf b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_UNORD_Q)}; }
JEPA_INLINE Vm operator<(Vi a, Vi b) { return {_mm512_cmplt_epi32_mask(a.v, b.v)}; }
JEPA_INLINE Vm operator==(Vi a, Vi b) { return {_mm512_cmpeq_epi32_mask(a.v, b.v)}; }
JEPA_INLINE Vm operator|(Vm a, Vm b) { return {static_cast<__mmask16>(a.v | b.v)}; }
JEPA_INLINE Vm operator&(Vm a, Vm b) { return {static_cast<__mmask16>(a.v & b.v)}; }
JEPA_INLINE Vm operator!(Vm a) { return {static_cast<__mmask16>(~a.v)}; }
JEPA_INLINE Vf select(Vm m, Vf a, Vf b) { return {_mm512_mask_blend_ps(m.v, b.v, a.v)}; }
JEPA_INLINE Vi select(Vm m, Vi a, Vi b) { return {_mm512_mask_blend_epi32(m.v, b.v, a.v)}; }

JEPA_INLINE Vi operator+(Vi a, Vi b) { return {_mm512_add_epi32(a.v, b.v)}; }
JEPA_INLINE Vi operator-(Vi a, Vi b) { return {_mm512_sub_epi32(a.v, b.v)}; }
JEPA_INLINE Vi operator*(Vi a, Vi b) { return {_mm512_mullo_epi32(a.v, b.v)}; }
// The upper 32 bits of unsigned products.
JEPA_INLINE Vi multiply_high(Vi a, Vi b) {
  const __m512i even = _mm512_mul_epu32(a.v, b.v);
  const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(a.v, 32), _mm512_srli_epi64(b.v, 32));
  return {_mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd)};
}
JEPA_INLINE Vi operator&(Vi a, Vi b) { return {_mm512_and_si512(a.v, b.v)}; }
JEPA_INLINE Vi operator|(Vi a, Vi b) { return {_mm512_or_si512(a.v, b.v)}; }
JEPA_INLINE Vi operator^(Vi a, Vi b) { return {_mm512_xor_si512(a.v, b.v)}; }
template <int n>
JEPA_INLINE Vi shift_left(Vi a) {
  return {_mm512_slli_epi32(a.v, n)};
}
template <int n>
JEPA_INLINE Vi shift_right(Vi a) {
  return {_mm512_srli_epi32(a.v, n)};
}
JEPA_INLINE Vf as_float(Vi a) { return {_mm512_castsi512_ps(a.v)}; }
JEPA_INLINE Vi as_int(Vf a) { return {_mm512_castps_si512(a.v)}; }
JEPA_INLINE Vf to_float(Vi a) { return {_mm512_cvtepi32_ps(a.v)}; }
JEPA_INLINE Vi truncate(Vf a) { return {_mm512_cvttps_epi32(a.v)}; }

// a·2^n for whole n and results from zero to the largest float.
JEPA_INLINE Vf scale(Vf a, Vf n) { return {_mm512_scalef_ps(a.v, n.v)}; }

// Sixteen bits a lane, zero-extended, and back (the low halves).
JEPA_INLINE Vi load_u16(const uint16_t* p) {
  return {_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
JEPA_INLINE void store_u16(uint16_t* p, Vi a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(a.v));
}
JEPA_INLINE Vi load_u8(const uint8_t* p) {
  return {_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
JEPA_INLINE void store_u8(uint8_t* p, Vi a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(a.v));
}
JEPA_INLINE Vf load_f16(const uint16_t* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
JEPA_INLINE void store_f16(uint16_t* p, Vf a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT));
}

// Sum and maximum over lanes, always in the same order.
JEPA_INLINE float sum_lanes(Vf a) { return _mm512_reduce_add_ps(a.v); }

// Of lanes without NaN.
JEPA_INLINE float max_lanes(Vf a) { return _mm512_reduce_max_ps(a.v); }
JEPA_INLINE float min_lanes(Vf a) { return _mm512_reduce_min_ps(a.v); }
JEPA_INLINE Vm first(int n) { return {first_lanes(n)}; }
JEPA_INLINE bool any(Vm m) { return m.v != 0; }
JEPA_INLINE Vi load_i_n(const int32_t* p, int n) { return {_mm512_maskz_loadu_epi32(first_lanes(n), p)}; }
JEPA_INLINE void store_i_n(int32_t* p, Vi a, int n) { _mm512_mask_storeu_epi32(p, first_lanes(n), a.v); }

// W lanes of float64, for sums and their squares (exact products of two float32).
struct Vd {
  __m512d low, high;
};
JEPA_INLINE Vd zero_d() { return {_mm512_setzero_pd(), _mm512_setzero_pd()}; }
JEPA_INLINE Vd widen(Vf a) {
  return {_mm512_cvtps_pd(_mm512_castps512_ps256(a.v)), _mm512_cvtps_pd(_mm512_extractf32x8_ps(a.v, 1))};
}
JEPA_INLINE Vd operator+(Vd a, Vd b) { return {_mm512_add_pd(a.low, b.low), _mm512_add_pd(a.high, b.high)}; }
JEPA_INLINE Vd fma(Vd a, Vd b, Vd c) {
  return {_mm512_fmadd_pd(a.low, b.low, c.low), _mm512_fmadd_pd(a.high, b.high, c.high)};
}
JEPA_INLINE void store_d(double* p, Vd a) {
  _mm512_storeu_pd(p, a.low);
  _mm512_storeu_pd(p + 8, a.high);
}
JEPA_INLINE double sum_lanes(Vd a) { return _mm512_reduce_add_pd(_mm512_add_pd(a.low, a.high)); }

}  // namespace
