// native/simd on every target: elementary functions against long double on dense grids, in units of the last place, and
// dot products against exact arithmetic. With the argument `print`, says how large the errors are.
#include <cfloat>
#include <limits>

#include "test/harness.h"
#include "test/simd/functions.h"

#define FUNCTIONS(target) extern const jepa::test::Functions jepa_simd_functions_##target;
FUNCTIONS(scalar)
#if defined(JEPA_HAS_AVX512)
FUNCTIONS(avx2)
FUNCTIONS(avx512)
FUNCTIONS(avx512_vnni)
FUNCTIONS(avx512_bf16)
#endif
#if defined(JEPA_HAS_AVX512_AMX)
FUNCTIONS(avx512_amx)
#endif
#if defined(JEPA_HAS_NEON)
FUNCTIONS(neon)
#endif

using namespace jepa;
using namespace jepa::test;

namespace {

const Functions* const all_functions[] = {
    &jepa_simd_functions_scalar,
#if defined(JEPA_HAS_AVX512)
    &jepa_simd_functions_avx2,        &jepa_simd_functions_avx512,
    &jepa_simd_functions_avx512_vnni, &jepa_simd_functions_avx512_bf16,
#endif
#if defined(JEPA_HAS_AVX512_AMX)
    &jepa_simd_functions_avx512_amx,
#endif
#if defined(JEPA_HAS_NEON)
    &jepa_simd_functions_neon,
#endif
};
std::vector<const Functions*> runnable() {
  std::vector<const Functions*> list;
  for (const Functions* functions : all_functions)
    for (const Target* target : available_targets())
      if (!std::strcmp(functions->target, target->name)) list.push_back(functions);
  return list;
}

bool print = false;

// The error that is allowed: units in the last place of the exact value, or an absolute one where terms cancel or a factor is
// flushed to zero.
struct Bound {
  const char* name;
  long double (*exact)(long double);
  double low, high;  // of the even grid; the other one goes through all exponents
  double ulps, absolute;
};
long double half_erfc(long double x) { return erfcl(-x * sqrtl(0.5L)) / 2; }
long double bell(long double x) { return expl(-x * x / 2) / sqrtl(8 * atanl(1.0L)); }
long double logistic(long double x) { return 1 / (1 + expl(-x)); }
constexpr long double kCubic = 0.044715L;
long double twice_u(long double x) { return 2 * sqrtl(0.5L / atanl(1.0L)) * (x + kCubic * x * x * x); }
const Bound bounds[kUnary] = {
    {"exp", expl, -88, 88, 2, 0},
    {"log", logl, 0.5, 2, 2, 0},
    {"sqrt", sqrtl, 0, 4, 0.5, 0},
    {"rsqrt", [](long double x) { return 1 / sqrtl(x); }, 0.25, 4, 2, 0},
    {"sin", sinl, -20, 20, 4, 0},
    {"cos", cosl, -20, 20, 4, 0},
    {"sigmoid", logistic, -20, 20, 4, 0},
    {"tanh", tanhl, -10, 10, 4, 0},
    {"erf", erfl, -5, 5, 4, 0},
    {"silu", [](long double x) { return x * logistic(x); }, -20, 20, 4, 1e-36},
    {"gelu_erf", [](long double x) { return x * half_erfc(x); }, -8, 8, 4, 4e-7},
    {"gelu_erf_derivative", [](long double x) { return half_erfc(x) + x * bell(x); }, -8, 8, 0, 6e-7},
    {"gelu_tanh", [](long double x) { return x * logistic(twice_u(x)); }, -8, 8, 4, 6e-7},
    {"gelu_tanh_derivative",
     [](long double x) {
       const long double s = logistic(twice_u(x)), slope = twice_u(1) / (1 + kCubic) * (1 + 3 * kCubic * x * x);
       return s + x * s * (1 - s) * slope;
     },
     -8, 8, 0, 1.5e-6},
};

float float_from(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, 4);
  return x;
}

// An even grid, and one whose steps are even in the bits: every exponent of both signs.
std::vector<float> grid(double low, double high) {
  std::vector<float> x;
  for (int i = 0; i <= 20000; i++) x.push_back(static_cast<float>(low + (high - low) * i / 20000));
  for (uint32_t bits = 0x00800000u; bits < 0x7f800000u; bits += 0x7f800000u / 10007) {
    x.push_back(float_from(bits));
    x.push_back(-x.back());
  }
  while (x.size() % 16) x.push_back(1.0f);
  return x;
}

double spacing(long double value) {
  const float rounded = std::fabs(static_cast<float>(value));
  return rounded < FLT_MIN ? 0x1p-149 : static_cast<double>(std::nextafter(rounded, INFINITY)) - rounded;
}

