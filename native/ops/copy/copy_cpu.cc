#include "ops/copy/copy.h"
#include "runtime/status.h"
#include "simd/transpose.h"

using namespace jepa;
using namespace jepa::copying;

namespace {

template <class T>
JEPA_INLINE void copy_run(const T* from, int64_t from_stride, T* to, int64_t to_stride, int64_t n) {
  if (from_stride == 1 && to_stride == 1) {
    if (n * sizeof(T) >= 128) {
      __builtin_memcpy(to, from, static_cast<size_t>(n) * sizeof(T));
    } else {
      for (int64_t i = 0; i < n; i++) to[i] = from[i];
    }
  } else if (from_stride == 0 && to_stride == 1) {
    const T value = *from;
    for (int64_t i = 0; i < n; i++) to[i] = value;
  } else {
    for (int64_t i = 0; i < n; i++) to[i * to_stride] = from[i * from_stride];
  }
}

// Rows of a few bytes. They lie in pieces across memory that is read on and on: what comes next is fetched, perhaps from another
// core's cache.
template <int Bytes, class T>
JEPA_INLINE void copy_short(const T* from, int64_t from_row, T* to, int64_t to_row, int64_t rows) {
  constexpr int64_t kAhead = 1024 / sizeof(T);
  for (int64_t r = 0; r < rows; r++, from += from_row, to += to_row) {
    __builtin_prefetch(from + kAhead, 0, 3);
    __builtin_memcpy(to, from, Bytes);
  }
}

// Rows of `n` dense elements each: patches of pictures come in runs of a dozen bytes.
template <class T>
JEPA_INLINE void copy_rows(const T* from, int64_t from_row, T* to, int64_t to_row, int64_t rows, int64_t n) {
  switch (n * static_cast<int64_t>(sizeof(T))) {
    case 8:
      return copy_short<8>(from, from_row, to, to_row, rows);
    case 12:
      return copy_short<12>(from, from_row, to, to_row, rows);
    case 16:
      return copy_short<16>(from, from_row, to, to_row, rows);
    case 24:
      return copy_short<24>(from, from_row, to, to_row, rows);
    case 32:
      return copy_short<32>(from, from_row, to, to_row, rows);
    case 48:
      return copy_short<48>(from, from_row, to, to_row, rows);
    default:
      for (int64_t r = 0; r < rows; r++) copy_run(from + r * from_row, 1, to + r * to_row, 1, n);
  }
}

template <class T>
void copy_elements(const Attributes& a, const T* x, T* y, int64_t begin, int64_t end) {
  const int inner = a.rank - 1;
  int64_t index[kMaxRank], from = 0, to = 0, rest = begin;
  for (int axis = inner; axis >= 0; axis--) {
    index[axis] = rest % a.shape[axis];
    rest /= a.shape[axis];
    from += index[axis] * a.in[axis];
    to += index[axis] * a.out[axis];
  }
  const bool dense = a.rank > 1 && a.in[inner] == 1 && a.out[inner] == 1;
  for (int64_t at = begin; at < end;) {
    int moved = inner;  // the axis that the copied elements fill up
    const int64_t whole = dense && index[inner] == 0 ? (end - at) / a.shape[inner] : 0;
    if (whole > 0) {
      moved = inner - 1;
      const int64_t left = a.shape[moved] - index[moved], rows = left < whole ? left : whole;
      copy_rows(x + from, a.in[moved], y + to, a.out[moved], rows, a.shape[inner]);
      at += rows * a.shape[inner];
      from += rows * a.in[moved];
      to += rows * a.out[moved];
      index[moved] += rows;
    } else {
      const int64_t left = a.shape[inner] - index[inner];
      const int64_t count = left < end - at ? left : end - at;
      copy_run(x + from, a.in[inner], y + to, a.out[inner], count);
      at += count;
      from += count * a.in[inner];
      to += count * a.out[inner];
      index[inner] += count;
    }
    for (int axis = moved; axis > 0 && index[axis] == a.shape[axis]; axis--) {
      from += a.in[axis - 1] - a.shape[axis] * a.in[axis];
      to += a.out[axis - 1] - a.shape[axis] * a.out[axis];
      index[axis] = 0;
      index[axis - 1]++;
    }
  }
}

// y[r·y_stride + c] = x[c·x_stride + r]
template <class T>
JEPA_INLINE void transpose_any(const T* x, int64_t x_stride, T* y, int64_t y_stride, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < columns; c++) y[r * y_stride + c] = x[c * x_stride + r];
}
template <class T>
JEPA_INLINE void transpose_block(const T* x, int64_t x_stride, T* y, int64_t y_stride, int64_t rows, int64_t columns) {
  transpose_any(x, x_stride, y, y_stride, rows, columns);
}
template <>
inline void transpose_block<uint32_t>(const uint32_t* x, int64_t x_stride, uint32_t* y, int64_t y_stride, int64_t rows,
                                      int64_t columns) {
  const int64_t whole_rows = rows - rows % kTransposed, whole_columns = columns - columns % kTransposed;
  for (int64_t r = 0; r < whole_rows; r += kTransposed)
    for (int64_t c = 0; c < whole_columns; c += kTransposed)
      transpose_8x8(x + c * x_stride + r, x_stride, y + r * y_stride + c, y_stride);
  transpose_any(x + whole_rows, x_stride, y + whole_rows * y_stride, y_stride, rows - whole_rows, columns);
  transpose_any(x + whole_columns * x_stride, x_stride, y + whole_columns, y_stride, whole_rows,
                columns - whole_columns);
}

