// What products apply to their last sums; the numbers stand in program bytes.
#pragma once
#include <cstdint>

namespace jepa {

enum class Activation : uint32_t { none = 0, gelu_erf = 1, gelu_tanh = 2, silu = 3, relu = 4 };
constexpr bool is_activation(uint32_t given) { return given <= static_cast<uint32_t>(Activation::relu); }

}  // namespace jepa
