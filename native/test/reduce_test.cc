// reduce against float64 loops: every kind, axes, layout, dtype and target; bits do not depend on how tiles are
// grouped.
#include "test/harness.h"

JEPA_TEST_DECLARE(reduce)

using namespace jepa;
using namespace jepa::test;

namespace {

const Op op = JEPA_TEST_OP(reduce);
enum { k_sum, k_max, k_min, k_argmax, k_argmin, k_sum_square };

struct Reference {
  std::vector<double> value, scale;
};
Reference reference(Operand& x, uint32_t kind, uint32_t axes) {
  std::vector<int64_t> shape(8, 1);
  int64_t outputs = 1;
  for (int i = 0; i < x.view.rank; i++)
    if (!(axes >> i & 1)) outputs *= x.view.shape[i];
  Reference r;
  r.value.assign(static_cast<size_t>(outputs), 0.0);
  r.scale.assign(static_cast<size_t>(outputs), 0.0);
  std::vector<double> best(static_cast<size_t>(outputs));
  std::vector<int64_t> seen(static_cast<size_t>(outputs), 0);
  for (int64_t k = 0; k < x.size(); k++) {
    int64_t rest = k, at = 0, width = 1;
    for (int axis = x.view.rank - 1; axis >= 0; axis--) {
      const int64_t index = rest % x.view.shape[axis];
      rest /= x.view.shape[axis];
      if (axes >> axis & 1) continue;
      at += index * width;
      width *= x.view.shape[axis];
    }
    const auto o = static_cast<size_t>(at);
    const double v = x.view.dtype == DType::int32 ? x.i(k) : static_cast<double>(x.f(k));
    const int64_t position = seen[o]++;
    if (kind == k_sum || kind == k_sum_square) {
      r.value[o] += kind == k_sum ? v : v * v;
      r.scale[o] += kind == k_sum ? std::fabs(v) : v * v;
      continue;
    }
    const bool larger = kind == k_max || kind == k_argmax;
    const bool wins =
        position == 0 || (!std::isnan(best[o]) && (std::isnan(v) || (larger ? v > best[o] : v < best[o])));
    if (wins) best[o] = v;
    const bool arg = kind == k_argmax || kind == k_argmin;
    if (wins) r.value[o] = arg ? static_cast<double>(position) : v;
  }
  return r;
}

void compare(Operand& x, uint32_t kind, uint32_t axes, std::vector<int> out_order, const char* what) {
  std::vector<int64_t> shape;
  for (int i = 0; i < x.view.rank; i++) shape.push_back(axes >> i & 1 ? 1 : x.view.shape[i]);
  const Reference r = reference(x, kind, axes);
  const bool arg = kind == k_argmax || kind == k_argmin;
  each_target(op, [&](const TargetKernel& target) {
    std::vector<float> first;
    for (Split split : {Split::all, Split::single, Split::backwards}) {
      Operand y(arg ? DType::int32 : x.view.dtype, shape, out_order, 3, 1);
      const Result result = run(op, target, {x.view}, {y.view}, Bytes().add(kind).add(axes), split);
      if (!expect(result.status.ok, "%s: %s", what, result.status.text)) return;
      expect(y.guards_whole(), "%s: guards", what);
      for (int64_t k = 0; k < y.size(); k++) {
        const bool integers = y.view.dtype == DType::int32;
        const double v = integers ? y.i(k) : static_cast<double>(y.f(k));
        const double e = r.value[static_cast<size_t>(k)], s = r.scale[static_cast<size_t>(k)];
        const bool same = std::isnan(e) ? std::isnan(v) : v == e || std::fabs(v - e) <= 1.3e-7 * s;
        if (!expect(same, "%s kind %u axes %u on %s: [%lld] is %.9g, expected %.9g", what, kind, axes, target.target,
                    static_cast<long long>(k), v, e))
          return;
        if (split == Split::all)
          first.push_back(y.f(k));
        else
          expect(!std::memcmp(&first[static_cast<size_t>(k)], &y.f(k), 4), "%s: bits depend on tiles", what);
      }
    }
  });
}

}  // namespace

