#include "ops/im2col/im2col.h"

#include <cstring>

#include "runtime/status.h"

namespace jepa {
namespace im2col {
namespace {

Status check(const char* op, const View& picture, const View& rows, const uint8_t* bytes, size_t size,
             Prepared* prepared) {
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
  int64_t lines, windows, width;
  if (__builtin_mul_overflow(n, int64_t{a.oh}, &lines) || __builtin_mul_overflow(lines, int64_t{a.ow}, &windows) ||
      __builtin_mul_overflow(int64_t{a.kh} * a.kw, c, &width) || rows.shape[0] != windows || rows.shape[1] != width ||
      !is_contiguous(rows))
    return fail("[%s] expected dense rows for every window, got %s for %s", op, Shown(rows).text, Shown(picture).text);
  prepared->attributes.resize(sizeof a);
  std::memcpy(prepared->attributes.data(), &a, sizeof a);
  prepared->work.bytes = 4.0 * static_cast<double>(picture.elements() + rows.elements());
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
  Attributes a;
  std::memcpy(&a, bytes, sizeof a);
  prepared->work.tiles[0] = in[0].shape[0] * a.oh;  // a row of windows
  prepared->work.tile_cost = prepared->work.tiles[0] ? out[0].elements() / prepared->work.tiles[0] / 8 + 20 : 0;
  by_pictures(in[0].shape[0], a.oh, prepared);
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
