#include "ops/matmul/matmul.h"
#include "ops/matmul/pack.h"
#include "ops/matmul/strip.h"
#include "simd/math.h"

using namespace jepa;
using namespace jepa::matmul;

namespace {

JEPA_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

JEPA_INLINE Vf activated(Vf x, Activation activation) {
  switch (activation) {
    case Activation::gelu_erf:
      return gelu_erf(x);
    case Activation::gelu_tanh:
      return gelu_tanh(x);
    case Activation::silu:
      return silu(x);
    case Activation::relu:
      return select(x < set(0.0f), set(0.0f), x);
    default:
      return x;
  }
}

// bias and activation of one row, in place.
void finish_row(const Attributes& t, const float* bias, int64_t first, int64_t columns, float* y) {
  for (int64_t j = 0; j < columns; j += W) {
    const int left = static_cast<int>(smaller(W, columns - j));
    Vf x = load_n(y + j, left);
    if (bias) x = x + load_n(bias + first + j, left);
    store_n(y + j, activated(x, t.activation), left);
  }
}

struct Place {
  int64_t a, b, y;
};
JEPA_INLINE Place batch_place(const Attributes& t, int64_t batch) {
  Place place = {0, 0, 0};
  for (int64_t axis = t.batch_rank - 1; axis >= 0; axis--) {
    const int64_t at = batch % t.batch_shape[axis];
    batch /= t.batch_shape[axis];
    place.a += at * t.a_batch[axis];
    place.b += at * t.b_batch[axis];
    place.y += at * t.y_batch[axis];
  }
  return place;
}

// Rows [first_row, last_row) × one panel, `depth` inner steps.
void panel_product(const Attributes& t, const float* a, const float* panel, int64_t rows, int64_t depth,
                   int64_t columns, bool accumulate, float* y, int64_t y_row) {
  const bool dense = t.a_column == 1 || t.k == 1;
  const int64_t strips = (rows + kStrip - 1) / kStrip;
  for (int64_t done = 0, s = 0; s < strips; s++) {
    const int64_t count = (rows - done) / (strips - s);  // balanced: 16 rows are 8 and 8, not 14 and 2
    const int64_t height = (rows - done) % (strips - s) ? count + 1 : count;
    const Strip kernel = dense ? strip_for<true>(static_cast<int>(height)) : strip_for<false>(static_cast<int>(height));
    const float* left = a + done * t.a_row;
    for (int64_t j = 0; j < columns; j += kColumns) {
      float* to = y + done * y_row + j;
      if (columns - j >= kColumns) {
        kernel(left, t.a_row, t.a_column, panel + j, depth, accumulate, to, y_row);
      } else {
        alignas(64) float edge[kStrip * kColumns];
        const int64_t width = columns - j;
        if (accumulate)
          for (int64_t i = 0; i < height; i++)
            for (int64_t c = 0; c < kColumns; c++) edge[i * kColumns + c] = c < width ? to[i * y_row + c] : 0.0f;
        kernel(left, t.a_row, t.a_column, panel + j, depth, accumulate, edge, kColumns);
        for (int64_t i = 0; i < height; i++)
          for (int64_t c = 0; c < width; c++) to[i * y_row + c] = edge[i * kColumns + c];
      }
    }
    done += height;
  }
}

void block(const Call& call, const Attributes& t, int64_t tile, float* scratch) {
  const int64_t column_block = tile % t.column_blocks;
  tile /= t.column_blocks;
  const int64_t row_block = tile % t.row_blocks;
  tile /= t.row_blocks;
  const int64_t chunk = tile % t.chunks, batch = tile / t.chunks;
  const Place place = batch_place(t, batch);
  const int64_t row = row_block * kRows, rows = smaller(kRows, t.m - row);
  const int64_t first = column_block * t.columns, columns = smaller(t.columns, t.n - first);
  const int64_t from = chunk * kChunk, to = t.chunks > 1 ? smaller(from + kChunk, t.k) : t.k;
  const float* a = call.in[0].as<const float>() + place.a + row * t.a_row;
  const float* b = call.in[1].as<const float>() + place.b;
  float* y = call.out[0].as<float>() + place.y + row * t.y_row + first;
  int64_t y_row = t.y_row;
  if (t.chunks > 1) {
    y = reinterpret_cast<float*>(call.workspace) + ((chunk * t.batches + batch) * t.m + row) * t.n + first;
    y_row = t.n;
  }
  for (int64_t k = from; k < to || k == from; k += kDepth) {
    const int64_t depth = smaller(kDepth, to - k);
    for (int64_t j = 0; j < columns; j += kPanel) {
      const float* panel;
      if (t.packed) {
        panel = b + ((first + j) / kPanel * t.k + k) * kPanel;
      } else {
        float* packed = scratch + j * kDepth;
        pack_panel(b + k * t.b_row + (first + j) * t.b_column, t.b_row, t.b_column, depth, smaller(kPanel, columns - j),
                   packed);
        panel = packed;
      }
      panel_product(t, a + k * t.a_column, panel, rows, depth, smaller(kPanel, columns - j), k > from, y + j, y_row);
    }
  }
  if (t.chunks == 1 && (t.bias || t.activation != Activation::none)) {
    const float* bias = t.bias ? call.in[2].as<const float>() : nullptr;
    for (int64_t i = 0; i < rows; i++) finish_row(t, bias, first, columns, y + i * y_row);
  }
}

// Adds the chunks' partial results in order, 64 rows a tile.
void combine(const Call& call, const Attributes& t, int64_t tile) {
  const int64_t last = smaller((tile + 1) * 64, t.batches * t.m);
  const int64_t stride = t.batches * t.m * t.n;
  const float* bias = t.bias ? call.in[2].as<const float>() : nullptr;
  for (int64_t r = tile * 64; r < last; r++) {
    float* y = call.out[0].as<float>() + batch_place(t, r / t.m).y + r % t.m * t.y_row;
    const float* part = reinterpret_cast<const float*>(call.workspace) + r * t.n;
    for (int64_t j = 0; j < t.n; j += W) {
      const int left = static_cast<int>(smaller(W, t.n - j));
      Vf sum = load_n(part + j, left);
      for (int64_t c = 1; c < t.chunks; c++) sum = sum + load_n(part + c * stride + j, left);
      store_n(y + j, sum, left);
    }
    if (bias || t.activation != Activation::none) finish_row(t, bias, 0, t.n, y);
  }
}

void run(const Call& call, int phase, int64_t begin, int64_t end, char* scratch) {
  const auto& t = *static_cast<const Attributes*>(call.attributes);
  for (int64_t tile = begin; tile < end; tile++) {
    if (phase == 0) {
      block(call, t, tile, reinterpret_cast<float*>(scratch));
    } else {
      combine(call, t, tile);
    }
  }
}

}  // namespace

JEPA_KERNEL(matmul, run)
