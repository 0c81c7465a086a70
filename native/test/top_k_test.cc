// top_k against a stable sort; ties, NaN, infinities, k from 0 to n.
#include <algorithm>
#include <numeric>

#include "test/harness.h"

JEPA_TEST_DECLARE(top_k)

using namespace jepa;
using namespace jepa::test;

namespace {

const Op op = JEPA_TEST_OP(top_k);

void compare(int64_t rows, int64_t n, int64_t k, uint32_t largest, bool ties) {
  Operand x(DType::float32, {rows, n}, {}, 2, 1);
  x.normal(static_cast<uint64_t>(n + k));
  if (ties)
    x.fill([&](int64_t i) {
      return i % 11 == 5 ? NAN : i % 13 == 2 ? INFINITY : i % 17 == 1 ? -0.0 : double(i * 7 % 5);
    });
  each_target(op, [&](const TargetKernel& target) {
    Operand values(DType::float32, {rows, k}, {}, 1), indices(DType::int32, {rows, k}, {}, 3);
    const Result r = run(op, target, {x.view}, {values.view, indices.view}, Bytes().add(largest), Split::backwards);
    if (!expect(r.status.ok, "%s", r.status.text)) return;
    expect(values.guards_whole() && indices.guards_whole(), "guards");
    for (int64_t row = 0; row < rows; row++) {
      std::vector<int64_t> order(static_cast<size_t>(n));
      std::iota(order.begin(), order.end(), 0);
      const auto rank = [&](int64_t i) {
        const float v = x.f(row * n + i);
        return std::isnan(v) ? 1e300 : std::isinf(v) ? std::copysign(1e200, v) : static_cast<double>(v);
      };
      std::stable_sort(order.begin(), order.end(),
                       [&](int64_t i, int64_t j) { return largest ? rank(i) > rank(j) : rank(i) < rank(j); });
      for (int64_t i = 0; i < k; i++) {
        const int64_t e = order[static_cast<size_t>(i)];
        if (!expect(indices.i(row * k + i) == e && !std::memcmp(&values.f(row * k + i), &x.f(row * n + e), 4),
                    "n %lld k %lld: place %lld", static_cast<long long>(n), static_cast<long long>(k),
                    static_cast<long long>(i)))
          return;
      }
    }
  });
}

}  // namespace

int main() {
  for (int64_t n : {1, 2, 3, 8, 17, 100, 1000})
    for (int64_t k : {int64_t{0}, int64_t{1}, n / 2, n - 1, n})
      for (uint32_t largest : {0u, 1u})
        for (bool ties : {false, true}) compare(3, n, k, largest, ties);
  compare(1, 70000, 70000, 1, false);
  compare(0, 5, 2, 1, false);
  Operand x(DType::float32, {2, 3}), v(DType::float32, {2, 2}), i(DType::int32, {2, 2}), wide(DType::float32, {2, 4}),
      wide_i(DType::int32, {2, 4});
  const auto refuses = [&](const View& in, const std::vector<View>& out, const Bytes& bytes, const char* what) {
    const Result r = run(op, op.kernels[0], {in}, out, bytes);
    expect(!r.status.ok && std::strstr(r.status.text, "[top_k] expected"), "accepts %s", what);
  };
  refuses(x.view, {wide.view, wide_i.view}, Bytes().add(1u), "k above n");
  refuses(x.view, {v.view, i.view}, Bytes().add(2u), "largest 2");
  refuses(x.view, {v.view, i.view}, {}, "no attributes");
  refuses(x.view, {v.view, v.view}, Bytes().add(1u), "float positions");
  refuses(x.view, {v.view}, Bytes().add(1u), "one output");
  return finish("top_k");
}
