#include "runtime/overlap.h"

#include <algorithm>
#include <cstring>

namespace jepa {
namespace {

// One term of the sum Σ factor·stride, low ≤ factor ≤ high.
struct Term {
  int64_t stride, low, high;
};

struct Equation {
  Term terms[2 * kMaxRank + 1];
  int count = 0;
  int64_t reach_low[2 * kMaxRank + 2], reach_high[2 * kMaxRank + 2];  // of the terms from k on
  int budget = 4096;

  void add(int64_t stride, int64_t low, int64_t high) {
    if (stride == 0) return;
    for (int i = 0; i < count; i++) {
      if (terms[i].stride != stride) continue;
      terms[i].low += low;
      terms[i].high += high;
      return;
    }
    terms[count++] = {stride, low, high};
  }

  bool solvable(int64_t sum) {
    std::sort(terms, terms + count, [](const Term& a, const Term& b) { return a.stride > b.stride; });
    reach_low[count] = reach_high[count] = 0;
    for (int i = count - 1; i >= 0; i--) {
      reach_low[i] = reach_low[i + 1] + terms[i].low * terms[i].stride;
      reach_high[i] = reach_high[i + 1] + terms[i].high * terms[i].stride;
    }
    return search(0, sum);
  }

  // With nested strides only one or two factors of a term leave a rest that the smaller strides can reach.
  bool search(int k, int64_t sum) {
    if (sum < reach_low[k] || sum > reach_high[k]) return false;
    if (k == count) return true;
    const Term& term = terms[k];
    const int64_t first = std::max(term.low, divide_up(sum - reach_high[k + 1], term.stride));
    const int64_t last = std::min(term.high, divide_down(sum - reach_low[k + 1], term.stride));
    for (int64_t factor = first; factor <= last; factor++) {
      if (--budget < 0) return true;
      if (search(k + 1, sum - factor * term.stride)) return true;
    }
    return false;
  }

  static int64_t divide_down(int64_t a, int64_t b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }
  static int64_t divide_up(int64_t a, int64_t b) { return -divide_down(-a, b); }
};

}  // namespace

bool same_layout(const View& a, const View& b) {
  return a.dtype == b.dtype && a.rank == b.rank && !std::memcmp(a.shape, b.shape, sizeof a.shape) &&
         !std::memcmp(a.stride, b.stride, sizeof a.stride);
}

bool overlaps_itself(const View& view) {
  if (view.elements() == 0) return false;
  int axes[kMaxRank], count = 0;  // by stride
  for (int i = 0; i < view.rank; i++) {
    if (view.shape[i] <= 1) continue;
    int at = count++;
    for (; at > 0 && view.stride[axes[at - 1]] > view.stride[i]; at--) axes[at] = axes[at - 1];
    axes[at] = i;
  }
  int64_t reach = 0;
  for (int i = 0; i < count; i++) {
    if (view.stride[axes[i]] <= reach) return true;
    reach += (view.shape[axes[i]] - 1) * view.stride[axes[i]];
  }
  return false;
}

bool overlap(const ProgramView& a, const ProgramView& b) {
  if (a.buffer != b.buffer || a.view.elements() == 0 || b.view.elements() == 0) return false;
  const int64_t a_width = size_of(a.view.dtype), b_width = size_of(b.view.dtype);
  // a.offset + Σ i·stride + byte = b.offset + Σ j·stride + byte
  Equation equation;
  for (int i = 0; i < a.view.rank; i++) equation.add(a.view.stride[i] * a_width, 0, a.view.shape[i] - 1);
  for (int i = 0; i < b.view.rank; i++) equation.add(b.view.stride[i] * b_width, 1 - b.view.shape[i], 0);
  equation.add(1, 1 - b_width, a_width - 1);
  return equation.solvable(b.offset - a.offset);
}

}  // namespace jepa
