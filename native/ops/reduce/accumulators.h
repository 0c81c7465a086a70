// What a reduction carries from element to element, per lane: start, step (a vector of elements and their positions),
// step_first (only n lanes count), merge (two carriers), total (of all lanes) and lanes (one by one) as float64, in
// which every float32 and int32 is exact, and join (two totals).
#pragma once
#include "simd/math.h"

namespace {

JEPA_INLINE Vf get(const float* p) { return load(p); }
JEPA_INLINE Vi get(const int32_t* p) { return load_i(p); }
JEPA_INLINE Vf get_n(const float* p, int n) { return load_n(p, n); }
JEPA_INLINE Vi get_n(const int32_t* p, int n) { return load_i_n(p, n); }
JEPA_INLINE void put(float* p, Vf a) { store(p, a); }
JEPA_INLINE void put(int32_t* p, Vi a) { store_i(p, a); }

template <bool square>
struct Sum {
  using T = float;
  static constexpr bool mergeable = true;
  Vd s;
  JEPA_INLINE Vf identity() { return set(0.0f); }
  JEPA_INLINE Sum start() { return {zero_d()}; }
  JEPA_METHOD void step(Vf x, Vi) {
    const Vd wide = widen(x);
    s = square ? fma(wide, wide, s) : s + wide;
  }
  JEPA_METHOD void step_first(Vf x, Vi position, int n) { step(select(first(n), x, identity()), position); }
  JEPA_METHOD void merge(const Sum& o) { s = s + o.s; }
  JEPA_METHOD double total() const { return sum_lanes(s); }
  JEPA_METHOD void lanes(double* to) const { store_d(to, s); }
  JEPA_INLINE double join(double a, double b) { return a + b; }
};

template <bool square>
struct IntegerSum {
  using T = int32_t;
  static constexpr bool mergeable = true;
  Vi s;
  JEPA_INLINE Vi identity() { return set_i(0); }
  JEPA_INLINE IntegerSum start() { return {set_i(0)}; }
  JEPA_METHOD void step(Vi x, Vi) { s = s + (square ? x * x : x); }
  JEPA_METHOD void step_first(Vi x, Vi position, int n) { step(select(first(n), x, identity()), position); }
  JEPA_METHOD void merge(const IntegerSum& o) { s = s + o.s; }
  JEPA_METHOD void lanes(double* to) const {
    int32_t each[W];
    store_i(each, s);
    for (int i = 0; i < W; i++) to[i] = each[i];
  }
  JEPA_METHOD double total() const {
    int32_t each[W];
    uint32_t sum = 0;
    store_i(each, s);
    for (int i = 0; i < W; i++) sum += static_cast<uint32_t>(each[i]);
    return static_cast<int32_t>(sum);
  }
  JEPA_INLINE double join(double a, double b) {
    const uint32_t sum =
        static_cast<uint32_t>(static_cast<int32_t>(a)) + static_cast<uint32_t>(static_cast<int32_t>(b));
    return static_cast<int32_t>(sum);
  }
};

// Maximum, or with `least` minimum.
template <bool least>
struct Extreme {
  using T = float;
  static constexpr bool mergeable = true;
  Vf m;
  JEPA_INLINE Vf identity() { return set(least ? __builtin_inff() : -__builtin_inff()); }
  JEPA_INLINE Extreme start() { return {identity()}; }
  JEPA_METHOD void step(Vf x, Vi) { m = least ? min(m, x) : max(m, x); }
  JEPA_METHOD void step_first(Vf x, Vi position, int n) { step(select(first(n), x, identity()), position); }
  JEPA_METHOD void merge(const Extreme& o) { step(o.m, set_i(0)); }
  JEPA_METHOD double total() const {
    if (any(unordered(m, m))) return __builtin_nan("");
    return least ? min_lanes(m) : max_lanes(m);
  }
  JEPA_METHOD void lanes(double* to) const { store_d(to, widen(m)); }
  JEPA_INLINE double join(double a, double b) {
    if (a != a || b != b) return __builtin_nan("");
    return (least ? b < a : a < b) ? b : a;
  }
};

template <bool least>
struct IntegerExtreme {
  using T = int32_t;
  static constexpr bool mergeable = true;
  Vi m;
  JEPA_INLINE Vi identity() { return set_i(least ? INT32_MAX : INT32_MIN); }
  JEPA_INLINE IntegerExtreme start() { return {identity()}; }
  JEPA_METHOD void step(Vi x, Vi) { m = select(least ? x < m : m < x, x, m); }
  JEPA_METHOD void step_first(Vi x, Vi position, int n) { step(select(first(n), x, identity()), position); }
  JEPA_METHOD void merge(const IntegerExtreme& o) { step(o.m, set_i(0)); }
  JEPA_METHOD void lanes(double* to) const {
    int32_t each[W];
    store_i(each, m);
    for (int i = 0; i < W; i++) to[i] = each[i];
  }
  JEPA_METHOD double total() const {
    double each[W];
    lanes(each);
    for (int i = 1; i < W; i++) each[0] = join(each[0], each[i]);
    return each[0];
  }
  JEPA_INLINE double join(double a, double b) { return (least ? b < a : a < b) ? b : a; }
};

JEPA_INLINE Vm better(Vf x, Vf best, bool least) {
  const Vm ahead = least ? x < best : best < x;
  return (ahead | unordered(x, x)) & !unordered(best, best);
}
JEPA_INLINE Vm better(Vi x, Vi best, bool least) { return least ? x < best : best < x; }
JEPA_INLINE bool is_nan(float x) { return x != x; }
JEPA_INLINE bool is_nan(int32_t) { return false; }

// The position of the first extreme; `total` and `lanes` give positions. Elements arrive in increasing order of
// position within a lane, so a strict comparison keeps the first. `at` is −1 while a lane has seen nothing.
template <class Element, class Vector, bool least>
struct Position {
  using T = Element;
  static constexpr bool mergeable = false;
  Vector best;
  Vi at;
  JEPA_INLINE Position start() { return {Vector{}, set_i(-1)}; }
  JEPA_METHOD void step(Vector x, Vi position) { step_first(x, position, W); }
  JEPA_METHOD void step_first(Vector x, Vi position, int n) {
    const Vm wins = ((at < set_i(0)) | better(x, best, least)) & first(n);
    best = select(wins, x, best);
    at = select(wins, position, at);
  }
  JEPA_METHOD void lanes(double* to) const {
    int32_t each[W];
    store_i(each, at);
    for (int i = 0; i < W; i++) to[i] = each[i];
  }
  JEPA_METHOD double total() const {
    T value[W];
    int32_t each[W];
    put(value, best);
    store_i(each, at);
    int winner = 0;
    for (int i = 1; i < W; i++) {
      if (each[i] < 0) continue;
      const T a = value[i], b = value[winner];
      const bool ahead = is_nan(a) || is_nan(b) ? is_nan(a) && !is_nan(b) : (least ? a < b : b < a);
      const bool level = (is_nan(a) && is_nan(b)) || a == b;
      if (ahead || (level && each[i] < each[winner])) winner = i;
    }
    return each[winner];
  }
  JEPA_METHOD void merge(const Position&) {}
  JEPA_INLINE double join(double a, double) { return a; }
};

}  // namespace
