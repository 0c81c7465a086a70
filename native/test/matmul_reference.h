// Products of every shape and kind against float64, for the tests of matmul.
#pragma once
#include "ops/matmul/matmul.h"

#include "test/activated.h"
#include "test/edge.h"

JEPA_TEST_DECLARE(matmul)
JEPA_TEST_DECLARE(matmul_pack)

namespace jepa {
namespace test {

using matmul::kHuge;
using matmul::kLarge;
using matmul::kLate;
using matmul::kPanel;
using matmul::kResidual;
using matmul::kSlope;

const Op product = JEPA_TEST_OP(matmul), pack = JEPA_TEST_OP(matmul_pack);

struct Shape {
  std::vector<int64_t> batch;
  int64_t m, k, n;
  bool turned_a = false, turned_b = false, packed = false, biased = false;
  uint32_t activation = 0;
  bool rounded = false;
  uint32_t beside = 0;   // kResidual or kSlope
  bool sums = false;     // a second result
  bool late = false;     // y is written past the caches
  bool aligned = false;  // results, to lines of the cache
};

inline Bytes attributes(bool packed = false, int64_t k = 0, int64_t n = 0, uint32_t activation = 0,
                        bool rounded = false, uint32_t beside = 0) {
  const uint32_t flags = uint32_t{packed} | uint32_t{rounded} * 2 | beside;
  return Bytes().add(flags).add(static_cast<uint32_t>(k)).add(static_cast<uint32_t>(n)).add(activation);
}

// The nearer of the two bfloat16 around x, the even one in the middle between them; beyond the largest is infinity.
inline float nearest_bfloat16(float x) {
  if (!std::isfinite(x)) return x;
  int exponent;
  std::frexp(x, &exponent);
  const double unit = std::ldexp(1.0, std::max(exponent, -125) - 8);  // of eight significant bits
  const double down = std::floor(x / unit), rest = x / unit - down;
  const bool up = rest > 0.5 || (rest == 0.5 && std::fmod(down, 2.0) != 0);
  const double y = (down + (up ? 1 : 0)) * unit;
  return std::fabs(y) >= 0x1p128 ? std::copysign(INFINITY, x) : static_cast<float>(y);
}
inline uint16_t bits_of_bfloat16(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  return static_cast<uint16_t>(bits >> 16);
}

inline double slope_of(double x, uint32_t activation) {
  if (activation == 1) return 0.5 * std::erfc(-x / std::sqrt(2.0)) + x * std::exp(-x * x / 2) / std::sqrt(2 * M_PI);
  const double scale = std::sqrt(2 / M_PI), t = std::tanh(scale * (x + 0.044715 * x * x * x));
  return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * scale * (1 + 3 * 0.044715 * x * x);
}

inline std::vector<int64_t> with(std::vector<int64_t> batch, int64_t rows, int64_t columns) {
  batch.push_back(rows);
  batch.push_back(columns);
  return batch;
}
// The last two axes exchanged in memory.
inline std::vector<int> turned(size_t rank) {
  std::vector<int> order(rank);
  for (size_t i = 0; i < rank; i++) order[i] = static_cast<int>(i);
  std::swap(order[rank - 1], order[rank - 2]);
  return order;
}

// The panels of b, from its definition in matmul.h.
inline void check_pack(Operand& b, int64_t k, int64_t n, Operand* panels) {
  each_target(pack, [&](const TargetKernel& target) {
    const Result r = run(pack, target, {b.view}, {panels->view}, {}, Split::backwards);
    if (!expect(r.status.ok, "%s", r.status.text)) return;
    expect(panels->guards_whole(), "guards of panels on %s", target.target);
    for (int64_t p = 0; p * kPanel < n; p++)
      for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j < kPanel; j++) {
          const int64_t column = p * kPanel + j;
          const float wanted = column < n ? b.f(i * n + column) : 0.0f, got = panels->f((p * k + i) * kPanel + j);
          if (!expect(!std::memcmp(&got, &wanted, 4), "pack on %s [%lld, %lld]", target.target,
                      static_cast<long long>(k), static_cast<long long>(n)))
            return;
        }
  });
}

// The same in pairs along k.
inline void check_pairs(Operand& b, int64_t k, int64_t n, Operand* panels) {
  each_target(pack, [&](const TargetKernel& target) {
    const Result r = run(pack, target, {b.view}, {panels->view}, {}, Split::backwards);
    if (!expect(r.status.ok, "%s", r.status.text)) return;
    expect(panels->guards_whole(), "guards of panels on %s", target.target);
    for (int64_t p = 0; p * kPanel < n; p++)
      for (int64_t i = 0; i < k + k % 2; i++)
        for (int64_t j = 0; j < kPanel; j++) {
          const int64_t column = p * kPanel + j, pair = (p * ((k + 1) / 2) + i / 2) * kPanel + j;
          const float wanted = column < n && i < k ? nearest_bfloat16(b.f(i * n + column)) : 0.0f;
          if (!expect(panels->h(2 * pair + i % 2) == bits_of_bfloat16(wanted), "pack pairs on %s [%lld, %lld]",
                      target.target, static_cast<long long>(k), static_cast<long long>(n)))
            return;
        }
  });
}

inline void compare(const Shape& s, int64_t gap = 0) {
  const std::vector<int64_t> a_shape = with(s.batch, s.m, s.k), b_shape = with(s.batch, s.k, s.n);
  const size_t rank = a_shape.size();
  Operand a(DType::float32, a_shape, s.turned_a ? turned(rank) : std::vector<int>{}, gap, 1);
  Operand b(DType::float32, b_shape, s.turned_b ? turned(rank) : std::vector<int>{}, gap, 3);
  Operand bias(DType::float32, {s.n}, {}, 0, 1);
  a.normal(1);
  b.normal(2);
  bias.normal(3);
  // Pairs may begin at an odd number of their buffer; the other operands lie at the edge of a page instead.
  const bool odd = s.packed && s.rounded && s.k % 2;
  Operand panels(s.rounded ? DType::bfloat16 : DType::float32,
                 {(s.rounded ? s.k + s.k % 2 : s.k) * ((s.n + kPanel - 1) / kPanel) * kPanel}, {}, 0, odd);
  if (s.packed) (s.rounded ? check_pairs : check_pack)(b, s.k, s.n, &panels);
  const auto entering = [&](float x) { return static_cast<double>(s.rounded ? nearest_bfloat16(x) : x); };
  std::vector<double> left(static_cast<size_t>(a.size())), right(static_cast<size_t>(b.size()));
  for (size_t i = 0; i < left.size(); i++) left[i] = entering(a.f(static_cast<int64_t>(i)));
  for (size_t i = 0; i < right.size(); i++) right[i] = entering(b.f(static_cast<int64_t>(i)));
  int64_t batches = 1;
  for (int64_t extent : s.batch) batches *= extent;
  Operand beside(DType::float32, with(s.batch, s.m, s.n), {}, gap + 2, 3);
  beside.normal(4);
  std::vector<double> expected(static_cast<size_t>(batches * s.m * s.n)), size(expected.size()), sums(expected.size());
  for (int64_t i = 0; i < batches * s.m; i++)
    for (int64_t j = 0; j < s.n; j++) {
      double sum = 0, partials = 0;
      for (int64_t k = 0; k < s.k; k++) {
        sum += left[static_cast<size_t>(i * s.k + k)] * right[static_cast<size_t>((i / s.m * s.k + k) * s.n + j)];
        partials += sum * sum;
      }
      const auto at = static_cast<size_t>(i * s.n + j);
      sums[at] = sum + (s.biased ? static_cast<double>(bias.f(j)) : 0.0);
      const double other = beside.f(i * s.n + j);
      expected[at] = s.beside == kSlope ? sums[at] * slope_of(other, s.activation)
                                        : activated(sums[at], s.activation) + (s.beside == kResidual ? other : 0.0);
      size[at] = std::sqrt(partials);
    }
  const EdgeOperand a_edge(a), b_edge(s.packed ? panels : b), bias_edge(bias), beside_edge(beside);
  std::vector<View> in = {a_edge.view, odd ? panels.view : b_edge.view};
  if (s.biased) in.push_back(bias_edge.view);
  if (s.beside) in.push_back(beside_edge.view);
  const Bytes bytes = attributes(s.packed, s.packed ? s.k : 0, s.packed ? s.n : 0, s.activation, s.rounded,
                                 s.beside | (s.late ? kLate : 0));
  each_target(product, [&](const TargetKernel& target) {
    std::vector<char> first;
    for (Split split : {Split::all, Split::single, Split::backwards}) {
      Operand y(DType::float32, with(s.batch, s.m, s.n), {}, s.aligned ? 0 : gap + 1, !s.aligned);
      Operand kept(DType::float32, with(s.batch, s.m, s.n), {}, s.aligned ? 0 : gap + 3, !s.aligned);
      std::vector<View> out = {y.view};
      if (s.sums) out.push_back(kept.view);
      const Result r = run(product, target, in, out, bytes, split);
      if (!expect(r.status.ok, "%s", r.status.text)) return;
      expect(y.guards_whole() && kept.guards_whole(), "guards on %s [%lld, %lld, %lld]", target.target,
             static_cast<long long>(s.m), static_cast<long long>(s.k), static_cast<long long>(s.n));
      for (int64_t k = 0; k < y.size(); k++) {
        const auto at = static_cast<size_t>(k);
        // Every fused step rounds the sum so far: four times the standard deviation of that, then an ulp or two.
        const double rounded = 2.4e-7 * size[at] + 3e-7 * std::fabs(sums[at]) + 1e-7;
        const double most =
            rounded * 1.2 + 3e-7 * std::fabs(expected[at]) + (s.beside == kSlope ? 1e-6 * std::fabs(sums[at]) : 0);
        if (s.sums &&
            !expect(std::fabs(kept.f(k) - sums[at]) <= rounded, "[%lld, %lld, %lld] on %s: sum %g, expected %g",
                    static_cast<long long>(s.m), static_cast<long long>(s.k), static_cast<long long>(s.n),
                    target.target, kept.f(k), sums[at]))
          return;
        if (!expect(std::fabs(y.f(k) - expected[at]) <= most, "[%lld, %lld, %lld] on %s: %g, expected %g",
                    static_cast<long long>(s.m), static_cast<long long>(s.k), static_cast<long long>(s.n),
                    target.target, y.f(k), expected[at]))
          return;
      }
      // The same bits however the tiles are grouped; alignment of the two buffers may differ, so compare elements.
      std::vector<char> bits;
      for (int64_t k = 0; k < y.size(); k++) {
        const float value = y.f(k);
        bits.insert(bits.end(), reinterpret_cast<const char*>(&value), reinterpret_cast<const char*>(&value) + 4);
      }
      if (first.empty()) first = bits;
      expect(first == bits, "other bits for other tiles on %s", target.target);
    }
  });
}

}  // namespace test
}  // namespace jepa
