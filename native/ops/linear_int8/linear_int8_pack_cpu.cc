#include "ops/linear_int8/quantise.h"

using namespace jepa;
using namespace jepa::linear_int8;

namespace {

// A tile is a panel.
void run(const Call& call, int, int64_t begin, int64_t end, char* scratch) {
  const View& w = call.in[0];
  const int64_t n = w.shape[0], k = w.shape[1], depth = groups(k);
  auto* row = reinterpret_cast<uint8_t*>(scratch);
  for (int64_t panel = begin; panel < end; panel++) {
    uint8_t* to = call.out[0].as<uint8_t>() + panel * depth * kPanel * kGroup;
    for (int64_t c = 0; c < kPanel; c++) {
      const int64_t channel = panel * kPanel + c;
      const bool there = channel < n;
      float scale = 0;
      int32_t sum = 0;
      if (there) scale = quantise_row(w.as<const float>() + channel * k, k, row);
      for (int64_t g = 0; g < depth; g++)
        for (int64_t i = 0; i < kGroup; i++) {
          const int32_t q = there ? row[g * kGroup + i] - 128 : 0;
          sum += q;
          to[(g * kPanel + c) * kGroup + i] = static_cast<uint8_t>(q);
        }
      call.out[1].as<float>()[channel] = scale;
      call.out[2].as<int32_t>()[channel] = -128 * sum;
    }
  }
}

}  // namespace

JEPA_KERNEL(linear_int8_pack, run)
