#include "ops/layer_norm/layer_norm.h"
#include "simd/vec.h"

using namespace jepa;
using namespace jepa::layer_norm;

namespace {

// body(first element, lanes) over a row in vectors; the last may be partial.
template <class Body>
JEPA_INLINE void for_each_vector(int64_t width, Body body) {
  int64_t i = 0;
  for (; i + W <= width; i += W) body(i, W);
  if (i < width) body(i, static_cast<int>(width - i));
}
JEPA_INLINE Vf read(const float* p, int n) { return n == W ? load(p) : load_n(p, n); }
JEPA_INLINE void write(float* p, Vf a, int n) { n == W ? store(p, a) : store_n(p, a, n); }

void forward_rows(const Call& call, int64_t begin, int64_t end, char*) {
  const auto& a = *static_cast<const Attributes*>(call.attributes);
  const auto* x = reinterpret_cast<const float*>(call.in[0].data);
  const bool has_weight = a.flags & kWeight, has_bias = a.flags & kBias;
  const auto* weight = has_weight ? reinterpret_cast<const float*>(call.in[1].data) : nullptr;
  const auto* bias = has_bias ? reinterpret_cast<const float*>(call.in[has_weight ? 2 : 1].data) : nullptr;
  auto* y = reinterpret_cast<float*>(call.out[0].data);
  auto* means = reinterpret_cast<float*>(call.out[1].data);
  auto* rstds = reinterpret_cast<float*>(call.out[2].data);
  const double width = static_cast<double>(a.width);
  for (int64_t row = begin; row < end; row++) {
    const float* from = x + row * a.x_stride;
    float* to = y + row * a.y_stride;
    Vd sum = zero_d();
    for_each_vector(a.width, [&](int64_t i, int n) { sum = sum + widen(read(from + i, n)); });
    const double exact_mean = sum_lanes(sum) / width;
    const float mean = static_cast<float>(exact_mean), rest = static_cast<float>(exact_mean - mean);
    Vd squares = zero_d();
    for_each_vector(a.width, [&](int64_t i, int n) {
      const Vf centred = select(first(n), read(from + i, n) - set(mean) - set(rest), set(0.0f));
      squares = fma(widen(centred), widen(centred), squares);
    });
    const float variance = static_cast<float>(sum_lanes(squares) / width);
    const float rstd = 1.0f / __builtin_sqrtf(variance + a.epsilon);
    for_each_vector(a.width, [&](int64_t i, int n) {
      Vf v = (read(from + i, n) - set(mean) - set(rest)) * set(rstd);
      if (has_weight) v = v * read(weight + i, n);
      if (has_bias) v = v + read(bias + i, n);
      write(to + i, v, n);
    });
    means[row] = mean;
    rstds[row] = rstd;
  }
}

void forward(const Call& call, int, int64_t begin, int64_t end, char* scratch) {
  const auto& a = *static_cast<const Attributes*>(call.attributes);
  const int64_t last = end * a.rows_per_tile;
  forward_rows(call, begin * a.rows_per_tile, last < a.rows ? last : a.rows, scratch);
}

void add_partials(const Call& call, const Attributes& a, int64_t begin, int64_t end) {
  const auto* partial = reinterpret_cast<const float*>(call.workspace);
  const bool has_weight = a.flags & kWeight;
  for (int which = 0; which < 2; which++) {
    if (!(a.flags & (which == 0 ? kWeight : kBias))) continue;
    auto* to = reinterpret_cast<float*>(call.out[which == 0 || !has_weight ? 1 : 2].data);
    const int64_t last = end * kColumnBlock < a.width ? end * kColumnBlock : a.width;
    for (int64_t i = begin * kColumnBlock; i < last; i++) {
      double sum = 0;
      for (int64_t tile = 0; tile < a.tiles; tile++)
        sum += static_cast<double>(partial[(2 * tile + which) * a.width + i]);
      to[i] = static_cast<float>(sum);
    }
  }
}

// Rows [begin, end): whole tiles, but for the last, wherever somebody wants their partial sums.
void gradient_rows(const Call& call, int64_t begin, int64_t end, char*) {
  const auto& a = *static_cast<const Attributes*>(call.attributes);
  const bool has_weight = a.flags & kWeight;
  const auto* weight = has_weight ? reinterpret_cast<const float*>(call.in[4].data) : nullptr;
  const auto* means = reinterpret_cast<const float*>(call.in[2].data);
  const auto* rstds = reinterpret_cast<const float*>(call.in[3].data);
  const auto* residuals = a.flags & kResidual ? reinterpret_cast<const float*>(call.in[call.inputs - 1].data) : nullptr;
  const double width = static_cast<double>(a.width);
  for (int64_t from = begin; from < end;) {
    const int64_t tile = from / a.rows_per_tile, after = (tile + 1) * a.rows_per_tile;
    const int64_t last = after < end ? after : end;
    float* dweight = reinterpret_cast<float*>(call.workspace) + 2 * tile * a.width;
    float* dbias = dweight + a.width;
    if (a.flags & (kWeight | kBias))
      for (int64_t i = 0; i < 2 * a.width; i++) dweight[i] = 0.0f;
    for (int64_t row = from; row < last; row++) {
      const float* dy = reinterpret_cast<const float*>(call.in[0].data) + row * a.dy_stride;
      const float* x = reinterpret_cast<const float*>(call.in[1].data) + row * a.x_stride;
      float* dx = reinterpret_cast<float*>(call.out[0].data) + row * a.y_stride;
      const float* residual = residuals ? residuals + row * a.residual_stride : nullptr;
      const Vf mean = set(means[row]), rstd = set(rstds[row]);
      Vd sum_centred = zero_d(), sum_g = zero_d(), sum_product = zero_d();
      for_each_vector(a.width, [&](int64_t i, int n) {
        const Vf centred = select(first(n), read(x + i, n) - mean, set(0.0f));
        const Vf g = has_weight ? read(dy + i, n) * read(weight + i, n) : read(dy + i, n);
        sum_centred = sum_centred + widen(centred);
        sum_g = sum_g + widen(g);
        sum_product = fma(widen(g), widen(centred), sum_product);
      });
      const double rest = sum_lanes(sum_centred) / width, mean_g = sum_lanes(sum_g) / width;
      const double mean_product = (sum_lanes(sum_product) / width - rest * mean_g) * static_cast<double>(rstds[row]);
      const Vf off = set(static_cast<float>(rest)), m1 = set(static_cast<float>(mean_g)),
               m2 = set(static_cast<float>(mean_product));
      for_each_vector(a.width, [&](int64_t i, int n) {
        const Vf normal = (read(x + i, n) - mean - off) * rstd, d = read(dy + i, n);
        const Vf g = has_weight ? d * read(weight + i, n) : d;
        if (has_weight) write(dweight + i, fma(d, normal, read(dweight + i, n)), n);
        if (a.flags & kBias) write(dbias + i, d + read(dbias + i, n), n);
        const Vf gradient = rstd * (fnma(normal, m2, g) - m1);
        write(dx + i, residual ? gradient + read(residual + i, n) : gradient, n);
      });
    }
    from = last;
  }
}

void gradient(const Call& call, int phase, int64_t begin, int64_t end, char* scratch) {
  const auto& a = *static_cast<const Attributes*>(call.attributes);
  if (phase == 1) return add_partials(call, a, begin, end);
  const int64_t last = end * a.rows_per_tile;
  gradient_rows(call, begin * a.rows_per_tile, last < a.rows ? last : a.rows, scratch);
}

}  // namespace

JEPA_ROW_KERNEL(layer_norm, forward, forward_rows)
JEPA_ROW_KERNEL(layer_norm_gradient, gradient, gradient_rows)
