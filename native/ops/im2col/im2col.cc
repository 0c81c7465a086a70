#include "ops/im2col/im2col.h"

#include <cstring>

#include "runtime/status.h"

namespace jepa {
namespace im2col {
namespace {

Status check(const char* op, const View& picture, const View& rows, const uint8_t* bytes, size_t size,
             Prepared* prepared, Windows* windows) {
  const Status status = read_windows(op, picture, rows, bytes, size, windows);
  if (!status.ok) return status;
  prepared->attributes.resize(sizeof *windows);
  std::memcpy(prepared->attributes.data(), windows, sizeof *windows);
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
  Windows windows;
  const Status status = check("im2col", in[0], out[0], bytes, size, prepared, &windows);
  if (!status.ok) return status;
  const int64_t lines = in[0].shape[0] * windows.oh;  // of windows
  prepared->work.tiles[0] = lines;
  prepared->work.tile_cost = lines ? out[0].elements() / lines / 8 + 20 : 0;
  by_pictures(in[0].shape[0], windows.oh, prepared);
  return {};
}

Status prepare_adjoint(const View* in, int inputs, const View* out, int outputs, const uint8_t* bytes, size_t size,
                       Prepared* prepared) {
  if (inputs != 1 || outputs != 1)
    return fail("[col2im] expected one operand and one result, got %d and %d", inputs, outputs);
  if (!is_contiguous(out[0])) return fail("[col2im] expected a dense result, got %s", Shown(out[0]).text);
  Windows windows;
  const Status status = check("col2im", out[0], in[0], bytes, size, prepared, &windows);
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
