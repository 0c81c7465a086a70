// One lane: plain C++, for any CPU and as the reference of the wide targets. Compiler builtins, no library inlines.
#pragma once
#include <cstdint>

namespace {

constexpr int W = 1;
struct Vf {
  float v;
};
struct Vi {
  int32_t v;
};
struct Vm {
  bool v;
};

JEPA_INLINE uint32_t bits_of(float x) {
  uint32_t u;
  __builtin_memcpy(&u, &x, 4);
  return u;
}
JEPA_INLINE float float_of(uint32_t u) {
  float x;
  __builtin_memcpy(&x, &u, 4);
  return x;
}

JEPA_INLINE Vf set(float x) { return {x}; }
JEPA_INLINE Vi set_i(int32_t x) { return {x}; }
JEPA_INLINE Vf load(const float* p) { return {*p}; }
JEPA_INLINE Vf load_n(const float* p, int n) { return {n > 0 ? *p : 0.0f}; }
JEPA_INLINE void store(float* p, Vf a) { *p = a.v; }
// No stores past the caches here.
JEPA_INLINE void stream(float* p, Vf a) { store(p, a); }
JEPA_INLINE void stream_end() {}
JEPA_INLINE void store_n(float* p, Vf a, int n) {
  if (n > 0) *p = a.v;
}
// From any address, as the vector instructions do it: pairs of bfloat16 may begin at an odd one of them.
JEPA_INLINE Vi load_i(const int32_t* p) {
  Vi a;
  __builtin_memcpy(&a.v, static_cast<const void*>(p), 4);
  return a;
}
JEPA_INLINE void store_i(int32_t* p, Vi a) { __builtin_memcpy(static_cast<void*>(p), &a.v, 4); }

JEPA_INLINE Vf operator+(Vf a, Vf b) { return {a.v + b.v}; }
JEPA_INLINE Vf operator-(Vf a, Vf b) { return {a.v - b.v}; }
JEPA_INLINE Vf operator*(Vf a, Vf b) { return {a.v * b.v}; }
JEPA_INLINE Vf operator/(Vf a, Vf b) { return {a.v / b.v}; }
JEPA_INLINE Vf fma(Vf a, Vf b, Vf c) { return {__builtin_fmaf(a.v, b.v, c.v)}; }
JEPA_INLINE Vf fnma(Vf a, Vf b, Vf c) { return {__builtin_fmaf(-a.v, b.v, c.v)}; }
// Between two limits, or above one; NaN stays.
JEPA_INLINE Vf clamp(Vf a, float low, float high) { return {a.v < low ? low : high < a.v ? high : a.v}; }
JEPA_INLINE Vf at_least(Vf a, float low) { return {a.v < low ? low : a.v}; }
JEPA_INLINE Vf sqrt(Vf a) { return {__builtin_sqrtf(a.v)}; }
JEPA_INLINE Vf round(Vf a) { return {__builtin_nearbyintf(a.v)}; }
JEPA_INLINE Vf floor(Vf a) { return {__builtin_floorf(a.v)}; }

JEPA_INLINE Vm operator<(Vf a, Vf b) { return {a.v < b.v}; }
JEPA_INLINE Vm operator<=(Vf a, Vf b) { return {a.v <= b.v}; }
JEPA_INLINE Vm operator==(Vf a, Vf b) { return {a.v == b.v}; }
JEPA_INLINE Vm unordered(Vf a, Vf b) { return {__builtin_isunordered(a.v, b.v) != 0}; }
JEPA_INLINE Vm operator<(Vi a, Vi b) { return {a.v < b.v}; }
JEPA_INLINE Vm operator==(Vi a, Vi b) { return {a.v == b.v}; }
JEPA_INLINE Vm operator|(Vm a, Vm b) { return {a.v || b.v}; }
JEPA_INLINE Vm operator&(Vm a, Vm b) { return {a.v && b.v}; }
JEPA_INLINE Vm operator!(Vm a) { return {!a.v}; }
JEPA_INLINE Vf select(Vm m, Vf a, Vf b) { return m.v ? a : b; }
JEPA_INLINE Vi select(Vm m, Vi a, Vi b) { return m.v ? a : b; }

// Wrapping arithmetic, as the vector instructions do it.
JEPA_INLINE Vi wrap(uint32_t x) { return {static_cast<int32_t>(x)}; }
JEPA_INLINE uint32_t u(Vi a) { return static_cast<uint32_t>(a.v); }
JEPA_INLINE Vi operator+(Vi a, Vi b) { return wrap(u(a) + u(b)); }
JEPA_INLINE Vi operator-(Vi a, Vi b) { return wrap(u(a) - u(b)); }
JEPA_INLINE Vi operator*(Vi a, Vi b) { return wrap(u(a) * u(b)); }
// The upper 32 bits of unsigned products.
JEPA_INLINE Vi multiply_high(Vi a, Vi b) { return wrap(static_cast<uint32_t>((uint64_t{u(a)} * u(b)) >> 32)); }
JEPA_INLINE Vi operator&(Vi a, Vi b) { return wrap(u(a) & u(b)); }
JEPA_INLINE Vi operator|(Vi a, Vi b) { return wrap(u(a) | u(b)); }
JEPA_INLINE Vi operator^(Vi a, Vi b) { return wrap(u(a) ^ u(b)); }
template <int n>
JEPA_INLINE Vi shift_left(Vi a) {
  return wrap(u(a) << n);
}
template <int n>
JEPA_INLINE Vi shift_right(Vi a) {
  return wrap(u(a) >> n);
}
JEPA_INLINE Vf as_float(Vi a) { return {float_of(u(a))}; }
JEPA_INLINE Vi as_int(Vf a) { return wrap(bits_of(a.v)); }
JEPA_INLINE Vf to_float(Vi a) { return {static_cast<float>(a.v)}; }
// Out of range gives the same value as the vector instruction.
JEPA_INLINE Vi truncate(Vf a) {
  return {a.v >= -2147483648.0f && a.v < 2147483648.0f ? static_cast<int32_t>(a.v) : INT32_MIN};
}

// a·2^n for whole n and results from zero to the largest float: 2^n in two factors, either of which may be out of range
// whole.
JEPA_INLINE Vf scale(Vf a, Vf n) {
  const Vi whole = truncate(n), half = truncate(n * set(0.5f));
  const Vf first = as_float(shift_left<23>(half + set_i(127)));
  return a * first * as_float(shift_left<23>(whole - half + set_i(127)));
}

JEPA_INLINE Vi load_u16(const uint16_t* p) { return {*p}; }
JEPA_INLINE void store_u16(uint16_t* p, Vi a) { *p = static_cast<uint16_t>(u(a)); }
JEPA_INLINE Vi load_u8(const uint8_t* p) { return {*p}; }
JEPA_INLINE void store_u8(uint8_t* p, Vi a) { *p = static_cast<uint8_t>(u(a)); }

// IEEE half: 1 sign, 5 exponent, 10 fraction bits.
JEPA_INLINE Vf load_f16(const uint16_t* p) {
  const uint32_t sign = (*p & 0x8000u) << 16, exponent = (*p >> 10) & 31, fraction = *p & 0x3ffu;
  if (exponent == 31) return {float_of(sign | 0x7f800000u | fraction << 13)};
  if (exponent == 0) {
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return {sign ? -magnitude : magnitude};
  }
  return {float_of(sign | (exponent + 112) << 23 | fraction << 13)};
}
JEPA_INLINE void store_f16(uint16_t* p, Vf a) {
  const uint32_t x = bits_of(a.v), sign = (x >> 16) & 0x8000u, magnitude = x & 0x7fffffffu;
  uint32_t half;
  if (magnitude > 0x7f800000u) {
    half = 0x7e00u | ((magnitude >> 13) & 0x3ffu);
  } else if (magnitude >= 0x477ff000u) {
    half = 0x7c00u;  // rounds to 65536 or more
  } else if (magnitude < 0x38800000u) {
    // Adding ½ leaves multiples of 2^-24 in the fraction, rounded to nearest even.
    half = bits_of(float_of(magnitude) + 0.5f) - 0x3f000000u;
  } else {
    half = (magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1)) >> 13;
  }
  *p = static_cast<uint16_t>(sign | half);
}

JEPA_INLINE float sum_lanes(Vf a) { return a.v; }

JEPA_INLINE float max_lanes(Vf a) { return a.v; }
JEPA_INLINE float min_lanes(Vf a) { return a.v; }
JEPA_INLINE Vm first(int n) { return {n > 0}; }
JEPA_INLINE bool any(Vm m) { return m.v; }
JEPA_INLINE Vi load_i_n(const int32_t* p, int n) { return {n > 0 ? *p : 0}; }
JEPA_INLINE void store_i_n(int32_t* p, Vi a, int n) {
  if (n > 0) *p = a.v;
}

// One lane of float64, for sums.
struct Vd {
  double v;
};
JEPA_INLINE Vd zero_d() { return {0.0}; }
JEPA_INLINE Vd widen(Vf a) { return {static_cast<double>(a.v)}; }
JEPA_INLINE Vd operator+(Vd a, Vd b) { return {a.v + b.v}; }
JEPA_INLINE Vd fma(Vd a, Vd b, Vd c) { return {__builtin_fma(a.v, b.v, c.v)}; }
JEPA_INLINE void store_d(double* p, Vd a) { *p = a.v; }
JEPA_INLINE double sum_lanes(Vd a) { return a.v; }

}  // namespace
