#include "ops/rows/rows.h"
#include "simd/vec.h"

using namespace jepa;
using namespace jepa::rows;

namespace {

// A builtin instead of the library's inline function, which would be a weak symbol compiled for this target.
JEPA_INLINE void report(const Call& call) {
  __atomic_store_n(reinterpret_cast<int*>(call.fault), static_cast<int>(Fault::index_out_of_range), __ATOMIC_RELAXED);
}

void gather(const Call& call, int, int64_t begin, int64_t end, char*) {
  const auto& a = *static_cast<const Attributes*>(call.attributes);
  const auto* index = reinterpret_cast<const int32_t*>(call.in[1].data);
  const auto bytes = static_cast<size_t>(a.columns * a.width);
  const int64_t last = end * a.rows_per_tile < a.count ? end * a.rows_per_tile : a.count;
  for (int64_t i = begin * a.rows_per_tile; i < last; i++) {
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

void scatter(const Call& call, int, int64_t begin, int64_t end, char*) {
  const auto& a = *static_cast<const Attributes*>(call.attributes);
  const auto* x = reinterpret_cast<const float*>(call.in[0].data);
  const auto* index = reinterpret_cast<const int32_t*>(call.in[1].data);
  auto* y = reinterpret_cast<float*>(call.out[0].data);
  for (int64_t tile = begin; tile < end; tile++) {
    const int64_t first = tile / a.column_blocks * a.rows_per_tile, column = tile % a.column_blocks * kColumnBlock;
    const int64_t rows_after = first + a.rows_per_tile;
    const int64_t last = rows_after < a.table_rows ? rows_after : a.table_rows;
    const int64_t left = a.columns - column, columns = left < kColumnBlock ? left : kColumnBlock;
    for (int64_t row = first; row < last; row++) {
      float* to = y + row * a.out_stride + column;
      for (int64_t k = 0; k < columns; k++) to[k] = 0.0f;
    }
    for (int64_t i = 0; i < a.count; i++) {
      const int64_t row = index[i * a.index_stride];
      if (row < 0 || row >= a.table_rows) {
        report(call);
        continue;
      }
      if (row < first || row >= last) continue;
      const float* from = x + i * a.in_stride + column;
      float* to = y + row * a.out_stride + column;
      int64_t k = 0;
      for (; k + W <= columns; k += W) store(to + k, load(to + k) + load(from + k));
      for (; k < columns; k++) to[k] += from[k];
    }
  }
}

}  // namespace

JEPA_KERNEL(gather_rows, gather)
JEPA_KERNEL(scatter_add_rows, scatter)
