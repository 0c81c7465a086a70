#include "ops/im2col/im2col.h"

#include <cstring>

#include "runtime/status.h"

namespace jepa {
namespace im2col {

Status read_windows(const char* op, const View& picture, const View& rows, const uint8_t* bytes, size_t size,
                    Windows* windows) {
  Attributes a;
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
  const int64_t n = picture.shape[0], c = picture.shape[3];
  int64_t lines, count, width;
  if (__builtin_mul_overflow(n, int64_t{a.oh}, &lines) || __builtin_mul_overflow(lines, int64_t{a.ow}, &count) ||
      __builtin_mul_overflow(int64_t{a.kh} * a.kw, c, &width) || rows.shape[0] != count || rows.shape[1] != width ||
      !is_contiguous(rows))
    return fail("[%s] expected dense rows for every window, got %s for %s", op, Shown(rows).text, Shown(picture).text);
  const int64_t *shape = picture.shape, *stride = picture.stride;
  *windows = {{a.kh, a.kw, a.sh, a.sw, a.top, a.left, a.dh, a.dw, a.oh, a.ow},
              shape[1],
              shape[2],
              c,
              stride[0],
              stride[1],
              stride[2],
              stride[3],
              a.dw == 1 && stride[3] == 1 && stride[2] == c};
  return {};
}

namespace {

Status check(const char* op, const View& picture, const View& rows, const uint8_t* bytes, size_t size,
             Prepared* prepared) {
  Windows windows;
  const Status status = read_windows(op, picture, rows, bytes, size, &windows);
  if (!status.ok) return status;
  prepared->attributes.resize(sizeof windows);
  std::memcpy(prepared->attributes.data(), &windows, sizeof windows);
  const int64_t lines = picture.shape[0] * windows.a.oh;  // a tile of im2col is a row of windows
  prepared->work.bytes = 4.0 * static_cast<double>(picture.elements() + rows.elements());
  prepared->work.tiles[0] = lines;
  prepared->work.tile_cost = lines ? rows.elements() / lines / 8 + 20 : 0;
  return {};
}

void by_pictures(int64_t pictures, int64_t tiles, Prepared* prepared) {
  prepared->rows.count = pictures;
  prepared->rows.cost = tiles * prepared->work.tile_cost;
  prepared->rows.inputs = 1;
}

Status prepare(const View* in, int inputs, const View* out, int outputs, const uint8_t* bytes, size_t size,
               Prepared* prepared) {
  if (inputs != 1 || outputs != 1)
    return fail("[im2col] expected one operand and one result, got %d and %d", inputs, outputs);
  const Status status = check("im2col", in[0], out[0], bytes, size, prepared);
  if (!status.ok) return status;
  const int64_t pictures = in[0].shape[0];
  by_pictures(pictures, pictures ? prepared->work.tiles[0] / pictures : 0, prepared);
  return {};
}

Status prepare_adjoint(const View* in, int inputs, const View* out, int outputs, const uint8_t* bytes, size_t size,
                       Prepared* prepared) {
  if (inputs != 1 || outputs != 1)
    return fail("[col2im] expected one operand and one result, got %d and %d", inputs, outputs);
  if (!is_contiguous(out[0])) return fail("[col2im] expected a dense result, got %s", Shown(out[0]).text);
  const Status status = check("col2im", out[0], in[0], bytes, size, prepared);
  if (!status.ok) return status;
  prepared->work.tiles[0] = out[0].shape[0] * out[0].shape[1];  // a row of pixels
  prepared->work.tile_cost = prepared->work.tiles[0] ? in[0].elements() / prepared->work.tiles[0] / 4 + 20 : 0;
  prepared->work.flops = static_cast<double>(in[0].elements());
  by_pictures(out[0].shape[0], out[0].shape[1], prepared);
  return {};
}

}  // namespace
}  // namespace im2col

extern const OpDefinition jepa_op_im2col, jepa_op_col2im;
const OpDefinition jepa_op_im2col = {"im2col", im2col::prepare};
const OpDefinition jepa_op_col2im = {"col2im", im2col::prepare_adjoint};

}  // namespace jepa
