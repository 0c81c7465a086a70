#include "ops/top_k/top_k.h"

#include <algorithm>
#include <cstring>

#include "runtime/status.h"

namespace jepa {
namespace top_k {
namespace {

Status prepare(const View* in, int inputs, const View* out, int outputs, const uint8_t* bytes, size_t size,
               Prepared* prepared) {
  if (inputs != 1 || outputs != 2)
    return fail("[top_k] expected 1 input and 2 outputs, got %d and %d", inputs, outputs);
  uint32_t largest;
  if (size != 4) return fail("[top_k] expected 4 attribute bytes, got %zu", size);
  std::memcpy(&largest, bytes, 4);
  if (largest > 1) return fail("[top_k] expected largest 0 or 1, got %u", largest);
  if (in->dtype != DType::float32 || out[0].dtype != DType::float32 || out[1].dtype != DType::int32)
    return fail("[top_k] expected float32 to float32 and int32, got %s to %s and %s", name_of(in->dtype),
                name_of(out[0].dtype), name_of(out[1].dtype));
  View expected = *in;
  if (in->rank < 1 || out[0].rank != in->rank)
    return fail("[top_k] expected at least one axis, got %s", Shown(*in).text);
  const int64_t count = out[0].shape[in->rank - 1];
  expected.shape[in->rank - 1] = count;
  if (count > in->shape[in->rank - 1] || !same_shape(out[0], expected) || !same_shape(out[1], expected))
    return fail("[top_k] expected outputs like %s with a last axis no longer, got %s and %s", Shown(*in).text,
                Shown(out[0]).text, Shown(out[1]).text);
  prepared->attributes.assign(sizeof(Attributes), 0);
  auto* a = reinterpret_cast<Attributes*>(prepared->attributes.data());
  int64_t ignored;
  if (!as_rows(*in, &a->rows, &a->columns, &a->in_stride) || !as_rows(out[0], &ignored, &a->count, &a->value_stride) ||
      !as_rows(out[1], &ignored, &a->count, &a->index_stride))
    return fail("[top_k] expected rows with a dense last axis, got %s", Shown(*in).text);
  if (a->columns > INT32_MAX) return fail("[top_k] expected rows below 2^31, got %s", Shown(*in).text);
  a->largest = largest == 1;
  a->rows_per_tile = std::max<int64_t>(1, kTileElements / std::max<int64_t>(1, a->columns));
  Work& work = prepared->work;
  work.tiles[0] = a->count == 0 ? 0 : (a->rows + a->rows_per_tile - 1) / a->rows_per_tile;
  work.scratch_bytes = a->count * 8;
  work.bytes = 4.0 * static_cast<double>(a->rows) * static_cast<double>(a->columns + 2 * a->count);
  work.flops = static_cast<double>(a->rows) * static_cast<double>(a->columns);
  work.tile_cost = std::min(a->rows, a->rows_per_tile) * (2 * a->columns + 20 * a->count);
  return {};
}

}  // namespace
}  // namespace top_k

extern const OpDefinition jepa_op_top_k;
const OpDefinition jepa_op_top_k = {"top_k", top_k::prepare};

}  // namespace jepa
