// 2^t for t ≤ 0, as softmax needs it: below 2^−126 it is 0, 2^0 is 1 exactly, and t = −∞ gives 0. A little above 0 is fine too.
// Relative error of the polynomial 1.9e-9 (own minimax fit on [0, 1)).
#pragma once
#include "simd/vec.h"

namespace {

JEPA_INLINE Vf exp2(Vf t) {
#if defined(JEPA_TARGET_avx512)
  const Vf r = {_mm512_reduce_ps(t.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)};
#else
  const Vf bounded = clamp(t, -127.0f, 127.0f), n = floor(bounded), r = bounded - n;
#endif
  Vf p = set(2.170225634e-04f);
  p = fma(p, r, set(1.243968727e-03f));
  p = fma(p, r, set(9.678840637e-03f));
  p = fma(p, r, set(5.548334122e-02f));
  p = fma(p, r, set(2.402298301e-01f));
  p = fma(p, r, set(6.931470037e-01f));
  p = fma(p, r, set(1.0f));
#if defined(JEPA_TARGET_avx512)
  return scale(p, t);  // by 2^⌊t⌋
#else
  return p * as_float(shift_left<23>(truncate(n) + set_i(127)));
#endif
}

}  // namespace
