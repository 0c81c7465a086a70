// The windows of a picture [N, H, W, C] that a convolution reads, as rows of a matrix [N·OH·OW, KH·KW·C] with columns in the order
// kh, kw, c: what im2col writes, col2im adds up, and matmul gathers.
#pragma once
#include "runtime/op.h"

namespace jepa {

// As programs state them.
struct WindowAttributes {
  uint32_t kh, kw, sh, sw, top, left, dh, dw, oh, ow;  // kernel, stride, padding, dilation, result
};

struct Windows {
  int64_t kh, kw, sh, sw, top, left, dh, dw, oh, ow;
  int64_t height, width, channels;
  int64_t n_row, y_row, x_row, channel_row;  // strides of the picture
  bool joined;                               // neighbouring pixels of a row of the kernel lie side by side
};

// Checks attributes of `op` for a float32 picture and the dense matrix of its windows.
Status read_windows(const char* op, const View& picture, const View& rows, const uint8_t* bytes, size_t size,
                    Windows* windows);

}  // namespace jepa
