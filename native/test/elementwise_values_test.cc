// elementwise: every instruction against float64 or exact integers on special and random values, and every conversion.
#include "test/instructions.h"

JEPA_TEST_DECLARE(elementwise)

using namespace jepa;
using namespace jepa::test;
using namespace jepa::elementwise;

namespace {

const Op op = JEPA_TEST_OP(elementwise);

constexpr double kTiny = 0x1p-126;  // results below may be flushed
double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }
double gelu_tanh_of(double x) { return x * sigmoid_of(2 * 0.79788456080286536 * (x + 0.044715 * x * x * x)); }

// The value in float64, and how far a float32 result may be from it: ulps, or absolutely.
struct Expected {
  double value, ulps, absolute;
};
Expected expected_float(int code, double a, double b, double c) {
  const bool nan = std::isnan(a) || std::isnan(b);
  switch (code) {
    case op_add_f:
      return {a + b, 0.5, 0};
    case op_sub_f:
      return {a - b, 0.5, 0};
    case op_mul_f:
      return {a * b, 0.5, 0};
    case op_div_f:
      return {a / b, 0.5, 0};
    case op_min_f:
      return {nan ? NAN : std::fmin(a, b), 0, 0};
    case op_max_f:
      return {nan ? NAN : std::fmax(a, b), 0, 0};
    case op_neg_f:
      return {-a, 0, 0};
    case op_abs_f:
      return {std::fabs(a), 0, 0};
    case op_sign_f:
      return {std::isnan(a) ? a : static_cast<double>((a > 0) - (a < 0)), 0, 0};
    case op_floor_f:
      return {std::floor(a), 0, 0};
    case op_exp:
      return {std::exp(a), 2, 0};
    case op_log:
      return {std::log(a), 2, 0};
    case op_sqrt:
      return {std::sqrt(a), 0.5, 0};
    case op_rsqrt:
      return {1 / std::sqrt(a), 2, 0};
    case op_sin:
      return {std::sin(a), 4, 0};
    case op_cos:
      return {std::cos(a), 4, 0};
    case op_tanh:
      return {std::tanh(a), 4, 0};
    case op_sigmoid:
      return {sigmoid_of(a), 4, 0};
    case op_erf:
      return {std::erf(a), 4, 0};
    case op_gelu_erf:
      return {a == -INFINITY ? 0 : a * 0.5 * std::erfc(-a * M_SQRT1_2), 4, 6e-7};
    case op_gelu_tanh:
      return {a == -INFINITY ? 0 : gelu_tanh_of(a), 4, 6e-7};
    case op_silu:
      return {a == -INFINITY ? 0 : a * sigmoid_of(a), 4, 0};
    case op_relu:
      return {std::isnan(a) ? a : std::fmax(a, 0.0), 0, 0};
    case op_gelu_erf_d: {
      const double bell = std::isinf(a) ? 0 : a * std::exp(-a * a / 2) * 0.3989422804014327;
      return {0.5 * std::erfc(-a * M_SQRT1_2) + bell, 0, 6e-7};
    }
    case op_gelu_tanh_d: {
      if (std::isinf(a)) return {a > 0 ? 1.0 : 0.0, 0, 6e-7};
      const double k = 2 * 0.79788456080286536, s = sigmoid_of(k * (a + 0.044715 * a * a * a));
      return {s + a * s * (1 - s) * k * (1 + 3 * 0.044715 * a * a), 0, 1.5e-6};
    }
    case op_fma_f:
      return {a * b + c, 0.5, 0};
    default:
      return {0, 0, 0};
  }
}
int32_t wrap(int64_t x) { return static_cast<int32_t>(static_cast<uint32_t>(x)); }
int32_t expected_int(int code, int64_t a, int64_t b) {
  switch (code) {
    case op_lt_i:
      return a < b;
    case op_le_i:
      return a <= b;
    case op_eq_i:
      return a == b;
    case op_ne_i:
      return a != b;
    case op_gt_i:
      return a > b;
    case op_ge_i:
      return a >= b;
    case op_add_i:
      return wrap(a + b);
    case op_sub_i:
      return wrap(a - b);
    case op_mul_i:
      return wrap(a * b);
    case op_min_i:
      return wrap(a < b ? a : b);
    case op_max_i:
      return wrap(a > b ? a : b);
    case op_neg_i:
      return wrap(-a);
    case op_abs_i:
      return wrap(a < 0 ? -a : a);
    case op_sign_i:
      return (a > 0) - (a < 0);
    case op_and_i:
      return a && b;
    case op_or_i:
      return a || b;
    default:
      return !a;
  }
}
int32_t expected_comparison(int code, double a, double b) {
  switch (code) {
    case op_lt_f:
      return a < b;
    case op_le_f:
      return a <= b;
    case op_eq_f:
      return a == b;
    case op_ne_f:
      return a != b;
    case op_gt_f:
      return a > b;
    default:
      return a >= b;
  }
}

