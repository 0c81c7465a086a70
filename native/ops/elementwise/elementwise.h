// elementwise: a chain of pointwise instructions in one pass over memory.
//
//   in [n]   any strides, broadcast to the shape of the outputs (stride 0)     any dtype
//   out [m]  the same shape, any strides without overlap; overwritten          any dtype
//   each out may be an input of the same view
//
// A small register machine: blocks of 256 elements go through all instructions while they stay in L1, so a chain of any
// length costs one read of its inputs and one write of its outputs. Registers are 32-bit lanes, float32 or int32 by
// instruction. Loads convert from the operand's dtype, stores to it (bfloat16 and float16 round to nearest even,
// integers truncate, bool is ≠ 0). All stores come last: outputs may then share memory with inputs.
//
// One instruction is a whole formula, with three results, because every step of a training runs it over all parameters:
// registers then hold what blocks would, and memory is waited for while roots and quotients are computed. Its operands
// fill three places of the list (a, b, c and an immediate each):
//   adamw p', p, g, m, 1−β₁   more m', v, keep, step, β₂   more v', correction, ε, ε, 1−β₂
//   m' = m + (g − m)·(1−β₁);  v' = v·β₂ + g²·(1−β₂);  p' = p·keep − m'·step/(√v'·correction + ε)
// rounded as the same formula in simple instructions: nothing is contracted.
#pragma once
#include "runtime/op.h"

namespace jepa::elementwise {

constexpr int kMaxRegisters = 32;
constexpr int kMaxInstructions = 256;
constexpr int kBlock = 256;
constexpr int64_t kTileCost = 12 * 6000;   // of a tile, in twelfths of a nanosecond: little enough to share out a gate
constexpr int kBlockStride = kBlock + 16;  // a cache line apart, or loads would wait for stores 4 KiB away

enum Code : uint8_t {
#define I(name) op_##name,
#include "ops/elementwise/instructions.inc"
#undef I
  kCodes
};

struct Instruction {
  uint8_t code, dst, a, b, c, zero[3];
  uint32_t immediate;
};

struct Attributes {
  int32_t instructions, registers, rank;
  int64_t elements, row_elements;
  int64_t tile;  // elements of one, a multiple of kBlock
  // Axes after collapsing those that every operand walks alike.
  int64_t shape[kMaxRank];
  int64_t stride[kMaxOperands][kMaxRank];  // inputs, then outputs
  bool dense[kMaxOperands];                // element i lies at i
  bool uniform[kMaxOperands];              // every element lies at 0
  Instruction instruction[kMaxInstructions];
  bool once[kMaxInstructions];  // a constant or a uniform load in a register of its own: done before the first block
  // The output that has an instruction's result as it is, which may then be written there at once; −1: none.
  int16_t target[kMaxInstructions];
  // The last instruction that reads what was loaded from an input: its memory may be overwritten from then on.
  int16_t last_read[kMaxOperands];
};

// Whether a tensor's elements are what registers hold of them, bit for bit.
inline bool as_registers(const View& view, bool floats) {
  return view.dtype == (floats ? DType::float32 : DType::int32);
}

}  // namespace jepa::elementwise
