// Activations of products in float64, by their numbers in simd/activation_kind.h.
#pragma once
#include <cmath>
#include <cstdint>

namespace jepa {
namespace test {

inline double activated(double x, uint32_t activation) {
  switch (activation) {
    case 1:
      return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case 2:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case 3:
      return x / (1 + std::exp(-x));
    case 4:
      return x < 0 ? 0 : x;
    default:
      return x;
  }
}

}  // namespace test
}  // namespace jepa