bool close(float got, const Expected& e) {
  if (std::isnan(e.value)) return std::isnan(got);
  if (got == e.value || std::fabs(got - e.value) <= e.absolute || std::fabs(got - e.value) <= kTiny) return true;
  const float rounded = static_cast<float>(e.value);
  if (std::isinf(rounded)) return got == rounded || (e.ulps > 0.5 && std::fabs(got) > 3.4e38f);
  const double spacing = std::nextafter(std::fabs(rounded), INFINITY) - std::fabs(rounded);
  return std::fabs(got - e.value) <= (e.ulps + 1e-6) * spacing;
}

const float special[] = {0.0f,    -0.0f,           1.0f,        -1.0f,    INFINITY, -INFINITY, NAN,    1e-40f,
                         -1e-40f, 1.17549435e-38f, 3.4e38f,     -3.4e38f, 0.5f,     88.7f,     -87.3f, -103.5f,
                         1e-7f,   -20.0f,          16777216.0f, 1e10f};
constexpr int kSpecial = sizeof special / sizeof *special;

void every_instruction() {
  const int64_t n = kSpecial * kSpecial + 611;
  Operand a(DType::float32, {n}), b(DType::float32, {n}), c(DType::float32, {n}), ia(DType::int32, {n}),
      ib(DType::int32, {n});
  Numbers numbers(3);
  const int32_t integers[] = {0, 1, -1, 7, INT32_MAX, INT32_MIN, INT32_MIN + 1, 65536};
  for (int64_t i = 0; i < n; i++) {
    const bool pair = i < kSpecial * kSpecial;
    a.f(i) = pair ? special[i / kSpecial] : numbers.normal() * 4;
    b.f(i) = pair ? special[i % kSpecial] : numbers.normal();
    c.f(i) = numbers.normal();
    ia.i(i) = pair ? integers[i / 8 % 8] : static_cast<int32_t>(numbers.next());
    ib.i(i) = pair ? integers[i % 8] : static_cast<int32_t>(numbers.next());
  }
  each_target(op, [&](const TargetKernel& target) {
    for (int code = op_add_f; code < kCodes; code++) {
      const bool comparison = code >= op_lt_f && code <= op_ge_f;
      const bool integer = (code >= op_lt_i && code <= op_ge_i) || (code >= op_add_i && code <= op_not_i);
      if (code == op_select || code == op_f_to_i || code == op_i_to_f || code >= op_adamw) continue;  // have their own
      Operand y(comparison || integer ? DType::int32 : DType::float32, {n});
      Program p(5, 4);
      p.add(integer ? op_load_i : op_load_f, 0, 0)
          .add(integer ? op_load_i : op_load_f, 1, 1)
          .add(integer ? op_load_i : op_load_f, 2, 2);
      p.add(code, 3, 0, 1, 2).add(comparison || integer ? op_store_i : op_store_f, 0, 3);
      const std::vector<View> in =
          integer ? std::vector<View>{ia.view, ib.view, ib.view} : std::vector<View>{a.view, b.view, c.view};
      const Result r = run(op, target, in, {y.view}, p.bytes);
      if (!expect(r.status.ok, "%s", r.status.text)) return;
      for (int64_t i = 0; i < n; i++) {
        if (integer) {
          if (!expect(y.i(i) == expected_int(code, ia.i(i), ib.i(i)), "code %d of %d, %d is %d", code, ia.i(i), ib.i(i),
                      y.i(i)))
            break;
        } else if (comparison) {
          if (!expect(y.i(i) == expected_comparison(code, a.f(i), b.f(i)), "code %d of %g, %g is %d", code, a.f(i),
                      b.f(i), y.i(i)))
            break;
        } else {
          const bool trigonometric = code == op_sin || code == op_cos;
          if (trigonometric && std::fabs(a.f(i)) > 1e4) continue;
          const Expected e = expected_float(code, a.f(i), b.f(i), c.f(i));
          if (!expect(close(y.f(i), e), "code %d of %.9g, %.9g on %s is %.9g, expected %.9g", code, a.f(i), b.f(i),
                      target.target, y.f(i), e.value))
            break;
        }
      }
    }
  });
}

