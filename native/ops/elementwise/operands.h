// Blocks of strided operands of any dtype to and from register blocks. Conversions are plain loops over bits that the
// compiler vectorises (checked in the disassembly for uint8 and bfloat16); float16 uses the target's instructions.
#pragma once
#include "ops/elementwise/elementwise.h"
#include "simd/math.h"

namespace {

using jepa::Call;
using jepa::DType;
using jepa::View;
using jepa::elementwise::Attributes;

struct Position {
  int64_t linear;
  int64_t index[jepa::kMaxRank];
};

JEPA_INLINE Position locate(const Attributes& a, int64_t linear) {
  Position p;
  p.linear = linear;
  if (a.rank == 1) {
    p.index[0] = linear;
    return p;
  }
  for (int axis = a.rank - 1; axis >= 0; axis--) {
    p.index[axis] = linear % a.shape[axis];
    linear /= a.shape[axis];
  }
  return p;
}

// Whether an input shares memory with an output: it is then copied before anything is stored.
JEPA_INLINE bool aliased(const Call& call, int input) {
  for (int k = 0; k < call.outputs; k++)
    if (call.out[k].data == call.in[input].data) return true;
  return false;
}

JEPA_INLINE float widen_half(uint16_t half) {
  uint16_t lanes[W] = {half};
  float wide[W];
  store(wide, load_f16(lanes));
  return wide[0];
}
JEPA_INLINE uint16_t narrow_half(float x) {
  float lanes[W] = {x};
  uint16_t half[W];
  store_f16(half, load(lanes));
  return half[0];
}
JEPA_INLINE float widen_brain(uint16_t b) {
  const uint32_t bits = static_cast<uint32_t>(b) << 16;
  float x;
  __builtin_memcpy(&x, &bits, 4);
  return x;
}
JEPA_INLINE uint16_t narrow_brain(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, 4);
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  return static_cast<uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? 0x7fc0 : rounded);
}
JEPA_INLINE int32_t to_int(float x) {
  return x >= -2147483648.0f && x < 2147483648.0f ? static_cast<int32_t>(x) : INT32_MIN;
}

#define EACH(T, expression)                        \
  {                                                \
    const T* from = reinterpret_cast<const T*>(p); \
    if (stride == 1) {                             \
      for (int i = 0; i < n; i++) {                \
        const T x = from[i];                       \
        to[i] = expression;                        \
      }                                            \
    } else if (stride == 0) {                      \
      const T x = from[0];                         \
      const auto value = expression;               \
      for (int i = 0; i < n; i++) to[i] = value;   \
    } else {                                       \
      for (int i = 0; i < n; i++) {                \
        const T x = from[i * stride];              \
        to[i] = expression;                        \
      }                                            \
    }                                              \
    return;                                        \
  }

JEPA_INLINE void load_floats(DType dtype, const char* p, int64_t stride, int n, float* to) {
  switch (dtype) {
    case DType::float32:
      EACH(float, x)
    case DType::bfloat16:
      EACH(uint16_t, widen_brain(x))
    case DType::float16:
      EACH(uint16_t, widen_half(x))
    case DType::int32:
      EACH(int32_t, static_cast<float>(x))
    case DType::uint8:
    case DType::boolean:
      EACH(uint8_t, static_cast<float>(x))
  }
}
JEPA_INLINE void load_ints(DType dtype, const char* p, int64_t stride, int n, int32_t* to) {
  switch (dtype) {
    case DType::float32:
      EACH(float, to_int(x))
    case DType::bfloat16:
      EACH(uint16_t, to_int(widen_brain(x)))
    case DType::float16:
      EACH(uint16_t, to_int(widen_half(x)))
    case DType::int32:
      EACH(int32_t, x)
    case DType::uint8:
    case DType::boolean:
      EACH(uint8_t, x)
  }
}
#undef EACH

