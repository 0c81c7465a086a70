// Activations of a vector.
#pragma once
#include "simd/activation_kind.h"
#include "simd/math.h"

namespace {

JEPA_INLINE Vf activated(Vf x, jepa::Activation activation) {
  switch (activation) {
    case jepa::Activation::gelu_erf:
      return gelu_erf(x);
    case jepa::Activation::gelu_tanh:
      return gelu_tanh(x);
    case jepa::Activation::silu:
      return silu(x);
    case jepa::Activation::relu:
      return select(x < set(0.0f), set(0.0f), x);
    default:
      return x;
  }
}

// Of several vectors: what takes long to compute is computed step by step for all of them.
template <int N>
JEPA_INLINE void activate(Vf (&x)[N], jepa::Activation activation) {
  if (activation == jepa::Activation::gelu_erf) return gelu_erf(x);
  for (int i = 0; i < N; i++) x[i] = activated(x[i], activation);
}

// x becomes the derivative of a GELU there.
template <int N>
JEPA_INLINE void slope(Vf (&x)[N], jepa::Activation gelu) {
  if (gelu == jepa::Activation::gelu_erf) return gelu_erf_derivative(x);
  for (int i = 0; i < N; i++) x[i] = gelu_tanh_derivative(x[i]);
}

}  // namespace
