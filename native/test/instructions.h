// Builds instruction bytes of the elementwise machine, and reads operands of any dtype as float64.
#pragma once
#include "ops/elementwise/elementwise.h"
#include "test/harness.h"

namespace jepa {
namespace test {

struct Program {
  Bytes bytes;
  Program(int count, int registers) { bytes.add(static_cast<uint16_t>(count)).add(static_cast<uint16_t>(registers)); }
  Program& add(int code, int dst, int a = 0, int b = 0, int c = 0, uint32_t immediate = 0) {
    for (int byte : {code, dst, a, b, c, 0, 0, 0}) bytes.add(static_cast<uint8_t>(byte));
    bytes.add(immediate);
    return *this;
  }
};

// The value of element i of an operand as float64.
inline double value_of(Operand& x, int64_t i) {
  uint32_t bits;
  float f;
  switch (x.view.dtype) {
    case DType::float32:
      return x.f(i);
    case DType::int32:
      return x.i(i);
    case DType::bfloat16:
      bits = static_cast<uint32_t>(x.h(i)) << 16;
      std::memcpy(&f, &bits, 4);
      return f;
    case DType::float16: {
      const int e = x.h(i) >> 10 & 31, m = x.h(i) & 1023;
      const double v = e == 31 ? (m ? NAN : INFINITY) : e ? std::ldexp(1024 + m, e - 25) : std::ldexp(m, -24);
      return x.h(i) & 0x8000 ? -v : v;
    }
    default:
      return x.b(i);
  }
}
}  // namespace test
}  // namespace jepa
