// layer_norm and its gradient against float64, far from zero too; the gradient also by central differences.
#include "test/harness.h"

JEPA_TEST_DECLARE(layer_norm)
JEPA_TEST_DECLARE(layer_norm_gradient)

using namespace jepa;
using namespace jepa::test;

namespace {

const Op forward = JEPA_TEST_OP(layer_norm), backward = JEPA_TEST_OP(layer_norm_gradient);
using Doubles = std::vector<double>;

struct Problem {
  int64_t rows, width;
  uint32_t flags;
  double epsilon;
  Operand x, weight, bias, dy, residual;
  Problem(int64_t rows_, int64_t width_, uint32_t flags_, double offset, double epsilon_)
      : rows(rows_),
        width(width_),
        flags(flags_),
        epsilon(static_cast<float>(epsilon_)),
        x(DType::float32, {rows, width}, {}, 3, 1),
        weight(DType::float32, {width}),
        bias(DType::float32, {width}),
        dy(DType::float32, {rows, width}, {}, 1),
        residual(DType::float32, {rows, width}, {}, 4, 1) {
    x.normal(1, 1, offset);
    weight.normal(2, 0.3, 1);
    bias.normal(3);
    dy.normal(4);
    residual.normal(5);
  }
  double r(int64_t i) { return flags & 4 ? static_cast<double>(residual.f(i)) : 0.0; }
  double w(int64_t i) { return flags & 1 ? static_cast<double>(weight.f(i)) : 1.0; }
  void statistics(const Doubles& row, double* mean, double* rstd) const {
    double sum = 0, squares = 0;
    for (double v : row) sum += v;
    *mean = sum / static_cast<double>(width);
    for (double v : row) squares += (v - *mean) * (v - *mean);
    *rstd = 1 / std::sqrt(squares / static_cast<double>(width) + epsilon);
  }
  Doubles row(int64_t r) {
    Doubles values;
    for (int64_t i = 0; i < width; i++) values.push_back(x.f(r * width + i));
    return values;
  }
  // Σ dy·y of one row.
  double objective(const Doubles& values, int64_t r) {
    double mean, rstd, sum = 0;
    statistics(values, &mean, &rstd);
    for (int64_t i = 0; i < width; i++)
      sum += dy.f(r * width + i) * (values[static_cast<size_t>(i)] - mean) * rstd * w(i);
    return sum;
  }
};

void compare(int64_t rows, int64_t width, uint32_t flags, double offset, double epsilon) {
  Problem p(rows, width, flags, offset, epsilon);
  std::vector<View> in = {p.x.view}, gradient_outputs;
  if (flags & 1) in.push_back(p.weight.view);
  if (flags & 2) in.push_back(p.bias.view);
  each_target(forward, [&](const TargetKernel& target) {
    Operand y(DType::float32, {rows, width}, {}, 2), mean(DType::float32, {rows}), rstd(DType::float32, {rows});
    Result r = run(forward, target, in, {y.view, mean.view, rstd.view},
                   Bytes().add(static_cast<float>(epsilon)).add(flags & 3), Split::backwards);
    if (!expect(r.status.ok, "%s", r.status.text)) return;
    expect(y.guards_whole() && mean.guards_whole() && rstd.guards_whole(), "guards");
    Operand dx(DType::float32, {rows, width}, {}, 1), dweight(DType::float32, {width}), dbias(DType::float32, {width});
    std::vector<View> inputs = {p.dy.view, p.x.view, mean.view, rstd.view}, outputs = {dx.view};
    if (flags & 1) inputs.push_back(p.weight.view), outputs.push_back(dweight.view);
    if (flags & 2) outputs.push_back(dbias.view);
    if (flags & 4) inputs.push_back(p.residual.view);
    r = run(backward, target, inputs, outputs, Bytes().add(flags), Split::backwards);
    if (!expect(r.status.ok, "%s", r.status.text)) return;
    expect(dx.guards_whole() && dweight.guards_whole() && dbias.guards_whole(), "guards of gradients");
    Doubles expected_weight(static_cast<size_t>(width), 0.0), expected_bias(static_cast<size_t>(width), 0.0);
    for (int64_t row = 0; row < rows; row++) {
      Doubles values = p.row(row);
      double m, s;
      p.statistics(values, &m, &s);
      double mean_g = 0, mean_product = 0;
      for (int64_t i = 0; i < width; i++) {
        const double g = p.dy.f(row * width + i) * p.w(i), normal = (values[static_cast<size_t>(i)] - m) * s;
        mean_g += g / static_cast<double>(width);
        mean_product += g * normal / static_cast<double>(width);
        expected_weight[static_cast<size_t>(i)] += p.dy.f(row * width + i) * normal;
        expected_bias[static_cast<size_t>(i)] += p.dy.f(row * width + i);
      }
      if (!expect(std::fabs(rstd.f(row) - s) <= 1e-6 * s && std::fabs(mean.f(row) - m) <= 1e-7 * (std::fabs(m) + 1),
                  "statistics %g %g, expected %g %g", mean.f(row), rstd.f(row), m, s))
        return;
      for (int64_t i = 0; i < width; i++) {
        const double normal = (values[static_cast<size_t>(i)] - m) * s;
        const double e = normal * p.w(i) + (flags & 2 ? p.bias.f(i) : 0.0);
        if (!expect(std::fabs(y.f(row * width + i) - e) <= 3e-6, "y on %s: %g, expected %g (offset %g)", target.target,
                    y.f(row * width + i), e, offset))
          return;
        const double d = s * (p.dy.f(row * width + i) * p.w(i) - mean_g - normal * mean_product) + p.r(row * width + i);
        if (!expect(std::fabs(dx.f(row * width + i) - d) <= 4e-6 * (s + 1),
                    "dx on %s: %g, expected %g (offset %g, width %lld)", target.target, dx.f(row * width + i), d,
                    offset, static_cast<long long>(width)))
          return;
      }
      const double h = 1e-5;
      for (int64_t i = 0; i < width && row < 2 && epsilon >= 1e-6; i += width / 3 + 1) {
        const double kept = values[static_cast<size_t>(i)];
        values[static_cast<size_t>(i)] = kept + h;
        const double up = p.objective(values, row);
        values[static_cast<size_t>(i)] = kept - h;
        const double slope = (up - p.objective(values, row)) / (2 * h) + p.r(row * width + i);
        values[static_cast<size_t>(i)] = kept;
        expect(std::fabs(dx.f(row * width + i) - slope) <= 1e-4 * (std::fabs(slope) + 1), "dx %g, slope %g",
               dx.f(row * width + i), slope);
      }
    }
    for (int64_t i = 0; i < width; i++) {
      const auto at = static_cast<size_t>(i);
      if (flags & 1)
        expect(std::fabs(dweight.f(i) - expected_weight[at]) <= 1e-5 * std::sqrt(1.0 + static_cast<double>(rows)),
               "dweight %g, expected %g", dweight.f(i), expected_weight[at]);
      if (flags & 2)
        expect(std::fabs(dbias.f(i) - expected_bias[at]) <= 1e-5 * std::sqrt(1.0 + static_cast<double>(rows)),
               "dbias %g, expected %g", dbias.f(i), expected_bias[at]);
    }
  });
}

void constant_rows() {
  Operand x(DType::float32, {2, 19}), y(DType::float32, {2, 19}), mean(DType::float32, {2}), rstd(DType::float32, {2});
  x.fill([](int64_t) { return 0.1; });
  each_target(forward, [&](const TargetKernel& target) {
    run(forward, target, {x.view}, {y.view, mean.view, rstd.view}, Bytes().add(1e-12f).add(0u));
    for (int64_t i = 0; i < y.size(); i++) expect(std::fabs(y.f(i)) < 1e-3, "a constant row gives %g", y.f(i));
  });
}

}  // namespace

