#include "runtime/targets.h"

#include <cstdlib>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace jepa {

#define X(op, folder) extern const OpDefinition jepa_op_##op;
#include "ops/op_list.inc"
#undef X

extern "C" {
#define X(op, folder) extern const Kernel jepa_kernel_##op##_scalar;
#include "ops/op_list.inc"
#undef X
#if defined(JEPA_HAS_AVX2)
#define X(op, folder) extern const Kernel jepa_kernel_##op##_avx2;
#include "ops/op_list.inc"
#undef X
#endif
#if defined(JEPA_HAS_AVX512)
#define X(op, folder) extern const Kernel jepa_kernel_##op##_avx512;
#include "ops/op_list.inc"
#undef X
#endif
}

namespace {

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
const Kernel* const scalar_kernels[] = {
#define X(op, folder) &jepa_kernel_##op##_scalar,
#include "ops/op_list.inc"
#undef X
};
const Target scalar = {"scalar", scalar_kernels};
#if defined(JEPA_HAS_AVX2)
const Kernel* const avx2_kernels[] = {
#define X(op, folder) &jepa_kernel_##op##_avx2,
#include "ops/op_list.inc"
#undef X
};
const Target avx2 = {"avx2", avx2_kernels};
#endif
#if defined(JEPA_HAS_AVX512)
const Kernel* const avx512_kernels[] = {
#define X(op, folder) &jepa_kernel_##op##_avx512,
#include "ops/op_list.inc"
#undef X
};
const Target avx512 = {"avx512", avx512_kernels};
#endif

const OpTable table = {sizeof definitions / sizeof definitions[0], definitions, names};

#if defined(__x86_64__)
// Which register state the operating system saves: AVX needs bits 1–2 of XCR0, AVX-512 also 5–7.
uint64_t saved_state() {
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return 0;
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t{high} << 32 | low;
}
#endif

}  // namespace

const OpTable& op_table() { return table; }

std::vector<const Target*> available_targets() {
  std::vector<const Target*> list = {&scalar};
#if defined(__x86_64__)
  const uint64_t state = saved_state();
#if defined(JEPA_HAS_AVX2)
  if ((state & 0x6) == 0x6 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) list.push_back(&avx2);
#endif
#if defined(JEPA_HAS_AVX512)
  if ((state & 0xe6) == 0xe6 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    list.push_back(&avx512);
#endif
#endif
  return list;
}

const Target* choose_target(std::string* problem) {
  const std::vector<const Target*> list = available_targets();
  const char* wanted = std::getenv("JEPA_CPU");
  if (!wanted || !*wanted) return list.back();
  std::string known;
  for (const Target* target : list) {
    if (!std::strcmp(target->name, wanted)) return target;
    known += (known.empty() ? "" : ", ") + std::string(target->name);
  }
  *problem = "[jepa] expected JEPA_CPU to be one of " + known + " on this machine, got '" + wanted + "'";
  return nullptr;
}

const char* cpu_name() {
  static char name[64];
#if defined(__x86_64__)
  uint32_t* words = reinterpret_cast<uint32_t*>(name);
  for (uint32_t leaf = 0; leaf < 3; leaf++)
    __get_cpuid(0x80000002 + leaf, words + 4 * leaf, words + 4 * leaf + 1, words + 4 * leaf + 2, words + 4 * leaf + 3);
#else
  std::strcpy(name, "unknown");
#endif
  return name;
}

}  // namespace jepa
