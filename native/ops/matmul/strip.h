// The inner kernel: a strip of up to kTileRows rows times one panel of columns, accumulated in registers.
#pragma once
#include "ops/matmul/matmul.h"
#include "simd/dot.h"
#include "simd/tile.h"

namespace {

using jepa::matmul::kPanel;

constexpr int kStripRow = (kTileRows + W - 1) / W * W;  // of a packed strip
constexpr int kColumns = kTileVectors * W;              // of one pass; a panel is kPanel / kColumns passes

// Operands that come from memory are fetched ahead: the hardware does not see a pattern in so many short rows at once, and
// waiting for them halved the speed of long thin products. Every kLine steps one line of each row is due, a row a step,
// kDistance steps before it is needed; at the end of a strip it is the next strip's. What the caller will need next comes a line
// a step into L2. Addresses beyond the operands do no harm.
constexpr int64_t kDistance = 64, kSoon = 10;
struct Fetch {
  const float* at;  // a line every step, `step` apart; or `pace` lines every kLine steps, of rows of `width` numbers
  int64_t step, width, pace;
  const float* beside;  // of this strip, for its end; may be absent
  int64_t beside_row;
};

// What happens to c: overwritten, added to, or overwritten past the caches.
enum class Into { over, added, streamed };

// Pairs: a and b hold pairs of bfloat16, one in the place of a float32.
template <bool Pairs>
JEPA_INLINE Vf multiply_add(Vf left, Vf right, Vf sum) {
  return Pairs ? dot_bf16(as_int(left), as_int(right), sum) : fma(left, right, sum);
}

// c[i][·] = or += Σ_k a(i, k)·b[k][·] + bias[·] for `Rows` rows. a(i, k) = a[i·row + k·column]; rows of b are b_row apart.
template <int Rows, bool Dense, bool Pairs>
JEPA_INLINE void strip(const float* a, int64_t row, int64_t column, const float* b, int64_t b_row, int64_t depth,
                       Into into, const float* bias, float* c, int64_t c_row, Fetch next) {
  Vf sum[Rows][kTileVectors];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++)
#pragma GCC unroll 4
    for (int v = 0; v < kTileVectors; v++) sum[i][v] = set(0.0f);
  if (into != Into::streamed) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++)
      __builtin_prefetch(c + i * c_row, 1, 3), __builtin_prefetch(c + i * c_row + kLine, 1, 3);
  }
  // Few at a time: those that wait for memory must leave room for the operands.
  const int beside_rows = !next.beside ? 0 : depth < 16 * kLine ? 2 : 1;
  int64_t along = 0;  // the row of next
  for (int64_t first = 0; first < depth; first += kLine) {
    for (int i = 0; i < beside_rows; i++, next.beside += next.beside_row)
      __builtin_prefetch(next.beside, 0, 3), __builtin_prefetch(next.beside + kLine, 0, 3);
    for (int64_t i = 0; !Dense && i < next.pace; i++) {
      __builtin_prefetch(next.at + along, 0, 2);
      along += kLine;
      if (along >= next.width) along = 0, next.at += next.step;
    }
    const int64_t last = first + kLine < depth ? first + kLine : depth;
    const int64_t ahead = first + kDistance;
    const float* fetched = a + (ahead < depth ? ahead : ahead - depth + Rows * row);
    for (int64_t k = first; k < last; k++, fetched += row) {
      const float* at = a + (Dense ? k : k * column);
      if (Dense) {
        __builtin_prefetch(fetched, 0, 3);
        __builtin_prefetch(next.at, 0, 2);
        next.at += next.step;
      } else {
        __builtin_prefetch(at + kSoon * column, 0, 3);
        __builtin_prefetch(at + kSoon * column + Rows - 1, 0, 3);
        __builtin_prefetch(b + (k + kSoon) * b_row, 0, 3);
        __builtin_prefetch(b + (k + kSoon) * b_row + kLine, 0, 3);
      }
      Vf right[kTileVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kTileVectors; v++) right[v] = load(b + k * b_row + v * W);
#pragma GCC unroll 16
      for (int i = 0; i < Rows; i++) {
        const Vf left = set(Dense ? at[i * row] : at[i]);
#pragma GCC unroll 4
        for (int v = 0; v < kTileVectors; v++) sum[i][v] = multiply_add<Pairs>(left, right[v], sum[i][v]);
      }
    }
  }
  Vf added[kTileVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kTileVectors; v++) added[v] = bias ? load(bias + v * W) : set(0.0f);
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++)
#pragma GCC unroll 4
    for (int v = 0; v < kTileVectors; v++) {
      float* to = c + i * c_row + v * W;
      if (into == Into::streamed) {
        stream(to, sum[i][v] + added[v]);
      } else {
        store(to, (into == Into::added ? sum[i][v] + load(to) : sum[i][v]) + added[v]);
      }
    }
}

using Strip = void (*)(const float*, int64_t, int64_t, const float*, int64_t, int64_t, Into, const float*, float*,
                       int64_t, Fetch);

template <int Rows, bool Dense, bool Pairs>
void strip_of(const float* a, int64_t row, int64_t column, const float* b, int64_t b_row, int64_t depth, Into into,
              const float* bias, float* c, int64_t c_row, Fetch next) {
  strip<Rows, Dense, Pairs>(a, row, column, b, b_row, depth, into, bias, c, c_row, next);
}

// By number of rows. Dense: a's inner axis has stride 1; otherwise its rows have.
template <bool Dense, bool Pairs>
Strip strip_for(int rows) {
  static const Strip table[] = {
    nullptr,
    strip_of<1, Dense, Pairs>,
    strip_of<2, Dense, Pairs>,
    strip_of<3, Dense, Pairs>,
    strip_of<4, Dense, Pairs>,
#if !defined(JEPA_TARGET_scalar)
    strip_of<5, Dense, Pairs>,
    strip_of<6, Dense, Pairs>,
#endif
#if defined(JEPA_TARGET_avx512)
    strip_of<7, Dense, Pairs>,
    strip_of<8, Dense, Pairs>,
    strip_of<9, Dense, Pairs>,
    strip_of<10, Dense, Pairs>,
    strip_of<11, Dense, Pairs>,
    strip_of<12, Dense, Pairs>,
    strip_of<13, Dense, Pairs>,
    strip_of<14, Dense, Pairs>,
#endif
  };
  return table[rows];
}

}  // namespace
