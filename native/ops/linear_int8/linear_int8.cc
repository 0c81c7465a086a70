#include "ops/linear_int8/linear_int8.h"

#include <algorithm>
#include <cstring>

#include "runtime/status.h"

namespace jepa {
namespace linear_int8 {
namespace {

constexpr int64_t kStripRows = 14;  // of the largest strip
constexpr int64_t kLeastTiles = 8;  // where there are few rows, columns are shared out too

// One dense axis of so many elements.
bool is_line(const View& v, DType dtype, int64_t elements) {
  return v.dtype == dtype && v.rank == 1 && v.shape[0] == elements && is_contiguous(v);
}

// Whether the three are what linear_int8_pack makes of a weight [n, k].
bool are_packed(const View& bytes, const View& scales, const View& offsets, int64_t n, int64_t k) {
  int64_t size;
  return !__builtin_mul_overflow(panels(n) * kPanel, groups(k) * kGroup, &size) && is_line(bytes, DType::uint8, size) &&
         is_line(scales, DType::float32, panels(n) * kPanel) && is_line(offsets, DType::int32, panels(n) * kPanel);
}

bool is_rows(const View& v) {
  return v.rank == 2 && v.dtype == DType::float32 && (v.shape[1] <= 1 || v.stride[1] == 1);
}

Status prepare(const View* in, int inputs, const View* out, int outputs, const uint8_t* bytes, size_t size,
               Prepared* prepared) {
  uint32_t given[2];
  if (inputs < 4 || outputs != 1 || size != sizeof given)
    return fail("[linear_int8] expected x, a packed weight, bias or none, one result and 8 bytes, got %d, %d and %zu",
                inputs, outputs, size);
  std::memcpy(given, bytes, sizeof given);
  const bool residual = given[0] == kResidual;
  if ((given[0] && !residual) || !is_activation(given[1]))
    return fail("[linear_int8] expected known attributes, got %u, %u", given[0], given[1]);
  if (inputs - residual < 4 || inputs - residual > 5)
    return fail("[linear_int8] expected bias or none%s, got %d operands", residual ? " and a residual" : "", inputs);
  const View &x = in[0], &y = out[0];
  if (!is_rows(x) || !is_rows(y) || x.shape[0] != y.shape[0])
    return fail("[linear_int8] expected float32 x [M, K] and y [M, N] with dense rows, got %s and %s", Shown(x).text,
                Shown(y).text);
  const int64_t m = x.shape[0], k = x.shape[1], n = y.shape[1];
  if (k > kMostSteps)
    return fail("[linear_int8] expected at most %lld inputs, got %s", static_cast<long long>(kMostSteps),
                Shown(x).text);
  if (!are_packed(in[1], in[2], in[3], n, k))
    return fail("[linear_int8] expected a packed weight [%lld, %lld], got %s, %s and %s", static_cast<long long>(n),
                static_cast<long long>(k), Shown(in[1]).text, Shown(in[2]).text, Shown(in[3]).text);
  const bool bias = inputs - residual == 5;
  if (bias && !is_line(in[4], DType::float32, n))
    return fail("[linear_int8] expected bias [%lld], got %s", static_cast<long long>(n), Shown(in[4]).text);
  const View& last = in[inputs - 1];
  if (residual && (!is_rows(last) || !same_shape(last, y)))
    return fail("[linear_int8] expected a residual as y %s, got %s", Shown(y).text, Shown(last).text);
  const int64_t strips = (m + kStripRows - 1) / kStripRows;

  prepared->attributes.resize(sizeof(Attributes));
  auto& t = *reinterpret_cast<Attributes*>(prepared->attributes.data());
  t = Attributes{};
  t.m = m;
  t.k = k;
  t.n = n;
  t.x_row = x.stride[0];
  t.y_row = y.stride[0];
  t.row_blocks = (strips + kStrips - 1) / kStrips;
  t.column_blocks = n == 0 || m == 0 ? 0 : std::min(panels(n), (kLeastTiles + t.row_blocks - 1) / t.row_blocks);
  t.residual_row = residual ? last.stride[0] : 0;
  t.activation = static_cast<Activation>(given[1]);
  t.bias = bias;
  t.residual = residual;

  Work& work = prepared->work;
  work.phases = 2;
  work.tiles[0] = (m + kQuantisedRows - 1) / kQuantisedRows;
  work.tiles[1] = t.row_blocks * t.column_blocks;
  if (__builtin_add_overflow(m, kReadBehind, &work.workspace_bytes) ||
      __builtin_mul_overflow(work.workspace_bytes, row_bytes(k), &work.workspace_bytes) ||
      __builtin_add_overflow(work.workspace_bytes, scale_bytes(m), &work.workspace_bytes))
    return fail("[linear_int8] expected rows that fit in memory, got %s", Shown(x).text);
  work.flops = 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  work.bytes = 4.0 * static_cast<double>(x.elements() + y.elements() * (residual ? 2 : 1)) +
               static_cast<double>(in[1].elements());
  work.tile_cost =
      work.tiles[1] ? static_cast<int64_t>(work.flops / 300.0 / static_cast<double>(work.tiles[1])) + 50 : 0;
  return {};
}

Status prepare_pack(const View* in, int inputs, const View* out, int outputs, const uint8_t*, size_t size,
                    Prepared* prepared) {
  if (inputs != 1 || outputs != 3 || size != 0)
    return fail("[linear_int8_pack] expected a weight and three results, got %d and %d", inputs, outputs);
  const View& w = in[0];
  if (w.dtype != DType::float32 || w.rank != 2 || !is_contiguous(w) || w.shape[1] > kMostSteps ||
      !are_packed(out[0], out[1], out[2], w.shape[0], w.shape[1]))
    return fail(
        "[linear_int8_pack] expected a dense float32 weight [N, K] and its panels, scales and offsets, got %s; %s, %s "
        "and %s",
        Shown(w).text, Shown(out[0]).text, Shown(out[1]).text, Shown(out[2]).text);
  Work& work = prepared->work;
  work.tiles[0] = panels(w.shape[0]);
  work.scratch_bytes = row_bytes(w.shape[1]);
  work.bytes = 4.0 * static_cast<double>(w.elements()) + static_cast<double>(out[0].elements());
  work.tile_cost = w.shape[1] * kPanel / 2;
  return {};
}

}  // namespace
}  // namespace linear_int8

extern const OpDefinition jepa_op_linear_int8, jepa_op_linear_int8_pack;
const OpDefinition jepa_op_linear_int8 = {"linear_int8", linear_int8::prepare};
const OpDefinition jepa_op_linear_int8_pack = {"linear_int8_pack", linear_int8::prepare_pack};

}  // namespace jepa
