#include "test/simd/functions.h"

#include "runtime/op.h"
#include "simd/dot.h"
#include "simd/math.h"

namespace {

#define UNARY(name, expression)                         \
  void name##_of(const float* x, float* y, int64_t n) { \
    for (int64_t i = 0; i < n; i += W) {                \
      const Vf a = load(x + i);                         \
      store(y + i, expression);                         \
    }                                                   \
  }
UNARY(exp, exp(a))
UNARY(log, log(a))
UNARY(sqrt, sqrt(a))
UNARY(rsqrt, set(1.0f) / sqrt(a))
UNARY(sin, sin(a))
UNARY(cos, cos(a))
UNARY(sigmoid, sigmoid(a))
UNARY(tanh, tanh(a))
UNARY(erf, erf(a))
UNARY(silu, silu(a))
UNARY(gelu_erf, gelu_erf(a))
UNARY(gelu_erf_derivative, gelu_erf_derivative(a))
UNARY(gelu_tanh, gelu_tanh(a))
UNARY(gelu_tanh_derivative, gelu_tanh_derivative(a))

void dot_pairs(const int32_t* a, const int32_t* b, float* sum, int64_t n) {
  for (int64_t i = 0; i < n; i += W) store(sum + i, dot_bf16(load_i(a + i), load_i(b + i), load(sum + i)));
}
void dot_bytes(const int32_t* a, const int32_t* b, int32_t* sum, int64_t n) {
  for (int64_t i = 0; i < n; i += W) store_i(sum + i, dot_u8s8(load_i(a + i), load_i(b + i), load_i(sum + i)));
}

#define TEXT2(x) #x
#define TEXT(x) TEXT2(x)

}  // namespace

extern const jepa::test::Functions JEPA_GLUE(jepa_simd, _functions, JEPA_TARGET);
const jepa::test::Functions JEPA_GLUE(jepa_simd, _functions, JEPA_TARGET) = {
    TEXT(JEPA_TARGET),
    {{"exp", exp_of},
     {"log", log_of},
     {"sqrt", sqrt_of},
     {"rsqrt", rsqrt_of},
     {"sin", sin_of},
     {"cos", cos_of},
     {"sigmoid", sigmoid_of},
     {"tanh", tanh_of},
     {"erf", erf_of},
     {"silu", silu_of},
     {"gelu_erf", gelu_erf_of},
     {"gelu_erf_derivative", gelu_erf_derivative_of},
     {"gelu_tanh", gelu_tanh_of},
     {"gelu_tanh_derivative", gelu_tanh_derivative_of}},
    dot_pairs,
    dot_bytes,
};
