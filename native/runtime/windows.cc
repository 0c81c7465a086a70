#include "runtime/windows.h"

#include <cstring>

#include "runtime/status.h"

namespace jepa {

Status read_windows(const char* op, const View& picture, const View& rows, const uint8_t* bytes, size_t size,
                    Windows* windows) {
  WindowAttributes a;
  if (size != sizeof a) return fail("[%s] expected 40 bytes of attributes, got %zu", op, size);
  std::memcpy(&a, bytes, sizeof a);
  for (uint32_t value : {a.kh, a.kw, a.sh, a.sw, a.dh, a.dw})
    if (value < 1 || value > 65536)
      return fail("[%s] expected kernel, stride and dilation from 1 to 65536, got %u", op, value);
  for (uint32_t value : {a.top, a.left, a.oh, a.ow})
    if (value > (1u << 30)) return fail("[%s] expected padding and extents below 2^30, got %u", op, value);
  if (picture.dtype != DType::float32 || rows.dtype != DType::float32 || picture.rank != 4 || rows.rank != 2)
    return fail("[%s] expected float32 [N, H, W, C] and rows, got %s and %s", op, Shown(picture).text,
                Shown(rows).text);
  const int64_t *shape = picture.shape, *stride = picture.stride;
  int64_t lines, count, width;
  if (__builtin_mul_overflow(shape[0], int64_t{a.oh}, &lines) || __builtin_mul_overflow(lines, int64_t{a.ow}, &count) ||
      __builtin_mul_overflow(int64_t{a.kh} * a.kw, shape[3], &width) || rows.shape[0] != count ||
      rows.shape[1] != width || !is_contiguous(rows))
    return fail("[%s] expected dense rows for every window, got %s for %s", op, Shown(rows).text, Shown(picture).text);
  *windows = {a.kh, a.kw,     a.sh,     a.sw,     a.top,     a.left,    a.dh,      a.dw,      a.oh,
              a.ow, shape[1], shape[2], shape[3], stride[0], stride[1], stride[2], stride[3], false};
  windows->joined = a.dw == 1 && stride[3] == 1 && stride[2] == shape[3];
  return {};
}

}  // namespace jepa
