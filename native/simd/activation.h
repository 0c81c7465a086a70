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

}  // namespace
