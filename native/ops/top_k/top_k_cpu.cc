#include "ops/top_k/top_k.h"
#include "simd/vec.h"

using namespace jepa;
using namespace jepa::top_k;

namespace {

// Smaller is better: unsigned order of the value (inverted for largest-first) above the position.
JEPA_INLINE uint64_t key_of(float x, int64_t position, bool largest) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, 4);
  uint32_t order = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  if (x == 0.0f) order = 0x80000000u;
  if (x != x) order = 0xffffffffu;
  return static_cast<uint64_t>(largest ? ~order : order) << 32 | static_cast<uint64_t>(position);
}

// Restores the heap (worst at the root) after the element at `at` was replaced.
void sift_down(uint64_t* heap, int64_t at, int64_t count) {
  const uint64_t moving = heap[at];
  for (int64_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
    if (child + 1 < count && heap[child] < heap[child + 1]) child++;
    if (heap[child] <= moving) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = moving;
}

void best_of_row(const float* x, int64_t columns, int64_t count, bool largest, uint64_t* heap) {
  for (int64_t i = 0; i < count; i++) heap[i] = key_of(x[i], i, largest);
  for (int64_t at = count / 2 - 1; at >= 0; at--) sift_down(heap, at, count);
  for (int64_t i = count; i < columns; i++) {
    const uint64_t key = key_of(x[i], i, largest);
    if (key >= heap[0]) continue;
    heap[0] = key;
    sift_down(heap, 0, count);
  }
  for (int64_t left = count - 1; left > 0; left--) {
    const uint64_t worst = heap[0];
    heap[0] = heap[left];
    heap[left] = worst;
    sift_down(heap, 0, left);
  }
}

void run(const Call& call, int, int64_t begin, int64_t end, char* scratch) {
  const auto& a = *static_cast<const Attributes*>(call.attributes);
  auto* heap = reinterpret_cast<uint64_t*>(scratch);
  const int64_t last = end * a.rows_per_tile < a.rows ? end * a.rows_per_tile : a.rows;
  for (int64_t row = begin * a.rows_per_tile; row < last; row++) {
    const float* x = reinterpret_cast<const float*>(call.in[0].data) + row * a.in_stride;
    float* value = reinterpret_cast<float*>(call.out[0].data) + row * a.value_stride;
    int32_t* index = reinterpret_cast<int32_t*>(call.out[1].data) + row * a.index_stride;
    best_of_row(x, a.columns, a.count, a.largest, heap);
    for (int64_t i = 0; i < a.count; i++) {
      index[i] = static_cast<int32_t>(heap[i]);
      value[i] = x[index[i]];
    }
  }
}

}  // namespace

JEPA_KERNEL(top_k, run)
