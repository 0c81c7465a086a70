// Sentences of the shape "[op] expected …, got …" without allocation.
#pragma once
#include <cstdarg>
#include <cstdio>

#include "runtime/op.h"

namespace jepa {

__attribute__((format(printf, 1, 2))) inline Status fail(const char* format, ...) {
  Status status;
  status.ok = false;
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(status.text, sizeof status.text, format, arguments);
  va_end(arguments);
  return status;
}

inline const char* name_of(DType d) {
  static const char* const names[] = {"float32", "bfloat16", "float16", "int32", "uint8", "bool"};
  return names[static_cast<int>(d)];
}

// Writes "[2, 3]" into a buffer of the caller.
inline const char* show(const View& view, char* text, size_t size) {
  size_t at = 0;
  at += static_cast<size_t>(std::snprintf(text, size, "["));
  for (int i = 0; i < view.rank && at < size; i++) {
    at += static_cast<size_t>(
        std::snprintf(text + at, size - at, i ? ", %lld" : "%lld", static_cast<long long>(view.shape[i])));
  }
  if (at < size) std::snprintf(text + at, size - at, "]");
  return text;
}

struct Shown {
  char text[160];
  explicit Shown(const View& view) { show(view, text, sizeof text); }
};

inline bool same_shape(const View& a, const View& b) {
  if (a.rank != b.rank) return false;
  for (int i = 0; i < a.rank; i++)
    if (a.shape[i] != b.shape[i]) return false;
  return true;
}

// Strides of a view without elements mean nothing: it is whatever is asked for.
inline bool is_contiguous(const View& v) {
  if (v.elements() == 0) return true;
  int64_t expected = 1;
  for (int i = v.rank - 1; i >= 0; i--) {
    if (v.shape[i] != 1 && v.stride[i] != expected) return false;
    expected *= v.shape[i];
  }
  return true;
}

// Last axis dense, leading axes collapsible to one stride: writes the row count, width and row stride.
inline bool as_rows(const View& v, int64_t* rows, int64_t* width, int64_t* stride) {
  if (v.rank == 0) {
    *rows = *width = *stride = 1;
    return true;
  }
  *width = v.shape[v.rank - 1];
  *rows = 1;
  *stride = *width;
  if (v.elements() == 0) {
    for (int i = v.rank - 2; i >= 0; i--) *rows *= v.shape[i];
    return true;
  }
  if (*width > 1 && v.stride[v.rank - 1] != 1) return false;
  bool first = true;
  int64_t expected = 0;
  for (int i = v.rank - 2; i >= 0; i--) {
    if (v.shape[i] != 1) {
      if (first) {
        *stride = v.stride[i];
        first = false;
      } else if (v.stride[i] != expected) {
        return false;
      }
      expected = v.stride[i] * v.shape[i];
    }
    *rows *= v.shape[i];
  }
  return true;
}

// Sizes of a tile so that one costs about 20 µs: enough to hide a claim, little enough to balance.
constexpr int64_t kTileElements = 16384;

}  // namespace jepa
