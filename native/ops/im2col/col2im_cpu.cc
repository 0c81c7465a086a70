#include "ops/im2col/im2col.h"

#include "simd/tile.h"

using namespace jepa;

namespace {

// Windows between what is added and what is fetched: the pieces of one row of the kernel lie apart. Addresses behind the end do no harm.
constexpr int64_t kAhead = 6;

JEPA_INLINE void add_run(const float* from, int64_t count, float* to) {
  int64_t i = 0;
  for (; i + W <= count; i += W) store(to + i, load(to + i) + load(from + i));
  if (i == count) return;
  const int left = static_cast<int>(count - i);
  store_n(to + i, load_n(to + i, left) + load_n(from + i, left), left);
}

// A tile is one row of pixels of one picture; it collects from every window that covers it.
void run(const Call& call, int, int64_t begin, int64_t end, char*) {
  const auto& a = *static_cast<const Windows*>(call.attributes);
  const View& x = call.out[0];
  const int64_t height = x.shape[1], width = x.shape[2], channels = x.shape[3];
  const int64_t columns = a.kh * a.kw * channels;
  for (int64_t tile = begin; tile < end; tile++) {
    const int64_t n = tile / height, y = tile % height;
    float* to = x.as<float>() + tile * width * channels;
    for (int64_t i = 0; i < width * channels; i++) to[i] = 0.0f;
    for (int64_t ky = 0; ky < a.kh; ky++) {
      const int64_t from = y + a.top - ky * a.dh;
      if (from < 0 || from % a.sh || from / a.sh >= a.oh) continue;
      const float* windows = call.in[0].as<const float>() + (n * a.oh + from / a.sh) * a.ow * columns;
      for (int64_t ox = 0; ox < a.ow; ox++) {
        const float* ahead = windows + (ox + kAhead) * columns + ky * a.kw * channels;
        for (int64_t c = 0; c < a.kw * channels; c += kLine) __builtin_prefetch(ahead + c, 0, 3);
        for (int64_t kx = 0; kx < a.kw; kx++) {
          const int64_t at = ox * a.sw - a.left + kx * a.dw;
          if (at < 0 || at >= width) continue;
          add_run(windows + ox * columns + (ky * a.kw + kx) * channels, channels, to + at * channels);
        }
      }
    }
  }
}

void run_rows(const Call& call, int64_t begin, int64_t end, char* scratch) {
  const int64_t tiles = call.out[0].shape[1];
  run(call, 0, begin * tiles, end * tiles, scratch);
}

}  // namespace

JEPA_ROW_KERNEL(col2im, run, run_rows)
