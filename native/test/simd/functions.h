// native/simd compiled for one target: each function over arrays, whose length is a multiple of every vector width.
#pragma once
#include <cstdint>

namespace jepa::test {

constexpr int kUnary = 14;

struct Functions {
  const char* target;
  struct {
    const char* name;
    void (*run)(const float* x, float* y, int64_t n);
  } unary[kUnary];
  // sum[i] with the products of lanes a[i] and b[i] added.
  void (*dot_bf16)(const int32_t* a, const int32_t* b, float* sum, int64_t n);
  void (*dot_u8s8)(const int32_t* a, const int32_t* b, int32_t* sum, int64_t n);
};

}  // namespace jepa::test
