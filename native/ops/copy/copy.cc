#include "ops/copy/copy.h"

#include <algorithm>
#include <cstring>

#include "runtime/status.h"

namespace jepa {
namespace copying {
namespace {

struct Axis {
  int64_t shape, in, out;
};

int collapse(const View& in, const View& out, Axis* axes) {
  int count = 0, kept = 0;
  for (int i = 0; i < in.rank; i++)
    if (in.shape[i] != 1) axes[count++] = {in.shape[i], in.stride[i], out.stride[i]};
  std::stable_sort(axes, axes + count, [](const Axis& a, const Axis& b) { return a.out > b.out; });
  for (int i = 0; i < count; i++) {
    if (kept && axes[kept - 1].in == axes[i].in * axes[i].shape && axes[kept - 1].out == axes[i].out * axes[i].shape) {
      axes[kept - 1] = {axes[kept - 1].shape * axes[i].shape, axes[i].in, axes[i].out};
    } else {
      axes[kept++] = axes[i];
    }
  }
  if (kept == 0) axes[kept++] = {1, 1, 1};
  return kept;
}

// The axis that is dense in the input, if transposing it against the output's dense axis pays.
int transposed_axis(const Axis* axes, int rank) {
  const Axis& inner = axes[rank - 1];
  if (inner.out != 1 || inner.in <= 1 || inner.shape < 4) return -1;
  for (int i = 0; i < rank - 1; i++)
    if (axes[i].in == 1 && axes[i].shape >= 4) return i;
  return -1;
}

// Whether elements are copied in row-major order, which is that of the output's strides.
bool in_order(const View& out) {
  if (out.rank < 2) return false;
  int64_t last = INT64_MAX;
  for (int i = 0; i < out.rank; i++) {
    if (out.shape[i] == 1) continue;
    if (out.stride[i] > last) return false;
    last = out.stride[i];
  }
  return true;
}

Status prepare(const View* in, int inputs, const View* out, int outputs, const uint8_t*, size_t size,
               Prepared* prepared) {
  if (inputs != 1 || outputs != 1) return fail("[copy] expected 1 input and 1 output, got %d and %d", inputs, outputs);
  if (size != 0) return fail("[copy] expected no attributes, got %zu bytes", size);
  if (!same_shape(*in, *out))
    return fail("[copy] expected an output of shape %s, got %s", Shown(*in).text, Shown(*out).text);
  if (in->dtype != out->dtype)
    return fail("[copy] expected an output of %s, got %s", name_of(in->dtype), name_of(out->dtype));
  prepared->attributes.resize(sizeof(Attributes));
  auto* a = reinterpret_cast<Attributes*>(prepared->attributes.data());
  std::memset(static_cast<void*>(a), 0, sizeof *a);
  a->elements = in->elements();
  a->width = size_of(in->dtype);
  Work& work = prepared->work;
  work.bytes = 2.0 * static_cast<double>(a->elements * a->width);
  if (a->elements == 0) {
    work.tiles[0] = 0;
    return {};
  }
  Axis axes[kMaxRank];
  int rank = collapse(*in, *out, axes);
  const int across = transposed_axis(axes, rank);
  if (across >= 0) {
    a->transposed = true;
    a->rows = axes[across].shape;
    a->row_out = axes[across].out;
    a->columns = axes[rank - 1].shape;
    a->column_in = axes[rank - 1].in;
    a->row_blocks = (a->rows + kBlock - 1) / kBlock;
    a->column_blocks = (a->columns + kBlock - 1) / kBlock;
    std::copy(axes + across + 1, axes + rank - 1, axes + across);
    rank -= 2;
    a->units = a->row_blocks * a->column_blocks;
    const int64_t cost = std::min<int64_t>(a->rows, kBlock) * std::min<int64_t>(a->columns, kBlock);
    a->units_per_tile = std::max<int64_t>(1, kTileElements / cost);
  }
  a->rank = rank;
  for (int i = 0; i < rank; i++) {
    a->shape[i] = axes[i].shape;
    a->in[i] = axes[i].in;
    a->out[i] = axes[i].out;
    a->units *= axes[i].shape;
  }
  work.tiles[0] = a->transposed ? (a->units + a->units_per_tile - 1) / a->units_per_tile
                                : (a->elements + kTileElements - 1) / kTileElements;
  work.tile_cost = std::min(a->elements, kTileElements) / (a->transposed ? 3 : 8);
  if (!a->transposed && in_order(*out)) {
    prepared->rows.count = a->elements / out->shape[out->rank - 1];
    prepared->rows.cost = out->shape[out->rank - 1] / 8 + 1;
    prepared->rows.inputs = 1;
  }
  return {};
}

}  // namespace
}  // namespace copying

extern const OpDefinition jepa_op_copy;
const OpDefinition jepa_op_copy = {"copy", copying::prepare};

}  // namespace jepa
