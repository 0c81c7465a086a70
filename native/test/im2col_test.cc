// im2col and col2im from their definition: strides, padding, dilation, pictures of any layout, windows that hang over, sizes
// around vector widths, nothing at all. col2im adds in float32 in the order kh, kw, so it is compared with that; that the two are
// adjoint is checked in float64.
#include "runtime/windows.h"

#include "test/harness.h"

JEPA_TEST_DECLARE(im2col)
JEPA_TEST_DECLARE(col2im)

using namespace jepa;
using namespace jepa::test;
using Attributes = jepa::WindowAttributes;

namespace {

const Op gather = JEPA_TEST_OP(im2col), adjoint = JEPA_TEST_OP(col2im);

Bytes bytes_of(const Attributes& a) {
  Bytes b;
  for (uint32_t value : {a.kh, a.kw, a.sh, a.sw, a.top, a.left, a.dh, a.dw, a.oh, a.ow}) b.add(value);
  return b;
}

struct Picture {
  int64_t n, h, w, c;
};

// Calls body(row, column of the window's row, pixel or −1) for every element of the rows, in their order.
void each_element(const Picture& p, const Attributes& a, const std::function<void(int64_t, int64_t, int64_t)>& body) {
  for (int64_t n = 0, row = 0; n < p.n; n++)
    for (int64_t oy = 0; oy < a.oh; oy++)
      for (int64_t ox = 0; ox < a.ow; ox++, row++)
        for (int64_t ky = 0, column = 0; ky < a.kh; ky++)
          for (int64_t kx = 0; kx < a.kw; kx++)
            for (int64_t c = 0; c < p.c; c++, column++) {
              const int64_t y = oy * a.sh + ky * a.dh - a.top, x = ox * a.sw + kx * a.dw - a.left;
              const bool inside = y >= 0 && y < p.h && x >= 0 && x < p.w;
              body(row, column, inside ? ((n * p.h + y) * p.w + x) * p.c + c : -1);
            }
}

void compare(const Picture& p, const Attributes& a, const std::vector<int>& order = {}, int64_t gap = 0) {
  const int64_t rows = p.n * a.oh * a.ow, width = static_cast<int64_t>(a.kh) * a.kw * p.c;
  Operand x(DType::float32, {p.n, p.h, p.w, p.c}, order, gap, 1), rows_in(DType::float32, {rows, width}, {}, 0, 1);
  x.normal(1);
  rows_in.normal(2);
  const Bytes bytes = bytes_of(a);
  each_target(gather, [&](const TargetKernel& target) {
    for (Split split : {Split::all, Split::backwards}) {
      Operand y(DType::float32, {rows, width}, {}, 0, 1);
      y.fill([](int64_t) { return 99; });
      const Result r = run(gather, target, {x.view}, {y.view}, bytes, split);
      if (!expect(r.status.ok, "%s", r.status.text)) return;
      expect(y.guards_whole(), "guards of im2col");
      bool equal = true;
      each_element(p, a, [&](int64_t row, int64_t column, int64_t pixel) {
        equal = equal && y.f(row * width + column) == (pixel < 0 ? 0.0f : x.f(pixel));
      });
      expect(equal, "im2col on %s of [%lld, %lld, %lld, %lld]", target.target, static_cast<long long>(p.n),
             static_cast<long long>(p.h), static_cast<long long>(p.w), static_cast<long long>(p.c));
    }
  });
  // A pixel's terms in the order kh, kw: rows come in another order, so each pixel's terms are sorted by column first.
  std::vector<std::vector<std::pair<int64_t, float>>> terms(static_cast<size_t>(p.n * p.h * p.w * p.c));
  double forward = 0, size = 1;
  each_element(p, a, [&](int64_t row, int64_t column, int64_t pixel) {
    if (pixel < 0) return;
    const float value = rows_in.f(row * width + column);
    terms[static_cast<size_t>(pixel)].push_back({column, value});
    forward += static_cast<double>(x.f(pixel)) * static_cast<double>(value);
    size += std::fabs(static_cast<double>(x.f(pixel)) * static_cast<double>(value));
  });
  each_target(adjoint, [&](const TargetKernel& target) {
    for (Split split : {Split::all, Split::backwards}) {
      Operand y(DType::float32, {p.n, p.h, p.w, p.c}, {}, 0, 1);
      const Result r = run(adjoint, target, {rows_in.view}, {y.view}, bytes, split);
      if (!expect(r.status.ok, "%s", r.status.text)) return;
      expect(y.guards_whole(), "guards of col2im");
      double backward = 0;
      for (int64_t i = 0; i < y.size(); i++) {
        double sum = 0, most = 1e-30;
        for (const auto& [column, value] : terms[static_cast<size_t>(i)]) {
          sum += static_cast<double>(value);
          most += 6e-8 * std::fabs(sum) + 6e-8 * std::fabs(static_cast<double>(value)) *
                                              static_cast<double>(terms[static_cast<size_t>(i)].size());
        }
        if (!expect(std::fabs(y.f(i) - sum) <= most, "col2im on %s: %g, expected %g", target.target, y.f(i), sum))
          return;
        backward += static_cast<double>(x.f(i)) * static_cast<double>(y.f(i));
      }
      expect(std::fabs(forward - backward) <= 1e-6 * size, "not adjoint: %g and %g", forward, backward);
    }
  });
}

Attributes window(uint32_t kernel, uint32_t stride, uint32_t padding, const Picture& p, uint32_t dilation = 1) {
  const int64_t reach = static_cast<int64_t>(kernel - 1) * dilation + 1;
  const auto extent = [&](int64_t size) {
    const int64_t room = size + 2 * static_cast<int64_t>(padding) - reach;
    return static_cast<uint32_t>(room < 0 ? 0 : room / stride + 1);
  };
  return {kernel, kernel, stride, stride, padding, padding, dilation, dilation, extent(p.h), extent(p.w)};
}

void refusals() {
  const Picture p = {1, 4, 4, 2};
  const Attributes good = window(2, 2, 0, p);
  Operand x(DType::float32, {1, 4, 4, 2}), rows(DType::float32, {4, 8}), half(DType::bfloat16, {1, 4, 4, 2}),
      flat(DType::float32, {32}), wide(DType::float32, {4, 8}, {}, 1);
  const auto refuses = [&](const Op& op, const View& in, const View& out, const Bytes& bytes, const char* sentence) {
    const Result r = run(op, op.kernels[0], {in}, {out}, bytes);
    expect(!r.status.ok && !std::strcmp(r.status.text, sentence), "expected '%s', got '%s'", sentence, r.status.text);
  };
  const auto changed = [&](uint32_t Attributes::*field, uint32_t value) {
    Attributes a = good;
    a.*field = value;
    return bytes_of(a);
  };
  expect(run(gather, gather.kernels[0], {x.view}, {rows.view}, bytes_of(good)).status.ok, "refuses a good one");
  refuses(gather, x.view, rows.view, Bytes().add(1u), "[im2col] expected 40 bytes of attributes, got 4");
  for (auto field :
       {&Attributes::kh, &Attributes::kw, &Attributes::sh, &Attributes::sw, &Attributes::dh, &Attributes::dw}) {
    refuses(gather, x.view, rows.view, changed(field, 0),
            "[im2col] expected kernel, stride and dilation from 1 to 65536, got 0");
    refuses(adjoint, rows.view, x.view, changed(field, 65537),
            "[col2im] expected kernel, stride and dilation from 1 to 65536, got 65537");
  }
  for (auto field : {&Attributes::top, &Attributes::left, &Attributes::oh, &Attributes::ow})
    refuses(gather, x.view, rows.view, changed(field, (1u << 30) + 1),
            "[im2col] expected padding and extents below 2^30, got 1073741825");
  refuses(gather, half.view, rows.view, bytes_of(good),
          "[im2col] expected float32 [N, H, W, C] and rows, got [1, 4, 4, 2] and [4, 8]");
  refuses(gather, flat.view, rows.view, bytes_of(good),
          "[im2col] expected float32 [N, H, W, C] and rows, got [32] and [4, 8]");
  refuses(gather, x.view, wide.view, bytes_of(good),
          "[im2col] expected dense rows for every window, got [4, 8] for [1, 4, 4, 2]");
  refuses(gather, x.view, rows.view, changed(&Attributes::oh, 3),
          "[im2col] expected dense rows for every window, got [4, 8] for [1, 4, 4, 2]");
  View strided = x.view;
  strided.stride[0] = 1 << 20, strided.stride[1] = 1 << 10;
  refuses(adjoint, rows.view, strided, bytes_of(good), "[col2im] expected a dense result, got [1, 4, 4, 2]");
  // Counts whose product does not fit 64 bits.
  View endless = x.view;
  endless.shape[0] = int64_t{1} << 40, endless.shape[3] = 0;
  Attributes most = good;
  most.oh = most.ow = 1u << 30;
  const Result r = run(gather, gather.kernels[0], {endless}, {rows.view}, bytes_of(most));
  expect(!r.status.ok && std::strstr(r.status.text, "[im2col] expected dense rows for every window"), "2^100 windows");
}

}  // namespace

