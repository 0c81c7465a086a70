#include "ops/im2col/im2col.h"

#include "simd/windows.h"

using namespace jepa;

namespace {

// A tile is one row of windows of one picture.
void run(const Call& call, int, int64_t begin, int64_t end, char*) {
  const auto& w = *static_cast<const Windows*>(call.attributes);
  const int64_t columns = w.kh * w.kw * w.channels;
  Window at(w, begin * w.ow);
  for (int64_t row = begin * w.ow; row < end * w.ow; row++, at.next(w))
    gather_row(w, call.in[0].as<const float>(), at, Column(w, 0), columns, call.out[0].as<float>() + row * columns);
}

void run_rows(const Call& call, int64_t begin, int64_t end, char* scratch) {
  const int64_t tiles = static_cast<const Windows*>(call.attributes)->oh;
  run(call, 0, begin * tiles, end * tiles, scratch);
}

}  // namespace

JEPA_ROW_KERNEL(im2col, run, run_rows)
