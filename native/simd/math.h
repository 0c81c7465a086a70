// Elementary functions on vectors: range reduction and polynomials with explicit fused multiply-add, the same on every
// target. Coefficients: Cephes single precision (Moshier), which are minimax fits on the stated intervals.
#pragma once
#include "simd/vec.h"

namespace {

JEPA_INLINE Vf abs(Vf a) { return as_float(as_int(a) & set_i(0x7fffffff)); }
JEPA_INLINE Vf neg(Vf a) { return as_float(as_int(a) ^ set_i(INT32_MIN)); }
JEPA_INLINE Vf with_sign_of(Vf magnitude, Vf sign) {
  return as_float(as_int(magnitude) | (as_int(sign) & set_i(INT32_MIN)));
}
// NaN in either operand gives NaN, as the field expects of min and max.
JEPA_INLINE Vf min(Vf a, Vf b) { return select(unordered(a, b), a + b, select(a < b, a, b)); }
JEPA_INLINE Vf max(Vf a, Vf b) { return select(unordered(a, b), a + b, select(b < a, a, b)); }
// e^x: x = n·ln 2 + r, |r| ≤ ln 2 / 2.
JEPA_INLINE Vf exp(Vf x) {
  const Vf clamped = clamp(x, -104.0f, 89.0f);
  const Vf n = round(clamped * set(1.44269504f));
  Vf r = fnma(n, set(0.693359375f), clamped);
  r = fnma(n, set(-2.12194440e-4f), r);
  Vf p = set(1.9875691500e-4f);
  p = fma(p, r, set(1.3981999507e-3f));
  p = fma(p, r, set(8.3334519073e-3f));
  p = fma(p, r, set(4.1665795894e-2f));
  p = fma(p, r, set(1.6666665459e-1f));
  p = fma(p, r, set(5.0000001201e-1f));
  p = fma(p, r * r, r) + set(1.0f);
  return scale(p, n);
}

// log x: x = 2^e·m, m in [√½, √2). A denormal, whose bits are an integer n, is n·2^-149.
JEPA_INLINE Vf log(Vf x) {
  const Vm denormal = (set_i(0) < as_int(x)) & (as_int(x) < set_i(0x00800000));
  const Vi bits = as_int(select(denormal, to_float(as_int(x)), x));
  const Vi e = shift_right<23>(bits - set_i(0x3f3504f3));
  const Vi exponent = (e ^ set_i(0x100)) - set_i(0x100);  // sign of the nine-bit difference
  const Vf m = as_float(bits - shift_left<23>(exponent));
  const Vf n = to_float(select(denormal, exponent - set_i(149), exponent)), f = m - set(1.0f), z = f * f;
  Vf p = set(7.0376836292e-2f);
  p = fma(p, f, set(-1.1514610310e-1f));
  p = fma(p, f, set(1.1676998740e-1f));
  p = fma(p, f, set(-1.2420140846e-1f));
  p = fma(p, f, set(1.4249322787e-1f));
  p = fma(p, f, set(-1.6668057665e-1f));
  p = fma(p, f, set(2.0000714765e-1f));
  p = fma(p, f, set(-2.4999993993e-1f));
  p = fma(p, f, set(3.3333331174e-1f));
  Vf y = p * f * z;
  y = fma(n, set(-2.12194440e-4f), y);
  y = fnma(z, set(0.5f), y);
  y = fma(n, set(0.693359375f), f + y);
  const Vf inf = as_float(set_i(0x7f800000)), nan = as_float(set_i(0x7fc00000));
  y = select(x == inf, inf, y);
  y = select((as_int(x) < set_i(0)) | unordered(x, x), nan, y);
  return select((as_int(x) & set_i(0x7fffffff)) == set_i(0), neg(inf), y);
}

// sin(quadrant·π/2 + r) for |r| ≤ π/4.
JEPA_INLINE Vf sin_or_cos_of(Vf r, Vi quadrant) {
  const Vf z = r * r;
  Vf c = set(2.443315711809948e-5f);
  c = fma(c, z, set(-1.388731625493765e-3f));
  c = fma(c, z, set(4.166664568298827e-2f));
  c = fma(c * z, z, fnma(z, set(0.5f), set(1.0f)));
  Vf s = set(-1.9515295891e-4f);
  s = fma(s, z, set(8.3321608736e-3f));
  s = fma(s, z, set(-1.6666654611e-1f));
  s = fma(s * z, r, r);
  const Vf value = select((quadrant & set_i(1)) == set_i(0), s, c);
  return as_float(as_int(value) ^ shift_left<30>(quadrant & set_i(2)));
}
// x = k·π/2 + r with π/2 in three parts of full precision: x − k·part is exact with a fused multiply-add. Good for |x|
// ≤ 10^5.
JEPA_INLINE Vf sin_or_cos(Vf x, int quarter) {
  const Vf k = round(x * set(0.636619772f));
  Vf r = fnma(k, set(1.5707963705e+00f), x);
  r = fnma(k, set(-4.371138829e-08f), r);
  r = fnma(k, set(-1.715124510e-15f), r);
  return sin_or_cos_of(r, truncate(k) + set_i(quarter));
}
JEPA_INLINE Vf sin(Vf x) { return select(x == set(0.0f), x, sin_or_cos(x, 0)); }
JEPA_INLINE Vf cos(Vf x) { return sin_or_cos(x, 1); }

JEPA_INLINE Vf sigmoid(Vf x) { return set(1.0f) / (set(1.0f) + exp(neg(x))); }

// tanh: odd polynomial below 0.625, else 1 − 2/(e^2x + 1).
JEPA_INLINE Vf tanh(Vf x) {
  const Vf a = abs(x), z = x * x;
  Vf p = set(-5.70498872745e-3f);
  p = fma(p, z, set(2.06390887954e-2f));
  p = fma(p, z, set(-5.37397155531e-2f));
  p = fma(p, z, set(1.33314422036e-1f));
  p = fma(p, z, set(-3.33332819422e-1f));
  const Vf small = fma(p * z, x, x);
  const Vf large = set(1.0f) - set(2.0f) / (exp(a + a) + set(1.0f));
  return select(unordered(x, x), x, select(a < set(0.625f), small, with_sign_of(large, x)));
}

// erf below 1 as x·P(x²).
JEPA_INLINE Vf erf_small(Vf x) {
  const Vf z = x * x;
  Vf p = set(7.853861353153693e-5f);
  p = fma(p, z, set(-8.010193625184903e-4f));
  p = fma(p, z, set(5.188327685732524e-3f));
  p = fma(p, z, set(-2.685381193529856e-2f));
  p = fma(p, z, set(1.128358514861418e-1f));
  p = fma(p, z, set(-3.761262582423300e-1f));
  p = fma(p, z, set(1.128379165726710f));
  return x * p;
}
// 1 − Φ(x) of the normal distribution for x ≥ 0: e^(−x²/2)·q·P(q) with q = 1/(1 + 0.35·x/√2), relative
// error of P 1e-8 up to x = 19 (own minimax fit). x² goes in two parts, since its rounding error would be multiplied by
// x².
JEPA_INLINE Vf upper_tail(Vf x) {
  const Vf q = set(1.0f) / fma(x, set(0.247487373f), set(1.0f));
  Vf p = set(2.092278439e-02f);
  p = fma(p, q, set(-8.895321033e-02f));
  p = fma(p, q, set(1.133910943e-01f));
  p = fma(p, q, set(-4.457556904e-02f));
  p = fma(p, q, set(6.951564899e-02f));
  p = fma(p, q, set(5.879837461e-02f));
  p = fma(p, q, set(8.060790362e-02f));
  p = fma(p, q, set(9.285409836e-02f));
  p = fma(p, q, set(9.870408747e-02f));
  p = fma(p, q, set(9.873479274e-02f));
  const Vf square = x * x, low = fma(x, x, neg(square));
  const Vf e = exp(square * set(-0.5f));
  return fnma(e, low * set(0.5f), e) * q * p;
}
JEPA_INLINE Vf erf(Vf x) {
  const Vf a = abs(x);
  const Vf tail = upper_tail(clamp(a, 0.0f, 10.0f) * set(1.414213562f));
  const Vf large = set(1.0f) - (tail + tail);
  return select(unordered(x, x), x, select(a < set(1.0f), erf_small(x), with_sign_of(large, x)));
}
// p[i] = Σ c[k]·t[i]^(Terms − 1 − k), step by step for all: one such chain alone would wait for the latency of each step.
template <int N, int Terms>
JEPA_INLINE void polynomials(const float (&c)[Terms], const Vf (&t)[N], Vf (&p)[N]) {
  for (int i = 0; i < N; i++) p[i] = set(c[0]);
#pragma GCC unroll 32
  for (int k = 1; k < Terms; k++)
#pragma GCC unroll 8
    for (int i = 0; i < N; i++) p[i] = fma(p[i], t[i], set(c[k]));
}
// Φ(x) = ½ + x·P(x²), P a minimax fit in t = x²/14.58 − 1 up to |x| = 5.4, weighted so that x·Φ(x) is within 7e-8 before
// rounding; beyond, Φ is 0 or 1 to the same precision. The usual form with an exponential and a division takes three times as long.
// Errors are those of one or two roundings of numbers as large as x: absolute, not relative, where x·Φ(x) comes near zero
// for negative x.
template <int N>
JEPA_INLINE void gelu_erf(Vf (&x)[N]) {
  static constexpr float c[] = {3.291866451e-04f, -9.797703242e-04f, 1.067882637e-03f, -1.327769016e-03f,
                                3.433571896e-03f, -6.559210829e-03f, 9.778711013e-03f, -1.404487900e-02f,
                                1.960916258e-02f, -2.572610043e-02f, 3.212125227e-02f, -3.920894489e-02f,
                                4.849937558e-02f, -6.532799453e-02f, 1.309281141e-01f};
  Vf t[N], p[N];
  for (int i = 0; i < N; i++) t[i] = fma(x[i] * x[i], set(0.068587102f), set(-1.0f));
  polynomials(c, t, p);
  for (int i = 0; i < N; i++) x[i] = select(set(1.0f) < t[i], at_least(x[i], -0.0f), x[i] * fma(x[i], p[i], set(0.5f)));
}
// d/dx x·Φ(x) = Φ(x) + x·φ(x) = ½ + x·P(x²), likewise, t = x²/16.53 − 1 up to |x| = 5.75.
template <int N>
JEPA_INLINE void gelu_erf_derivative(Vf (&x)[N]) {
  static constexpr float c[] = {
      -2.468303312e-03f, 6.237314548e-03f, -2.749190433e-03f, 9.903608589e-04f, -1.634250768e-02f, 3.179567307e-02f,
      -3.483463451e-02f, 4.308729246e-02f, -5.939939991e-02f, 6.941571087e-02f, -7.056873292e-02f, 6.674792618e-02f,
      -5.952559412e-02f, 5.170718953e-02f, -4.729417711e-02f, 4.936719686e-02f, -6.228140742e-02f, 1.230718270e-01f};
  Vf t[N], p[N];
  for (int i = 0; i < N; i++) {
    x[i] = clamp(x[i], -5.75f, 5.75f);
    t[i] = fma(x[i] * x[i], set(0.060491495f), set(-1.0f));
  }
  polynomials(c, t, p);
  for (int i = 0; i < N; i++) x[i] = fma(x[i], p[i], set(0.5f));
}
JEPA_INLINE Vf gelu_erf(Vf x) {
  Vf one[] = {x};
  gelu_erf(one);
  return one[0];
}
JEPA_INLINE Vf gelu_erf_derivative(Vf x) {
  Vf one[] = {x};
  gelu_erf_derivative(one);
  return one[0];
}
// ½·x·(1 + tanh(√(2/π)(x + 0.044715x³))) = x·σ(2u)
JEPA_INLINE Vf gelu_tanh(Vf x) {
  const Vf u = x * fma(x * x, set(0.0713548162726f), set(1.59576912161f));
  return select(x < set(-15.0f), set(-0.0f), x / (set(1.0f) + exp(neg(u))));
}
// σ(2u) + x·σ(2u)·(1 − σ(2u))·2u′; with e = exp(−|2u|) the product is e/(1 + e)², free of cancellation.
JEPA_INLINE Vf gelu_tanh_derivative(Vf x) {
  const Vf bounded = clamp(x, -15.0f, 15.0f), z = bounded * bounded;
  const Vf e = exp(neg(abs(bounded * fma(z, set(0.0713548162726f), set(1.59576912161f)))));
  const Vf above = set(1.0f) / (set(1.0f) + e), below = e * above;
  const Vf slope = fma(z, set(0.214064448818f), set(1.59576912161f));
  const Vf s = select(bounded < set(0.0f), below, above);
  return fma(bounded * above * below, slope, s);
}
JEPA_INLINE Vf silu(Vf x) { return select(x < set(-104.0f), set(-0.0f), x * sigmoid(x)); }

// bfloat16: the upper half of a float32; rounded to nearest even, NaN kept.
// The upper half of these bits is the nearest bfloat16, ties to even, of all but NaN.
JEPA_INLINE Vi nearest_bf16(Vf a) {
  const Vi x = as_int(a);
  return x + set_i(0x7fff) + (shift_right<16>(x) & set_i(1));
}
JEPA_INLINE Vf to_bfloat16(Vf a) {
  const Vi nearest = nearest_bf16(a) & set_i(static_cast<int32_t>(0xffff0000u));
  return as_float(select(unordered(a, a), set_i(0x7fc00000), nearest));
}
JEPA_INLINE Vf load_bf16(const uint16_t* p) { return as_float(shift_left<16>(load_u16(p))); }
JEPA_INLINE void store_bf16(uint16_t* p, Vf a) {
  store_u16(p, select(unordered(a, a), set_i(0x7fc0), shift_right<16>(nearest_bf16(a))));
}

}  // namespace
