// 4 lanes: NEON of 64-bit ARM.
#pragma once
#include <arm_neon.h>

#include <cstdint>

namespace {

constexpr int W = 4;
struct Vf {
  float32x4_t v;
};
struct Vi {
  int32x4_t v;
};
struct Vm {
  uint32x4_t v;
};

JEPA_INLINE uint32x4_t first_lanes(int n) {
  const int32x4_t lane = {0, 1, 2, 3};
  return vcgtq_s32(vdupq_n_s32(n), lane);
}

JEPA_INLINE Vf set(float x) { return {vdupq_n_f32(x)}; }
JEPA_INLINE Vi set_i(int32_t x) { return {vdupq_n_s32(x)}; }
JEPA_INLINE Vf load(const float* p) { return {vld1q_f32(p)}; }
JEPA_INLINE void store(float* p, Vf a) { vst1q_f32(p, a.v); }
JEPA_INLINE Vi load_i(const int32_t* p) { return {vld1q_s32(p)}; }
JEPA_INLINE void store_i(int32_t* p, Vi a) { vst1q_s32(p, a.v); }
// There are no masked loads and stores: a branch for each number of lanes touches no other memory.
JEPA_INLINE Vi load_i_n(const int32_t* p, int n) {
  if (n >= W) return load_i(p);
  int32x4_t v = vdupq_n_s32(0);
  if (n >= 2) v = vcombine_s32(vld1_s32(p), vdup_n_s32(0));
  if (n == 1) v = vld1q_lane_s32(p, v, 0);
  if (n == 3) v = vld1q_lane_s32(p + 2, v, 2);
  return {v};
}
JEPA_INLINE void store_i_n(int32_t* p, Vi a, int n) {
  if (n >= W) return store_i(p, a);
  if (n >= 2) vst1_s32(p, vget_low_s32(a.v));
  if (n == 1) vst1q_lane_s32(p, a.v, 0);
  if (n == 3) vst1q_lane_s32(p + 2, a.v, 2);
}

JEPA_INLINE Vf operator+(Vf a, Vf b) { return {vaddq_f32(a.v, b.v)}; }
JEPA_INLINE Vf operator-(Vf a, Vf b) { return {vsubq_f32(a.v, b.v)}; }
JEPA_INLINE Vf operator*(Vf a, Vf b) { return {vmulq_f32(a.v, b.v)}; }
JEPA_INLINE Vf operator/(Vf a, Vf b) { return {vdivq_f32(a.v, b.v)}; }
JEPA_INLINE Vf fma(Vf a, Vf b, Vf c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
JEPA_INLINE Vf fnma(Vf a, Vf b, Vf c) { return {vfmsq_f32(c.v, a.v, b.v)}; }
// Between two limits, or above one; NaN stays.
JEPA_INLINE Vf clamp(Vf a, float low, float high) {
  return {vmaxq_f32(vdupq_n_f32(low), vminq_f32(vdupq_n_f32(high), a.v))};
}
JEPA_INLINE Vf at_least(Vf a, float low) { return {vmaxq_f32(a.v, vdupq_n_f32(low))}; }
JEPA_INLINE Vf sqrt(Vf a) { return {vsqrtq_f32(a.v)}; }
JEPA_INLINE Vf round(Vf a) { return {vrndnq_f32(a.v)}; }
JEPA_INLINE Vf floor(Vf a) { return {vrndmq_f32(a.v)}; }

JEPA_INLINE Vm operator<(Vf a, Vf b) { return {vcltq_f32(a.v, b.v)}; }
JEPA_INLINE Vm operator<=(Vf a, Vf b) { return {vcleq_f32(a.v, b.v)}; }
JEPA_INLINE Vm operator==(Vf a, Vf b) { return {vceqq_f32(a.v, b.v)}; }
JEPA_INLINE Vm unordered(Vf a, Vf b) { return {vmvnq_u32(vandq_u32(vceqq_f32(a.v, a.v), vceqq_f32(b.v, b.v)))}; }
JEPA_INLINE Vm operator<(Vi a, Vi b) { return {vcltq_s32(a.v, b.v)}; }
JEPA_INLINE Vm operator==(Vi a, Vi b) { return {vceqq_s32(a.v, b.v)}; }
JEPA_INLINE Vm operator|(Vm a, Vm b) { return {vorrq_u32(a.v, b.v)}; }
JEPA_INLINE Vm operator&(Vm a, Vm b) { return {vandq_u32(a.v, b.v)}; }
JEPA_INLINE Vm operator!(Vm a) { return {vmvnq_u32(a.v)}; }
JEPA_INLINE Vf select(Vm m, Vf a, Vf b) { return {vbslq_f32(m.v, a.v, b.v)}; }
JEPA_INLINE Vi select(Vm m, Vi a, Vi b) { return {vbslq_s32(m.v, a.v, b.v)}; }

JEPA_INLINE Vi operator+(Vi a, Vi b) { return {vaddq_s32(a.v, b.v)}; }
JEPA_INLINE Vi operator-(Vi a, Vi b) { return {vsubq_s32(a.v, b.v)}; }
JEPA_INLINE Vi operator*(Vi a, Vi b) { return {vmulq_s32(a.v, b.v)}; }
// The upper 32 bits of unsigned products.
JEPA_INLINE Vi multiply_high(Vi a, Vi b) {
  const uint32x4_t x = vreinterpretq_u32_s32(a.v), y = vreinterpretq_u32_s32(b.v);
  const uint64x2_t low = vmull_u32(vget_low_u32(x), vget_low_u32(y)), high = vmull_high_u32(x, y);
  return {vreinterpretq_s32_u32(vuzp2q_u32(vreinterpretq_u32_u64(low), vreinterpretq_u32_u64(high)))};
}
JEPA_INLINE Vi operator&(Vi a, Vi b) { return {vandq_s32(a.v, b.v)}; }
JEPA_INLINE Vi operator|(Vi a, Vi b) { return {vorrq_s32(a.v, b.v)}; }
JEPA_INLINE Vi operator^(Vi a, Vi b) { return {veorq_s32(a.v, b.v)}; }
template <int n>
JEPA_INLINE Vi shift_left(Vi a) {
  return {vshlq_n_s32(a.v, n)};
}
template <int n>
JEPA_INLINE Vi shift_right(Vi a) {
  return {vreinterpretq_s32_u32(vshrq_n_u32(vreinterpretq_u32_s32(a.v), n))};
}
JEPA_INLINE Vf as_float(Vi a) { return {vreinterpretq_f32_s32(a.v)}; }
JEPA_INLINE Vi as_int(Vf a) { return {vreinterpretq_s32_f32(a.v)}; }
JEPA_INLINE Vf to_float(Vi a) { return {vcvtq_f32_s32(a.v)}; }
// NaN and what is out of range give INT32_MIN as on x86, where the instruction here would give 0 and the nearest limit.
JEPA_INLINE Vi truncate(Vf a) {
  const uint32x4_t in_range = vcaltq_f32(a.v, vdupq_n_f32(2147483648.0f));
  return {vbslq_s32(in_range, vcvtq_s32_f32(a.v), vdupq_n_s32(INT32_MIN))};
}

// a·2^n for whole n and results from zero to the largest float: 2^n in two factors, either of which may be out of range
// whole.
JEPA_INLINE Vf scale(Vf a, Vf n) {
  const Vi whole = {vcvtq_s32_f32(n.v)}, half = {vcvtq_s32_f32((n * set(0.5f)).v)};
  const Vf first = as_float(shift_left<23>(half + set_i(127)));
  return a * first * as_float(shift_left<23>(whole - half + set_i(127)));
}

JEPA_INLINE Vi load_u16(const uint16_t* p) { return {vreinterpretq_s32_u32(vmovl_u16(vld1_u16(p)))}; }
JEPA_INLINE void store_u16(uint16_t* p, Vi a) { vst1_u16(p, vmovn_u32(vreinterpretq_u32_s32(a.v))); }
JEPA_INLINE Vi load_u8(const uint8_t* p) {
  uint32_t four;
  __builtin_memcpy(&four, p, 4);
  const uint8x8_t bytes = vreinterpret_u8_u32(vdup_n_u32(four));
  return {vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(bytes))))};
}
JEPA_INLINE void store_u8(uint8_t* p, Vi a) {
  const uint16x4_t words = vmovn_u32(vreinterpretq_u32_s32(a.v));
  const uint32_t four = vget_lane_u32(vreinterpret_u32_u8(vmovn_u16(vcombine_u16(words, words))), 0);
  __builtin_memcpy(p, &four, 4);
}
JEPA_INLINE Vf load_f16(const uint16_t* p) { return {vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)))}; }
JEPA_INLINE void store_f16(uint16_t* p, Vf a) { vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(a.v))); }

