#include "ops/matmul/bfloat16.h"
#include "ops/matmul/matmul.h"
#include "ops/matmul/pack.h"
#include "ops/matmul/strip.h"
#include "simd/activation.h"

using namespace jepa;
using namespace jepa::matmul;

namespace {

JEPA_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

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

// Rows of a block as strips read them: strip s begins at data + begin(s)·row, or at data + s·strip where strips are packed.
struct Left {
  const float* data;
  int64_t row, column, strip, strips, rows;
  JEPA_METHOD int64_t begin(int64_t s) const {
    return rows * s / strips;
  }  // balanced: 16 rows are 8 and 8, not 14 and 2
  JEPA_METHOD const float* at(int64_t s) const { return data + (strip ? s * strip : begin(s) * row); }
};

static_assert((kRows + kTileRows - 1) / kTileRows * kStripRow * (kDepth / 2) <= kRows * kCopiedRow, "strips fit");

// A block of a, [rows, depth] at `a`: in place, or, where its rows would push each other out of the caches, copied; what is
// dense along its columns is then packed into strips.
Left left_of(const Attributes& t, const float* a, int64_t rows, int64_t depth, float* scratch) {
  Left left = {a, t.a_row, 1, 0, (rows + kTileRows - 1) / kTileRows, rows};
  if (t.a_column == 1 || t.k == 1) {
    if (!t.copied) return left;
    left.data = scratch;
    left.row = t.rounded ? kRoundedRow : kCopiedRow;
    for (int64_t i = 0; i < rows; i++) {
      const float* from = a + i * t.a_row;
      float* to = scratch + i * left.row;
      if (t.rounded) {
        round_row(from, depth, to);
        continue;
      }
      for (int64_t k = 0; k < depth; k += W) store(to + k, load_n(from + k, static_cast<int>(smaller(W, depth - k))));
    }
    return left;
  }
  if (!t.copied) return {a, 1, t.a_column, 0, left.strips, rows};
  left = {scratch, 1, kStripRow, kStripRow * t.depth, left.strips, rows};
  for (int64_t s = 0; s < left.strips; s++) {
    const int64_t first = left.begin(s), height = left.begin(s + 1) - first;
    float* to = scratch + s * left.strip;
    if (t.rounded) {
      round_strip<kStripRow>(a + first, t.a_column, height, depth, to);
    } else {
      pack_strip<kStripRow, false>(a + first, t.a_column, height, depth, to);
    }
  }
  return left;
}

// What strips fetch for later, a line a step: columns of lines of up to two regions, one column a strip.
struct Ahead {
  const float *first, *second;
  int64_t first_step, second_step, first_lines, second_lines;
  JEPA_METHOD Fetch at(int64_t strip) const {
    if (strip < first_lines) return {first + strip * kLine, first_step};
    if (strip - first_lines < second_lines) return {second + (strip - first_lines) * kLine, second_step};
    return {first, 0};
  }
};

// All strips times one panel; `done` strips went before.
template <bool Pairs>
void panel_product(const Left& left, const float* panel, int64_t b_row, const Ahead& ahead, int64_t done, int64_t depth,
                   int64_t columns, bool accumulate, float* y, int64_t y_row) {
  for (int64_t s = 0; s < left.strips; s++) {
    const int64_t first = left.begin(s), height = left.begin(s + 1) - first;
    const Strip kernel = left.row == 1 ? strip_for<false, Pairs>(static_cast<int>(height))
                                       : strip_for<true, Pairs>(static_cast<int>(height));
    const Fetch fetch = ahead.at(done + s);
    for (int64_t j = 0; j < columns; j += kColumns) {
      float* to = y + first * y_row + j;
      if (columns - j >= kColumns) {
        kernel(left.at(s), left.row, left.column, panel + j, b_row, depth, accumulate, to, y_row, fetch);
      } else {
        alignas(64) float edge[kTileRows * kColumns];
        const int64_t width = columns - j;
        if (accumulate)
          for (int64_t i = 0; i < height; i++)
            for (int64_t c = 0; c < kColumns; c++) edge[i * kColumns + c] = c < width ? to[i * y_row + c] : 0.0f;
        kernel(left.at(s), left.row, left.column, panel + j, b_row, depth, accumulate, edge, kColumns, fetch);
        for (int64_t i = 0; i < height; i++)
          for (int64_t c = 0; c < width; c++) to[i * y_row + c] = edge[i * kColumns + c];
      }
    }
  }
}

struct Block {
  int64_t row, rows, panel, panels, from, to;  // from, to: inner steps
};

void block(const Call& call, const Attributes& t, const Place& place, const Block& at, float* y, int64_t y_row,
           bool finish, float* scratch) {
  const float* a = call.in[0].as<const float>() + place.a + at.row * t.a_row;
  const float* b = call.in[1].as<const float>() + place.b;
  const float* bias = finish && t.bias ? call.in[2].as<const float>() : nullptr;
  float* turned = scratch + kDepth * kPanel;
  finish = finish && (t.bias || t.activation != Activation::none);
  for (int64_t k = at.from; k < at.to || k == at.from; k += t.depth) {
    const int64_t depth = smaller(t.depth, at.to - k);
    const Left left = left_of(t, a + k * t.a_column, at.rows, depth, turned);
    Ahead ahead = {scratch, nullptr, 0, 0, 0, 0};
    if (!t.packed && k + depth < at.to && left.row == 1) {
      ahead.first = a + (k + depth) * t.a_column;
      ahead.first_step = t.a_column;
      ahead.first_lines = at.rows / kLine + 1;
      ahead.second = b + (k + depth) * t.b_row + at.panel * kPanel * t.b_column;
      ahead.second_step = t.b_row;
      ahead.second_lines = t.b_column == 1 ? at.panels * kPanel / kLine + 1 : 0;
    }
    for (int64_t p = at.panel; p < at.panel + at.panels; p++) {
      const int64_t first = p * kPanel, columns = smaller(kPanel, t.n - first);
      const float* panel = scratch;
      int64_t b_row = kPanel;
      int64_t done = (p - at.panel) * left.strips;
      int64_t steps = depth;
      if (t.rounded) {
        steps = rounded_steps(depth);
        if (t.packed) {
          const int64_t pairs = (t.k + 1) / 2;
          const float* packed = b + (p * pairs + k / 2) * kPanel;
          const float* next = p + 1 < at.panel + at.panels ? packed + pairs * kPanel : packed;
          ahead = {next, next + steps * kLine, kLine, kLine, 1, kPairs};
          done = 0;
          panel = packed_panel(packed, depth, scratch);
        } else {
          pack_panel(b + k * t.b_row + first * t.b_column, t.b_row, t.b_column, depth, columns, scratch);
          round_panel(scratch, depth);
        }
      } else if (t.packed) {
        panel = b + (p * t.k + k) * kPanel;
        const float* next = p + 1 < at.panel + at.panels ? panel + t.k * kPanel : panel;
        ahead = {next, next + depth * kLine, kLine, kLine, 1, 1};
        done = 0;
      } else if (!t.b_copied && columns == kPanel) {
        panel = b + k * t.b_row + first;
        b_row = t.b_row;
      } else {
        pack_panel(b + k * t.b_row + first * t.b_column, t.b_row, t.b_column, depth, columns, scratch);
      }
      float* to = y + (p - at.panel) * kPanel;
      const auto product = kPairs && t.rounded ? panel_product<kPairs> : panel_product<false>;
      product(left, panel, b_row, ahead, done, steps, columns, k > at.from, to, y_row);
      if (finish && k + depth >= at.to)
        for (int64_t i = 0; i < at.rows; i++) finish_row(t, bias, first, columns, to + i * y_row);
    }
  }
}

JEPA_INLINE int64_t share(int64_t total, int64_t part, int64_t parts) { return total * part / parts; }

void run_tile(const Call& call, const Attributes& t, int64_t tile, float* scratch) {
  const int64_t column_block = tile % t.column_blocks;
  tile /= t.column_blocks;
  const int64_t row_block = tile % t.row_blocks;
  tile /= t.row_blocks;
  const int64_t chunk = tile % t.chunks, batch = tile / t.chunks;
  Block at;
  at.row = share(t.m, row_block, t.row_blocks);
  at.rows = share(t.m, row_block + 1, t.row_blocks) - at.row;
  at.panel = share(t.panels, column_block, t.column_blocks);
  at.panels = share(t.panels, column_block + 1, t.column_blocks) - at.panel;
  at.from = chunk * kChunk;
  at.to = t.chunks > 1 ? smaller(at.from + kChunk, t.k) : t.k;
  const Place place = batch_place(t, batch);
  const int64_t first = at.panel * kPanel;
  if (t.chunks > 1) {
    float* y = reinterpret_cast<float*>(call.workspace) + ((chunk * t.batches + batch) * t.m + at.row) * t.n + first;
    block(call, t, place, at, y, t.n, false, scratch);
  } else {
    block(call, t, place, at, call.out[0].as<float>() + place.y + at.row * t.y_row + first, t.y_row, true, scratch);
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
      run_tile(call, t, tile, reinterpret_cast<float*>(scratch));
    } else {
      combine(call, t, tile);
    }
  }
}

}  // namespace

JEPA_KERNEL(matmul, run)
