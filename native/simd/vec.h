// One vector of float32 (Vf), of int32 (Vi) and a lane mask (Vm), as wide as the target's registers: kernels are
// written once against these. Everything has internal linkage: a copy compiled for AVX-512 must never be the one the
// linker keeps for an older CPU.
#pragma once
#include <cstdint>

#define JEPA_INLINE static inline __attribute__((always_inline, unused))
#define JEPA_METHOD inline __attribute__((always_inline))

#if defined(JEPA_TARGET_avx512)
#include "simd/vec_avx512.h"
#elif defined(JEPA_TARGET_avx2)
#include "simd/vec_avx2.h"
#elif defined(JEPA_TARGET_neon)
#include "simd/vec_neon.h"
#else
#include "simd/vec_scalar.h"
#endif
