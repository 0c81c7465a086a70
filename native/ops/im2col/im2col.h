// im2col: every window of a picture as a row, so that a convolution is a product with the weights.
//
//   x [N, H, W, C] any strides, float32   y [N·OH·OW, KH·KW·C] dense, columns in the order kh, kw, c; zeros outside x
//   attributes: u32 pairs kernel (kh, kw), stride, padding (top, left), dilation, output (oh, ow)
//
// col2im is its adjoint: y [N·OH·OW, KH·KW·C] dense → x [N, H, W, C] dense, the sum of all places a pixel was copied to.
// Each output element is gathered by one tile, in the order kh, kw: no tile adds into another's memory.
#pragma once
#include "runtime/windows.h"
