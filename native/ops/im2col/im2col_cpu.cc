#include "ops/im2col/im2col.h"

#include "simd/vec.h"

using namespace jepa;
using namespace jepa::im2col;

namespace {

JEPA_INLINE void copy_run(const float* from, int64_t stride, int64_t count, float* to) {
  if (stride != 1) {
    for (int64_t i = 0; i < count; i++) to[i] = from[i * stride];
    return;
  }
  int64_t i = 0;
  for (; i + W <= count; i += W) store(to + i, load(from + i));
  if (i < count) store_n(to + i, load_n(from + i, static_cast<int>(count - i)), static_cast<int>(count - i));
}

JEPA_INLINE void zero_run(int64_t count, float* to) {
  for (int64_t i = 0; i < count; i++) to[i] = 0.0f;
}

// A tile is one row of windows of one picture.
void run(const Call& call, int, int64_t begin, int64_t end, char*) {
  const auto& a = *static_cast<const Attributes*>(call.attributes);
  const View& x = call.in[0];
  const int64_t height = x.shape[1], width = x.shape[2], channels = x.shape[3];
  const int64_t columns = static_cast<int64_t>(a.kh) * a.kw * channels;
  // A row of the kernel is one run when neighbouring pixels are.
  const bool joined = a.dw == 1 && x.stride[3] == 1 && x.stride[2] == channels;
  for (int64_t tile = begin; tile < end; tile++) {
    const int64_t n = tile / a.oh, oy = tile % a.oh;
    float* to = call.out[0].as<float>() + tile * a.ow * columns;
    for (int64_t ox = 0; ox < a.ow; ox++) {
      const int64_t left = ox * a.sw - a.left;
      for (int64_t ky = 0; ky < a.kh; ky++) {
        const int64_t y = oy * a.sh + ky * a.dh - a.top;
        if (y < 0 || y >= height) {
          zero_run(a.kw * channels, to);
          to += a.kw * channels;
          continue;
        }
        const float* row = x.as<const float>() + n * x.stride[0] + y * x.stride[1];
        if (joined && left >= 0 && left + a.kw <= width) {
          copy_run(row + left * channels, 1, a.kw * channels, to);
          to += a.kw * channels;
          continue;
        }
        for (int64_t kx = 0; kx < a.kw; kx++, to += channels) {
          const int64_t at = left + kx * a.dw;
          if (at < 0 || at >= width) {
            zero_run(channels, to);
          } else {
            copy_run(row + at * x.stride[2], x.stride[3], channels, to);
          }
        }
      }
    }
  }
}

void run_rows(const Call& call, int64_t begin, int64_t end, char* scratch) {
  const int64_t tiles = static_cast<const Attributes*>(call.attributes)->oh;
  run(call, 0, begin * tiles, end * tiles, scratch);
}

}  // namespace

JEPA_ROW_KERNEL(im2col, run, run_rows)
