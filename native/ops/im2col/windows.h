// Windows of a picture, as a product with the weights of a convolution reads them: rows of numbers that are gathered where they are
// needed instead of being written out.
#pragma once
#include "ops/im2col/im2col.h"
#include "simd/tile.h"

namespace {

using jepa::im2col::Windows;

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
  int64_t i = 0;
  for (; i + W <= count; i += W) store(to + i, set(0.0f));
  if (i < count) store_n(to + i, set(0.0f), static_cast<int>(count - i));
}

// One of them: picture, and place of its result.
struct Window {
  int64_t n, y, x;
  JEPA_METHOD Window(const Windows& w, int64_t row) : n(0), y(0), x(0) {
    if (row == 0) return;  // of a picture without windows, too
    n = row / (w.a.oh * w.a.ow);
    y = row / w.a.ow % w.a.oh;
    x = row % w.a.ow;
  }
  JEPA_METHOD void next(const Windows& w) {
    if (++x < w.a.ow) return;
    x = 0;
    if (++y < w.a.oh) return;
    y = 0;
    n++;
  }
};

// `count` columns of a window from `column` on.
JEPA_INLINE void gather_row(const Windows& w, const float* picture, const Window& at, int64_t column, int64_t count,
                            float* to) {
  if (count == 0) return;
  const int64_t pixel = column / w.channels, left = at.x * w.a.sw - w.a.left;
  int64_t c = column % w.channels, ky = pixel / w.a.kw, kx = pixel % w.a.kw;
  const bool one_run = w.joined && left >= 0 && left + w.a.kw <= w.width;  // a row of the kernel is
  while (count > 0) {
    const int64_t y = at.y * w.a.sh + ky * w.a.dh - w.a.top, x = left + kx * w.a.dw;
    const bool inside = y >= 0 && y < w.height;
    const int64_t run = smaller(inside && !one_run ? w.channels - c : (w.a.kw - kx) * w.channels - c, count);
    if (inside && x >= 0 && x < w.width)
      copy_run(picture + at.n * w.n_row + y * w.y_row + x * w.x_row + c * w.channel_row, w.channel_row, run, to);
    else
      zero_run(run, to);
    to += run;
    count -= run;
    for (c += run; c >= w.channels; c -= w.channels) kx++;
    if (kx >= w.a.kw) kx = 0, ky++;
  }
}

// A block of `rows` windows and `columns` of their columns, rows of the result `to_row` apart.
JEPA_INLINE void gather_block(const Windows& w, const float* picture, int64_t row, int64_t rows, int64_t column,
                              int64_t columns, float* to, int64_t to_row) {
  while (columns > 0) {
    const int64_t pixel = column / w.channels, c = column % w.channels;
    const int64_t ky = pixel / w.a.kw, kx = pixel % w.a.kw, run = smaller(w.channels - c, columns);
    Window at(w, row);
    for (int64_t i = 0; i < rows; i++, at.next(w)) {
      const int64_t y = at.y * w.a.sh + ky * w.a.dh - w.a.top, x = at.x * w.a.sw + kx * w.a.dw - w.a.left;
      if (y >= 0 && y < w.height && x >= 0 && x < w.width)
        copy_run(picture + at.n * w.n_row + y * w.y_row + x * w.x_row + c * w.channel_row, w.channel_row, run,
                 to + i * to_row);
      else
        zero_run(run, to + i * to_row);
    }
    to += run;
    column += run;
    columns -= run;
  }
}

}  // namespace
