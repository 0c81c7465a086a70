// What the runtime and an op know of each other. An op is two things: a definition (target-independent: reads hostile
// attribute bytes, checks every view, cuts the work into tiles) and one kernel per SIMD target that runs tiles.
//
// Work is cut by fixed tiles, never by thread count, and each output element belongs to exactly one tile of a phase:
// results are bit-identical for any number of threads. Phases run one after another (partial sums, then their
// combination).
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace jepa {

constexpr int kMaxRank = 8;
constexpr int kMaxOperands = 40;
constexpr int kMaxPhases = 4;

enum class DType : uint8_t { float32 = 0, bfloat16 = 1, float16 = 2, int32 = 3, uint8 = 4, boolean = 5 };
constexpr int kDTypeCount = 6;
constexpr int64_t size_of(DType d) {
  return d == DType::float32 || d == DType::int32 ? 4 : d == DType::bfloat16 || d == DType::float16 ? 2 : 1;
}

// A strided window on a buffer. Strides count elements and are never negative; the runtime has proved that every
// element lies inside its buffer before an op sees the view. `data` is null while a program is being checked.
struct View {
  char* data = nullptr;
  DType dtype = DType::float32;
  int rank = 0;
  int64_t shape[kMaxRank] = {};
  int64_t stride[kMaxRank] = {};

  int64_t elements() const {
    int64_t n = 1;
    for (int i = 0; i < rank; i++) n *= shape[i];
    return n;
  }
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data);
  }
};

// A kernel reports what only data can show (an index out of range) here; the step fails before its first assignment.
enum class Fault : int { none = 0, index_out_of_range = 1 };

// One node, ready to run.
struct Call {
  const View* in = nullptr;
  const View* out = nullptr;
  int inputs = 0;
  int outputs = 0;
  const void* attributes = nullptr;  // the op's own plain struct, written by `prepare`
  char* workspace = nullptr;         // Work::workspace_bytes, shared by all tiles and phases, 64-byte aligned
  std::atomic<int>* fault = nullptr;
};

// How a node's work is cut, and what it costs (for profiles: additions and multiplications count one each).
struct Work {
  int phases = 1;
  int64_t tiles[kMaxPhases] = {1, 0, 0, 0};
  int64_t workspace_bytes = 0;  // shared
  int64_t scratch_bytes = 0;    // for each thread, 64-byte aligned
  double flops = 0;
  double bytes = 0;
  int64_t tile_cost = 0;  // rough nanoseconds of a tile: the pool runs cheap calls on one thread
};

// How an op may be computed by rows, so that several nodes in a row pass over a block of rows while it is in cache. Row r
// of an operand is the r-th of `count` equal slices of its elements in row-major order: of x [B, T, D] with count = B·T a
// token, of mean [B, T] a number. A coarser count that divides this one does as well: its rows are several of these.
struct RowWise {
  int64_t count = 0;      // the finest cut; 0: only as a whole
  int64_t multiple = 1;   // blocks begin at multiples of it, for example where a partial sum begins
  int64_t least = 1;      // rows of a block below which it costs more than it saves
  int64_t cost = 0;       // rough nanoseconds of a row
  uint64_t inputs = 0;    // bit i: row r needs no more than row r of input i; other inputs it needs whole
  uint64_t outputs = ~0;  // bit i: row r of output i is there after phase 0; other outputs come with later phases
};

struct Prepared {
  std::vector<char> attributes;  // a plain struct, copied bytewise
  Work work;
  RowWise rows;
  int in_place = 0;       // so many of the first outputs may each share memory with an input of the same layout
  bool can_fail = false;  // reports faults: not for the commit phase
};

// "" means fine; otherwise a sentence `expected …, got …` (static or kept by `text`).
struct Status {
  bool ok = true;
  char text[240] = {};
};

struct OpDefinition {
  const char* name;
  Status (*prepare)(const View* in, int inputs, const View* out, int outputs, const uint8_t* bytes, size_t size,
                    Prepared* prepared);
};

// `run` computes tiles [begin, end) of one phase. `run_rows` computes rows [begin, end) of phase 0, with the same bits for
// every cut at multiples of RowWise::multiple: it reads and writes no other row of operands that go by rows, and no part
// of the workspace that belongs to other rows. Later phases follow when all rows are done. Null where RowWise::count is
// never above 0. Neither may allocate, throw, lock or keep state.
struct Kernel {
  void (*run)(const Call& call, int phase, int64_t begin, int64_t end, char* scratch);
  void (*run_rows)(const Call& call, int64_t begin, int64_t end, char* scratch);
};

}  // namespace jepa

// Every op `x` in native/ops/op_list.inc has: `extern const jepa::OpDefinition jepa_op_x;` in native/ops/<folder>/x.cc
// (built once), and `extern "C" const jepa::Kernel jepa_kernel_x_<target>;` from native/ops/<folder>/x_cpu.cc (built
// once per target), declared with JEPA_KERNEL(x, run) or JEPA_ROW_KERNEL(x, run, run_rows).
#define JEPA_GLUE2(a, b, c) a##b##_##c
#define JEPA_GLUE(a, b, c) JEPA_GLUE2(a, b, c)
#define JEPA_ROW_KERNEL(op, run, run_rows)                                       \
  extern "C" {                                                                   \
  extern const jepa::Kernel JEPA_GLUE(jepa_kernel_, op, JEPA_TARGET);            \
  const jepa::Kernel JEPA_GLUE(jepa_kernel_, op, JEPA_TARGET) = {run, run_rows}; \
  }
#define JEPA_KERNEL(op, run) JEPA_ROW_KERNEL(op, run, nullptr)
