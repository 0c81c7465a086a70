#include "ops/rows/rows.h"

#include <algorithm>
#include <cstring>

#include "runtime/status.h"

namespace jepa {
namespace rows {
namespace {

// The checks that both ops share: `table` has R rows, `selected` one row for each index.
Status check(const char* op, const View* in, int inputs, const View* out, int outputs, size_t size, bool gather,
             Attributes* a) {
  if (inputs != 2 || outputs != 1)
    return fail("[%s] expected 2 inputs and 1 output, got %d and %d", op, inputs, outputs);
  if (size != 0) return fail("[%s] expected no attributes, got %zu bytes", op, size);
  const View& indices = in[1];
  const View& table = gather ? in[0] : out[0];
  const View& selected = gather ? out[0] : in[0];
  if (indices.rank != 1 || indices.dtype != DType::int32)
    return fail("[%s] expected indices int32 [n], got %s %s", op, name_of(indices.dtype), Shown(indices).text);
  if (table.rank != 2 || selected.rank != 2 || table.shape[1] != selected.shape[1])
    return fail("[%s] expected rows of one width, got %s and %s", op, Shown(table).text, Shown(selected).text);
  if (selected.shape[0] != indices.shape[0])
    return fail("[%s] expected a row for each index of %s, got %s", op, Shown(indices).text, Shown(selected).text);
  if (in[0].dtype != out[0].dtype)
    return fail("[%s] expected an output of %s, got %s", op, name_of(in[0].dtype), name_of(out[0].dtype));
  int64_t count, width;
  if (!as_rows(in[0], &count, &width, &a->in_stride) || !as_rows(out[0], &count, &width, &a->out_stride))
    return fail("[%s] expected rows with a dense last axis, got %s", op, Shown(in[0]).text);
  a->table_rows = table.shape[0];
  a->count = indices.shape[0];
  a->columns = table.shape[1];
  a->index_stride = indices.stride[0];
  a->width = size_of(in[0].dtype);
  return {};
}

Attributes* attributes_of(Prepared* prepared) {
  prepared->attributes.assign(sizeof(Attributes), 0);
  return reinterpret_cast<Attributes*>(prepared->attributes.data());
}

Status prepare_gather(const View* in, int inputs, const View* out, int outputs, const uint8_t*, size_t size,
                      Prepared* prepared) {
  Attributes* a = attributes_of(prepared);
  const Status status = check("gather_rows", in, inputs, out, outputs, size, true, a);
  if (!status.ok) return status;
  prepared->can_fail = true;
  Work& work = prepared->work;
  a->rows_per_tile = std::max<int64_t>(1, kTileElements / std::max<int64_t>(1, a->columns));
  work.tiles[0] = (a->count + a->rows_per_tile - 1) / a->rows_per_tile;
  work.bytes = static_cast<double>(a->count) * static_cast<double>(2 * a->columns * a->width + 4);
  work.tile_cost = std::min(a->count, a->rows_per_tile) * (a->columns / 8 + 4);
  prepared->rows.count = a->count;
  prepared->rows.cost = a->columns / 8 + 4;
  prepared->rows.inputs = 2;  // indices
  return {};
}

Status prepare_scatter(const View* in, int inputs, const View* out, int outputs, const uint8_t*, size_t size,
                       Prepared* prepared) {
  Attributes* a = attributes_of(prepared);
  const Status status = check("scatter_add_rows", in, inputs, out, outputs, size, false, a);
  if (!status.ok) return status;
  if (in[0].dtype != DType::float32) return fail("[scatter_add_rows] expected float32, got %s", name_of(in[0].dtype));
  if (a->table_rows >= INT32_MAX || a->count >= INT32_MAX)
    return fail("[scatter_add_rows] expected fewer than 2^31 rows, got %s and %s", Shown(in[0]).text,
                Shown(out[0]).text);
  prepared->can_fail = true;
  Work& work = prepared->work;
  const int64_t elements = (a->count + a->table_rows) * a->columns;
  a->rows_per_tile = std::max<int64_t>(1, kTileElements * a->table_rows / std::max<int64_t>(1, elements));
  work.phases = 2;
  work.tiles[0] = 1;
  work.tiles[1] = (a->table_rows + a->rows_per_tile - 1) / a->rows_per_tile;
  work.workspace_bytes = 4 * (a->table_rows + 1 + a->count);
  work.flops = static_cast<double>(a->count * a->columns);
  work.bytes = 4.0 * static_cast<double>(elements) + 4.0 * static_cast<double>(a->count);
  work.tile_cost = std::min(elements, kTileElements) / 4 + 100;
  return {};
}

}  // namespace
}  // namespace rows

extern const OpDefinition jepa_op_gather_rows;
const OpDefinition jepa_op_gather_rows = {"gather_rows", rows::prepare_gather};
extern const OpDefinition jepa_op_scatter_add_rows;
const OpDefinition jepa_op_scatter_add_rows = {"scatter_add_rows", rows::prepare_scatter};

}  // namespace jepa
