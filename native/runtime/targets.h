// The SIMD targets this binary holds, and the one this machine runs.
//
//   scalar                    any CPU
//   avx2                      AVX2, FMA, F16C
//   avx512                    AVX-512 F, BW, DQ, VL
//   avx512_vnni               and dot products of 8-bit integers
//   avx512_bf16               and dot products of bfloat16: the default only where they are faster than float32
//   avx512_amx                and products of matrix tiles (Linux)
//   neon                      64-bit ARM, any
#pragma once
#include <string>
#include <vector>

#include "runtime/op.h"

namespace jepa {

struct Target {
  const char* name;
  const Kernel* const* kernels;  // by op code; targets may share a kernel
};

struct OpTable {
  int count;
  const OpDefinition* const* definitions;
  const char* const* names;
};

const OpTable& op_table();
// Targets that this machine can run, worst first.
std::vector<const Target*> available_targets();
// Follows from what the CPU says of itself, never from a clock.
const Target* default_target();
// The default, or the one that JEPA_CPU names; null and a sentence if that is impossible.
const Target* choose_target(std::string* problem);

}  // namespace jepa
