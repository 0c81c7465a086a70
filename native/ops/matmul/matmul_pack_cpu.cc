#include "ops/matmul/bfloat16.h"

using namespace jepa;
using namespace jepa::matmul;

namespace {

constexpr int64_t kStep = 64;  // inner steps that are packed before they become pairs: 8 KiB

void run(const Call& call, int, int64_t begin, int64_t end, char*) {
  const View &b = call.in[0], &y = call.out[0];
  const int64_t depth = b.shape[0], columns = b.shape[1], row = b.stride[0], column = b.stride[1];
  for (int64_t panel = begin; panel < end; panel++) {
    const float* from = b.as<const float>() + panel * kPanel * column;
    const int64_t width = columns - panel * kPanel < kPanel ? columns - panel * kPanel : kPanel;
    if (y.dtype == DType::float32) {
      pack_panel(from, row, column, depth, width, y.as<float>() + panel * depth * kPanel);
      continue;
    }
    int32_t* to = y.as<int32_t>() + panel * ((depth + 1) / 2) * kPanel;
    for (int64_t k = 0; k < depth; k += kStep) {
      alignas(64) float block[kStep * kPanel];
      const int64_t steps = depth - k < kStep ? depth - k : kStep;
      pack_panel(from + k * row, row, column, steps, width, block);
      pair_rows(block, kPanel, steps, to + k / 2 * kPanel);
    }
  }
}

}  // namespace

JEPA_KERNEL(matmul_pack, run)