// float32 to bfloat16 or float16, to nearest even, by search-free arithmetic in float64.
double rounded(double v, int fraction_bits, int least_exponent, double largest) {
  if (std::isnan(v) || std::isinf(v) || v == 0) return v;
  int e;
  std::frexp(v, &e);
  const int unit = (e - 1 < least_exponent ? least_exponent : e - 1) - fraction_bits;
  const double r = std::ldexp(std::nearbyint(std::ldexp(v, -unit)), unit);
  return std::fabs(r) > largest ? std::copysign(INFINITY, r) : r;
}

void every_conversion() {
  const int64_t n = 700;
  for (int from = 0; from < kDTypeCount; from++)
    for (int to = 0; to < kDTypeCount; to++)
      for (bool integers : {false, true}) {
        const auto source = static_cast<DType>(from), result = static_cast<DType>(to);
        const bool float_result = to < 3, small_result = size_of(result) == 1;
        Operand x(source, {n}, {}, 0, 1);
        Numbers numbers(static_cast<uint64_t>(from * 7 + to));
        for (int64_t i = 0; i < n; i++) {
          if (source == DType::float32)
            x.f(i) = i < kSpecial && float_result && !integers
                         ? special[i]
                         : numbers.normal() * (small_result ? 0.5f : 300.0f) + (small_result ? 9 : 0);
          if (source == DType::int32) x.i(i) = static_cast<int32_t>(numbers.next()) >> (i % 28);
          if (size_of(source) == 2)
            x.h(i) = i < 300 && float_result && !integers
                         ? static_cast<uint16_t>(numbers.next())
                         : static_cast<uint16_t>(source == DType::float16 ? 0x4400 + i : 0x4080 + i % 128);
          if (size_of(source) == 1)
            x.b(i) = source == DType::boolean ? i % 3 == 0 : static_cast<uint8_t>(numbers.next());
        }
        each_target(op, [&](const TargetKernel& target) {
          Operand y(result, {n}, {}, 0, 1);
          Program p(2, 1);
          p.add(integers ? op_load_i : op_load_f, 0, 0).add(integers ? op_store_i : op_store_f, 0, 0);
          const Result r = run(op, target, {x.view}, {y.view}, p.bytes);
          if (!expect(r.status.ok && y.guards_whole(), "%s", r.status.text)) return;
          for (int64_t i = 0; i < n; i++) {
            double v = static_cast<float>(value_of(x, i));
            if (integers) v = static_cast<double>(static_cast<int32_t>(value_of(x, i)));
            double e = v;
            if (result == DType::float32) e = static_cast<float>(v);
            if (result == DType::bfloat16) e = rounded(static_cast<float>(v), 7, -126, 3.3895313892515355e38);
            if (result == DType::float16) e = rounded(static_cast<float>(v), 10, -14, 65504);
            if (result == DType::int32) e = std::fabs(v) < 2147483648.0 ? std::trunc(v) : -2147483648.0;
            if (result == DType::uint8)
              e = static_cast<uint8_t>(
                  static_cast<uint32_t>(static_cast<int64_t>(std::fabs(v) < 2147483648.0 ? v : -2147483648.0)));
            if (result == DType::boolean) e = v != 0;
            const double got = value_of(y, i);
            if (!expect(std::isnan(e) ? std::isnan(got) : got == e,
                        "dtype %d to %d (%s) on %s: %.9g became %.9g, expected %.9g", from, to,
                        integers ? "integers" : "floats", target.target, value_of(x, i), got, e))
              return;
          }
        });
      }
}

}  // namespace

int main() {
  every_instruction();
  every_conversion();
  return finish("elementwise values");
}