template <class T>
void transpose_units(const Attributes& a, const T* x, T* y, int64_t begin, int64_t end) {
  for (int64_t unit = begin; unit < end; unit++) {
    int64_t rest = unit;
    const int64_t c = rest % a.column_blocks * kBlock;
    rest /= a.column_blocks;
    const int64_t r = rest % a.row_blocks * kBlock;
    rest /= a.row_blocks;
    const T* from = x + r + c * a.column_in;
    T* to = y + r * a.row_out + c;
    for (int axis = a.rank - 1; axis >= 0; axis--) {
      const int64_t index = rest % a.shape[axis];
      rest /= a.shape[axis];
      from += index * a.in[axis];
      to += index * a.out[axis];
    }
    transpose_block(from, a.column_in, to, a.row_out, a.rows - r < kBlock ? a.rows - r : kBlock,
                    a.columns - c < kBlock ? a.columns - c : kBlock);
  }
}

template <class T>
void run_width(const Call& call, int64_t begin, int64_t end, bool rows) {
  const auto& a = *static_cast<const Attributes*>(call.attributes);
  const auto* x = reinterpret_cast<const T*>(call.in[0].data);
  auto* y = reinterpret_cast<T*>(call.out[0].data);
  if (rows) {
    const int64_t width = call.out[0].shape[call.out[0].rank - 1];
    copy_elements(a, x, y, begin * width, end * width);
  } else if (a.transposed) {
    const int64_t last = end * a.units_per_tile < a.units ? end * a.units_per_tile : a.units;
    transpose_units(a, x, y, begin * a.units_per_tile, last);
  } else {
    const int64_t last = end * kTileElements < a.elements ? end * kTileElements : a.elements;
    copy_elements(a, x, y, begin * kTileElements, last);
  }
}

void run_any(const Call& call, int64_t begin, int64_t end, bool rows) {
  switch (static_cast<const Attributes*>(call.attributes)->width) {
    case 4:
      return run_width<uint32_t>(call, begin, end, rows);
    case 2:
      return run_width<uint16_t>(call, begin, end, rows);
    default:
      return run_width<uint8_t>(call, begin, end, rows);
  }
}

void run(const Call& call, int, int64_t begin, int64_t end, char*) { run_any(call, begin, end, false); }

void run_rows(const Call& call, int64_t begin, int64_t end, char*) { run_any(call, begin, end, true); }

}  // namespace

JEPA_ROW_KERNEL(copy, run, run_rows)
