#include "ops/layer_norm/layer_norm.h"

#include <algorithm>
#include <cstring>

#include "runtime/status.h"

namespace jepa {
namespace layer_norm {
namespace {

Status check_vector(const char* op, const char* name, const View& v, int64_t extent) {
  if (v.dtype == DType::float32 && is_contiguous(v) && v.elements() == extent) return {};
  return fail("[%s] expected %s of %lld contiguous float32, got %s %s", op, name, static_cast<long long>(extent),
              name_of(v.dtype), Shown(v).text);
}

Status check_rows(const char* op, const char* name, const View& v, const View& like, int64_t* stride) {
  int64_t rows, width;
  if (v.dtype == DType::float32 && v.rank > 0 && same_shape(v, like) && as_rows(v, &rows, &width, stride)) return {};
  return fail("[%s] expected %s of float32 rows of shape %s, got %s %s", op, name, Shown(like).text, name_of(v.dtype),
              Shown(v).text);
}

// A power of two rows a tile, and sixteen tiles or more: blocks of rows begin at multiples of it, where partial sums do.
void cut(Attributes* a, const View& x) {
  a->width = x.shape[x.rank - 1];
  a->rows = 1;
  for (int i = 0; i + 1 < x.rank; i++) a->rows *= x.shape[i];
  a->rows_per_tile = 1;
  while (2 * a->rows_per_tile * a->width <= kTileElements && 32 * a->rows_per_tile <= a->rows) a->rows_per_tile *= 2;
  a->tiles = (a->rows + a->rows_per_tile - 1) / a->rows_per_tile;
}

Status prepare(const View* in, int inputs, const View* out, int outputs, const uint8_t* bytes, size_t size,
               Prepared* prepared) {
  static const char op[] = "layer_norm";
  prepared->attributes.assign(sizeof(Attributes), 0);
  auto* a = reinterpret_cast<Attributes*>(prepared->attributes.data());
  if (size != 8) return fail("[%s] expected 8 attribute bytes, got %zu", op, size);
  std::memcpy(&a->epsilon, bytes, 4);
  std::memcpy(&a->flags, bytes + 4, 4);
  if (a->flags > 3 || !(a->epsilon >= 0))
    return fail("[%s] expected epsilon ≥ 0 and flags below 4, got %g and %u", op, a->epsilon, a->flags);
  const int affine = (a->flags & 1) + (a->flags >> 1);
  if (inputs != 1 + affine || outputs != 3)
    return fail("[%s] expected %d inputs and 3 outputs, got %d and %d", op, 1 + affine, inputs, outputs);
  Status status = check_rows(op, "x", in[0], in[0], &a->x_stride);
  if (status.ok) status = check_rows(op, "y", out[0], in[0], &a->y_stride);
  if (!status.ok) return status;
  cut(a, in[0]);
  for (int i = 1; i < inputs && status.ok; i++)
    status = check_vector(op, i == 1 && a->flags & kWeight ? "weight" : "bias", in[i], a->width);
  if (status.ok) status = check_vector(op, "mean", out[1], a->rows);
  if (status.ok) status = check_vector(op, "rstd", out[2], a->rows);
  if (!status.ok) return status;
  const double elements = static_cast<double>(in[0].elements());
  Work& work = prepared->work;
  work.tiles[0] = a->tiles;
  work.flops = 8 * elements;
  work.bytes = 8 * elements;
  work.tile_cost = std::min(a->rows_per_tile, a->rows) * (a->width / 4 + 16);
  prepared->in_place = 1;
  prepared->rows.count = a->rows;
  prepared->rows.cost = a->width / 4 + 16;
  prepared->rows.inputs = 1;  // x
  return {};
}

Status prepare_gradient(const View* in, int inputs, const View* out, int outputs, const uint8_t* bytes, size_t size,
                        Prepared* prepared) {
  static const char op[] = "layer_norm_gradient";
  prepared->attributes.assign(sizeof(Attributes), 0);
  auto* a = reinterpret_cast<Attributes*>(prepared->attributes.data());
  if (size != 4) return fail("[%s] expected 4 attribute bytes, got %zu", op, size);
  std::memcpy(&a->flags, bytes, 4);
  if (a->flags > 7) return fail("[%s] expected flags below 8, got %u", op, a->flags);
  const int weight = a->flags & kWeight ? 1 : 0, affine = weight + (a->flags & kBias ? 1 : 0);
  const int residual = a->flags & kResidual ? 1 : 0, wanted = 4 + weight + residual;
  if (inputs != wanted || outputs != 1 + affine)
    return fail("[%s] expected %d inputs and %d outputs, got %d and %d", op, wanted, 1 + affine, inputs, outputs);
  Status status = check_rows(op, "x", in[1], in[1], &a->x_stride);
  if (status.ok) status = check_rows(op, "dy", in[0], in[1], &a->dy_stride);
  if (status.ok) status = check_rows(op, "dx", out[0], in[1], &a->y_stride);
  if (status.ok && residual) status = check_rows(op, "residual", in[inputs - 1], in[1], &a->residual_stride);
  if (!status.ok) return status;
  cut(a, in[1]);
  status = check_vector(op, "mean", in[2], a->rows);
  if (status.ok) status = check_vector(op, "rstd", in[3], a->rows);
  if (status.ok && weight) status = check_vector(op, "weight", in[4], a->width);
  for (int i = 1; i < outputs && status.ok; i++)
    status = check_vector(op, i == 1 && weight ? "dweight" : "dbias", out[i], a->width);
  if (!status.ok) return status;
  const double elements = static_cast<double>(in[1].elements());
  Work& work = prepared->work;
  work.tiles[0] = a->tiles;
  if (affine) {
    work.phases = 2;
    work.tiles[1] = (a->width + kColumnBlock - 1) / kColumnBlock;
    work.workspace_bytes = a->tiles * 2 * a->width * 4;
  }
  work.flops = 16 * elements;
  work.bytes = (12 + 4 * residual) * elements;
  work.tile_cost = std::min(a->rows_per_tile, a->rows) * (a->width / 2 + 16);
  prepared->in_place = 1;
  prepared->rows.count = a->rows;
  prepared->rows.multiple = affine ? a->rows_per_tile : 1;
  prepared->rows.cost = a->width / 2 + 16;
  prepared->rows.inputs = uint64_t{15} | (residual ? uint64_t{1} << (inputs - 1) : 0);  // dy, x, mean, rstd, r
  prepared->rows.outputs = 1;                                                           // dx
  return {};
}

}  // namespace
}  // namespace layer_norm

extern const OpDefinition jepa_op_layer_norm;
const OpDefinition jepa_op_layer_norm = {"layer_norm", layer_norm::prepare};
extern const OpDefinition jepa_op_layer_norm_gradient;
const OpDefinition jepa_op_layer_norm_gradient = {"layer_norm_gradient", layer_norm::prepare_gradient};

}  // namespace jepa