int main() {
  for (int64_t c : {1, 2, 3, 7, 8, 9, 16, 17, 33}) {
    const Picture p = {2, 5, 6, c};
    for (uint32_t kernel : {1, 2, 3})
      for (uint32_t stride : {1, 2})
        for (uint32_t padding : {0, 1, 2}) compare(p, window(kernel, stride, padding, p));
    compare(p, window(3, 1, 2, p, 2));
    compare(p, window(3, 1, 1, p), {0, 3, 1, 2});  // NCHW in memory
    compare(p, window(2, 2, 0, p), {3, 2, 1, 0}, 2);
    compare(p, {2, 3, 1, 2, 0, 2, 2, 1, 4, 3});  // unlike in the two directions
  }
  for (const Picture& p : {Picture{0, 5, 5, 3}, Picture{2, 0, 5, 3}, Picture{2, 5, 0, 3}, Picture{2, 5, 5, 0}})
    compare(p, {2, 2, 1, 1, 1, 1, 1, 1, 3, 4});
  const Picture one = {1, 1, 1, 1}, large = {3, 40, 41, 5};
  compare(one, window(1, 1, 0, one));
  compare(one, window(5, 1, 2, one));
  compare(one, {1, 1, 1, 1, 0, 0, 1, 1, 0, 0});
  compare(one, {2, 2, 65536, 65536, 1, 1, 65536, 65536, 2, 2});
  compare(large, window(4, 4, 0, large));
  compare(large, window(3, 2, 1, large), {}, 3);
  refusals();
  return finish("im2col");
}
