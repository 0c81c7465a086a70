// matmul and matmul_pack with operands rounded to bfloat16, against float64 of the rounded numbers.
#include "test/matmul_reference.h"

using namespace jepa;
using namespace jepa::test;

namespace {

// Odd inner axes, whose last pair is half empty, every way of copying, and sums over several depths and chunks.
void bfloat16() {
  const auto rounded = [](Shape s, int64_t gap = 0) {
    s.rounded = true;
    compare(s, gap);
  };
  for (int64_t m : {0, 1, 5, 6, 7, 14, 15, 29})
    for (int64_t n : {0, 1, 8, 15, 16, 17, 33, 65}) {
      rounded({{}, m, 1 + (m + n) % 6, n});
      rounded({{}, m, 16 + n % 3, n, true, true, false, true, static_cast<uint32_t>((m + n) % 5)}, 1);
      rounded({{}, m, 9, n, m % 2 == 0, n % 2 == 0, true, n % 3 == 0});
    }
  for (int64_t m : {195, 393}) rounded({{}, m, 20, 40, m == 195});
  // The gradient of weights, whose operands both end with the half of a pair.
  for (int64_t k : {1, 15, 33, 257})
    for (int64_t n : {5, 32, 64}) rounded({{}, 14 + k % 4, k, n, true});
  rounded({{}, 400, 1031, 300, true});  // several blocks of rows, depths and groups of panels, packed whole before
  // Partial results of one block of rows: b is not packed whole, and depths are shorter.
  rounded({{}, 20, 6200, 200, true});
  for (int64_t k : {0, 511, 512, 513, 1025}) {
    rounded({{}, 9, k, 35, false, k % 2 == 0, true, true, 1});
    rounded({{}, 9, k, 35, true, k % 2 == 0, k % 3 == 0, false}, 3);
  }
  for (int64_t k : {4095, 4097}) {
    rounded({{}, 3, k, 18, false, true, false, true, 3});
    rounded({{}, 66, k, 5, true, false, k % 2 == 0, true, 2});
  }
  rounded({{}, 30, 1024, 33, false, true, true});
  rounded({{2, 3}, 5, 7, 33, true, false, false, true, 1}, 2);
  rounded({{2}, 17, 520, 65, true}, 3);
  // Ties, the largest bfloat16 and what rounds beyond it, denormals; NaN of any payload stays NaN, alone in its row.
  const float values[] = {1.00390625f, 1.01171875f, -1.00390625f, 0x1.ffp127f, 0x1.fep127f, -0x1.ff8p127f, 3e-39f};
  Operand x(DType::float32, {1, 7}), ones(DType::float32, {2, 1}), y(DType::float32, {2, 7});
  x.fill([&](int64_t i) { return values[i]; });
  ones.f(0) = 1;
  const uint32_t nan = 0x7f800001u;
  std::memcpy(&ones.f(1), &nan, 4);
  each_target(product, [&](const TargetKernel& target) {
    expect(run(product, target, {ones.view, x.view}, {y.view}, attributes(false, 0, 0, 0, true)).status.ok, "ties");
    for (int64_t i = 0; i < 7; i++) {
#if defined(__aarch64__)
      const bool flushed = false;
#else
      const bool flushed = i == 6;  // the denormal
#endif
      const float wanted = flushed ? 0.0f : nearest_bfloat16(values[i]);
      expect(y.f(i) == wanted, "%a rounds to %a on %s, expected %a", values[i], y.f(i), target.target, wanted);
      expect(std::isnan(y.f(7 + i)), "%s: %g where a is NaN", target.target, y.f(7 + i));
    }
  });
}

}  // namespace

int main() {
  bfloat16();
  return finish("matmul_bfloat16");
}
