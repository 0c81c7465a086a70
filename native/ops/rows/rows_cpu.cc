#include "ops/rows/rows.h"
#include "simd/vec.h"

using namespace jepa;
using namespace jepa::rows;

namespace {

// A builtin instead of the library's inline function, which would be a weak symbol compiled for this target.
JEPA_INLINE void report(const Call& call) {
  __atomic_store_n(reinterpret_cast<int*>(call.fault), static_cast<int>(Fault::index_out_of_range), __ATOMIC_RELAXED);
}

void gather_some(const Call& call, int64_t begin, int64_t end, char*) {
  const auto& a = *static_cast<const Attributes*>(call.attributes);
  const auto* index = reinterpret_cast<const int32_t*>(call.in[1].data);
  const auto bytes = static_cast<size_t>(a.columns * a.width);
  for (int64_t i = begin; i < end; i++) {
    const int64_t row = index[i * a.index_stride];
    char* to = call.out[0].data + i * a.out_stride * a.width;
    if (row < 0 || row >= a.table_rows) {
      report(call);
      __builtin_memset(to, 0, bytes);
    } else {
      __builtin_memcpy(to, call.in[0].data + row * a.in_stride * a.width, bytes);
    }
  }
}

void gather(const Call& call, int, int64_t begin, int64_t end, char* scratch) {
  const auto& a = *static_cast<const Attributes*>(call.attributes);
  const int64_t last = end * a.rows_per_tile;
  gather_some(call, begin * a.rows_per_tile, last < a.count ? last : a.count, scratch);
}

// Leaves, for row r of the output, the positions start[r] … start[r + 1] of `order`: the inputs added to it, ascending.
void sort_by_row(const Call& call, const Attributes& a, int32_t* start, int32_t* order) {
  const auto* index = reinterpret_cast<const int32_t*>(call.in[1].data);
  for (int64_t r = 0; r <= a.table_rows; r++) start[r] = 0;
  for (int64_t i = 0; i < a.count; i++) {
    const int64_t row = index[i * a.index_stride];
    if (row < 0 || row >= a.table_rows) {
      report(call);
    } else {
      start[row]++;
    }
  }
  int32_t sum = 0;
  for (int64_t r = 0; r <= a.table_rows; r++) {
    sum += start[r];
    start[r] = sum;  // the end of row r
  }
  for (int64_t i = a.count - 1; i >= 0; i--) {
    const int64_t row = index[i * a.index_stride];
    if (row >= 0 && row < a.table_rows) order[--start[row]] = static_cast<int32_t>(i);
  }
}

void scatter(const Call& call, int phase, int64_t begin, int64_t end, char*) {
  const auto& a = *static_cast<const Attributes*>(call.attributes);
  auto* start = reinterpret_cast<int32_t*>(call.workspace);
  auto* order = start + a.table_rows + 1;
  if (phase == 0) return begin < end ? sort_by_row(call, a, start, order) : void();
  const auto* x = reinterpret_cast<const float*>(call.in[0].data);
  const int64_t last = end * a.rows_per_tile < a.table_rows ? end * a.rows_per_tile : a.table_rows;
  for (int64_t row = begin * a.rows_per_tile; row < last; row++) {
    float* to = reinterpret_cast<float*>(call.out[0].data) + row * a.out_stride;
    for (int64_t c = 0; c < a.columns; c += W) {
      const int n = static_cast<int>(a.columns - c < W ? a.columns - c : W);
      Vf sum = set(0.0f);
      for (int32_t k = start[row]; k < start[row + 1]; k++) {
        const float* from = x + order[k] * a.in_stride + c;
        sum = sum + (n == W ? load(from) : load_n(from, n));
      }
      store_n(to + c, sum, n);
    }
  }
}

}  // namespace

JEPA_ROW_KERNEL(gather_rows, gather, gather_some)
JEPA_KERNEL(scatter_add_rows, scatter)
