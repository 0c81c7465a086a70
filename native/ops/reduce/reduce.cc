#include "ops/reduce/reduce.h"

#include <algorithm>
#include <cstring>

#include "runtime/status.h"

namespace jepa {
namespace reduce {
namespace {

bool is_position(Kind kind) { return kind == Kind::argmax || kind == Kind::argmin; }

struct Axis {
  int64_t shape, in, out;
};

// Largest stride first; then neighbours that are walked as one.
int collapse(Axis* axes, int count) {
  std::stable_sort(axes, axes + count, [](const Axis& a, const Axis& b) { return a.in > b.in; });
  int kept = 0;
  for (int i = 0; i < count; i++) {
    if (axes[i].shape == 1) continue;
    if (kept && axes[kept - 1].in == axes[i].in * axes[i].shape && axes[kept - 1].out == axes[i].out * axes[i].shape) {
      axes[kept - 1] = {axes[kept - 1].shape * axes[i].shape, axes[i].in, axes[i].out};
    } else {
      axes[kept++] = axes[i];
    }
  }
  return kept;
}

Status check(const View* in, int inputs, const View* out, int outputs, const uint8_t* bytes, size_t size,
             uint32_t header[2]) {
  if (inputs != 1 || outputs != 1)
    return fail("[reduce] expected 1 input and 1 output, got %d and %d", inputs, outputs);
  if (size != 8) return fail("[reduce] expected 8 attribute bytes, got %zu", size);
  std::memcpy(header, bytes, 8);
  if (header[0] >= kKinds) return fail("[reduce] expected a kind below %u, got %u", kKinds, header[0]);
  const uint32_t axes = header[1];
  const bool position = is_position(static_cast<Kind>(header[0]));
  if (axes >> in->rank) return fail("[reduce] expected axes below %d, got mask %#x", in->rank, axes);
  if (position && (axes == 0 || axes & (axes - 1))) return fail("[reduce] expected one axis, got mask %#x", axes);
  if (in->dtype != DType::float32 && in->dtype != DType::int32)
    return fail("[reduce] expected float32 or int32, got %s", name_of(in->dtype));
  const DType wanted = position ? DType::int32 : in->dtype;
  if (out->dtype != wanted)
    return fail("[reduce] expected an output of %s, got %s", name_of(wanted), name_of(out->dtype));
  View expected = *in;
  for (int i = 0; i < in->rank; i++)
    if (axes >> i & 1) expected.shape[i] = 1;
  if (!same_shape(expected, *out))
    return fail("[reduce] expected an output of shape %s, got %s", Shown(expected).text, Shown(*out).text);
  return {};
}

// Rows of x that all of a chunk's columns are summed over, a power of two; 0 where x is not a matrix of such.
int64_t rows_of_chunk(const Attributes& a) {
  if (a.columns == 0 || a.column_in != 1 || a.outer_rank > 0 || a.rank != 1 || is_position(a.kind)) return 0;
  int64_t rows = 16;
  while (2 * rows * a.columns <= kRowChunk && 32 * rows <= a.reduced) rows *= 2;
  return a.reduced >= 8 * rows ? rows : 0;
}

// How outputs go by rows: by leading axes that are kept, if units follow them in order.
void cut_rows(const View& in, uint32_t axes, bool in_order, Attributes* a, Prepared* prepared) {
  int64_t count = 1;
  for (int i = 0; i < in.rank && !(axes >> i & 1 && in.shape[i] > 1); i++) count *= in.shape[i];
  const int64_t outer = a->units / a->blocks;
  if (!in_order || a->chunks > 1 || count <= 1 || outer % count != 0) return;
  a->row_units = a->units / count;
  prepared->rows.count = count;
  prepared->rows.cost = in.elements() / count / 6 + 1;
  prepared->rows.inputs = 1;
}

Status prepare(const View* in, int inputs, const View* out, int outputs, const uint8_t* bytes, size_t size,
               Prepared* prepared) {
  uint32_t header[2];
  const Status status = check(in, inputs, out, outputs, bytes, size, header);
  if (!status.ok) return status;
  prepared->attributes.resize(sizeof(Attributes));
  auto* a = reinterpret_cast<Attributes*>(prepared->attributes.data());
  std::memset(static_cast<void*>(a), 0, sizeof *a);
  a->kind = static_cast<Kind>(header[0]);
  a->integers = in->dtype == DType::int32;

  Axis kept[kMaxRank], reduced[kMaxRank];
  int kept_count = 0, reduced_count = 0;
  a->reduced = 1;
  for (int i = 0; i < in->rank; i++) {
    if (header[1] >> i & 1) {
      reduced[reduced_count++] = {in->shape[i], in->stride[i], 0};
      a->reduced *= in->shape[i];
    } else {
      kept[kept_count++] = {in->shape[i], in->stride[i], out->stride[i]};
    }
  }
  if (a->reduced == 0 && a->kind != Kind::sum && a->kind != Kind::sum_square && out->elements() > 0)
    return fail("[reduce] expected at least one element for a maximum or minimum, got shape %s", Shown(*in).text);
  if (is_position(a->kind) && a->reduced > INT32_MAX)
    return fail("[reduce] expected an axis below 2^31, got shape %s", Shown(*in).text);
  for (int i = 0; i < reduced_count; i++) reduced[i].out = reduced[i].in;  // so that only `in` decides
  bool in_order = true;
  for (int i = 1; i < kept_count; i++) in_order = in_order && kept[i - 1].in >= kept[i].in;
  reduced_count = collapse(reduced, reduced_count);
  kept_count = collapse(kept, kept_count);

  a->rank = reduced_count;
  for (int i = 0; i < reduced_count; i++) {
    a->shape[i] = reduced[i].shape;
    a->stride[i] = reduced[i].in;
  }
  // Densest axis: the smallest stride that moves.
  int lane = -1;
  for (int i = 0; i < kept_count; i++)
    if (kept[i].in > 0) lane = i;
  if (lane >= 0) {
    const int64_t densest = kept[lane].in;
    for (int i = 0; i < reduced_count; i++)
      if (reduced[i].in > 0 && reduced[i].in < densest) lane = -1;
  }
  if (lane >= 0) {
    a->columns = kept[lane].shape;
    a->column_in = kept[lane].in;
    a->column_out = kept[lane].out;
  }
  a->blocks = a->columns ? (a->columns + kColumns - 1) / kColumns : 1;
  a->units = a->blocks;
  for (int i = 0; i < kept_count; i++) {
    if (i == lane) continue;
    a->outer[a->outer_rank] = kept[i].shape;
    a->outer_in[a->outer_rank] = kept[i].in;
    a->outer_out[a->outer_rank++] = kept[i].out;
    a->units *= kept[i].shape;
  }
  if (out->elements() == 0) a->units = 0;

  const int64_t lanes = a->columns ? std::min<int64_t>(a->columns, kColumns) : 1;
  const int64_t cost = std::max<int64_t>(1, a->reduced * lanes);
  Work& work = prepared->work;
  a->chunk = a->reduced;
  a->chunks = 1;
  a->units_per_tile = std::max<int64_t>(1, kChunk / cost);
  const int64_t rows = a->units > 0 ? rows_of_chunk(*a) : 0;
  if (rows > 0) {
    a->rows_first = true;
    a->chunk = rows;
    a->chunks = (a->reduced + rows - 1) / rows;
    work.phases = 2;
    work.tiles[0] = a->chunks;
    work.tiles[1] = a->units;
    work.workspace_bytes = a->units * a->chunks * kColumns * 8;
    prepared->rows.count = a->reduced;
    prepared->rows.multiple = rows;
    prepared->rows.cost = a->columns / 6 + 1;
    prepared->rows.inputs = 1;
    prepared->rows.outputs = 0;
  } else if (!is_position(a->kind) && a->units > 0 && a->units < kFewUnits && cost > 2 * kChunk) {
    a->chunk = std::max<int64_t>(1, kChunk / lanes);
    a->chunks = (a->reduced + a->chunk - 1) / a->chunk;
    a->units_per_tile = 1;
    work.phases = 2;
    work.tiles[0] = a->units * a->chunks;
    work.tiles[1] = a->units;
    work.workspace_bytes = a->units * a->chunks * kColumns * 8;
  } else {
    work.tiles[0] = (a->units + a->units_per_tile - 1) / a->units_per_tile;
  }
  const double elements = static_cast<double>(out->elements()) * static_cast<double>(a->reduced);
  work.flops = elements * (a->kind == Kind::sum_square ? 2 : 1);
  work.bytes = elements * 4 + static_cast<double>(out->elements()) * 4;
  work.tile_cost = (rows > 0 ? rows * a->columns : std::min(cost * a->units_per_tile, 2 * kChunk)) / 6;
  in_order = in_order && (lane < 0 || lane == kept_count - 1);
  if (rows == 0 && a->units > 0) cut_rows(*in, header[1], in_order, a, prepared);
  return {};
}

}  // namespace
}  // namespace reduce

extern const OpDefinition jepa_op_reduce;
const OpDefinition jepa_op_reduce = {"reduce", reduce::prepare};

}  // namespace jepa
