// matmul with a picture in the place of an operand against float64 sums over the windows, from their definition: windows that hang
// over, strides, dilation, channels around vector widths, other strides of the picture, packed weights, bias, residual and slope.
#include "runtime/windows.h"

#include "test/matmul_reference.h"

using namespace jepa;
using namespace jepa::test;
using jepa::matmul::kWindowsA;
using jepa::matmul::kWindowsB;

namespace {

struct Convolution {
  int64_t n, h, w, c;
  WindowAttributes a;
  int64_t other;  // columns of b where a is the picture, else rows of a
  bool left = true, packed = false, rounded = false;
  uint32_t beside = 0;
  std::vector<int> order = {};  // of the picture in memory
  bool biased = false;
};

// The number of window `row` at `column`; 0 outside.
float number_of(Operand& picture, const Convolution& s, int64_t row, int64_t column) {
  const int64_t n = row / (s.a.oh * s.a.ow), oy = row / s.a.ow % s.a.oh, ox = row % s.a.ow;
  const int64_t channel = column % s.c, kx = column / s.c % s.a.kw, ky = column / s.c / s.a.kw;
  const int64_t y = oy * s.a.sh + ky * s.a.dh - s.a.top, x = ox * s.a.sw + kx * s.a.dw - s.a.left;
  return y < 0 || y >= s.h || x < 0 || x >= s.w ? 0.0f : picture.f(((n * s.h + y) * s.w + x) * s.c + channel);
}

void compare(const Convolution& s) {
  const int64_t windows = s.n * s.a.oh * s.a.ow, width = static_cast<int64_t>(s.a.kh) * s.a.kw * s.c;
  const int64_t m = s.left ? windows : s.other, k = s.left ? width : windows, n = s.left ? s.other : width;
  Operand picture(DType::float32, {s.n, s.h, s.w, s.c}, s.order, s.order.empty() ? 0 : 2, 1);
  Operand other(DType::float32, {s.left ? k : m, s.left ? n : k}, s.left ? std::vector<int>{} : turned(2), 1, 1);
  Operand beside(DType::float32, {m, n}, {}, 1, 1), bias(DType::float32, {n}, {}, 0, 1);
  Operand panels(s.rounded ? DType::bfloat16 : DType::float32,
                 {(s.rounded ? k + k % 2 : k) * ((n + kPanel - 1) / kPanel) * kPanel});
  picture.normal(1);
  other.normal(2);
  beside.normal(3);
  bias.normal(4);
  if (s.packed)
    expect(run(pack, {"scalar", &pack.on("scalar")}, {other.view}, {panels.view}, {}).status.ok, "weights are packed");
  const auto entering = [&](float x) { return static_cast<double>(s.rounded ? nearest_bfloat16(x) : x); };
  std::vector<double> gathered;
  for (int64_t row = 0; row < windows; row++)
    for (int64_t column = 0; column < width; column++) gathered.push_back(entering(number_of(picture, s, row, column)));
  std::vector<double> expected(static_cast<size_t>(m * n)), size(expected.size());
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) {
      double sum = 0, partials = 0;
      for (int64_t p = 0; p < k; p++) {
        sum += gathered[static_cast<size_t>(s.left ? i * k + p : p * n + j)] *
               entering(other.f(s.left ? p * n + j : i * k + p));
        partials += sum * sum;
      }
      const float other_number = beside.f(i * n + j);
      if (s.biased) sum += bias.f(j);
      if (s.beside == kSlope) sum *= slope_of(other_number, 1);
      expected[static_cast<size_t>(i * n + j)] = sum + (s.beside == kResidual ? other_number : 0.0f);
      size[static_cast<size_t>(i * n + j)] = std::sqrt(partials);
    }
  const EdgeOperand picture_edge(picture), other_edge(s.packed ? panels : other), beside_edge(beside);
  std::vector<View> in = {s.left ? picture_edge.view : other_edge.view, s.left ? other_edge.view : picture_edge.view};
  if (s.biased) in.push_back(bias.view);
  if (s.beside) in.push_back(beside_edge.view);
  Bytes bytes = attributes(s.packed, k, n, s.beside == kSlope, s.rounded, s.beside | (s.left ? kWindowsA : kWindowsB));
  for (uint32_t value : {s.a.kh, s.a.kw, s.a.sh, s.a.sw, s.a.top, s.a.left, s.a.dh, s.a.dw, s.a.oh, s.a.ow})
    bytes.add(value);
  each_target(product, [&](const TargetKernel& target) {
    std::vector<float> first;
    for (Split split : {Split::all, Split::single, Split::backwards}) {
      Operand y(DType::float32, {m, n}, {}, 1, 1);
      const Result r = run(product, target, in, {y.view}, bytes, split);
      if (!expect(r.status.ok, "%s", r.status.text)) return;
      expect(y.guards_whole(), "guards on %s", target.target);
      std::vector<float> got;
      for (int64_t i = 0; i < y.size(); i++) got.push_back(y.f(i));
      for (size_t i = 0; i < got.size(); i++)
        if (!expect(std::fabs(got[i] - expected[i]) <= 2.4e-7 * size[i] + 6e-7 * std::fabs(expected[i]) + 1e-7,
                    "windows of [%lld, %lld, %lld, %lld], %s, on %s: %g, expected %g", static_cast<long long>(s.n),
                    static_cast<long long>(s.h), static_cast<long long>(s.w), static_cast<long long>(s.c),
                    s.left ? "left" : "right", target.target, got[i], expected[i]))
          return;
      if (first.empty()) first = got;
      expect(first == got, "other bits for other tiles on %s", target.target);
    }
  });
}

