#include "bench/rates.h"

#include "runtime/op.h"
#include "simd/dot.h"
#include "simd/matrix_tile.h"

namespace {

// Enough independent chains to hide a latency of four cycles on two ports, and few enough to stay in registers.
#if defined(JEPA_TARGET_avx512) || defined(JEPA_TARGET_neon)
constexpr int kChains = 24;
#elif defined(JEPA_TARGET_avx2)
constexpr int kChains = 12;
#else
constexpr int kChains = 8;
#endif

// The chains start from different numbers: equal ones would be merged by the compiler.
template <class Step>
JEPA_INLINE void chains(int64_t rounds, float* data, Step step) {
  Vf sum[kChains];
#pragma GCC unroll 32
  for (int i = 0; i < kChains; i++) sum[i] = load(data + i * W);
  const Vf a = load(data + kChains * W), b = load(data + (kChains + 1) * W);
  for (int64_t round = 0; round < rounds; round++) {
#pragma GCC unroll 32
    for (int i = 0; i < kChains; i++) sum[i] = step(a, b, sum[i]);
  }
#pragma GCC unroll 32
  for (int i = 0; i < kChains; i++) store(data + i * W, sum[i]);
}

void multiply_add(int64_t rounds, float* data) {
  chains(
      rounds, data, [](Vf a, Vf b, Vf sum) __attribute__((always_inline)) { return fma(a, b, sum); });
}

#if defined(JEPA_TARGET_avx512_amx)
// As kernels do: four sums, of two tiles times two.
constexpr int64_t kTileOperations = 4 * 2 * kTile * kTile * 2 * kTile;  // of pairs; bytes have twice as many

template <class Step>
JEPA_INLINE void tiles(int64_t rounds, float* data, Step step) {
  const TileRegisters registers(true);
  load_tile<4>(data, 0), load_tile<5>(data, 0), load_tile<6>(data, 0), load_tile<7>(data, 0);
  clear_tile<0>(), clear_tile<1>(), clear_tile<2>(), clear_tile<3>();
  for (int64_t round = 0; round < rounds; round++) step();
}
void dot_bytes(int64_t rounds, float* data) {
  tiles(
      rounds, data, []() __attribute__((always_inline)) {
        multiply_byte_tiles<0, 4, 6>(), multiply_byte_tiles<1, 4, 7>();
        multiply_byte_tiles<2, 5, 6>(), multiply_byte_tiles<3, 5, 7>();
      });
}
void dot_pairs(int64_t rounds, float* data) {
  tiles(
      rounds, data, []() __attribute__((always_inline)) {
        multiply_pair_tiles<0, 4, 6>(), multiply_pair_tiles<1, 4, 7>();
        multiply_pair_tiles<2, 5, 6>(), multiply_pair_tiles<3, 5, 7>();
      });
}
#else
constexpr int64_t kTileOperations = 0;
#if defined(JEPA_TARGET_avx512_vnni)
void dot_bytes(int64_t rounds, float* data) {
  chains(
      rounds, data, [](Vf a, Vf b, Vf sum) __attribute__((always_inline)) {
        return as_float(dot_u8s8(as_int(a), as_int(b), as_int(sum)));
      });
}
#else
constexpr void (*dot_bytes)(int64_t, float*) = nullptr;
#endif

#if defined(JEPA_TARGET_avx512_bf16)
void dot_pairs(int64_t rounds, float* data) {
  chains(
      rounds, data,
      [](Vf a, Vf b, Vf sum) __attribute__((always_inline)) { return dot_bf16(as_int(a), as_int(b), sum); });
}
#else
constexpr void (*dot_pairs)(int64_t, float*) = nullptr;
#endif
#endif
constexpr int64_t kOperations = int64_t{2} * kChains * W;

float read(const float* a, int64_t n) {
  Vf sum[4] = {set(0.0f), set(0.0f), set(0.0f), set(0.0f)};
  for (int64_t i = 0; i < n; i += 4 * W) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) sum[j] = sum[j] + load(a + i + j * W);
  }
  const Vf total = (sum[0] + sum[1]) + (sum[2] + sum[3]);
  alignas(64) float lanes[W];
  store(lanes, total);
  return lanes[0];
}

void triad(const float* a, const float* b, float* c, int64_t n) {
  const Vf s = set(3.0f);
  for (int64_t i = 0; i < n; i += 2 * W) {
#pragma GCC unroll 2
    for (int j = 0; j < 2; j++) store(c + i + j * W, fma(s, load(b + i + j * W), load(a + i + j * W)));
  }
}

#define TEXT2(x) #x
#define TEXT(x) TEXT2(x)

}  // namespace

extern const jepa::bench::Rates JEPA_GLUE(jepa_bench, _rates, JEPA_TARGET);
const jepa::bench::Rates JEPA_GLUE(jepa_bench, _rates, JEPA_TARGET) = {TEXT(JEPA_TARGET),
                                                                       kOperations,
                                                                       multiply_add,
                                                                       read,
                                                                       triad,
                                                                       dot_pairs,
                                                                       dot_bytes,
                                                                       kTiles ? kTileOperations : 2 * kOperations,
                                                                       kTiles ? 2 * kTileOperations : 4 * kOperations};
