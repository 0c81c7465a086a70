// random: numbers that depend on (seed, stream, step, position) and on nothing else.
//
//   seed int32 [1] or [2] (low, high; high is 0 if absent)    step int32 [1]
//   out  contiguous, overwritten: int32 for bits, float32 otherwise
//   attributes: u32 kind, u64 stream, f32 a, f32 b
//
// Philox4x32-10 (Salmon, Moraes, Dror & Shaw, SC 2011):
//   key = (seed low, seed high)    counter = (block, step, stream low, stream high)
// Its four words are the elements 4·block … 4·block + 3 of the output in row-major order. No two of (seed, stream, step,
// position) share a counter, so draws never overlap.
//
//   bits     the words themselves
//   uniform  low + u·(high − low) with u = (word >> 8)·2⁻²⁴ in [0, 1); never `high`
//   normal   mean + std·z; words come in pairs (v, w): r = √(−2 ln(1 − u(v))), z = r·cos 2πu(w), r·sin 2πu(w)
//            (Box & Muller 1958). |z| ≤ 5.77. The angle is reduced exactly, logarithm and polynomials use explicit
//            fused multiply-add: the same bits on every target.
#pragma once
#include "runtime/op.h"

namespace jepa::random {

enum class Kind : uint32_t { bits, uniform, normal };

struct Attributes {
  Kind kind;
  uint32_t stream[2];
  float shift, scale, limit;  // uniform: low, high − low, largest float below high; normal: mean, std
  int64_t elements;
  bool wide_seed;
  int64_t seed_stride;
};

}  // namespace jepa::random
