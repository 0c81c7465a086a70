// Runs one op on one SIMD target, outside of any program: operands with guard bytes around them and chosen
// misalignment, hostile attribute bytes, tiles in any grouping. A test states its reference in float64 and its
// tolerance.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "parallel/pool.h"
#include "runtime/targets.h"
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

// Declares an op; `jepa::test::Op op = JEPA_TEST_OP(reduce)` has its kernels too.
#define JEPA_TEST_DECLARE(op)             \
  namespace jepa {                        \
  extern const OpDefinition jepa_op_##op; \
  }
#define JEPA_TEST_OP(op) \
  { &jepa::jepa_op_##op, jepa::test::kernels_of(#op) }

namespace jepa {
namespace test {

struct TargetKernel {
  const char* target;
  const Kernel* kernel;
};
struct Op {
  const OpDefinition* definition;
  std::vector<TargetKernel> kernels;
  const Kernel& on(const char* target) const {
    for (const TargetKernel& k : kernels)
      if (!std::strcmp(k.target, target)) return *k.kernel;
    std::abort();
  }
};

// The kernels of an op that this machine can run, each under the name of the first target that has it.
inline std::vector<TargetKernel> kernels_of(const char* op) {
  std::vector<TargetKernel> list;
  for (int code = 0; code < op_table().count; code++) {
    if (std::strcmp(op_table().names[code], op)) continue;
    for (const Target* target : available_targets())
      if (list.empty() || list.back().kernel != target->kernels[code])
        list.push_back({target->name, target->kernels[code]});
  }
  return list;
}

inline int& failures() {
  static int count = 0;
  return count;
}
__attribute__((format(printf, 2, 3))) inline bool expect(bool ok, const char* format, ...) {
  if (ok) return true;
  if (++failures() <= 40) {
    va_list arguments;
    va_start(arguments, format);
    std::fputs("FAILED: ", stdout);
    std::vprintf(format, arguments);
    std::fputs("\n", stdout);
    va_end(arguments);
  }
  return false;
}
inline int finish(const char* name) {
  std::printf("%s: %s\n", name, failures() ? "FAILED" : "ok");
  return failures() ? 1 : 0;
}

// splitmix64: the same numbers on every machine.
struct Numbers {
  uint64_t state;
  explicit Numbers(uint64_t seed) : state(seed) {}
  uint64_t next() {
    uint64_t z = (state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  int below(int n) { return static_cast<int>(next() % static_cast<uint64_t>(n)); }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  float normal() {
    double sum = 0;
    for (int i = 0; i < 12; i++) sum += uniform();
    return static_cast<float>(sum - 6);
  }
};

// A tensor in a guarded buffer; the address sanitizer takes reads of the guards for faults too. `order` gives the axes from outermost to innermost in memory; `gap` pads every row.
struct Operand {
  static constexpr int64_t kGuard = 128;
  static constexpr char kFill = '\xff';  // a NaN, of guards and gaps: who computes with it shows
  View view;
  std::vector<char> storage;
  int64_t bytes = 0, start = 0;

  Operand(DType dtype, std::vector<int64_t> shape, std::vector<int> order = {}, int64_t gap = 0, int misalign = 0) {
    view.dtype = dtype;
    view.rank = static_cast<int>(shape.size());
    int64_t span = 1;
    for (int i = view.rank - 1; i >= 0; i--) {
      const int axis = order.empty() ? i : order[static_cast<size_t>(i)];
      view.shape[axis] = shape[static_cast<size_t>(axis)];
      view.stride[axis] = span;
      span = span * (shape[static_cast<size_t>(axis)] > 0 ? shape[static_cast<size_t>(axis)] : 1) +
             (i == view.rank - 1 ? gap : 0);
    }
    bytes = span * size_of(dtype);
    storage.assign(static_cast<size_t>(bytes + 2 * kGuard + 64), kFill);
    const auto base = reinterpret_cast<uintptr_t>(storage.data());
    start = static_cast<int64_t>(((base + 63) & ~uintptr_t{63}) - base) + kGuard + misalign * size_of(dtype);
    view.data = storage.data() + start;
#if defined(__SANITIZE_ADDRESS__)
    __asan_poison_memory_region(storage.data(), static_cast<size_t>(start));
    __asan_poison_memory_region(view.data + bytes, storage.size() - static_cast<size_t>(start + bytes));
#endif
  }
  Operand(const Operand&) = delete;
  Operand& operator=(const Operand&) = delete;
  Operand(Operand&& other) = default;

  int64_t size() const { return view.elements(); }
  // Offset in elements of the i-th element in row-major order.
  int64_t at(int64_t i) const {
    int64_t offset = 0;
    for (int axis = view.rank - 1; axis >= 0; axis--) {
      offset += i % view.shape[axis] * view.stride[axis];
      i /= view.shape[axis];
    }
    return offset;
  }
  float& f(int64_t i) { return view.as<float>()[at(i)]; }
  int32_t& i(int64_t index) { return view.as<int32_t>()[at(index)]; }
  uint16_t& h(int64_t index) { return view.as<uint16_t>()[at(index)]; }
  uint8_t& b(int64_t index) { return view.as<uint8_t>()[at(index)]; }
  Operand& fill(const std::function<double(int64_t)>& value) {
    for (int64_t k = 0; k < size(); k++) {
      const double x = value(k);
      if (view.dtype == DType::float32) f(k) = static_cast<float>(x);
      if (view.dtype == DType::int32) i(k) = static_cast<int32_t>(x);
      if (size_of(view.dtype) == 2) h(k) = static_cast<uint16_t>(x);
      if (size_of(view.dtype) == 1) b(k) = static_cast<uint8_t>(x);
    }
    return *this;
  }
  Operand& normal(uint64_t seed, double scale = 1, double offset = 0) {
    Numbers numbers(seed);
    return fill([&](int64_t) { return numbers.normal() * scale + offset; });
  }
  // All of the buffer, guards too. Not by memcpy, which the sanitizer looks into.
  __attribute__((no_sanitize_address)) std::vector<char> memory() const {
    std::vector<char> copy(storage.size());
    const volatile char* from = storage.data();
    for (size_t i = 0; i < copy.size(); i++) copy[i] = from[i];
    return copy;
  }
  __attribute__((no_sanitize_address)) bool guards_whole() const {
    const char* const all = storage.data();
    const auto end = static_cast<int64_t>(storage.size());
    bool whole = true;
    for (int64_t k = 0; k < start; k++) whole = whole && all[k] == kFill;
    for (int64_t k = start + bytes; k < end; k++) whole = whole && all[k] == kFill;
    return whole;
  }
};

struct Bytes {
  std::vector<uint8_t> data;
  template <class T>
  Bytes& add(T value) {
    const auto* p = reinterpret_cast<const uint8_t*>(&value);
    data.insert(data.end(), p, p + sizeof value);
    return *this;
  }
};

enum class Split { all, single, backwards };

struct Result {
  Status status;
  int fault = 0;
  Work work;
};

// The bytes that a view reaches.
inline std::vector<char> bytes_of(const View& v) {
  if (v.elements() == 0) return {};
  int64_t last = 0;
  for (int i = 0; i < v.rank; i++) last += (v.shape[i] - 1) * v.stride[i];
  return std::vector<char>(v.data, v.data + (last + 1) * size_of(v.dtype));
}
inline std::vector<std::vector<char>> bytes_of(const std::vector<View>& views) {
  std::vector<std::vector<char>> all;
  for (const View& v : views) all.push_back(bytes_of(v));
  return all;
}
inline void restore(const std::vector<View>& views, const std::vector<std::vector<char>>& all) {
  for (size_t i = 0; i < views.size(); i++)
    if (!all[i].empty()) std::memcpy(views[i].data, all[i].data(), all[i].size());
}

// Phase 0 by rows, in blocks of unequal length, the last first.
inline void run_rows(const Kernel& kernel, const Call& call, const RowWise& rows, char* scratch) {
  std::vector<int64_t> cuts = {0};
  for (int64_t step = 1; cuts.back() < rows.count; step = step % 5 + 2)
    cuts.push_back(std::min(rows.count, cuts.back() + step * rows.multiple));
  for (size_t i = cuts.size() - 1; i > 0; i--) kernel.run_rows(call, cuts[i - 1], cuts[i], scratch);
}

// Runs an op in tiles; where it also goes by rows, again in that way, which must leave the same bits.
inline Result run(const Op& op, const TargetKernel& target, const std::vector<View>& in, const std::vector<View>& out,
                  const Bytes& bytes, Split split = Split::all) {
  const Kernel& kernel = op.on(target.target);
  Result result;
  Prepared prepared;
  std::vector<View> blind_in = in, blind_out = out;
  for (View& v : blind_in) v.data = nullptr;
  for (View& v : blind_out) v.data = nullptr;
  // An exact copy on the heap, so that sanitizers see reads behind the end.
  std::vector<uint8_t> attributes(bytes.data);
  result.status = op.definition->prepare(blind_in.data(), static_cast<int>(in.size()), blind_out.data(),
                                         static_cast<int>(out.size()), attributes.data(), attributes.size(), &prepared);
  if (!result.status.ok) return result;
  result.work = prepared.work;
  std::atomic<int> fault{0};
  std::vector<char> workspace(static_cast<size_t>(prepared.work.workspace_bytes) + 128, '\x7f');
  std::vector<char> scratch(static_cast<size_t>(prepared.work.scratch_bytes) + 128, '\x7f');
  const auto align = [](std::vector<char>& v) {
    return reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(v.data()) + 63) & ~uintptr_t{63});
  };
  Call call;
  call.in = in.data();
  call.out = out.data();
  call.inputs = static_cast<int>(in.size());
  call.outputs = static_cast<int>(out.size());
  call.attributes = prepared.attributes.data();
  call.workspace = align(workspace);
  call.fault = &fault;
  const FlushDenormals flush;  // as on the pool's threads
  const RowWise& rows = prepared.rows;
  const std::vector<std::vector<char>> in_before = bytes_of(in), out_before = bytes_of(out);
  std::vector<std::vector<char>> by_rows;
  const bool empty = std::all_of(out.begin(), out.end(), [](const View& v) { return v.elements() == 0; });
  if (rows.count > 0 && !empty && expect(kernel.run_rows, "%s has no kernel for rows", op.definition->name)) {
    run_rows(kernel, call, rows, align(scratch));
    for (int phase = 1; phase < prepared.work.phases; phase++)
      kernel.run(call, phase, 0, prepared.work.tiles[phase], align(scratch));
    by_rows = bytes_of(out);
    restore(in, in_before);
    restore(out, out_before);
    std::fill(workspace.begin(), workspace.end(), '\x7f');
    fault = 0;
  }
  for (int phase = 0; phase < prepared.work.phases; phase++) {
    const int64_t tiles = prepared.work.tiles[phase];
    if (split == Split::all) {
      kernel.run(call, phase, 0, tiles, align(scratch));
    } else {
      for (int64_t k = 0; k < tiles; k++) {
        const int64_t tile = split == Split::backwards ? tiles - 1 - k : k;
        kernel.run(call, phase, tile, tile + 1, align(scratch));
      }
    }
  }
  expect(by_rows.empty() || by_rows == bytes_of(out), "%s by rows gives other bits", op.definition->name);
  const char* guard = align(scratch) + prepared.work.scratch_bytes;
  expect(guard >= scratch.data() + scratch.size() || *guard == '\x7f', "%s writes behind its scratch",
         op.definition->name);
  const char* end = align(workspace) + prepared.work.workspace_bytes;
  expect(end >= workspace.data() + workspace.size() || *end == '\x7f', "%s writes behind its workspace",
         op.definition->name);
  result.fault = fault.load();
  return result;
}

// Calls body for every target that this machine can run.
inline void each_target(const Op& op, const std::function<void(const TargetKernel&)>& body) {
  for (const TargetKernel& k : op.kernels) body(k);
}

}  // namespace test
}  // namespace jepa