JEPA_INLINE float sum_lanes(Vf a) { return vaddvq_f32(a.v); }

// Of lanes without NaN.
JEPA_INLINE float max_lanes(Vf a) { return vmaxvq_f32(a.v); }
JEPA_INLINE float min_lanes(Vf a) { return vminvq_f32(a.v); }
JEPA_INLINE Vm first(int n) { return {first_lanes(n)}; }
JEPA_INLINE bool any(Vm m) { return vmaxvq_u32(m.v) != 0; }
JEPA_INLINE Vf load_n(const float* p, int n) { return as_float(load_i_n(reinterpret_cast<const int32_t*>(p), n)); }
// No stores past the caches here.
JEPA_INLINE void stream(float* p, Vf a) { store(p, a); }
JEPA_INLINE void stream_end() {}
JEPA_INLINE void store_n(float* p, Vf a, int n) { store_i_n(reinterpret_cast<int32_t*>(p), as_int(a), n); }

// Lane r of vector k becomes lane k of vector r.
JEPA_INLINE void transpose_4x4(Vf (&x)[4]) {
  const float64x2_t a = vreinterpretq_f64_f32(vtrn1q_f32(x[0].v, x[1].v));
  const float64x2_t b = vreinterpretq_f64_f32(vtrn2q_f32(x[0].v, x[1].v));
  const float64x2_t c = vreinterpretq_f64_f32(vtrn1q_f32(x[2].v, x[3].v));
  const float64x2_t d = vreinterpretq_f64_f32(vtrn2q_f32(x[2].v, x[3].v));
  x[0].v = vreinterpretq_f32_f64(vtrn1q_f64(a, c));
  x[1].v = vreinterpretq_f32_f64(vtrn1q_f64(b, d));
  x[2].v = vreinterpretq_f32_f64(vtrn2q_f64(a, c));
  x[3].v = vreinterpretq_f32_f64(vtrn2q_f64(b, d));
}

// W lanes of float64, for sums and their squares (exact products of two float32).
struct Vd {
  float64x2_t low, high;
};
JEPA_INLINE Vd zero_d() { return {vdupq_n_f64(0.0), vdupq_n_f64(0.0)}; }
JEPA_INLINE Vd widen(Vf a) { return {vcvt_f64_f32(vget_low_f32(a.v)), vcvt_high_f64_f32(a.v)}; }
JEPA_INLINE Vd operator+(Vd a, Vd b) { return {vaddq_f64(a.low, b.low), vaddq_f64(a.high, b.high)}; }
JEPA_INLINE Vd fma(Vd a, Vd b, Vd c) { return {vfmaq_f64(c.low, a.low, b.low), vfmaq_f64(c.high, a.high, b.high)}; }
JEPA_INLINE void store_d(double* p, Vd a) {
  vst1q_f64(p, a.low);
  vst1q_f64(p + 2, a.high);
}
JEPA_INLINE double sum_lanes(Vd a) { return vaddvq_f64(vaddq_f64(a.low, a.high)); }

}  // namespace
