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
  if (!is_position(a->kind) && a->units > 0 && a->units < kFewUnits && cost > 2 * kChunk) {
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
  work.tile_cost = std::min(cost * a->units_per_tile, 2 * kChunk) / 6;
  return {};
}

}  // namespace
}  // namespace reduce

extern const OpDefinition jepa_op_reduce;
const OpDefinition jepa_op_reduce = {"reduce", reduce::prepare};

}  // namespace jepa
