#include "ops/matmul/matmul.h"
#include "ops/matmul/pack.h"

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
    pack_panel(from, row, column, depth, width, to);
  }
}

}  // namespace

JEPA_KERNEL(matmul_pack, run)
