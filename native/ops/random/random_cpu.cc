#include "ops/random/random.h"
#include "runtime/status.h"
#include "simd/math.h"
#include "simd/transpose.h"

using namespace jepa;
using namespace jepa::random;

namespace {

struct Words {
  Vi w[4];
};

// One lane a block.
JEPA_INLINE Words philox(Vi c0, Vi c1, Vi c2, Vi c3, uint32_t k0, uint32_t k1) {
  const Vi m0 = set_i(static_cast<int32_t>(0xd2511f53u)), m1 = set_i(static_cast<int32_t>(0xcd9e8d57u));
  for (int round = 0; round < 10; round++) {
    const Vi high0 = multiply_high(c0, m0), low0 = c0 * m0;
    const Vi high1 = multiply_high(c2, m1), low1 = c2 * m1;
    c0 = high1 ^ c1 ^ set_i(static_cast<int32_t>(k0));
    c1 = low1;
    c2 = high0 ^ c3 ^ set_i(static_cast<int32_t>(k1));
    c3 = low0;
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }
  return {{c0, c1, c2, c3}};
}

JEPA_INLINE Vf uniform(Vi word) { return to_float(shift_right<8>(word)) * set(0x1p-24f); }

// Element 4·i + k is lane i of vector k.
JEPA_INLINE void interleave(const Vf value[4], float* to) {
  float column[4][W];
  for (int k = 0; k < 4; k++) store(column[k], value[k]);
  int i = 0;
  for (; i + kTransposed <= W; i += kTransposed) {
    alignas(64) uint32_t block[kTransposed * kTransposed];
    __builtin_memset(block, 0, sizeof block);
    for (int k = 0; k < 4; k++) __builtin_memcpy(block + k * kTransposed, column[k] + i, 4 * kTransposed);
    uint32_t turned[kTransposed * kTransposed];
    transpose_8x8(block, kTransposed, turned, kTransposed);
    for (int r = 0; r < kTransposed; r++) __builtin_memcpy(to + 4 * (i + r), turned + r * kTransposed, 16);
  }
  for (; i < W; i++)
    for (int k = 0; k < 4; k++) to[4 * i + k] = column[k][i];
}

JEPA_INLINE void box_muller(Vi v, Vi w, Vf* z0, Vf* z1) {
  const Vf radius = sqrt(set(-2.0f) * log(set(1.0f) - uniform(v)));
  // Quarter turns: exact, since the fraction has 24 bits.
  const Vf turns = uniform(w) * set(4.0f), quarter = round(turns);
  const Vi quadrant = truncate(quarter);
  const Vf angle = (turns - quarter) * set(1.57079632679f);
  *z0 = radius * sin_or_cos_of(angle, quadrant + set_i(1));
  *z1 = radius * sin_or_cos_of(angle, quadrant);
}

void run(const Call& call, int, int64_t begin, int64_t end, char*) {
  const auto& a = *static_cast<const Attributes*>(call.attributes);
  const auto* seed = reinterpret_cast<const uint32_t*>(call.in[0].data);
  const uint32_t key0 = seed[0], key1 = a.wide_seed ? seed[a.seed_stride] : 0;
  const Vi step = set_i(*reinterpret_cast<const int32_t*>(call.in[1].data));
  const Vi stream0 = set_i(static_cast<int32_t>(a.stream[0])), stream1 = set_i(static_cast<int32_t>(a.stream[1]));
  auto* out = reinterpret_cast<float*>(call.out[0].data);
  int32_t lanes[W];
  for (int i = 0; i < W; i++) lanes[i] = i;
  const Vi lane = load_i(lanes);
  const int64_t last = end * kTileElements < a.elements ? end * kTileElements : a.elements;
  for (int64_t at = begin * kTileElements; at < last; at += 4 * W) {
    const Vi block = set_i(static_cast<int32_t>(static_cast<uint32_t>(at / 4))) + lane;
    const Words words = philox(block, step, stream0, stream1, key0, key1);
    Vf value[4];
    if (a.kind == Kind::bits) {
      for (int k = 0; k < 4; k++) value[k] = as_float(words.w[k]);
    } else if (a.kind == Kind::uniform) {
      for (int k = 0; k < 4; k++) {
        const Vf y = fma(uniform(words.w[k]), set(a.scale), set(a.shift));
        value[k] = select(set(a.limit) < y, set(a.limit), y);
      }
    } else {
      box_muller(words.w[0], words.w[1], &value[0], &value[1]);
      box_muller(words.w[2], words.w[3], &value[2], &value[3]);
      for (int k = 0; k < 4; k++) value[k] = fma(value[k], set(a.scale), set(a.shift));
    }
    if (last - at >= 4 * W) {
      interleave(value, out + at);
    } else {
      float row[4 * W];
      interleave(value, row);
      __builtin_memcpy(out + at, row, static_cast<size_t>(last - at) * 4);
    }
  }
}

}  // namespace

JEPA_KERNEL(random, run)
