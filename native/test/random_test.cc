// random against an independent Philox and float64 Box–Muller; the published vectors of Random123 check the former.
#include "test/harness.h"

JEPA_TEST_DECLARE(random)

using namespace jepa;
using namespace jepa::test;

namespace {

const Op op = JEPA_TEST_OP(random);

struct Block {
  uint32_t w[4];
};
Block philox(Block c, uint32_t k0, uint32_t k1) {
  for (int round = 0; round < 10; round++) {
    const uint64_t p = uint64_t{0xd2511f53} * c.w[0], q = uint64_t{0xcd9e8d57} * c.w[2];
    c = {{static_cast<uint32_t>(q >> 32) ^ c.w[1] ^ k0, static_cast<uint32_t>(q),
          static_cast<uint32_t>(p >> 32) ^ c.w[3] ^ k1, static_cast<uint32_t>(p)}};
    k0 += 0x9e3779b9;
    k1 += 0xbb67ae85;
  }
  return c;
}
bool equal(const Block& a, const Block& b) { return !std::memcmp(&a, &b, sizeof a); }

Bytes attributes(uint32_t kind, uint64_t stream, float a, float b) {
  return Bytes().add(kind).add(stream).add(a).add(b);
}

void compare(int64_t n, uint32_t kind, float a, float b, bool wide) {
  const uint64_t stream = 0x0123456789abcdef;
  Operand seed(DType::int32, {wide ? 2 : 1}), step(DType::int32, {1});
  seed.i(0) = -17;
  if (wide) seed.i(1) = 99;
  step.i(0) = 12345;
  std::vector<uint32_t> words;
  for (int64_t block = 0; block * 4 < n; block++) {
    const Block c = philox({{static_cast<uint32_t>(block), 12345, 0x89abcdef, 0x01234567}}, static_cast<uint32_t>(-17),
                           wide ? 99u : 0u);
    words.insert(words.end(), c.w, c.w + 4);
  }
  std::vector<float> bits;
  each_target(op, [&](const TargetKernel& target) {
    Operand y(kind == 0 ? DType::int32 : DType::float32, {n}, {}, 0, 1);
    const Result r =
        run(op, target, {seed.view, step.view}, {y.view}, attributes(kind, stream, a, b), Split::backwards);
    if (!expect(r.status.ok, "%s", r.status.text)) return;
    expect(y.guards_whole(), "guards");
    for (int64_t i = 0; i < n; i++) {
      const auto at = static_cast<size_t>(i);
      if (kind == 0 && !expect(static_cast<uint32_t>(y.i(i)) == words[at], "word %lld", static_cast<long long>(i)))
        return;
      const double u = (words[at] >> 8) * 0x1p-24;
      if (kind == 1) {
        const double e = a + u * (static_cast<double>(b) - a);
        if (!expect(std::fabs(y.f(i) - e) <= 1e-6 * std::fabs(b - a) && y.f(i) >= a && y.f(i) < b, "uniform %g",
                    y.f(i)))
          return;
        if (a == 0 && b == 1 && !expect(y.f(i) == static_cast<float>(u), "uniform %.9g is not %.9g", y.f(i), u)) return;
      }
      if (kind == 2) {
        const double v = (words[at & ~size_t{1}] >> 8) * 0x1p-24, w = (words[at | 1] >> 8) * 0x1p-24;
        const double radius = std::sqrt(-2 * std::log(1 - v)), angle = 2 * M_PI * w;
        const double z = a + b * radius * (at & 1 ? std::sin(angle) : std::cos(angle));
        if (!expect(std::fabs(y.f(i) - z) <= 1e-6 * b * (1 + std::fabs(z)), "normal %.9g is not %.9g", y.f(i), z))
          return;
      }
      if (!std::strcmp(target.target, "scalar"))
        bits.push_back(y.f(i));
      else if (!expect(!std::memcmp(&bits[at], &y.f(i), 4), "%s differs from scalar: %.9g", target.target, y.f(i)))
        return;
    }
  });
}

}  // namespace

int main() {
  const uint32_t all = 0xffffffff;
  expect(equal(philox({{0, 0, 0, 0}}, 0, 0), {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}}), "zeros");
  expect(equal(philox({{all, all, all, all}}, all, all), {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}}), "ones");
  expect(equal(philox({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, 0xa4093822, 0x299f31d0),
               {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}),
         "pi");
  for (int64_t n : {0, 1, 3, 4, 5, 31, 32, 33, 63, 64, 65, 1000, 40001})
    for (uint32_t kind = 0; kind < 3; kind++) {
      compare(n, kind, 0, 1, false);
      compare(n, kind, 3, 3.5f, true);
    }
  Operand seed(DType::int32, {1}), step(DType::int32, {1}), y(DType::float32, {8}), words(DType::int32, {8}),
      gap(DType::float32, {4, 2}, {}, 1);
  seed.i(0) = step.i(0) = 0;
  const auto refuses = [&](const std::vector<View>& in, const View& out, const Bytes& bytes, const char* what) {
    const Result r = run(op, op.kernels[0], in, {out}, bytes);
    expect(!r.status.ok && std::strstr(r.status.text, "[random] expected"), "accepts %s", what);
  };
  refuses({seed.view, step.view}, y.view, attributes(3, 0, 0, 1), "kind 3");
  refuses({seed.view, step.view}, y.view, attributes(0, 0, 0, 1), "words in float32");
  refuses({seed.view, step.view}, words.view, attributes(2, 0, 0, 1), "normals in int32");
  refuses({seed.view, step.view}, gap.view, attributes(2, 0, 0, 1), "a strided output");
  refuses({seed.view, y.view}, y.view, attributes(2, 0, 0, 1), "a float step");
  refuses({y.view, step.view}, y.view, attributes(2, 0, 0, 1), "a float seed");
  refuses({seed.view, step.view}, y.view, Bytes().add(1u), "four bytes");
  return finish("random");
}
