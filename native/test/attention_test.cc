// attention and its gradient against float64: every mask, odd sizes around blocks and lanes, rows that see nothing,
// large scores, garbage behind key_length, bfloat16 operands; gradients by central differences of the float64 forward pass,
// and of large problems by the formulas in float64.
#include "test/harness.h"

JEPA_TEST_DECLARE(attention)
JEPA_TEST_DECLARE(attention_gradient)

using namespace jepa;
using namespace jepa::test;

namespace {

const Op forward = JEPA_TEST_OP(attention), backward = JEPA_TEST_OP(attention_gradient);

struct Shape {
  int64_t b, h, sq, sk, d, dv;
};
struct Mask {
  uint32_t flags = 0;
  int32_t offset = 0, left = 0, right = 0, block = 1, blocks = 0;
  uint32_t compute = 0;
};
using Doubles = std::vector<double>;

// Nearest bfloat16 of the nearest float32.
double bfloat16(double x) {
  const auto narrow = static_cast<float>(x);
  uint32_t bits;
  std::memcpy(&bits, &narrow, 4);
  bits = (bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000u;
  float rounded;
  std::memcpy(&rounded, &bits, 4);
  return static_cast<double>(rounded);
}

struct Problem {
  Shape s;
  Mask m;
  double scale;
  Operand q, k, v, mask, lengths;
  Problem(Shape shape, Mask mask_, double scale_, double size = 1)
      : s(shape),
        m(mask_),
        scale(scale_),
        q(DType::float32, {s.b, s.h, s.sq, s.d}, {0, 2, 1, 3}, 0, 1),
        k(DType::float32, {s.b, s.h, s.sk, s.d}, {0, 2, 1, 3}, 3),
        v(DType::float32, {s.b, s.h, s.sk, s.dv}, {}, 2, 3),
        mask(DType::boolean, {s.b, s.h, s.sq, s.sk}),
        lengths(DType::int32, {s.b}) {
    q.normal(1, size);
    k.normal(2, size);
    v.normal(3);
    Numbers numbers(8);
    mask.fill([&](int64_t) { return numbers.below(3) != 0; });
    for (int64_t j = 0; j < s.sk && mask.size(); j++) mask.b(j) = 0;  // the first query sees nothing
    mask.view.stride[1] = 0;                                          // broadcast over heads
    lengths.fill([&](int64_t b) { return static_cast<double>((s.sk / 2 + b * 7) % (s.sk + 1)); });
  }
  bool sees(int64_t b, int64_t i, int64_t j) {
    const int64_t p = i + m.offset;
    const auto down = [](int64_t x, int64_t y) {
      return static_cast<int64_t>(std::floor(static_cast<double>(x) / static_cast<double>(y)));
    };
    if (m.flags & 1 && j > p) return false;
    if (m.flags & 2 && !mask.b((b * s.h * s.sq + i) * s.sk + j)) return false;
    if (m.flags & 4 && j >= lengths.i(b)) return false;
    if (m.flags & 8 && (j - p < -m.left || j - p > m.right)) return false;
    if (m.flags & 16 && down(j, m.block) > down(p, m.block)) return false;
    return !(m.flags & 16 && m.blocks > 0 && down(p, m.block) - down(j, m.block) >= m.blocks);
  }
  double maybe(double x) const { return m.compute ? bfloat16(x) : x; }
  // y and lse in float64; with compute 1 what enters a product is rounded, the operands by the caller.
  Doubles compute(const Doubles& qd, const Doubles& kd, const Doubles& vd, Doubles* lse = nullptr) {
    Doubles y(static_cast<size_t>(s.b * s.h * s.sq * s.dv), 0.0), score(static_cast<size_t>(s.sk));
    for (int64_t head = 0; head < s.b * s.h; head++)
      for (int64_t i = 0; i < s.sq; i++) {
        double largest = -INFINITY, sum = 0;
        for (int64_t j = 0; j < s.sk; j++) {
          double dot = 0;
          for (int64_t c = 0; c < s.d; c++)
            dot += qd[static_cast<size_t>((head * s.sq + i) * s.d + c)] *
                   kd[static_cast<size_t>((head * s.sk + j) * s.d + c)];
          score[static_cast<size_t>(j)] = sees(head / s.h, i, j) ? dot * scale : -INFINITY;
          largest = std::fmax(largest, score[static_cast<size_t>(j)]);
        }
        for (int64_t j = 0; j < s.sk && largest > -INFINITY; j++)
          sum += std::exp(score[static_cast<size_t>(j)] - largest);
        if (lse) lse->push_back(sum > 0 ? largest + std::log(sum) : -INFINITY);
        for (int64_t j = 0; j < s.sk && sum > 0; j++) {
          const double p = maybe(std::exp(score[static_cast<size_t>(j)] - largest)) / sum;
          if (p == 0) continue;
          for (int64_t c = 0; c < s.dv; c++)
            y[static_cast<size_t>((head * s.sq + i) * s.dv + c)] +=
                p * vd[static_cast<size_t>((head * s.sk + j) * s.dv + c)];
        }
      }
    return y;
  }
  // dq, dk and dv by the formulas, from y and lse of `compute`.
  std::vector<Doubles> gradients(const Doubles x[3], const Doubles& dy, const Doubles& y, const Doubles& lse) {
    std::vector<Doubles> g = {Doubles(x[0].size()), Doubles(x[1].size()), Doubles(x[2].size())};
    for (int64_t head = 0; head < s.b * s.h; head++)
      for (int64_t i = 0; i < s.sq; i++) {
        const auto row = static_cast<size_t>(head * s.sq + i), d = static_cast<size_t>(s.d),
                   dv = static_cast<size_t>(s.dv);
        double mean = 0;
        for (size_t c = 0; c < dv; c++) mean += dy[row * dv + c] * y[row * dv + c];
        for (int64_t j = 0; j < s.sk; j++) {
          if (!sees(head / s.h, i, j) || std::isinf(lse[row])) continue;
          const auto key = static_cast<size_t>(head * s.sk + j);
          double dot = 0, dp = 0;
          for (size_t c = 0; c < d; c++) dot += x[0][row * d + c] * x[1][key * d + c];
          for (size_t c = 0; c < dv; c++) dp += dy[row * dv + c] * x[2][key * dv + c];
          const double p = std::exp(dot * scale - lse[row]), ds = maybe(scale * p * (dp - mean));
          for (size_t c = 0; c < d; c++) g[0][row * d + c] += ds * x[1][key * d + c];
          for (size_t c = 0; c < d; c++) g[1][key * d + c] += ds * x[0][row * d + c];
          for (size_t c = 0; c < dv; c++) g[2][key * dv + c] += maybe(p) * dy[row * dv + c];
        }
      }
    return g;
  }
  std::vector<View> inputs(std::vector<View> first) {
    if (m.flags & 2) first.push_back(mask.view);
    if (m.flags & 4) first.push_back(lengths.view);
    return first;
  }
  Bytes attributes() const {
    return Bytes()
        .add(static_cast<float>(scale))
        .add(m.flags)
        .add(m.offset)
        .add(m.left)
        .add(m.right)
        .add(m.block)
        .add(m.blocks)
        .add(m.compute);
  }
};

Doubles doubles(Operand& x) {
  Doubles values;
  for (int64_t i = 0; i < x.size(); i++) values.push_back(x.f(i));
  return values;
}

void check_gradient(Problem& p, Operand& dy, Operand* gradients[3], const char* target) {
  Doubles x[3] = {doubles(p.q), doubles(p.k), doubles(p.v)};
  const Doubles cotangent = doubles(dy);
  Numbers numbers(77);
  const auto objective = [&]() {
    const Doubles y = p.compute(x[0], x[1], x[2]);
    double sum = 0;
    for (size_t i = 0; i < y.size(); i++) sum += y[i] * cotangent[i];
    return sum;
  };
  for (int which = 0; which < 3; which++) {
    double largest = 1e-3;
    for (int64_t i = 0; i < gradients[which]->size(); i++)
      largest = std::fmax(largest, std::fabs(gradients[which]->f(i)));
    const int64_t n = gradients[which]->size();
    for (int64_t t = 0; t < (n < 40 ? n : 12); t++) {
      const int64_t at = n < 40 ? t : numbers.below(static_cast<int>(n));
      double& value = x[which][static_cast<size_t>(at)];
      const double kept = value, h = 1e-4;
      value = kept + h;
      const double up = objective();
      value = kept - h;
      const double down = objective();
      value = kept;
      const double e = (up - down) / (2 * h), g = gradients[which]->f(at);
      if (!expect(std::fabs(e - g) <= 1e-5 * largest + 1e-6,
                  "gradient %d on %s: [%lld] %g, expected %g (flags %u, Sq %lld, Sk %lld)", which, target,
                  static_cast<long long>(at), g, e, p.m.flags, static_cast<long long>(p.s.sq),
                  static_cast<long long>(p.s.sk)))
        return;
    }
  }
}

void compare(Shape s, Mask m, double scale, double size = 1, bool gradient = true) {
  Problem p(s, m, scale, size);
  Doubles lse;
  const Doubles e = p.compute(doubles(p.q), doubles(p.k), doubles(p.v), &lse);
  each_target(forward, [&](const TargetKernel& target) {
    std::vector<float> first;
    Operand y(DType::float32, {s.b, s.h, s.sq, s.dv}, {0, 2, 1, 3}, 1), l(DType::float32, {s.b, s.h, s.sq}, {}, 2);
    for (Split split : {Split::all, Split::backwards}) {
      const Result r =
          run(forward, target, p.inputs({p.q.view, p.k.view, p.v.view}), {y.view, l.view}, p.attributes(), split);
      if (!expect(r.status.ok, "%s", r.status.text)) return;
      expect(y.guards_whole() && l.guards_whole(), "guards");
      for (int64_t i = 0; i < y.size(); i++) {
        const double error = std::fabs(y.f(i) - e[static_cast<size_t>(i)]);
        if (!expect(error <= 3e-6 * (1 + size), "y[%lld] on %s is %g, expected %g (flags %u, Sq %lld, Sk %lld, d %lld)",
                    static_cast<long long>(i), target.target, y.f(i), e[static_cast<size_t>(i)], m.flags,
                    static_cast<long long>(s.sq), static_cast<long long>(s.sk), static_cast<long long>(s.d)))
          return;
        if (split == Split::all)
          first.push_back(y.f(i));
        else
          expect(!std::memcmp(&first[static_cast<size_t>(i)], &y.f(i), 4), "bits depend on tiles");
      }
      for (int64_t i = 0; i < l.size(); i++) {
        const double wanted = lse[static_cast<size_t>(i)];
        if (!expect(l.f(i) == wanted || std::fabs(l.f(i) - wanted) <= 1e-6 * (5 + std::fabs(wanted)),
                    "lse %g, expected %g", l.f(i), wanted))
          return;
      }
    }
    if (!gradient) return;
    Operand dy(DType::float32, {s.b, s.h, s.sq, s.dv}, {2, 0, 1, 3}, 1);
    dy.normal(5);
    Operand dq(DType::float32, {s.b, s.h, s.sq, s.d}, {0, 2, 1, 3}, 1),
        dk(DType::float32, {s.b, s.h, s.sk, s.d}, {}, 1), dv(DType::float32, {s.b, s.h, s.sk, s.dv}, {0, 2, 1, 3});
    const Result r = run(backward, target, p.inputs({dy.view, p.q.view, p.k.view, p.v.view, y.view, l.view}),
                         {dq.view, dk.view, dv.view}, p.attributes(), Split::backwards);
    if (!expect(r.status.ok, "%s", r.status.text)) return;
    expect(dq.guards_whole() && dk.guards_whole() && dv.guards_whole(), "guards of gradients");
    Operand* gradients[3] = {&dq, &dk, &dv};
    check_gradient(p, dy, gradients, target.target);
  });
}

// Root mean square of the error over that of what was expected, or 0.1: a query that sees one key has no gradient.
double error_of(Operand& x, const Doubles& e) {
  double error = 0, size = 1e-30 + 1e-2 * static_cast<double>(e.size());
  for (size_t i = 0; i < e.size(); i++) {
    const double got = x.f(static_cast<int64_t>(i));
    error += (got - e[i]) * (got - e[i]);
    size += e[i] * e[i];
  }
  return std::sqrt(error / size);
}

// Sizes beyond one block, and rounded operands: a share that rounds the other way is rare, a step left out is not.
void compare_all(Shape s, Mask m, double scale) {
  Problem p(s, m, scale);
  Operand dy(DType::float32, {s.b, s.h, s.sq, s.dv}, {0, 2, 1, 3});
  dy.normal(5);
  Doubles x[3] = {doubles(p.q), doubles(p.k), doubles(p.v)}, cotangent = doubles(dy), lse;
  if (m.compute)
    for (Doubles* values : {&x[0], &x[1], &x[2], &cotangent})
      for (double& value : *values) value = bfloat16(value);
  const Doubles e = p.compute(x[0], x[1], x[2], &lse);
  const std::vector<Doubles> g = p.gradients(x, cotangent, e, lse);
  const double most = m.compute ? 5e-4 : 3e-6;
  each_target(forward, [&](const TargetKernel& target) {
    Operand y(DType::float32, {s.b, s.h, s.sq, s.dv}, {0, 2, 1, 3}), l(DType::float32, {s.b, s.h, s.sq});
    run(forward, target, p.inputs({p.q.view, p.k.view, p.v.view}), {y.view, l.view}, p.attributes(), Split::backwards);
    expect(y.guards_whole() && l.guards_whole(), "guards");
    for (int64_t i = 0; i < l.size(); i++) {
      const double wanted = lse[static_cast<size_t>(i)];
      expect(l.f(i) == wanted || std::fabs(l.f(i) - wanted) < 1e-5, "lse %g, expected %g on %s", l.f(i), wanted,
             target.target);
    }
    Doubles first;
    for (Split split : {Split::all, Split::backwards}) {
      Operand dq(DType::float32, {s.b, s.h, s.sq, s.d}, {0, 2, 1, 3}), dk(DType::float32, {s.b, s.h, s.sk, s.d}),
          dv(DType::float32, {s.b, s.h, s.sk, s.dv}, {0, 2, 1, 3}, 1);
      run(backward, target, p.inputs({dy.view, p.q.view, p.k.view, p.v.view, y.view, l.view}),
          {dq.view, dk.view, dv.view}, p.attributes(), split);
      expect(dq.guards_whole() && dk.guards_whole() && dv.guards_whole(), "guards of gradients");
      const double errors[4] = {error_of(y, e), error_of(dq, g[0]), error_of(dk, g[1]), error_of(dv, g[2])};
      for (int which = 0; which < 4; which++)
        expect(errors[which] <= most, "error %g of %d on %s (flags %u, compute %u, B %lld, Sq %lld, Sk %lld, d %lld)",
               errors[which], which, target.target, m.flags, m.compute, static_cast<long long>(s.b),
               static_cast<long long>(s.sq), static_cast<long long>(s.sk), static_cast<long long>(s.d));
      Doubles bits = doubles(dq);
      for (Operand* other : {&dk, &dv})
        for (double value : doubles(*other)) bits.push_back(value);
      if (split == Split::all)
        first = bits;
      else
        expect(bits == first, "bits of gradients depend on tiles");
    }
  });
}

void garbage_behind_length() {
  Problem p({2, 2, 5, 70, 20, 24}, {4, 0, 0, 0, 1, 0}, 0.2);
  p.lengths.i(0) = 3;
  p.lengths.i(1) = 66;
  const Doubles e = p.compute(doubles(p.q), doubles(p.k), doubles(p.v));
  for (int64_t head = 0; head < 4; head++)
    for (int64_t j = p.lengths.i(head / 2); j < 70; j++) {
      for (int64_t c = 0; c < 20; c++) p.k.f((head * 70 + j) * 20 + c) = NAN;
      for (int64_t c = 0; c < 24; c++) p.v.f((head * 70 + j) * 24 + c) = INFINITY;
    }
  each_target(forward, [&](const TargetKernel& target) {
    Operand y(DType::float32, {2, 2, 5, 24}), l(DType::float32, {2, 2, 5}), dy(DType::float32, {2, 2, 5, 24});
    Operand dq(DType::float32, {2, 2, 5, 20}), dk(DType::float32, {2, 2, 70, 20}), dv(DType::float32, {2, 2, 70, 24});
    dy.normal(6);
    run(forward, target, p.inputs({p.q.view, p.k.view, p.v.view}), {y.view, l.view}, p.attributes());
    run(backward, target, p.inputs({dy.view, p.q.view, p.k.view, p.v.view, y.view, l.view}),
        {dq.view, dk.view, dv.view}, p.attributes());
    for (int64_t i = 0; i < y.size(); i++) expect(std::fabs(y.f(i) - e[static_cast<size_t>(i)]) < 1e-5, "garbage in y");
    for (int64_t i = 0; i < dq.size(); i++) expect(std::isfinite(dq.f(i)), "garbage in dq");
    for (int64_t i = 0; i < dk.size(); i++) expect(std::isfinite(dk.f(i)), "garbage in dk");
    for (int64_t i = 0; i < dv.size(); i++) expect(std::isfinite(dv.f(i)), "garbage in dv");
  });
}

void hostile() {
  Problem p({2, 3, 4, 5, 8, 6}, {}, 1);
  Operand y(DType::float32, {2, 3, 4, 6}), l(DType::float32, {2, 3, 4}), short_mask(DType::boolean, {2, 3, 4, 4});
  const auto refuses = [&](const std::vector<View>& in, const std::vector<View>& out, const Bytes& bytes,
                           const char* what) {
    const Result r = run(forward, forward.kernels[0], in, out, bytes);
    expect(!r.status.ok && std::strstr(r.status.text, "[attention] expected"), "accepts %s", what);
  };
  const std::vector<View> in = {p.q.view, p.k.view, p.v.view}, out = {y.view, l.view};
  const auto bytes = [](uint32_t flags, int32_t block, int32_t blocks) {
    return Bytes().add(1.0f).add(flags).add(0).add(0).add(0).add(block).add(blocks).add(0u);
  };
  expect(run(forward, forward.kernels[0], in, out, bytes(0, 0, 0)).status.ok, "refuses a plain call");
  refuses(in, out, Bytes().add(1.0f), "four bytes");
  refuses(in, out, bytes(32, 1, 0), "flag 32");
  refuses(in, out, bytes(16, 0, 0), "a block of 0");
  refuses(in, out, bytes(16, -3, 0), "a negative block");
  refuses(in, out, bytes(16, 3, -1), "a negative window of blocks");
  refuses(in, out, bytes(2, 1, 0), "a missing mask");
  refuses({in[0], in[1], in[2], short_mask.view}, out, bytes(2, 1, 0), "a short mask");
  refuses({in[0], in[1], in[2], l.view}, out, bytes(4, 1, 0), "float lengths");
  refuses({in[0], in[2], in[2]}, out, bytes(0, 1, 0), "k of another width");
  refuses(in, {in[0], l.view}, bytes(0, 1, 0), "y of another width");
  refuses({in[0], in[1]}, out, bytes(0, 1, 0), "two inputs");
  refuses(in, out, Bytes().add(1.0f).add(0u).add(0).add(0).add(0).add(1).add(0).add(2u), "compute 2");
  const int32_t extreme = INT32_MIN, most = INT32_MAX;
  for (int32_t number : {extreme, most})
    expect(run(forward, forward.kernels[0], in, out,
               Bytes().add(1.0f).add(25u).add(number).add(number).add(number).add(most).add(most).add(0u))
               .status.ok,
           "extreme numbers");
}

}  // namespace

int main() {
  const std::vector<Mask> masks = {{},
                                   {1},
                                   {1, 3},
                                   {1, -4},
                                   {2},
                                   {4},
                                   {8, 0, 2, 1},
                                   {8, 0, 0, 0},
                                   {9, 2, 5, 0},
                                   {16, 0, 0, 0, 4},
                                   {16, 3, 0, 0, 5, 2},
                                   {31, 1, 9, 9, 4, 3}};
  for (const Mask& m : masks) {
    compare({1, 1, 1, 1, 1, 1}, m, 1);
    compare({2, 2, 9, 13, 24, 17}, m, 0.2);
    compare({1, 2, 5, 7, 3, 16}, m, 0.5);
    compare({1, 1, 70, 131, 8, 8}, m, 0.35);
    compare({1, 1, 130, 66, 32, 32}, m, 0.18);
  }
  compare({2, 3, 1, 65, 64, 64}, {}, 0.125);
  compare({1, 1, 65, 3, 80, 80}, {}, 0.11);
  compare({1, 2, 300, 257, 24, 40}, {1}, 0.2, 1, false);
  compare({1, 1, 9, 17, 32, 32}, {}, 1, 20, false);
  compare({1, 1, 9, 200, 32, 32}, {1, 150}, 1, 60, false);  // scores up to ±1e5
  for (const Mask& m : masks) {
    compare({2, 3, 4, 3, 12, 12}, m, 0.3);  // heads small enough for a lane each, unless the mask differs among them
    compare({3, 2, 16, 15, 7, 16}, m, 0.3);
    compare_all({1, 2, 300, 290, 24, 40}, m, 0.2);
    compare_all({3, 6, 33, 47, 16, 16}, m, 0.25);
    compare_all({1, 1, 20, 600, 8, 12}, m, 0.3);
    for (Mask rounded : {m}) {
      rounded.compute = 1;
      compare_all({1, 2, 45, 70, 24, 17}, rounded, 0.2);
      compare_all({2, 4, 9, 11, 12, 8}, rounded, 0.3);
      compare_all({1, 1, 18, 35, 290, 517}, rounded, 0.05);  // more pairs than tiles take at a time
    }
  }
  compare_all({2, 17, 70, 50, 64, 64}, {}, 0.125);
  compare_all({1, 64, 20, 20, 16, 16}, {}, 0.25);  // rows 4 KiB apart
  compare({0, 2, 3, 3, 8, 8}, {}, 1);
  compare({1, 2, 0, 3, 8, 8}, {}, 1);
  compare({1, 2, 3, 0, 8, 8}, {}, 1);
  garbage_behind_length();
  hostile();
  return finish("attention");
}