int main() {
  for (int64_t width : {1, 2, 3, 7, 8, 9, 15, 16, 17, 33, 192, 257})
    for (uint32_t flags = 0; flags < 8; flags++) {
      compare(3, width, flags, 0, 1e-5);
      compare(5, width, flags, 1, 1e-6);
      if (width > 2) compare(2, width, flags, 1e4, 1e-5);
    }
  compare(1000, 192, 3, 0.5, 1e-5);
  compare(0, 8, 3, 0, 1e-5);
  constant_rows();
  Operand x(DType::float32, {2, 3}), y(DType::float32, {2, 3}), m(DType::float32, {2}), w(DType::float32, {3}),
      h(DType::bfloat16, {2, 3});
  const auto refuses = [&](const std::vector<View>& in, const std::vector<View>& out, const Bytes& bytes,
                           const char* what) {
    const Result r = run(forward, forward.kernels[0], in, out, bytes);
    expect(!r.status.ok && std::strstr(r.status.text, "[layer_norm] expected"), "accepts %s", what);
  };
  const Bytes plain = Bytes().add(1e-5f).add(0u);
  refuses({x.view}, {y.view, m.view}, plain, "two outputs");
  refuses({x.view}, {y.view, w.view, m.view}, plain, "a mean of another length");
  refuses({x.view}, {y.view, m.view, m.view}, Bytes().add(1e-5f).add(1u), "a missing weight");
  refuses({x.view, m.view}, {y.view, m.view, m.view}, Bytes().add(1e-5f).add(1u), "a short weight");
  refuses({x.view}, {y.view, m.view, m.view}, Bytes().add(1e-5f).add(4u), "flags 4");
  refuses({x.view}, {y.view, m.view, m.view}, Bytes().add(-1.0f).add(0u), "a negative epsilon");
  refuses({x.view}, {y.view, m.view, m.view}, Bytes().add(NAN).add(0u), "a NaN epsilon");
  refuses({h.view}, {h.view, m.view, m.view}, plain, "bfloat16");
  refuses({x.view}, {y.view, m.view, m.view}, Bytes().add(1u), "four bytes");
  const auto refuses_gradient = [&](const std::vector<View>& in, const std::vector<View>& out, uint32_t flags,
                                    const char* what) {
    const Result r = run(backward, backward.kernels[0], in, out, Bytes().add(flags));
    expect(!r.status.ok && std::strstr(r.status.text, "[layer_norm_gradient] expected"), "accepts %s", what);
  };
  refuses_gradient({y.view, x.view, m.view, m.view}, {y.view}, 8u, "flags 8");
  refuses_gradient({y.view, x.view, m.view, m.view}, {y.view}, 4u, "a missing residual");
  refuses_gradient({y.view, x.view, m.view, m.view, w.view}, {y.view}, 4u, "a residual of another shape");
  refuses_gradient({y.view, x.view, m.view, m.view, x.view}, {y.view}, 0u, "a residual without its flag");
  return finish("layer_norm");
}