void convolutions() {
  for (const bool rounded : {false, true})
    for (const bool left : {true, false})
      for (const int64_t channels : {1, 5, 16, 17, 32}) {
        const auto of = [&](int64_t n, int64_t h, int64_t w, const WindowAttributes& a, int64_t other) {
          Convolution s = {n, h, w, channels, a, other, left, false, rounded};
          compare(s);
          if (left) {
            s.packed = s.biased = true;
            for (const uint32_t beside : {kResidual, kSlope}) {
              s.beside = beside;
              compare(s);
            }
            s.biased = false;
          }
          s.packed = false;
          s.order = {0, 3, 1, 2};  // channels first in memory
          compare(s);
        };
        of(2, 6, 5, {3, 3, 1, 1, 1, 1, 1, 1, 6, 5}, 7);
        of(1, 9, 8, {3, 2, 2, 3, 1, 0, 1, 1, 5, 3}, 33);
        of(3, 7, 7, {2, 3, 1, 2, 2, 3, 3, 2, 8, 5}, 4);
        of(1, 4, 4, {4, 4, 1, 1, 0, 0, 1, 1, 1, 1}, 40);
        of(0, 4, 4, {3, 3, 1, 1, 1, 1, 1, 1, 4, 4}, 5);
      }
  // Several blocks of rows, depths and, on the right, partial results.
  const WindowAttributes same = {3, 3, 1, 1, 1, 1, 1, 1, 16, 16};
  for (const bool rounded : {false, true}) {
    compare({2, 16, 16, 64, same, 40, true, false, rounded});
    compare({2, 16, 16, 128, same, 33, true, true, rounded});
    compare({1, 3, 3, 517, {3, 3, 1, 1, 1, 1, 1, 1, 3, 3}, 20, true, false, rounded});  // a chunk begins within a pixel
    compare({17, 16, 16, 16, same, 12, false, false, rounded});
    compare({2, 16, 16, 32, same, 300, false, false, rounded});
  }
}

void refusals() {
  Operand picture(DType::float32, {2, 4, 4, 3}), b(DType::float32, {12, 5}), y(DType::float32, {18, 5});
  const auto refuses = [&](const View& x, const Bytes& bytes, const char* sentence) {
    const Result r = run(product, {"scalar", &product.on("scalar")}, {x, b.view}, {y.view}, bytes);
    expect(!r.status.ok && !std::strcmp(r.status.text, sentence), "expected '%s', got '%s'", sentence, r.status.text);
  };
  const auto with_windows = [](uint32_t flags, uint32_t k, uint32_t outputs) {
    Bytes bytes = Bytes().add(flags).add(k).add(5u).add(0u);
    for (uint32_t value : {2u, 2u, 1u, 1u, 0u, 0u, 1u, 1u, outputs, outputs}) bytes.add(value);
    return bytes;
  };
  refuses(picture.view, attributes(false, 12, 5, 0, false, kWindowsA),
          "[matmul] expected 56 bytes of attributes, got 16");
  refuses(picture.view, with_windows(0, 12, 3), "[matmul] expected 16 bytes of attributes, got 56");
  refuses(picture.view, with_windows(kWindowsA | kWindowsB, 12, 3), "[matmul] expected known attributes, got 96, 0");
  refuses(picture.view, with_windows(kWindowsB | 1, 12, 3), "[matmul] expected known attributes, got 65, 0");
  refuses(picture.view, with_windows(kWindowsA, 12, 4),
          "[matmul] expected dense rows for every window, got [18, 12] for [2, 4, 4, 3]");
  View vast = picture.view;  // one number, as many pictures as no memory holds
  for (int axis = 0; axis < 4; axis++) vast.shape[axis] = 1, vast.stride[axis] = 0;
  vast.shape[0] = 1 << 20;
  View y_vast = y.view;
  y_vast.shape[0] = int64_t{1} << 40;
  y_vast.shape[1] = 0;
  Bytes bytes = Bytes().add(kWindowsA).add(1u << 20).add(0u).add(0u);
  for (uint32_t value : {1024u, 1024u, 1u, 1u, 0u, 0u, 1u, 1u, 1024u, 1024u}) bytes.add(value);
  const Result r = run(product, {"scalar", &product.on("scalar")}, {vast, b.view}, {y_vast}, bytes);
  expect(!r.status.ok && std::strstr(r.status.text, "at most 2^46"), "got '%s'", r.status.text);
  refuses(b.view, with_windows(kWindowsA, 12, 3),
          "[matmul] expected float32 [N, H, W, C] and rows, got [12, 5] and [18, 12]");
}

}  // namespace

int main() {
  convolutions();
  refusals();
  return finish("matmul_windows");
}
