#include "system/cpu.h"

#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace jepa {

namespace {

#if defined(__x86_64__)
struct Registers {
  uint32_t a = 0, b = 0, c = 0, d = 0;
};

Registers cpuid(uint32_t leaf, uint32_t subleaf = 0) {
  Registers r;
  __get_cpuid_count(leaf, subleaf, &r.a, &r.b, &r.c, &r.d);  // all 0 where there is no such leaf
  return r;
}

bool all(uint32_t value, uint32_t bits) { return (value & bits) == bits; }

// Numbers of bits: Intel's manual of instructions, CPUID, leaves 1 and 7.
CpuFeatures read() {
  CpuFeatures features;
  const Registers vendor = cpuid(0);
  features.amd =
      !std::memcmp(&vendor.b, "Auth", 4) && !std::memcmp(&vendor.d, "enti", 4) && !std::memcmp(&vendor.c, "cAMD", 4);
  constexpr uint32_t kFma = 1u << 12, kSavedByXsave = 1u << 27, kF16c = 1u << 29;
  const Registers basic = cpuid(1);
  if (!all(basic.c, kFma | kSavedByXsave | kF16c)) return features;
  // Which registers the operating system saves: AVX needs bits 1–2 of XCR0, AVX-512 also 5–7.
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  constexpr uint32_t kAvx2 = 1u << 5, kAvx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;  // F, DQ, BW, VL
  constexpr uint32_t kVnni = 1u << 11, kBf16 = 1u << 5;
  const Registers extended = cpuid(7);
  features.avx2 = all(low, 0x6) && all(extended.b, kAvx2);
  features.avx512 = features.avx2 && all(low, 0xe6) && all(extended.b, kAvx512);
  features.avx512_vnni = features.avx512 && all(extended.c, kVnni);
  const bool more = extended.a >= 1;  // the last subleaf
  features.avx512_bf16 = features.avx512_vnni && more && all(cpuid(7, 1).a, kBf16);
  constexpr uint32_t kAmx = 1u << 22 | 1u << 24 | 1u << 25;  // BF16, TILE, INT8; of XCR0 bits 17 and 18
  features.avx512_amx = features.avx512_bf16 && all(low, 0x60000) && all(extended.d, kAmx);
  return features;
}
#else
CpuFeatures read() { return {}; }
#endif

struct Name {
  char text[64] = "unknown";
  Name() {
#if defined(__x86_64__)
    if (cpuid(0x80000000).a < 0x80000004) return;
    for (uint32_t k = 0; k < 3; k++) {
      const Registers part = cpuid(0x80000002 + k);
      std::memcpy(text + 16 * k, &part, sizeof part);
    }
    text[48] = 0;
#elif defined(__APPLE__)
    size_t bytes = sizeof text;
    if (sysctlbyname("machdep.cpu.brand_string", text, &bytes, nullptr, 0) != 0) std::strcpy(text, "unknown");
#endif
  }
};

}  // namespace

// Documentation/arch/x86/xstate.rst in Linux' sources: a thread's eight tiles are made room for when the process has asked, once.
bool may_use_tiles() {
#if defined(__linux__) && defined(__x86_64__)
  constexpr int kRequestPermission = 0x1023, kTileData = 18;
  static const bool granted = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return granted;
#else
  return false;
#endif
}

const CpuFeatures& cpu_features() {
  static const CpuFeatures features = read();
  return features;
}

const char* cpu_name() {
  static const Name name;
  return name.text;
}

}  // namespace jepa
