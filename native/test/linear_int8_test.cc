// linear_int8 and its pack against integers computed apart, bit for bit on every target, and against float64 within the rounding
// that 8 bits allow; sizes around every block edge, activations, NaN and infinity, the smallest numbers, operands that do not fit.
#include "ops/linear_int8/linear_int8.h"

#include "test/activated.h"
#include "test/edge.h"

JEPA_TEST_DECLARE(linear_int8)
JEPA_TEST_DECLARE(linear_int8_pack)

using namespace jepa;
using namespace jepa::test;

namespace {

using linear_int8::kGroup;
using linear_int8::kPanel;
const Op product = JEPA_TEST_OP(linear_int8), pack = JEPA_TEST_OP(linear_int8_pack);

// A row in 8 bits, by the definition in the contract.
struct Row {
  std::vector<int> q;
  float scale;
};
Row quantised(const std::vector<float>& row) {
  float most = 0x1p-100f;
  bool finite = true;
  for (float x : row) most = std::max(most, std::fabs(x)), finite = finite && std::isfinite(x);
  if (!finite) return {std::vector<int>(row.size(), 0), NAN};
  Row r{{}, most / 127.0f};
  const float factor = 127.0f / most;
  for (float x : row) {
    // Nearest, ties to even, without the CPU's rounding.
    const double scaled = x * factor, down = std::floor(scaled), rest = scaled - down;
    const bool up = rest > 0.5 || (rest == 0.5 && std::fmod(down, 2) != 0);
    r.q.push_back(static_cast<int>(down) + (up ? 1 : 0));
  }
  return r;
}

std::vector<Row> rows_of(Operand& matrix) {
  std::vector<Row> rows;
  const int64_t width = matrix.view.shape[1];
  for (int64_t i = 0; i < matrix.view.shape[0]; i++) {
    std::vector<float> row;
    for (int64_t k = 0; k < width; k++) row.push_back(matrix.f(i * width + k));
    rows.push_back(quantised(row));
  }
  return rows;
}

// A packed weight, from the kernel of a target; all of them must write the same.
struct Packed {
  Operand bytes, scales, offsets;
  Packed(int64_t n, int64_t k)
      : bytes(DType::uint8, {linear_int8::panels(n) * kPanel * linear_int8::groups(k) * kGroup}),
        scales(DType::float32, {linear_int8::panels(n) * kPanel}),
        offsets(DType::int32, {linear_int8::panels(n) * kPanel}) {}
};

void check_pack(Operand& w, const std::vector<Row>& expected, Packed* packed) {
  const int64_t n = w.view.shape[0], k = w.view.shape[1], depth = linear_int8::groups(k);
  const EdgeOperand weight(w);
  each_target(pack, [&](const TargetKernel& target) {
    for (Split split : {Split::all, Split::backwards}) {
      for (Operand* part : {&packed->bytes, &packed->scales, &packed->offsets}) part->fill([](int64_t) { return 7; });
      const Result r =
          run(pack, target, {weight.view}, {packed->bytes.view, packed->scales.view, packed->offsets.view}, {}, split);
      if (!expect(r.status.ok, "%s", r.status.text)) return;
      for (Operand* part : {&packed->bytes, &packed->scales, &packed->offsets})
        expect(part->guards_whole(), "guards of a packed weight on %s", target.target);
      for (int64_t c = 0; c < linear_int8::panels(n) * kPanel; c++) {
        const bool there = c < n;
        const float scale = there ? expected[static_cast<size_t>(c)].scale : 0.0f;
        int sum = 0;
        for (int64_t i = 0; i < depth * kGroup; i++) {
          const int q = there && i < k ? expected[static_cast<size_t>(c)].q[static_cast<size_t>(i)] : 0;
          const int64_t at = ((c / kPanel * depth + i / kGroup) * kPanel + c % kPanel) * kGroup + i % kGroup;
          sum += q;
          if (!expect(static_cast<int8_t>(packed->bytes.b(at)) == q, "%s: W[%lld][%lld] is %d, expected %d",
                      target.target, static_cast<long long>(c), static_cast<long long>(i),
                      static_cast<int8_t>(packed->bytes.b(at)), q))
            return;
        }
        const float got = packed->scales.f(c);
        expect(got == scale || (std::isnan(got) && std::isnan(scale)), "%s: scale %g, expected %g", target.target, got,
               scale);
        expect(packed->offsets.i(c) == -128 * sum, "%s: offset %d, expected %d", target.target, packed->offsets.i(c),
               -128 * sum);
      }
    }
  });
}

struct Shape {
  int64_t m, k, n;
  bool biased = false;
  uint32_t activation = 0;
  int64_t gap = 0;
  bool residual = false;
};

// x and w as they are given.
void compare(const Shape& s, Operand& x, Operand& w) {
  Operand bias(DType::float32, {s.n}, {}, 0, 1);
  bias.normal(3);
  Operand residual(DType::float32, {s.m, s.n}, {}, s.gap, 2);
  residual.normal(4);
  const std::vector<Row> left = rows_of(x), right = rows_of(w);
  Packed packed(s.n, s.k);
  check_pack(w, right, &packed);
  const EdgeOperand x_edge(x), bytes_edge(packed.bytes), bias_edge(bias), residual_edge(residual);
  std::vector<View> in = {x_edge.view, bytes_edge.view, packed.scales.view, packed.offsets.view};
  if (s.biased) in.push_back(bias_edge.view);
  if (s.residual) in.push_back(residual_edge.view);
  const Bytes bytes = Bytes().add(s.residual ? linear_int8::kResidual : 0u).add(s.activation);
  each_target(product, [&](const TargetKernel& target) {
    for (Split split : {Split::all, Split::single, Split::backwards}) {
      Operand y(DType::float32, {s.m, s.n}, {}, s.gap + 1, 1);
      const Result r = run(product, target, in, {y.view}, bytes, split);
      if (!expect(r.status.ok, "%s", r.status.text)) return;
      expect(y.guards_whole(), "guards on %s [%lld, %lld, %lld]", target.target, static_cast<long long>(s.m),
             static_cast<long long>(s.k), static_cast<long long>(s.n));
      for (int64_t at = 0; at < s.m * s.n; at++) {
        const auto i = static_cast<size_t>(at / s.n), j = static_cast<size_t>(at % s.n);
        int64_t dot = 0;
        double exact = 0, widths = 0;
        for (size_t k = 0; k < static_cast<size_t>(s.k); k++) {
          dot += int64_t{left[i].q[k]} * right[j].q[k];
          const double a = x.f(static_cast<int64_t>(i) * s.k + static_cast<int64_t>(k)),
                       b = w.f(static_cast<int64_t>(j) * s.k + static_cast<int64_t>(k));
          exact += a * b;
          widths += (left[i].scale * std::fabs(b) + right[j].scale * std::fabs(a)) / 2 +
                    static_cast<double>(left[i].scale) * right[j].scale / 4;
        }
        float wanted = static_cast<float>(dot) * left[i].scale * right[j].scale;
        if (s.biased) wanted += bias.f(static_cast<int64_t>(j)), exact += bias.f(static_cast<int64_t>(j));
        const float got = y.f(at);
        const bool nan = std::isnan(wanted);
        const float added = s.residual ? residual.f(at) : 0.0f;
        const double should = s.activation ? activated(wanted, s.activation) + added : wanted + added;
        const double most = s.activation ? 3e-6 * std::fabs(should) + 1e-6 : 0;
        if (!expect(nan ? std::isnan(got) : got == should || std::fabs(got - should) <= most,
                    "[%lld, %lld, %lld] on %s: %a, expected %a", static_cast<long long>(s.m),
                    static_cast<long long>(s.k), static_cast<long long>(s.n), target.target, got, should))
          return;
        // Every rounded number is at most half a step away: no slope of an activation is above 1.13.
        expect(nan || std::isinf(wanted) ||
                   std::fabs(got - added - activated(exact, s.activation)) <= 1.13 * widths * 1.0001 + 1e-5,
               "%s: %g is far from %g", target.target, got, activated(exact, s.activation));
      }
    }
  });
}

void compare(const Shape& s) {
  Operand x(DType::float32, {s.m, s.k}, {}, s.gap, 1), w(DType::float32, {s.n, s.k}, {}, 0, 3);
  x.normal(1, 3);
  w.normal(2, 0.1);
  compare(s, x, w);
}

// Around a strip (4, 12, 14 rows), a block of rows (112), a group of steps, vectors and a panel.
void sizes() {
  for (int64_t m : {0, 1, 4, 5, 12, 13, 14, 15, 29})
    for (int64_t n : {0, 1, 4, 8, 15, 16, 17, 32, 33, 65}) {
      compare({m, 1 + (m + n) % 6, n, n % 2 == 0, 0, 0, n % 4 == 1});
      compare({m, 31 + n % 4, n, n % 3 == 0, static_cast<uint32_t>((m + n) % 5), 3, m % 2 == 0});
    }
  for (int64_t k : {0, 3, 4, 5, 15, 16, 17, 63, 64, 65, 129, 1000}) compare({9, k, 35, true, 1});
  for (int64_t m : {111, 112, 113, 300}) compare({m, 20, 70, true});
  compare({3, 40, 600});
}

// All sums at their largest, where operands of 16 bits would saturate.
void largest() {
  for (int64_t k : {4, 70, 4096}) {
    Operand x(DType::float32, {5, k}), w(DType::float32, {33, k});
    x.fill([](int64_t) { return 2; });
    w.fill([&](int64_t i) { return i / k % 2 ? -3 : 3; });
    compare({5, k, 33}, x, w);
  }
}

void specials() {
  Operand x(DType::float32, {8, 6}), w(DType::float32, {34, 6});
  x.normal(1);
  w.normal(2);
  x.f(6 + 1) = NAN;
  x.f(12 + 5) = INFINITY;
  x.f(18) = -INFINITY;
  for (int64_t k = 0; k < 6; k++) x.f(24 + k) = 0;
  for (int64_t k = 0; k < 6; k++) x.f(30 + k) = 0x1p-126f * static_cast<float>(k);
  for (int64_t k = 0; k < 6; k++) x.f(36 + k) = k % 2 ? 3.4e38f : -3.4e38f;
  for (int64_t k = 0; k < 6; k++) x.f(42 + k) = static_cast<float>(k) - 2.5f, x.f(42) = 127;  // ties
  w.f(33 * 6 + 2) = NAN;
  w.f(6 + 4) = INFINITY;
  for (int64_t k = 0; k < 6; k++) w.f(12 + k) = 0;
  for (int64_t k = 0; k < 6; k++) w.f(18 + k) *= 1e-4f;
  compare({8, 6, 34}, x, w);
}

void refusals() {
  Operand x(DType::float32, {3, 6}), y(DType::float32, {3, 5}), bias(DType::float32, {5}), w(DType::float32, {5, 6}),
      turned(DType::float32, {5, 6}, {1, 0}), integers(DType::int32, {3, 6}), flat(DType::float32, {6});
  Packed right(5, 6), wrong(5, 9);
  View wide = x.view;
  wide.shape[1] = linear_int8::kMostSteps + 1;
  const auto refuses = [&](const std::vector<View>& in, const View& out, const Bytes& bytes, const char* sentence) {
    const Result r = run(product, product.kernels[0], in, {out}, bytes);
    expect(!r.status.ok && !std::strcmp(r.status.text, sentence), "expected '%s', got '%s'", sentence, r.status.text);
  };
  const auto with = [&](const View& first, const Packed& p) {
    return std::vector<View>{first, p.bytes.view, p.scales.view, p.offsets.view};
  };
  const Bytes none = Bytes().add(0u).add(0u), residual = Bytes().add(4u).add(0u);
  refuses({x.view, w.view}, y.view, none,
          "[linear_int8] expected x, a packed weight, bias or none, one result and 8 bytes, got 2, 1 and 8");
  refuses(with(x.view, right), y.view, {},
          "[linear_int8] expected x, a packed weight, bias or none, one result and 8 bytes, got 4, 1 and 0");
  refuses(with(x.view, right), y.view, Bytes().add(0u).add(5u), "[linear_int8] expected known attributes, got 0, 5");
  refuses(with(x.view, right), y.view, Bytes().add(5u).add(0u), "[linear_int8] expected known attributes, got 5, 0");
  refuses(with(x.view, right), y.view, residual, "[linear_int8] expected bias or none and a residual, got 4 operands");
  for (const View& bad : {integers.view, flat.view, turned.view})
    expect(!run(product, product.kernels[0], with(bad, right), {y.view}, none).status.ok, "accepts a wrong x");
  refuses(with(w.view, right), y.view, none,
          "[linear_int8] expected float32 x [M, K] and y [M, N] with dense rows, got [5, 6] and [3, 5]");
  refuses(with(wide, right), y.view, none, "[linear_int8] expected at most 131072 inputs, got [3, 131073]");
  refuses(with(x.view, wrong), y.view, none, "[linear_int8] expected a packed weight [5, 6], got [384], [32] and [32]");
  std::vector<View> in = with(x.view, right);
  std::swap(in[2], in[3]);
  refuses(in, y.view, none, "[linear_int8] expected a packed weight [5, 6], got [256], [32] and [32]");
  in = with(x.view, right);
  in.push_back(flat.view);
  refuses(in, y.view, none, "[linear_int8] expected bias [5], got [6]");
  refuses(in, y.view, residual, "[linear_int8] expected a residual as y [3, 5], got [6]");
  in.push_back(y.view);
  refuses(in, y.view, none, "[linear_int8] expected bias or none, got 6 operands");

  const auto refuses_pack = [&](const std::vector<View>& given, const Packed& p, const Bytes& bytes,
                                const char* sentence) {
    const Result r = run(pack, pack.kernels[0], given, {p.bytes.view, p.scales.view, p.offsets.view}, bytes);
    expect(!r.status.ok && !std::strcmp(r.status.text, sentence), "expected '%s', got '%s'", sentence, r.status.text);
  };
  refuses_pack({w.view, w.view}, right, {}, "[linear_int8_pack] expected a weight and three results, got 2 and 3");
  refuses_pack({w.view}, right, none, "[linear_int8_pack] expected a weight and three results, got 1 and 3");
  refuses_pack(
      {turned.view}, right, {},
      "[linear_int8_pack] expected a dense float32 weight [N, K] and its panels, scales and offsets, got [5, 6]; "
      "[256], [32] and [32]");
  refuses_pack(
      {w.view}, wrong, {},
      "[linear_int8_pack] expected a dense float32 weight [N, K] and its panels, scales and offsets, got [5, 6]; "
      "[384], [32] and [32]");
}

}  // namespace

int main() {
  sizes();
  largest();
  specials();
  refusals();
  return finish("linear_int8");
}