#define EACH(T, expression)                          \
  {                                                  \
    T* to = reinterpret_cast<T*>(p);                 \
    if (stride == 1) {                               \
      for (int i = 0; i < n; i++) {                  \
        const auto x = from[i];                      \
        to[i] = static_cast<T>(expression);          \
      }                                              \
    } else {                                         \
      for (int i = 0; i < n; i++) {                  \
        const auto x = from[i];                      \
        to[i * stride] = static_cast<T>(expression); \
      }                                              \
    }                                                \
    return;                                          \
  }

JEPA_INLINE void store_floats(DType dtype, char* p, int64_t stride, int n, const float* from) {
  switch (dtype) {
    case DType::float32:
      EACH(float, x)
    case DType::bfloat16:
      EACH(uint16_t, narrow_brain(x))
    case DType::float16:
      EACH(uint16_t, narrow_half(x))
    case DType::int32:
      EACH(int32_t, to_int(x))
    case DType::uint8:
      EACH(uint8_t, to_int(x))
    case DType::boolean:
      EACH(uint8_t, x != 0.0f)
  }
}
JEPA_INLINE void store_ints(DType dtype, char* p, int64_t stride, int n, const int32_t* from) {
  switch (dtype) {
    case DType::float32:
      EACH(float, x)
    case DType::bfloat16:
      EACH(uint16_t, narrow_brain(static_cast<float>(x)))
    case DType::float16:
      EACH(uint16_t, narrow_half(static_cast<float>(x)))
    case DType::int32:
      EACH(int32_t, x)
    case DType::uint8:
      EACH(uint8_t, x)
    case DType::boolean:
      EACH(uint8_t, x != 0)
  }
}
#undef EACH

// Walks a block of `n` elements in runs along the innermost axis: body(offset in elements, inner stride, first, count).
template <class Body>
JEPA_INLINE void for_each_run(const Attributes& a, int operand, const Position& position, int n, Body body) {
  if (a.dense[operand]) return body(position.linear, int64_t{1}, 0, n);
  const int inner = a.rank - 1;
  int64_t index[jepa::kMaxRank], offset = 0;
  for (int axis = 0; axis < a.rank; axis++) {
    index[axis] = position.index[axis];
    offset += index[axis] * a.stride[operand][axis];
  }
  for (int done = 0; done < n;) {
    const int64_t left = a.shape[inner] - index[inner];
    const int count = static_cast<int>(left < n - done ? left : n - done);
    body(offset, a.stride[operand][inner], done, count);
    done += count;
    offset += count * a.stride[operand][inner];
    index[inner] += count;
    for (int axis = inner; axis > 0 && index[axis] == a.shape[axis]; axis--) {
      offset += a.stride[operand][axis - 1] - a.shape[axis] * a.stride[operand][axis];
      index[axis] = 0;
      index[axis - 1]++;
    }
  }
}

JEPA_INLINE void load_block(const Attributes& a, const View& view, int operand, const Position& position, int n,
                            bool floats, float* to) {
  const int64_t width = jepa::size_of(view.dtype);
  for_each_run(a, operand, position, n, [&](int64_t offset, int64_t stride, int first, int count) {
    const char* p = view.data + offset * width;
    if (floats) {
      load_floats(view.dtype, p, stride, count, to + first);
    } else {
      load_ints(view.dtype, p, stride, count, reinterpret_cast<int32_t*>(to) + first);
    }
  });
}

JEPA_INLINE void store_block(const Attributes& a, const View& view, int operand, const Position& position, int n,
                             bool floats, const float* from) {
  const int64_t width = jepa::size_of(view.dtype);
  for_each_run(a, operand, position, n, [&](int64_t offset, int64_t stride, int first, int count) {
    char* p = view.data + offset * width;
    if (floats) {
      store_floats(view.dtype, p, stride, count, from + first);
    } else {
      store_ints(view.dtype, p, stride, count, reinterpret_cast<const int32_t*>(from) + first);
    }
  });
}

}  // namespace
