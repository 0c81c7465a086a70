#include "ops/linear_int8/quantise.h"
#include "ops/linear_int8/tiles.h"
#include "simd/activation.h"

using namespace jepa;
using namespace jepa::linear_int8;

namespace {

struct Rows {
  float* scales;
  uint8_t* bytes;
};
JEPA_INLINE Rows workspace(const Call& call, const Attributes& t) {
  return {reinterpret_cast<float*>(call.workspace), reinterpret_cast<uint8_t*>(call.workspace) + scale_bytes(t.m)};
}

void quantise(const Call& call, const Attributes& t, int64_t tile) {
  const Rows rows = workspace(call, t);
  const int64_t last = smaller((tile + 1) * kQuantisedRows, t.m);
  for (int64_t i = tile * kQuantisedRows; i < last; i++)
    rows.scales[i] = quantise_row(call.in[0].as<const float>() + i * t.x_row, t.k, rows.bytes + i * row_bytes(t.k));
}

// Of sums that a strip has left in y.
void activate(const Attributes& t, int64_t rows, int64_t columns, const float* residual, float* y) {
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j += W) {
      float* at = y + i * t.y_row + j;
      const int n = static_cast<int>(smaller(W, columns - j));
      const Vf value = activated(load_n(at, n), t.activation);
      store_n(at, residual ? value + load_n(residual + i * t.residual_row + j, n) : value, n);
    }
}

void multiply(const Call& call, const Attributes& t, int64_t tile) {
  const Rows x = workspace(call, t);
  const int64_t block = tile / t.column_blocks, column_block = tile % t.column_blocks;
  const int64_t first = share(t.m, block, t.row_blocks), rows = share(t.m, block + 1, t.row_blocks) - first;
  const int64_t strips = (rows + kMostRows - 1) / kMostRows, depth = groups(t.k), bytes = row_bytes(t.k);
  const bool activates = t.activation != Activation::none;
  const int64_t end = share(panels(t.n), column_block + 1, t.column_blocks);
  for (int64_t panel = share(panels(t.n), column_block, t.column_blocks); panel < end; panel++)
    for (int64_t s = 0; s < strips; s++) {
      const int64_t row = first + rows * s / strips, height = first + rows * (s + 1) / strips - row;
      float* y = call.out[0].as<float>() + row * t.y_row + panel * kPanel;
      const int64_t width = smaller(kPanel, t.n - panel * kPanel);
      const float* residual =
          t.residual ? call.in[call.inputs - 1].as<const float>() + row * t.residual_row + panel * kPanel : nullptr;
      for (int64_t j = 0; j < width; j += kColumns) {
        const int64_t column = panel * kPanel + j;
        const Columns at = {call.in[1].as<const uint8_t>() + (panel * depth * kPanel + j) * kGroup,
                            call.in[3].as<const int32_t>() + column,
                            call.in[2].as<const float>() + column,
                            t.bias ? call.in[4].as<const float>() + column : nullptr,
                            residual && !activates ? residual + j : nullptr,
                            t.residual_row,
                            smaller(kColumns, width - j)};
        multiply_strip(height, x.bytes + row * bytes, bytes, x.scales + row, at, depth, y + j, t.y_row);
      }
      if (activates) activate(t, height, width, residual, y);
    }
}

void run(const Call& call, int phase, int64_t begin, int64_t end, char*) {
  const auto& t = *static_cast<const Attributes*>(call.attributes);
  [[maybe_unused]] const TileRegisters registers(phase == 1);
  for (int64_t tile = begin; tile < end; tile++) (phase == 0 ? quantise : multiply)(call, t, tile);
}

}  // namespace

JEPA_KERNEL(linear_int8, run)
