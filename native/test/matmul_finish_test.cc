// What matmul does to its sums: residuals, slopes, sums that are kept, and results written past the caches; against float64.
#include "test/matmul_reference.h"

using namespace jepa;
using namespace jepa::test;

namespace {

// What is read and written beside the result: around every edge, after several depths, chunks and batches.
void besides() {
  const auto variants = [](Shape s, int64_t gap = 0) {
    s.beside = kResidual;
    compare(s, gap);
    s.sums = true;
    compare(s, gap);
    s.beside = 0;
    compare(s, gap);
    s.sums = false;
    s.beside = kSlope;
    s.activation = 1 + s.m % 2;
    compare(s, gap);
  };
  for (int64_t m : {0, 1, 5, 6, 7, 14, 15, 29})
    for (int64_t n : {1, 8, 15, 16, 17, 31, 32, 33, 65}) {
      variants({{}, m, 5, n, false, false, false, m % 2 == 0, static_cast<uint32_t>((m + n) % 5)});
      variants({{}, m, 18, n, m % 3 == 0, n % 2 == 0, true, n % 3 == 0, static_cast<uint32_t>(n % 5)}, 1);
    }
  variants({{}, 29, 513, 40, false, true, true, true, 1});
  variants({{}, 29, 300, 70, true, false, false, true, 3}, 2);
  variants({{}, 3, 4097, 18, false, true, false, true, 2});
  variants({{2, 3}, 5, 7, 33, true, false, false, true, 1}, 2);
  variants({{}, 15, 33, 40, false, true, true, true, 1, true});
}

// Results that leave the caches before they are read, aligned to lines and not, with a last panel that is not whole; and those that the
// caches would not keep.
void streamed() {
  static_assert(4160 * 1040 * 4 >= kHuge, "large enough");
  Shape huge = {{}, 4160, 3, 1040, false, false, false, true};
  huge.aligned = true, huge.activation = 1, huge.beside = kSlope;
  compare(huge);
  for (int64_t n : {1040, 1050}) {
    static_assert(520 * 1040 * 4 >= kLarge, "large enough");
    Shape s = {{}, 520, 3, n, false, false, n == 1050, true};
    s.late = true;
    for (bool aligned : {true, false}) {
      s.aligned = aligned;
      s.activation = 0, s.beside = 0, s.sums = false;
      compare(s);
      s.activation = 1, s.sums = true;
      compare(s);
      s.beside = kResidual;
      compare(s);
      s.beside = kSlope, s.sums = false;
      compare(s);
    }
  }
}

}  // namespace

int main() {
  besides();
  streamed();
  return finish("matmul_finish");
}
