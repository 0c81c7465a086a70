#include "ops/matmul/ahead.h"
#include "ops/matmul/bfloat16.h"
#include "ops/matmul/finish.h"
#include "ops/matmul/matmul.h"
#include "ops/matmul/pack.h"
#include "ops/matmul/strip.h"
#include "ops/matmul/whole.h"
#include "simd/math.h"

using namespace jepa;
using namespace jepa::matmul;

namespace {

struct Place {
  int64_t a, b, y, beside, sums;
};
JEPA_INLINE Place batch_place(const Attributes& t, int64_t batch) {
  Place place = {0, 0, 0, 0, 0};
  for (int64_t axis = t.batch_rank - 1; axis >= 0; axis--) {
    const int64_t at = batch % t.batch_shape[axis];
    batch /= t.batch_shape[axis];
    place.a += at * t.a_batch[axis];
    place.b += at * t.b_batch[axis];
    place.y += at * t.y_batch[axis];
    place.beside += at * t.beside_batch[axis];
    place.sums += at * t.sums_batch[axis];
  }
  return place;
}

// Of the product at `place`, from its first row and column on.
Finish finish_of(const Call& call, const Attributes& t, const Place& place) {
  Finish finish = {};
  finish.activation = t.activation;
  if (t.bias) finish.bias = call.in[2].as<const float>();
  const float* beside = t.residual || t.slope ? call.in[call.inputs - 1].as<const float>() + place.beside : nullptr;
  (t.slope ? finish.slope_at : finish.residual) = beside;
  finish.beside_row = t.beside_row;
  if (call.outputs > 1) finish.sums = call.out[1].as<float>() + place.sums;
  finish.sums_row = t.sums_row;
  const auto aligned = [](const float* p, int64_t row) {
    return reinterpret_cast<uintptr_t>(p) % (kLine * 4) == 0 && row % kLine == 0;
  };
  finish.streamed = t.streamed && aligned(call.out[0].as<float>() + place.y, t.y_row);
  finish.sums_streamed = t.sums_streamed && finish.sums && aligned(finish.sums, t.sums_row);
  return finish;
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

static_assert((kRows + kTileRows - 1) / kTileRows * kStripRow * kDepth <= kCopied, "strips fit");
static_assert((kRows + kTileStrip - 1) / kTileStrip * kTileStrip * kPairedDepth / 2 <= kCopied, "and of tiles");

// A block of the windows of a picture, from row `row` and step k on.
Left left_of_windows(const Attributes& t, const float* picture, int64_t row, int64_t k, int64_t rows, int64_t depth,
                     float* scratch) {
  Left left = {scratch, kCopiedRow, 1, is_tiled(t) ? strip_numbers(t, depth) : 0, strips_of(t, rows), rows};
  Window at(t.windows, row);
  const Column from(t.windows, k);
  for (int64_t s = 0; s < left.strips; s++)
    for (int64_t i = left.begin(s); i < left.begin(s + 1); i++, at.next(t.windows)) {
      alignas(64) float numbers[kPairedDepth];
      gather_row(t.windows, picture, at, from, depth, t.rounded ? numbers : scratch + i * left.row);
      if (is_tiled(t))
        tile_rows(numbers, 0, 1, depth, scratch + s * left.strip + (i - left.begin(s)) * kTile);
      else if (t.rounded)
        round_row(numbers, depth, scratch + i * left.row);
    }
  return left;
}

// A block of a, [rows, depth] from row `row` and step k on: in place, or, where its rows would push each other out of the caches,
// copied; what is dense along its columns is then packed into strips.
Left left_of(const Attributes& t, const float* matrix, int64_t row, int64_t k, int64_t rows, int64_t depth,
             float* scratch) {
  if (t.a_windows) return left_of_windows(t, matrix, row, k, rows, depth, scratch);
  const float* a = matrix + row * t.a_row + k * t.a_column;
  const bool dense = t.a_column == 1 || t.k == 1;
  Left left = {a, t.a_row, 1, 0, strips_of(t, rows), rows};
  if (is_tiled(t)) {
    left.data = scratch;
    left.strip = strip_numbers(t, depth);
    for (int64_t s = 0; s < left.strips; s++) {
      const int64_t first = left.begin(s), height = left.begin(s + 1) - first;
      float* to = scratch + s * left.strip;
      dense ? tile_rows(a + first * t.a_row, t.a_row, height, depth, to)
            : tile_columns(a + first, t.a_column, height, depth, to);
    }
    return left;
  }
  if (dense) {
    if (!t.copied) return left;
    left.data = scratch;
    left.row = kCopiedRow;
    for (int64_t i = 0; i < rows; i++)
      t.rounded ? round_row(a + i * t.a_row, depth, scratch + i * left.row)
                : copy_run(a + i * t.a_row, 1, depth, scratch + i * left.row);
    return left;
  }
  if (!t.copied) return {a, 1, t.a_column, 0, left.strips, rows};
  left = {scratch, 1, kStripRow, kStripRow * depth_of(t), left.strips, rows};
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

// All strips times one panel; `done` strips went before.
template <bool Pairs>
void panel_product(const Left& left, const float* panel, int64_t b_row, const Ahead& ahead, int64_t done, int64_t depth,
                   int64_t columns, bool accumulate, float* y, int64_t y_row, const Finish& finish) {
  constexpr bool kTiled = Pairs && kTiles;
  for (int64_t s = 0; s < left.strips; s++) {
    const int64_t first = left.begin(s), height = left.begin(s + 1) - first;
    Strip kernel = nullptr;  // and what it fetches ahead: not for tiles
    Fetch fetch = {};
    if (!kTiled) {
      const auto rows = static_cast<int>(height);
      kernel = left.row == 1 ? strip_for<false, Pairs>(rows) : strip_for<true, Pairs>(rows);
      fetch = left.row == 1 ? ahead.for_columns(done + s) : ahead.for_rows(s);
    }
    for (int64_t j = 0; j < columns; j += kColumns) {
      float* to = y + first * y_row + j;
      const int64_t width = smaller(kColumns, columns - j);
      const bool whole = width == kColumns;
      Finish after = finish.at(first, j);
      const float* bias = nullptr;
      if (whole && !kTiled) bias = after.bias, after.bias = nullptr;
      fetch.beside = after.beside();
      fetch.beside_row = after.beside_row;
      const auto multiply = [&](Into into, float* c, int64_t c_row) __attribute__((always_inline)) {
        if (kTiled) return tiled_product(left.at(s), height, panel, depth, into == Into::added, c);
        kernel(left.at(s), left.row, left.column, panel + j, b_row, depth, into, bias, c, c_row, fetch);
      };
      if (whole && !kTiled && (accumulate || !after.needed())) {
        multiply(accumulate ? Into::added : after.streamed ? Into::streamed : Into::over, to, y_row);
        if (after.needed()) finish_tile(after, height, width, to, y_row, to, y_row, false);
        continue;
      }
      alignas(64) float tile[(kTiled ? kTileStrip : kTileRows) * kColumns];
      if (accumulate)
        for (int64_t i = 0; i < height; i++)
          for (int64_t c = 0; c < kColumns; c++) tile[i * kColumns + c] = c < width ? to[i * y_row + c] : 0.0f;
      multiply(accumulate ? Into::added : Into::over, tile, kColumns);
      finish_tile(after, height, width, tile, kColumns, to, y_row, after.streamed && whole);
    }
  }
}

struct Block {
  int64_t row, rows, panel, panels, from, to;  // from, to: inner steps
  int64_t row_block;
};

// Of a that was packed whole.
Left whole_left(const Call& call, const Attributes& t, const Block& at, int64_t k, int64_t depth) {
  const int64_t strips = strips_of(t, at.rows);
  return {whole_a(t, call.workspace, at.row_block, strips, k), 1, kStripRow, strip_numbers(t, depth), strips, at.rows};
}

void block(const Call& call, const Attributes& t, const Place& place, const Block& at, float* y, int64_t y_row,
           const Finish& finish, float* scratch) {
  const float* a = call.in[0].as<const float>() + place.a;
  const float* b = call.in[1].as<const float>() + place.b;
  float* turned = scratch + kDepth * kPanel;
  const int64_t step = depth_of(t);
  for (int64_t k = at.from; k < at.to || k == at.from; k += step) {
    const int64_t depth = smaller(step, at.to - k);
    const int64_t steps = steps_of(t, depth);
    const Left left =
        a_is_whole(t) ? whole_left(call, t, at, k, depth) : left_of(t, a, at.row, k, at.rows, depth, turned);
    Ahead ahead = {scratch, nullptr, {}, steps, at.panels * left.strips};
    if (!t.packed && !t.a_windows && k + depth < at.to) {
      if (a_is_whole(t)) {
        ahead.region[0] = {left.data + left.strips * left.strip, kStripRow, left.strips * steps, kStripRow};
      } else {
        ahead.region[0] = {a + at.row * t.a_row + (k + depth) * t.a_column, t.a_column, depth, at.rows};
      }
      if (t.b_column == 1 && !t.b_windows)
        ahead.region[1] = {b + (k + depth) * t.b_row + at.panel * kPanel, t.b_row, depth, at.panels * kPanel};
    }
    const auto pack = [&](int64_t first, int64_t columns) {
      if (t.b_windows) return gather_panel(t, b, k, first, depth, columns, scratch);
      pack_panel(b + k * t.b_row + first * t.b_column, t.b_row, t.b_column, depth, columns, scratch);
    };
    for (int64_t p = at.panel; p < at.panel + at.panels; p++) {
      const int64_t first = p * kPanel, columns = smaller(kPanel, t.n - first);
      const float* panel = scratch;
      int64_t b_row = kPanel;
      int64_t done = (p - at.panel) * left.strips;
      if (b_is_whole(t)) {
        panel = whole_b(t, call.workspace, k) + p * steps * kPanel;
        const float* next = p + 1 < at.panel + at.panels ? panel + steps * kPanel : panel;
        ahead = {scratch, next, {{next, kPanel, steps, kPanel}}, steps, left.strips};
        done = 0;
      } else if (t.rounded) {
        if (t.packed) {
          const int64_t pairs = (t.k + 1) / 2;
          const float* packed = b + (p * pairs + k / 2) * kPanel;
          const float* next = p + 1 < at.panel + at.panels ? packed + pairs * kPanel : packed;
          ahead = {scratch, next, {{next, kPanel, steps, kPanel}}, steps, left.strips};
          done = 0;
          panel = packed_panel(packed, depth, scratch);
        } else {
          pack(first, columns);
          round_panel(scratch, depth);
        }
      } else if (t.packed) {
        panel = b + (p * t.k + k) * kPanel;
        const float* next = p + 1 < at.panel + at.panels ? panel + t.k * kPanel : panel;
        ahead = {scratch, next, {{next, kPanel, depth, kPanel}}, depth, left.strips};
        done = 0;
      } else if (!t.b_copied && columns == kPanel) {
        panel = b + k * t.b_row + first;
        b_row = t.b_row;
      } else {
        pack(first, columns);
      }
      float* to = y + (p - at.panel) * kPanel;
      const auto product = kPairs && t.rounded ? panel_product<kPairs> : panel_product<false>;
      product(left, panel, b_row, ahead, done, steps, columns, k > at.from, to, y_row,
              k + depth >= at.to ? finish.at(at.row, first) : Finish{});
    }
  }
}

void run_tile(const Call& call, const Attributes& t, int64_t tile, float* scratch) {
  const int64_t column_block = tile % t.column_blocks;
  tile /= t.column_blocks;
  const int64_t row_block = tile % t.row_blocks;
  tile /= t.row_blocks;
  const int64_t chunk = tile % t.chunks, batch = tile / t.chunks;
  Block at;
  at.row_block = row_block;
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
    block(call, t, place, at, y, t.n, Finish{}, scratch);
  } else {
    float* y = call.out[0].as<float>() + place.y + at.row * t.y_row + first;
    block(call, t, place, at, y, t.y_row, finish_of(call, t, place), scratch);
  }
}

// Adds the chunks' partial results in order, 64 rows a tile.
void combine(const Call& call, const Attributes& t, int64_t tile) {
  const int64_t last = smaller((tile + 1) * 64, t.batches * t.m);
  const int64_t stride = t.batches * t.m * t.n;
  for (int64_t r = tile * 64; r < last; r++) {
    const Place place = batch_place(t, r / t.m);
    float* y = call.out[0].as<float>() + place.y + r % t.m * t.y_row;
    const float* part = reinterpret_cast<const float*>(call.workspace) + r * t.n;
    for (int64_t j = 0; j < t.n; j += W) {
      const int left = static_cast<int>(smaller(W, t.n - j));
      Vf sum = load_n(part + j, left);
      for (int64_t c = 1; c < t.chunks; c++) sum = sum + load_n(part + c * stride + j, left);
      store_n(y + j, sum, left);
    }
    const Finish finish = finish_of(call, t, place);
    if (finish.needed()) finish_tile(finish.at(r % t.m, 0), 1, t.n, y, t.y_row, y, t.y_row, false);
  }
}

// A block of rows of a, or some panels of b, of one depth. Depths one after another: the rows of both that a thread packs are often
// those that it computed.
void pack_whole(const Call& call, const Attributes& t, int64_t tile) {
  const int64_t groups = (t.panels + kWholePanels - 1) / kWholePanels;
  const int64_t of_a = t.a_whole ? t.row_blocks : 0, of_depth = of_a + (t.b_whole ? groups : 0);
  const int64_t k = tile / of_depth * t.depth, depth = smaller(t.depth, t.k - k), part = tile % of_depth;
  if (part < of_a) {
    if (!a_is_whole(t)) return;
    const int64_t row = share(t.m, part, t.row_blocks), rows = share(t.m, part + 1, t.row_blocks) - row;
    pack_whole_a(t, call.in[0].as<const float>() + row * t.a_row + k * t.a_column, rows, depth, strips_of(t, rows),
                 whole_a(t, call.workspace, part, strips_of(t, rows), k));
    return;
  }
  if (!b_is_whole(t)) return;
  const int64_t panel = (part - of_a) * kWholePanels;
  pack_whole_b(t, call.in[1].as<const float>(), panel, smaller(kWholePanels, t.panels - panel), k, depth,
               whole_b(t, call.workspace, k) + panel * kPanel * steps_of(t, depth));
}

void run(const Call& call, int phase, int64_t begin, int64_t end, char* scratch) {
  const auto& t = *static_cast<const Attributes*>(call.attributes);
  [[maybe_unused]] const TileRegisters registers(is_tiled(t) && phase == t.packing);
  for (int64_t tile = begin; tile < end; tile++) {
    if (phase < t.packing) {
      pack_whole(call, t, tile);
    } else if (phase == t.packing) {
      run_tile(call, t, tile, reinterpret_cast<float*>(scratch));
    } else {
      combine(call, t, tile);
    }
  }
  if (t.streamed || t.sums_streamed) stream_end();
}

// Rows of one product with a packed b; results are read soon, by the nodes that follow.
void run_rows(const Call& call, int64_t begin, int64_t end, char* scratch) {
  const auto& t = *static_cast<const Attributes*>(call.attributes);
  [[maybe_unused]] const TileRegisters registers(is_tiled(t));
  const Place place = batch_place(t, 0);
  Finish finish = finish_of(call, t, place);
  finish.streamed = false;
  const int64_t first = begin * t.rows_of_row, rows = end * t.rows_of_row - first, blocks = (rows + kRows - 1) / kRows;
  for (int64_t i = 0; i < blocks; i++) {
    Block at = {};
    at.row = first + share(rows, i, blocks);
    at.rows = first + share(rows, i + 1, blocks) - at.row;
    at.panels = t.panels;
    at.to = t.k;
    block(call, t, place, at, call.out[0].as<float>() + place.y + at.row * t.y_row, t.y_row, finish,
          reinterpret_cast<float*>(scratch));
  }
  if (finish.sums_streamed) stream_end();
}

}  // namespace

JEPA_ROW_KERNEL(matmul, run, run_rows)