void accuracy() {
  for (int k = 0; k < kUnary; k++) {
    const Bound& bound = bounds[k];
    std::vector<float> x = grid(bound.low, bound.high);
    std::vector<long double> exact;
    for (float& at : x) {
      const long double value = bound.exact(at);
      // Results that float32 has not are other tests' business; so are angles beyond the reduction's range.
      const bool kept = std::isfinite(static_cast<float>(value)) && fabsl(value) < FLT_MAX &&
                        (!std::strchr("sc", *bound.name) || std::fabs(at) < 1e4f || !std::strcmp(bound.name, "silu"));
      if (!kept) at = 1.0f;
      exact.push_back(kept ? value : bound.exact(1.0L));
    }
    std::vector<float> y(x.size());
    for (const Functions* functions : runnable()) {
      if (!expect(!std::strcmp(functions->unary[k].name, bound.name), "%s is in place %d", bound.name, k)) return;
      {
        const FlushDenormals flush;
        functions->unary[k].run(x.data(), y.data(), static_cast<int64_t>(x.size()));
      }
      double worst = 0, farthest = 0;
      float where = 0;
      for (size_t i = 0; i < x.size(); i++) {
        const double error = static_cast<double>(fabsl(y[i] - exact[i]));
        farthest = std::fmax(farthest, error);
        if (error <= bound.absolute || error <= FLT_MIN) continue;
        const double ulps = error / spacing(exact[i]);
        if (ulps > worst || std::isnan(ulps)) worst = ulps, where = x[i];
      }
      if (print)
        std::printf("%-20s %-12s %.3f ULP at %.9g, %.3g absolute\n", bound.name, functions->target, worst, where,
                    farthest);
      expect(worst <= bound.ulps + 1e-6, "%s on %s: %.3f ULP at %.9g, expected at most %g", bound.name,
             functions->target, worst, where, bound.ulps);
    }
  }
}

// Σ over four bytes, in 64 bits; sums wrap.
void bytes() {
  Numbers numbers(1);
  const int64_t n = 4096;
  std::vector<int32_t> a, b, sums;
  for (int64_t i = 0; i < n; i++) {
    // Extremes: 255·(−128) four times, and sums at the edge of what int32 has.
    a.push_back(i < 64 ? -1 : static_cast<int32_t>(numbers.next()));
    b.push_back(i < 32   ? static_cast<int32_t>(0x80808080u)
                : i < 64 ? 0x7f7f7f7f
                         : static_cast<int32_t>(numbers.next()));
    sums.push_back(i % 3 == 0 ? INT32_MIN + static_cast<int32_t>(i) : static_cast<int32_t>(numbers.next()));
  }
  for (const Functions* functions : runnable()) {
    std::vector<int32_t> got = sums;
    functions->dot_u8s8(a.data(), b.data(), got.data(), n);
    for (size_t i = 0; i < got.size(); i++) {
      int64_t exact = sums[i];
      for (int k = 0; k < 4; k++)
        exact += static_cast<int64_t>(static_cast<uint8_t>(a[i] >> (8 * k))) * static_cast<int8_t>(b[i] >> (8 * k));
      if (!expect(got[i] == static_cast<int32_t>(static_cast<uint32_t>(exact)), "dot of bytes on %s: %d of %x, %x",
                  functions->target, got[i], static_cast<unsigned>(a[i]), static_cast<unsigned>(b[i])))
        break;
    }
  }
}

// Pairs of bfloat16: two roundings, the upper pair first; other orders and more digits stay within two units of the
// largest term.
void pairs() {
  Numbers numbers(2);
  const int64_t n = 4096;
  std::vector<int32_t> a, b;
  std::vector<float> sums;
  const auto pair = [&] {
    uint32_t bits[2];
    for (uint32_t& half : bits) {
      const float x = numbers.normal();
      std::memcpy(&half, &x, 4);
    }
    return static_cast<int32_t>((bits[1] & 0xffff0000u) | bits[0] >> 16);
  };
  for (int64_t i = 0; i < n; i++) {
    a.push_back(pair());
    b.push_back(pair());
    sums.push_back(numbers.normal());
  }
  const auto upper = [](int32_t x) { return float_from(static_cast<uint32_t>(x) & 0xffff0000u); };
  const auto lower = [](int32_t x) { return float_from(static_cast<uint32_t>(x) << 16); };
  for (const Functions* functions : runnable()) {
    const bool own = !std::strcmp(functions->target, "avx512_bf16") || !std::strcmp(functions->target, "avx512_amx");
    std::vector<float> got = sums;
    functions->dot_bf16(a.data(), b.data(), got.data(), n);
    int64_t equal = 0;
    for (size_t i = 0; i < got.size(); i++) {
      const double first = double{upper(a[i])} * upper(b[i]), second = double{lower(a[i])} * lower(b[i]);
      const auto stepwise = static_cast<float>(static_cast<float>(sums[i] + first) + second);
      const double largest = std::fmax(std::fmax(std::fabs(first), std::fabs(second)), std::fabs(sums[i]));
      equal += got[i] == stepwise;
      if (!expect(own ? std::fabs(got[i] - (sums[i] + first + second)) <= largest * 0x1p-22 : got[i] == stepwise,
                  "dot of pairs on %s: %.9g of %x, %x, expected %.9g", functions->target, got[i],
                  static_cast<unsigned>(a[i]), static_cast<unsigned>(b[i]), stepwise))
        break;
    }
    if (print)
      std::printf("dot_bf16 %s: %lld of %lld as in two steps\n", functions->target, static_cast<long long>(equal),
                  static_cast<long long>(n));
  }
}

}  // namespace

int main(int count, char** arguments) {
  print = count > 1 && !std::strcmp(arguments[1], "print");
  accuracy();
  bytes();
  pairs();
  return finish("simd");
}
