#include "ops/matmul/matmul.h"

using namespace jepa;
using namespace jepa::matmul;

namespace {

void run(const Call& call, int, int64_t begin, int64_t end, char*) {
  const View& b = call.in[0];
  const int64_t depth = b.shape[0], columns = b.shape[1], row = b.stride[0], column = b.stride[1];
  for (int64_t panel = begin; panel < end; panel++) {
    float* to = call.out[0].as<float>() + panel * depth * kPanel;
    const float* from = b.as<const float>() + panel * kPanel * column;
    const int64_t width = columns - panel * kPanel < kPanel ? columns - panel * kPanel : kPanel;
    // Blocks of 16 steps: what is read along a column stays in L1 until its neighbours are.
    for (int64_t first = 0; first < depth; first += 16) {
      const int64_t last = first + 16 < depth ? first + 16 : depth;
      if (column == 1 && width == kPanel) {
        for (int64_t k = first; k < last; k++)
          for (int64_t j = 0; j < kPanel; j++) to[k * kPanel + j] = from[k * row + j];
      } else {
        for (int64_t j = 0; j < kPanel; j++)
          for (int64_t k = first; k < last; k++) to[k * kPanel + j] = j < width ? from[k * row + j * column] : 0.0f;
      }
    }
  }
}

}  // namespace

JEPA_KERNEL(matmul_pack, run)
