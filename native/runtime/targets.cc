#include "runtime/targets.h"

#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "system/cpu.h"

namespace jepa {

#define X(op, folder) extern const OpDefinition jepa_op_##op;
#include "ops/op_list.inc"
#undef X

namespace {

enum OpCode {
#define X(op, folder) code_of_##op,
#include "ops/op_list.inc"
#undef X
  kOps
};
const OpDefinition* const definitions[] = {
#define X(op, folder) &jepa_op_##op,
#include "ops/op_list.inc"
#undef X
};
const char* const names[] = {
#define X(op, folder) #op,
#include "ops/op_list.inc"
#undef X
};
const OpTable table = {kOps, definitions, names};

struct Kernels {
  const Kernel* by_code[kOps];
};
struct Replacement {
  OpCode code;
  const Kernel* kernel;
};
[[maybe_unused]] constexpr Kernels with(Kernels kernels, std::initializer_list<Replacement> replacements) {
  for (const Replacement& replacement : replacements) kernels.by_code[replacement.code] = replacement.kernel;
  return kernels;
}

#define JEPA_TARGET scalar
#include "runtime/target_kernels.inc"
#if defined(JEPA_HAS_AVX2)
#define JEPA_TARGET avx2
#include "runtime/target_kernels.inc"
#endif
#if defined(JEPA_HAS_AVX512)
#define JEPA_TARGET avx512
#include "runtime/target_kernels.inc"
#endif
#if defined(JEPA_HAS_AVX512_VNNI)
#define JEPA_TARGET avx512_vnni
#include "runtime/target_dots.inc"
#endif
#if defined(JEPA_HAS_AVX512_BF16)
#define JEPA_TARGET avx512_bf16
#include "runtime/target_dots.inc"
#endif
#if defined(JEPA_HAS_AVX512_AMX)
#define JEPA_TARGET avx512_amx
#include "runtime/target_dots.inc"
#endif

#if defined(JEPA_HAS_NEON)
#define JEPA_TARGET neon
#include "runtime/target_kernels.inc"
#endif

[[maybe_unused]] bool runs_avx2() { return cpu_features().avx2; }
[[maybe_unused]] bool runs_avx512() { return cpu_features().avx512; }
[[maybe_unused]] bool runs_avx512_vnni() { return cpu_features().avx512_vnni; }
[[maybe_unused]] bool runs_avx512_bf16() { return cpu_features().avx512_bf16; }
[[maybe_unused]] bool runs_avx512_amx() { return cpu_features().avx512_amx && may_use_tiles(); }
// A dot product of bfloat16 pairs takes as long as a float32 multiply-add on AMD's CPUs (Zen 4 and later), and four times as
// long on Intel's (Sapphire Rapids): there float32 arithmetic on the same operands is faster.
[[maybe_unused]] bool prefers_avx512_bf16() { return cpu_features().amd; }

bool always() { return true; }

// Worst first. The default is the last one that this machine runs and prefers.
struct Choice {
  Target target;
  bool (*runs)();
  bool (*prefers)();
};
const Choice choices[] = {
    {{"scalar", kernels_of_scalar.by_code}, always, always},
#if defined(JEPA_HAS_AVX2)
    {{"avx2", kernels_of_avx2.by_code}, runs_avx2, always},
#endif
#if defined(JEPA_HAS_AVX512)
    {{"avx512", kernels_of_avx512.by_code}, runs_avx512, always},
#endif
#if defined(JEPA_HAS_AVX512_VNNI)
    {{"avx512_vnni", kernels_of_avx512_vnni.by_code}, runs_avx512_vnni, always},
#endif
#if defined(JEPA_HAS_AVX512_BF16)
    {{"avx512_bf16", kernels_of_avx512_bf16.by_code}, runs_avx512_bf16, prefers_avx512_bf16},
#endif
#if defined(JEPA_HAS_AVX512_AMX)
    {{"avx512_amx", kernels_of_avx512_amx.by_code}, runs_avx512_amx, always},
#endif
#if defined(JEPA_HAS_NEON)
    {{"neon", kernels_of_neon.by_code}, always, always},  // every 64-bit ARM CPU has it
#endif
};

}  // namespace

const OpTable& op_table() { return table; }

std::vector<const Target*> available_targets() {
  std::vector<const Target*> list;
  for (const Choice& choice : choices)
    if (choice.runs()) list.push_back(&choice.target);
  return list;
}

const Target* default_target() {
  const Target* best = nullptr;
  for (const Choice& choice : choices)
    if (choice.runs() && choice.prefers()) best = &choice.target;
  return best;
}

const Target* choose_target(std::string* problem) {
  const char* wanted = std::getenv("JEPA_CPU");
  if (!wanted || !*wanted) return default_target();
  for (const Choice& choice : choices)
    if (!std::strcmp(choice.target.name, wanted) && choice.runs()) return &choice.target;
  std::string known;
  for (const Target* target : available_targets()) known += (known.empty() ? "" : ", ") + std::string(target->name);
  *problem = "[jepa] expected JEPA_CPU to be one of " + known + " on this machine, got '" + wanted + "'";
  return nullptr;
}

}  // namespace jepa
