// What the CPU says of itself. Read from the CPUID instruction here, not by __builtin_cpu_supports: that needs a table of the
// compiler's runtime library, which Zig's links but never fills.
#pragma once

namespace jepa {

// Instructions that both the CPU and the operating system (which saves the registers) support.
struct CpuFeatures {
  bool avx2 = false;         // AVX2, FMA, F16C
  bool avx512 = false;       // AVX-512 F, BW, DQ, VL
  bool avx512_vnni = false;  // dot products of 8-bit integers
  bool avx512_bf16 = false;  // dot products of bfloat16
  bool avx512_amx = false;   // products of matrix tiles, of bfloat16 and of 8-bit integers; see may_use_tiles
  bool amd = false;
};

const CpuFeatures& cpu_features();
// Asks Linux, once, to let this process use matrix tiles, as the search for targets does. From then on signal stacks of its threads
// need room for them.
bool may_use_tiles();
// As sold, "unknown" where it does not say.
const char* cpu_name();

}  // namespace jepa
