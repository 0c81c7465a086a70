// matmul and matmul_pack against float64: sizes around every block edge, transposes, batches, packed operands, partial results
// over long inner axes, bias and activations, residuals, slopes and kept sums, results written past the caches, bfloat16 operands,
// NaN and infinity, and operands that do not fit.
#include "ops/matmul/matmul.h"

#include "test/edge.h"

JEPA_TEST_DECLARE(matmul)
JEPA_TEST_DECLARE(matmul_pack)

using namespace jepa;
using namespace jepa::test;
using jepa::matmul::kLarge;
using jepa::matmul::kLate;
using jepa::matmul::kPanel;
using jepa::matmul::kResidual;
using jepa::matmul::kSlope;

namespace {

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

Bytes attributes(bool packed = false, int64_t k = 0, int64_t n = 0, uint32_t activation = 0, bool rounded = false,
                 uint32_t beside = 0) {
  const uint32_t flags = uint32_t{packed} | uint32_t{rounded} * 2 | beside;
  return Bytes().add(flags).add(static_cast<uint32_t>(k)).add(static_cast<uint32_t>(n)).add(activation);
}

// The nearer of the two bfloat16 around x, the even one in the middle between them; beyond the largest is infinity.
float nearest_bfloat16(float x) {
  if (!std::isfinite(x)) return x;
  int exponent;
  std::frexp(x, &exponent);
  const double unit = std::ldexp(1.0, std::max(exponent, -125) - 8);  // of eight significant bits
  const double down = std::floor(x / unit), rest = x / unit - down;
  const bool up = rest > 0.5 || (rest == 0.5 && std::fmod(down, 2.0) != 0);
  const double y = (down + (up ? 1 : 0)) * unit;
  return std::fabs(y) >= 0x1p128 ? std::copysign(INFINITY, x) : static_cast<float>(y);
}
uint16_t bits_of_bfloat16(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  return static_cast<uint16_t>(bits >> 16);
}

double activated(double x, uint32_t activation) {
  switch (activation) {
    case 1:
      return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case 2:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case 3:
      return x / (1 + std::exp(-x));
    case 4:
      return x < 0 ? 0 : x;
    default:
      return x;
  }
}

double slope_of(double x, uint32_t activation) {
  if (activation == 1) return 0.5 * std::erfc(-x / std::sqrt(2.0)) + x * std::exp(-x * x / 2) / std::sqrt(2 * M_PI);
  const double scale = std::sqrt(2 / M_PI), t = std::tanh(scale * (x + 0.044715 * x * x * x));
  return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * scale * (1 + 3 * 0.044715 * x * x);
}

std::vector<int64_t> with(std::vector<int64_t> batch, int64_t rows, int64_t columns) {
  batch.push_back(rows);
  batch.push_back(columns);
  return batch;
}
// The last two axes exchanged in memory.
std::vector<int> turned(size_t rank) {
  std::vector<int> order(rank);
  for (size_t i = 0; i < rank; i++) order[i] = static_cast<int>(i);
  std::swap(order[rank - 1], order[rank - 2]);
  return order;
}

// The panels of b, from its definition in matmul.h.
void check_pack(Operand& b, int64_t k, int64_t n, Operand* panels) {
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
void check_pairs(Operand& b, int64_t k, int64_t n, Operand* panels) {
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

void compare(const Shape& s, int64_t gap = 0) {
  const std::vector<int64_t> a_shape = with(s.batch, s.m, s.k), b_shape = with(s.batch, s.k, s.n);
  const size_t rank = a_shape.size();
  Operand a(DType::float32, a_shape, s.turned_a ? turned(rank) : std::vector<int>{}, gap, 1);
  Operand b(DType::float32, b_shape, s.turned_b ? turned(rank) : std::vector<int>{}, gap, 3);
  Operand bias(DType::float32, {s.n}, {}, 0, 1);
  a.normal(1);
  b.normal(2);
  bias.normal(3);
  Operand panels(s.rounded ? DType::bfloat16 : DType::float32,
                 {(s.rounded ? s.k + s.k % 2 : s.k) * ((s.n + kPanel - 1) / kPanel) * kPanel});
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
  std::vector<View> in = {a_edge.view, b_edge.view};
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

// What is read and written beside the result: around every edge, after several depths, chunks and batches.
void besides() {
  const auto variants = [](Shape s, int64_t gap = 0) {
    s.beside = kResidual;
    compare(s, gap);
    s.sums = true;
    compare(s, gap);
    s.beside = 0;
    compare(s, gap);
    s.sums = false;
    s.beside = kSlope;
    s.activation = 1 + s.m % 2;
    compare(s, gap);
  };
  for (int64_t m : {0, 1, 5, 6, 7, 14, 15, 29})
    for (int64_t n : {1, 8, 15, 16, 17, 31, 32, 33, 65}) {
      variants({{}, m, 5, n, false, false, false, m % 2 == 0, static_cast<uint32_t>((m + n) % 5)});
      variants({{}, m, 18, n, m % 3 == 0, n % 2 == 0, true, n % 3 == 0, static_cast<uint32_t>(n % 5)}, 1);
    }
  variants({{}, 29, 513, 40, false, true, true, true, 1});
  variants({{}, 29, 300, 70, true, false, false, true, 3}, 2);
  variants({{}, 3, 4097, 18, false, true, false, true, 2});
  variants({{2, 3}, 5, 7, 33, true, false, false, true, 1}, 2);
  variants({{}, 15, 33, 40, false, true, true, true, 1, true});
}

// Results that leave the caches before they are read, aligned to lines and not, with a last panel that is not whole.
void streamed() {
  for (int64_t n : {1040, 1050}) {
    static_assert(520 * 1040 * 4 >= kLarge, "large enough");
    Shape s = {{}, 520, 3, n, false, false, n == 1050, true};
    s.late = true;
    for (bool aligned : {true, false}) {
      s.aligned = aligned;
      s.activation = 0, s.beside = 0, s.sums = false;
      compare(s);
      s.activation = 1, s.sums = true;
      compare(s);
      s.beside = kResidual;
      compare(s);
      s.beside = kSlope, s.sums = false;
      compare(s);
    }
  }
}

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
      const float wanted = i == 6 ? 0.0f : nearest_bfloat16(values[i]);
      expect(y.f(i) == wanted, "%a rounds to %a on %s, expected %a", values[i], y.f(i), target.target, wanted);
      expect(std::isnan(y.f(7 + i)), "%s: %g where a is NaN", target.target, y.f(7 + i));
    }
  });
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
  refuses({a.view, b.view}, y.view, Bytes().add(32u).add(0u).add(0u).add(0u),
          "[matmul] expected known attributes, got 32, 0");
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
  besides();
  streamed();
  bfloat16();
  batches();
  specials();
  refusals();
  return finish("matmul");
}
