// Dot products of narrow numbers within a 32-bit lane, added to the lane's sum. Operands are read with load_i, or set_i for
// one group in every lane; the first element is the lowest in the lane, as memory has it.
#pragma once
#include "simd/math.h"

namespace {

// The instructions are written out: through its own intrinsics GCC 12 copies the sum before each of them and spills.

// sum + a[1]·b[1] + a[0]·b[0] for pairs of bfloat16, added in that order with one rounding each. VDPBF16PS does so on Intel's
// CPUs, but takes denormals for zero (operands, sum and results) and rounds to nearest whatever the control register
// says; other CPUs may keep more digits between the two additions. So: equal bits on one target, tolerance across.
JEPA_INLINE Vf dot_bf16(Vi a, Vi b, Vf sum) {
#if defined(JEPA_TARGET_avx512_bf16)
  __asm__("vdpbf16ps %2, %1, %0" : "+v"(sum.v) : "v"(a.v), "vm"(b.v));
  return sum;
#else
  const Vi upper = set_i(static_cast<int32_t>(0xffff0000u));
  sum = fma(as_float(a & upper), as_float(b & upper), sum);
  return fma(as_float(shift_left<16>(a)), as_float(shift_left<16>(b)), sum);
#endif
}

// sum + Σ a[i]·b[i] over four bytes, a unsigned and b signed: exact, sums of int32 wrap. The same bits on every target.
#if defined(JEPA_TARGET_avx512_vnni)
JEPA_INLINE Vi dot_u8s8(Vi a, Vi b, Vi sum) {
  __asm__("vpdpbusd %2, %1, %0" : "+v"(sum.v) : "v"(a.v), "vm"(b.v));
  return sum;
}
#elif defined(JEPA_TARGET_avx512)
// Even and odd bytes apart, in 16 bits each: the instruction that multiplies bytes saturates its sums of two.
JEPA_INLINE Vi dot_u8s8(Vi a, Vi b, Vi sum) {
  const __m512i even = _mm512_madd_epi16(_mm512_and_si512(a.v, _mm512_set1_epi16(0xff)),
                                         _mm512_srai_epi16(_mm512_slli_epi16(b.v, 8), 8));
  const __m512i odd = _mm512_madd_epi16(_mm512_srli_epi16(a.v, 8), _mm512_srai_epi16(b.v, 8));
  return {_mm512_add_epi32(sum.v, _mm512_add_epi32(even, odd))};
}
#elif defined(JEPA_TARGET_avx2)
JEPA_INLINE Vi dot_u8s8(Vi a, Vi b, Vi sum) {
  const __m256i even = _mm256_madd_epi16(_mm256_and_si256(a.v, _mm256_set1_epi16(0xff)),
                                         _mm256_srai_epi16(_mm256_slli_epi16(b.v, 8), 8));
  const __m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(a.v, 8), _mm256_srai_epi16(b.v, 8));
  return {_mm256_add_epi32(sum.v, _mm256_add_epi32(even, odd))};
}
#elif defined(JEPA_TARGET_neon)
// A product of two bytes fits 16 signed bits; neighbours are added in 32.
JEPA_INLINE Vi dot_u8s8(Vi a, Vi b, Vi sum) {
  const uint8x16_t left = vreinterpretq_u8_s32(a.v);
  const int8x16_t right = vreinterpretq_s8_s32(b.v);
  const int16x8_t low = vmulq_s16(vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(left))), vmovl_s8(vget_low_s8(right)));
  const int16x8_t high = vmulq_s16(vreinterpretq_s16_u16(vmovl_high_u8(left)), vmovl_high_s8(right));
  return {vaddq_s32(sum.v, vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high)))};
}
#else
JEPA_INLINE Vi dot_u8s8(Vi a, Vi b, Vi sum) {
  for (int i = 0; i < 4; i++) {
    const int32_t left = static_cast<uint8_t>(u(a) >> (8 * i)), right = static_cast<int8_t>(u(b) >> (8 * i));
    sum = sum + set_i(left * right);
  }
  return sum;
}
#endif

}  // namespace
