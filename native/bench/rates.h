// The fastest that this machine can multiply-add and move memory with one SIMD target: what kernels are measured
// against.
#pragma once
#include <cstdint>

namespace jepa::bench {

struct Rates {
  const char* target;
  int64_t flops_per_round;  // of one thread
  // `rounds` times independent multiply-adds whose operands stay in registers; `data` has 64 · kRegisters bytes.
  void (*multiply_add)(int64_t rounds, float* data);
  // Sum of a[0..n), and c = a + s·b: n a multiple of 256. The sum is returned so that nothing is optimised away.
  float (*read)(const float* a, int64_t n);
  void (*triad)(const float* a, const float* b, float* c, int64_t n);
  // As multiply_add, with the target's dot products or products of matrix tiles. Null where it has none.
  void (*dot_bf16)(int64_t rounds, float* data);
  void (*dot_u8s8)(int64_t rounds, float* data);
  int64_t bf16_per_round, u8s8_per_round;  // operations
};

constexpr int kRegisters = 32;

}  // namespace jepa::bench
