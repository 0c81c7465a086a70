// gather_rows and scatter_add_rows: exact, in the order of the indices; indices outside the table are reported.
#include "test/harness.h"

JEPA_TEST_DECLARE(gather_rows)
JEPA_TEST_DECLARE(scatter_add_rows)

using namespace jepa;
using namespace jepa::test;

namespace {

const Op gather = JEPA_TEST_OP(gather_rows), scatter = JEPA_TEST_OP(scatter_add_rows);

void compare(int64_t rows, int64_t n, int64_t width, int64_t gap, bool bad) {
  Operand table(DType::float32, {rows, width}, {}, gap, 1), indices(DType::int32, {n});
  table.normal(1);
  Numbers numbers(5);
  indices.fill([&](int64_t) { return numbers.below(static_cast<int>(rows)); });
  if (bad) indices.i(n / 2) = n % 2 ? -1 : static_cast<int32_t>(rows);
  each_target(gather, [&](const TargetKernel& target) {
    Operand y(DType::float32, {n, width}, {}, gap + 1);
    const Result r = run(gather, target, {table.view, indices.view}, {y.view}, {}, Split::single);
    if (!expect(r.status.ok, "%s", r.status.text)) return;
    expect(r.fault == (bad ? 1 : 0) && y.guards_whole(), "gather: fault %d", r.fault);
    for (int64_t i = 0; i < n; i++)
      for (int64_t k = 0; k < width; k++) {
        const int32_t row = indices.i(i);
        const float e = row < 0 || row >= rows ? 0.0f : table.f(row * width + k);
        if (!expect(y.f(i * width + k) == e, "gather of %lld", static_cast<long long>(width))) return;
      }
  });
  Operand x(DType::float32, {n, width}, {}, gap, 1);
  x.normal(2);
  std::vector<float> expected(static_cast<size_t>(rows * width), 0.0f);
  for (int64_t i = 0; i < n; i++) {
    const int32_t row = indices.i(i);
    if (row < 0 || row >= rows) continue;
    for (int64_t k = 0; k < width; k++) expected[static_cast<size_t>(row * width + k)] += x.f(i * width + k);
  }
  each_target(scatter, [&](const TargetKernel& target) {
    for (Split split : {Split::all, Split::backwards}) {
      Operand y(DType::float32, {rows, width}, {}, gap + 1);
      const Result r = run(scatter, target, {x.view, indices.view}, {y.view}, {}, split);
      if (!expect(r.status.ok, "%s", r.status.text)) return;
      expect(r.fault == (bad ? 1 : 0) && y.guards_whole(), "scatter: fault %d", r.fault);
      for (int64_t k = 0; k < y.size(); k++)
        if (!expect(y.f(k) == expected[static_cast<size_t>(k)], "scatter of %lld", static_cast<long long>(width)))
          return;
    }
  });
}

}  // namespace

int main() {
  for (int64_t width : {1, 2, 7, 8, 9, 16, 17, 33, 300}) {
    compare(5, 12, width, 0, false);
    compare(40, 1, width, 3, false);
    compare(1, 30, width, 3, true);
    compare(7, 31, width, 0, true);
  }
  compare(3000, 9000, 33, 1, false);
  compare(9, 0, 4, 0, false);
  Operand table(DType::bfloat16, {4, 3}), indices(DType::int32, {2}), y(DType::bfloat16, {2, 3}),
      bytes(DType::uint8, {2});
  table.fill([](int64_t k) { return static_cast<double>(k); });
  indices.i(0) = 3;
  indices.i(1) = 1;
  expect(
      run(gather, gather.kernels[0], {table.view, indices.view}, {y.view}, {}).status.ok && y.h(0) == 9 && y.h(5) == 5,
      "gather of 2-byte elements");
  const auto refuses = [&](const Op& op, const std::vector<View>& in, const View& out, const Bytes& attributes,
                           const char* what) {
    const Result r = run(op, op.kernels[0], in, {out}, attributes);
    expect(!r.status.ok && std::strstr(r.status.text, "] expected"), "accepts %s", what);
  };
  refuses(gather, {table.view, bytes.view}, y.view, {}, "byte indices");
  refuses(gather, {table.view, indices.view}, table.view, {}, "too many outputs rows");
  refuses(gather, {table.view, indices.view}, y.view, Bytes().add(1u), "attributes");
  refuses(gather, {table.view}, y.view, {}, "one input");
  refuses(scatter, {y.view, indices.view}, table.view, {}, "bfloat16 sums");
  return finish("rows");
}
