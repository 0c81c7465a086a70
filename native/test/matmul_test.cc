// matmul and matmul_pack against float64: sizes around every block edge, transposes, batches, packed operands, partial results
// over long inner axes, bias and activations, NaN and infinity, and operands that do not fit.
#include "test/matmul_reference.h"

using namespace jepa;
using namespace jepa::test;

namespace {

void sizes() {
  // Around a strip (4, 6, 14 rows), a block of rows (196), vectors (8, 16), a panel (32), a block of columns (512), the depth
  // (512, half of it for a transposed a) and the chunk (2048) of the inner axis.
  for (int64_t m : {0, 1, 2, 3, 5, 6, 7, 13, 14, 15, 29})
    for (int64_t n : {0, 1, 3, 7, 8, 15, 16, 17, 31, 32, 33, 65}) {
      compare({{}, m, 5, n});
      compare({{}, m, 1, n}, 2);
      compare({{}, m, 17, n, true, true, false, true, static_cast<uint32_t>((m + n) % 5)}, 1);
      compare({{}, m, 9, n, m % 2 == 0, n % 2 == 0, true, n % 3 == 0});
    }
  for (int64_t m : {195, 196, 197, 393}) compare({{}, m, 20, 40, m % 2 == 0});
  for (int64_t n : {511, 512, 513, 1025}) compare({{}, 15, 9, n, n % 2 == 0});
  // Rows that fall into the same sets of a cache, so that blocks are copied, and depths of them read in place.
  compare({{}, 30, 1024, 33, false, true, true});
  compare({{}, 17, 1536, 40});
  compare({{}, 1024, 260, 33, true});
  compare({{}, 20, 260, 1024, true});
  compare({{2}, 17, 520, 65, true}, 3);
  for (int64_t n : {127, 128, 129, 257}) compare({{}, 70, 8, n, false, n % 2 == 0}, 3);
  for (int64_t k : {0, 511, 512, 513, 1025}) compare({{}, 9, k, 35, false, k % 2 == 0, k % 3 == 0, true, 1});
  for (int64_t k : {4095, 4096, 4097, 10000}) {
    compare({{}, 3, k, 18, false, true, false, true, 3});
    compare({{}, 66, k, 5, true, false, k % 2 == 0, true, 2});
  }
  compare({{2}, 3, 4096, 40, false, false, false, true});
}

void batches() {
  compare({{3}, 4, 6, 5});
  compare({{2, 3}, 5, 7, 33, true, false, false, true, 1}, 2);
  compare({{2, 1, 3}, 8, 3, 9, false, true}, 1);
  compare({{0}, 4, 6, 5});
  compare({{3, 0, 2}, 4, 6, 5});
  // One b for every batch, by a stride of 0.
  Operand a(DType::float32, {4, 3, 5}), b(DType::float32, {5, 7}), y(DType::float32, {4, 3, 7});
  a.normal(1);
  b.normal(2);
  View repeated = b.view;
  repeated.rank = 3;
  for (int i = 2; i > 0; i--) repeated.shape[i] = b.view.shape[i - 1], repeated.stride[i] = b.view.stride[i - 1];
  repeated.shape[0] = 4;
  repeated.stride[0] = 0;
  each_target(product, [&](const TargetKernel& target) {
    expect(run(product, target, {a.view, repeated}, {y.view}, attributes()).status.ok, "a repeated b");
    for (int64_t i = 0; i < y.size(); i++) {
      double sum = 0;
      for (int64_t k = 0; k < 5; k++) sum += static_cast<double>(a.f(i / 7 * 5 + k)) * b.f(k * 7 + i % 7);
      expect(std::fabs(y.f(i) - sum) < 1e-5, "a repeated b on %s", target.target);
    }
  });
}

// What is not finite reaches exactly the rows and columns that it stands in.
void specials() {
  for (int64_t k : {3, 4100}) {
    Operand a(DType::float32, {7, k}), b(DType::float32, {k, 35}), y(DType::float32, {7, 35});
    a.normal(1);
    b.normal(2);
    a.f(2 * k + k / 2) = NAN;
    b.f((k - 1) * 35 + 33) = INFINITY;
    each_target(product, [&](const TargetKernel& target) {
      expect(run(product, target, {a.view, b.view}, {y.view}, attributes()).status.ok, "specials");
      for (int64_t i = 0; i < 7; i++)
        for (int64_t j = 0; j < 35; j++) {
          const float value = y.f(i * 35 + j);
          const bool ok = i == 2    ? std::isnan(value)
                          : j == 33 ? std::isinf(value) && (value > 0) == (a.f(i * k + k - 1) > 0)
                                    : std::isfinite(value);
          expect(ok, "%s: %g at [%lld, %lld]", target.target, value, static_cast<long long>(i),
                 static_cast<long long>(j));
        }
    });
  }
  Operand x(DType::float32, {1, 3}), one(DType::float32, {1, 1}), y(DType::float32, {1, 3});
  one.f(0) = 1;
  const float values[] = {NAN, INFINITY, -INFINITY};
  x.fill([&](int64_t i) { return values[i]; });
  each_target(product, [&](const TargetKernel& target) {
    run(product, target, {one.view, x.view}, {y.view}, attributes(false, 0, 0, 4));
    expect(std::isnan(y.f(0)) && y.f(1) == INFINITY && y.f(2) == 0, "relu on %s: %g %g %g", target.target, y.f(0),
           y.f(1), y.f(2));
  });
}

void refusals() {
  Operand a(DType::float32, {3, 4}), b(DType::float32, {4, 5}), y(DType::float32, {3, 5}), bias(DType::float32, {5}),
      half(DType::bfloat16, {4, 5}), flat(DType::float32, {4}), panels(DType::float32, {4 * kPanel}),
      strided(DType::float32, {4, 5, 2}), pairs(DType::bfloat16, {4 * kPanel}), odd(DType::bfloat16, {3, 3});
  const auto refuses = [&](const std::vector<View>& in, const View& out, const Bytes& bytes, const char* sentence) {
    const Result r = run(product, product.kernels[0], in, {out}, bytes);
    expect(!r.status.ok && !std::strcmp(r.status.text, sentence), "expected '%s', got '%s'", sentence, r.status.text);
  };
  View sparse = strided.view;
  sparse.rank = 2;
  sparse.stride[0] = 10;
  sparse.stride[1] = 2;
  View turned_y = y.view;
  turned_y.stride[0] = 1;
  turned_y.stride[1] = 3;
  refuses({a.view}, y.view, attributes(),
          "[matmul] expected two to four operands, one or two results and 16 bytes, got 1, 1 and 16");
  refuses({a.view, b.view}, y.view, Bytes().add(0u),
          "[matmul] expected two to four operands, one or two results and 16 bytes, got 2, 1 and 4");
  refuses({a.view, b.view}, y.view, attributes(false, 0, 0, 5), "[matmul] expected known attributes, got 0, 5");
  refuses({a.view, b.view}, y.view, Bytes().add(128u).add(0u).add(0u).add(0u),
          "[matmul] expected known attributes, got 128, 0");
  refuses({a.view, b.view, y.view}, y.view, attributes(false, 0, 0, 1, false, kResidual | kSlope),
          "[matmul] expected known attributes, got 12, 1");
  refuses({a.view, b.view, y.view}, y.view, attributes(false, 0, 0, 3, false, kSlope),
          "[matmul] expected known attributes, got 8, 3");
  refuses({a.view, b.view}, y.view, attributes(false, 0, 0, 1, false, kSlope),
          "[matmul] expected a, b, a bias or none and what is beside y, got 2 operands");
  refuses({a.view, b.view, bias.view, y.view}, y.view, attributes(),
          "[matmul] expected a, b, a bias or none, got 4 operands");
  for (const View& beside : {a.view, turned_y, flat.view})
    expect(!run(product, product.kernels[0], {a.view, b.view, beside}, {y.view},
                attributes(false, 0, 0, 0, false, kResidual))
                   .status.ok &&
               !run(product, product.kernels[0], {a.view, b.view}, {y.view, beside}, attributes()).status.ok,
           "something of another shape beside the result");
  refuses({a.view, b.view, a.view}, y.view, attributes(false, 0, 0, 0, false, kResidual),
          "[matmul] expected float32 [3, 5] with a dense last axis beside the result, got [3, 4] of float32");
  refuses({a.view, half.view}, y.view, attributes(), "[matmul] expected float32 operands, got bfloat16");
  refuses({flat.view, b.view}, flat.view, attributes(),
          "[matmul] expected operands of two or more axes, got [4] and [4]");
  refuses({b.view, a.view}, y.view, attributes(),
          "[matmul] expected a result [4, 5] with a dense last axis, got [3, 5]");
  refuses({a.view, b.view}, turned_y, attributes(),
          "[matmul] expected a result [3, 5] with a dense last axis, got [3, 5]");
  refuses({a.view, sparse}, y.view, attributes(), "[matmul] expected b […, 4, 5], got [4, 5]");
  refuses({a.view, a.view}, y.view, attributes(), "[matmul] expected b […, 4, 5], got [3, 4]");
  refuses({a.view, b.view, flat.view}, y.view, attributes(), "[matmul] expected bias [5], got [4]");
  refuses({a.view, b.view}, y.view, attributes(true, 4, 5),
          "[matmul] expected a packed operand of 128 numbers of float32, got [4, 5] of float32");
  refuses({a.view, panels.view}, y.view, attributes(true, 4, 6),
          "[matmul] expected a packed operand of 128 numbers of float32, got [128] of float32");
  refuses({a.view, panels.view}, y.view, attributes(true, 4, 5, 0, true),
          "[matmul] expected a packed operand of 128 numbers of bfloat16, got [128] of float32");
  refuses({a.view, pairs.view}, y.view, attributes(true, 4, 5), "[matmul] expected float32 operands, got bfloat16");
  refuses({a.view, half.view}, y.view, attributes(false, 0, 0, 0, true),
          "[matmul] expected float32 operands, got bfloat16");
  refuses({odd.view, pairs.view}, y.view, attributes(true, 3, 5, 0, true),
          "[matmul] expected float32 operands, got bfloat16");
  const auto refuses_pack = [&](const View& in, const View& out, const char* sentence) {
    const Result r = run(pack, pack.kernels[0], {in}, {out}, {});
    expect(!r.status.ok && !std::strcmp(r.status.text, sentence), "expected '%s', got '%s'", sentence, r.status.text);
  };
  refuses_pack(b.view, bias.view, "[matmul_pack] expected float32 [K, N] and its panels, got [4, 5] and [5]");
  refuses_pack(flat.view, panels.view, "[matmul_pack] expected float32 [K, N] and its panels, got [4] and [128]");
  refuses_pack(half.view, panels.view, "[matmul_pack] expected float32 [K, N] and its panels, got [4, 5] and [128]");
  refuses_pack(sparse, panels.view, "[matmul_pack] expected float32 [K, N] and its panels, got [4, 5] and [128]");
  // A size beyond 2^63 must not pass for a small one.
  View wide = a.view, vast = y.view;
  wide.shape[0] = 1, wide.shape[1] = int64_t{1} << 40, wide.stride[0] = wide.stride[1] = 0;
  vast.shape[0] = 1, vast.shape[1] = int64_t{1} << 40;
  expect(!run(product, product.kernels[0], {wide, panels.view}, {vast}, attributes(true, 0, 0)).status.ok,
         "2^80 panels");
}

}  // namespace

int main() {
  sizes();
  batches();
  specials();
  refusals();
  return finish("matmul");
}