int main() {
  for (int64_t n : {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 130, 1000}) {
    for (int misalign : {0, 1, 3}) {
      Operand rows(DType::float32, {3, n}, {}, 5, misalign), columns(DType::float32, {n, 5}, {}, 1, misalign);
      rows.normal(static_cast<uint64_t>(n));
      columns.normal(static_cast<uint64_t>(n) + 77);
      for (uint32_t kind = 0; kind < 6; kind++)
        for (uint32_t axes = 0; axes < 4; axes++) {
          if ((kind == k_argmax || kind == k_argmin) && (axes == 0 || axes == 3)) continue;
          compare(rows, kind, axes, {}, "rows");
          compare(columns, kind, axes, {}, "columns");
        }
    }
  }
  // Four axes, every mask, permuted memory.
  for (const std::vector<int>& order : {std::vector<int>{0, 1, 2, 3}, {3, 1, 0, 2}, {0, 3, 1, 2}}) {
    Operand x(DType::float32, {5, 3, 70, 9}, order, 2), integers(DType::int32, {5, 3, 70, 9}, order, 2);
    x.normal(9).f(17) = NAN;
    x.f(1000) = INFINITY;
    x.f(2000) = -INFINITY;
    Numbers numbers(4);
    integers.fill([&](int64_t) { return numbers.below(40) - 20; });
    for (uint32_t axes = 0; axes < 16; axes++)
      for (uint32_t kind = 0; kind < 6; kind++) {
        if ((kind == k_argmax || kind == k_argmin) && (axes == 0 || axes & (axes - 1))) continue;
        compare(integers, kind, axes, {3, 2, 1, 0}, "integers");
        if (kind == k_sum || kind == k_sum_square) continue;  // inf − inf: below
        compare(x, kind, axes, {3, 2, 1, 0}, "four axes");
      }
  }
  // Ties, all NaN, extremes of −inf.
  Operand ties(DType::float32, {40}), nan(DType::float32, {40}), low(DType::float32, {40});
  ties.fill([](int64_t k) { return k % 7 == 3 ? 2.0 : 1.0; });
  nan.fill([](int64_t k) { return k >= 21 ? NAN : 0.0; });
  low.fill([](int64_t) { return -INFINITY; });
  for (uint32_t kind : {k_max, k_min, k_argmax, k_argmin}) {
    compare(ties, kind, 1, {}, "ties");
    compare(nan, kind, 1, {}, "NaN");
    compare(low, kind, 1, {}, "-inf");
  }
  // Long sums, whole and over leading axes: cut in chunks.
  Operand large(DType::float32, {300, 50, 32});
  large.normal(3, 1, 0.3);
  for (uint32_t axes : {7u, 3u, 4u, 1u, 2u, 6u})
    for (uint32_t kind : {k_sum, k_sum_square, k_max}) compare(large, kind, axes, {}, "large");
  Operand broadcast(DType::float32, {6, 50});
  broadcast.normal(5).view.stride[0] = 0;
  compare(broadcast, k_sum, 1, {}, "broadcast");
  compare(broadcast, k_sum, 3, {}, "broadcast");
  // Nothing.
  Operand empty(DType::float32, {0, 4});
  compare(empty, k_sum, 1, {}, "empty sum");
  compare(empty, k_sum, 2, {}, "empty output");
  // Hostile.
  Operand x(DType::float32, {2, 3}), y(DType::float32, {2, 1}), wrong(DType::float32, {1, 3}),
      half(DType::float16, {2, 3});
  const auto refuses = [&](const View& in, const View& out, const Bytes& bytes, const char* what) {
    const Result r = run(op, op.kernels[0], {in}, {out}, bytes);
    expect(!r.status.ok && std::strstr(r.status.text, "[reduce] expected"), "accepts %s", what);
  };
  refuses(x.view, y.view, Bytes().add(6u).add(2u), "kind 6");
  refuses(x.view, y.view, Bytes().add(0u).add(6u), "axis 2");
  refuses(x.view, y.view, Bytes().add(0u).add(0xffffffffu), "all axes");
  refuses(x.view, y.view, Bytes().add(0u), "four bytes");
  refuses(x.view, wrong.view, Bytes().add(0u).add(2u), "a wrong shape");
  refuses(x.view, y.view, Bytes().add(3u).add(2u), "positions in float32");
  refuses(half.view, y.view, Bytes().add(0u).add(2u), "float16");
  refuses(empty.view, wrong.view, Bytes().add(1u).add(1u), "an empty maximum of another shape");
  Operand one(DType::float32, {1, 4});
  refuses(empty.view, one.view, Bytes().add(1u).add(1u), "the maximum of nothing");
  return finish("reduce");
}
