// Windows of a picture, as a product with the weights of a convolution reads them: rows of numbers that are gathered where they are
// needed instead of being written out.
#pragma once
#include "runtime/windows.h"
#include "simd/tile.h"

namespace {

using jepa::Windows;

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

// A window: its picture, and the place of its result.
struct Window {
  int64_t n, y, x;
  JEPA_METHOD Window(const Windows& w, int64_t row) : n(0), y(0), x(0) {
    if (row == 0) return;  // there may be no windows to divide by
    n = row / (w.oh * w.ow);
    y = row / w.ow % w.oh;
    x = row % w.ow;
  }
  // Past `count` windows of its line.
  JEPA_METHOD void next(const Windows& w, int64_t count = 1) {
    x += count;
    if (x < w.ow) return;
    x = 0;
    if (++y < w.oh) return;
    y = 0;
    n++;
  }
};

// A column of windows: pixel of the kernel, and channel.
struct Column {
  int64_t ky, kx, c;
  JEPA_METHOD Column(const Windows& w, int64_t column) : ky(0), kx(0), c(0) {
    if (column == 0) return;
    ky = column / w.channels / w.kw;
    kx = column / w.channels % w.kw;
    c = column % w.channels;
  }
};

// `count` columns of a window from `from` on.
JEPA_INLINE void gather_row(const Windows& w, const float* picture, const Window& at, Column from, int64_t count,
                            float* to) {
  const int64_t left = at.x * w.sw - w.left;
  const bool one_run = w.joined && left >= 0 && left + w.kw <= w.width;  // what a row of the kernel covers is one run
  while (count > 0) {
    const int64_t y = at.y * w.sh + from.ky * w.dh - w.top, x = left + from.kx * w.dw;
    const bool inside = y >= 0 && y < w.height;
    const int64_t pixels = inside && !one_run ? 1 : w.kw - from.kx;
    const int64_t run = smaller(pixels * w.channels - from.c, count);
    if (inside && x >= 0 && x < w.width)
      copy_run(picture + at.n * w.n_row + y * w.y_row + x * w.x_row + from.c * w.channel_row, w.channel_row, run, to);
    else
      zero_run(run, to);
    to += run;
    count -= run;
    from.c = 0;  // where a run ends before a pixel does, nothing follows
    from.kx += pixels;
    if (from.kx == w.kw) from.kx = 0, from.ky++;
  }
}

// A block of `rows` windows and `columns` of their columns, rows of the result `to_row` apart.
JEPA_INLINE void gather_block(const Windows& w, const float* picture, int64_t row, int64_t rows, int64_t column,
                              int64_t columns, float* to, int64_t to_row) {
  while (columns > 0) {
    const Column from(w, column);
    const int64_t run = smaller(w.channels - from.c, columns);
    Window at(w, row);
    for (int64_t i = 0; i < rows;) {
      const int64_t line = smaller(w.ow - at.x, rows - i);
      const int64_t y = at.y * w.sh + from.ky * w.dh - w.top;
      const bool inside = y >= 0 && y < w.height;
      const float* pixels = inside ? picture + at.n * w.n_row + y * w.y_row + from.c * w.channel_row : picture;
      int64_t x = at.x * w.sw + from.kx * w.dw - w.left;
      at.next(w, line);
      for (const int64_t end = i + line; i < end; i++, x += w.sw) {
        if (inside && x >= 0 && x < w.width)
          copy_run(pixels + x * w.x_row, w.channel_row, run, to + i * to_row);
        else
          zero_run(run, to + i * to_row);
      }
    }
    to += run;
    column += run;
    columns -= run;
  }
}

}  // namespace
