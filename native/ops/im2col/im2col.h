// im2col: every window of a picture as a row, so that a convolution is a product with the weights.
//
//   x [N, H, W, C] any strides, float32   y [N·OH·OW, KH·KW·C] dense, columns in the order kh, kw, c; zeros outside x
//   attributes: u32 pairs kernel (kh, kw), stride, padding (top, left), dilation, output (oh, ow)
//
// col2im is its adjoint: y [N·OH·OW, KH·KW·C] dense → x [N, H, W, C] dense, the sum of all places a pixel was copied to.
// Each output element is gathered by one tile, in the order kh, kw: no tile adds into another's memory.
#pragma once
#include "runtime/op.h"

namespace jepa::im2col {

struct Attributes {
  uint32_t kh, kw, sh, sw, top, left, dh, dw, oh, ow;
};

// What there is to know of the windows of a picture.
struct Windows {
  struct {
    int64_t kh, kw, sh, sw, top, left, dh, dw, oh, ow;
  } a;
  int64_t height, width, channels;
  int64_t n_row, y_row, x_row, channel_row;  // strides of the picture
  bool joined;                               // neighbouring pixels of a row of the kernel lie side by side
};

// Checks attributes of `op` for pictures and their windows as rows.
Status read_windows(const char* op, const View& picture, const View& rows, const uint8_t* bytes, size_t size,
                    Windows* windows);

}  // namespace jepa::im2col
