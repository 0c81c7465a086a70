// copy between any two layouts, for elements of 1, 2 and 4 bytes; nothing else is touched.
#include "test/harness.h"

JEPA_TEST_DECLARE(copy)

using namespace jepa;
using namespace jepa::test;

namespace {

const Op op = JEPA_TEST_OP(copy);

void compare(DType dtype, const std::vector<int64_t>& shape, const std::vector<int>& in_order,
             const std::vector<int>& out_order, int misalign, int repeated = -1) {
  Operand x(dtype, shape, in_order, 2, misalign);
  Numbers numbers(7);
  x.fill([&](int64_t) { return numbers.below(250); });
  if (repeated >= 0) x.view.stride[repeated] = 0;
  each_target(op, [&](const TargetKernel& target) {
    for (Split split : {Split::all, Split::backwards}) {
      Operand y(dtype, shape, out_order, 3, 1);
      const std::vector<char> before = y.memory();
      const Result r = run(op, target, {x.view}, {y.view}, {}, split);
      if (!expect(r.status.ok, "%s", r.status.text)) return;
      std::vector<char> expected = before;
      const int64_t width = size_of(dtype);
      for (int64_t k = 0; k < y.size(); k++)
        std::memcpy(expected.data() + y.start + y.at(k) * width, x.view.data + x.at(k) * width,
                    static_cast<size_t>(width));
      expect(expected == y.memory(), "copy of %s on %s, first extents %lld %lld", std::to_string(shape.size()).c_str(),
             target.target, static_cast<long long>(shape.empty() ? 0 : shape[0]),
             static_cast<long long>(shape.size() > 1 ? shape[1] : 0));
    }
  });
}

}  // namespace

int main() {
  const std::vector<std::vector<int>> orders = {{0, 1, 2, 3}, {0, 2, 3, 1}, {3, 2, 1, 0}, {1, 0, 3, 2}, {2, 0, 1, 3}};
  for (DType dtype : {DType::float32, DType::bfloat16, DType::uint8}) {
    for (const auto& in : orders)
      for (const auto& out : orders) {
        compare(dtype, {3, 5, 17, 9}, in, out, 0);
        compare(dtype, {2, 70, 8, 8}, in, out, 1);
        compare(dtype, {1, 1, 130, 67}, in, out, 3);
        compare(dtype, {3, 5, 17, 9}, in, out, 1, 3);
        compare(dtype, {3, 5, 17, 9}, in, out, 1, 1);
      }
    for (int64_t n : {0, 1, 2, 7, 8, 9, 31, 33, 64, 100, 40000}) {
      compare(dtype, {n}, {}, {}, 1);
      compare(dtype, {n}, {}, {}, 0, 0);
      if (n < 1000) compare(dtype, {n, 3}, {1, 0}, {}, 1);
    }
    compare(dtype, {}, {}, {}, 0);
  }
  Operand x(DType::float32, {2, 3}), y(DType::float32, {3, 2}), z(DType::int32, {2, 3});
  const auto refuses = [&](const View& in, const View& out, const Bytes& bytes, const char* what) {
    const Result r = run(op, op.kernels[0], {in}, {out}, bytes);
    expect(!r.status.ok && std::strstr(r.status.text, "[copy] expected"), "accepts %s", what);
  };
  refuses(x.view, y.view, {}, "another shape");
  refuses(x.view, z.view, {}, "another dtype");
  refuses(x.view, x.view, Bytes().add(1u), "attributes");
  return finish("copy");
}
