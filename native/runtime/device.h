// The CPU as a device: a SIMD target, a pool, and one arena that all programs share since they run one at a time.
#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "parallel/pool.h"
#include "runtime/block_pool.h"
#include "runtime/program.h"
#include "runtime/row_blocks.h"
#include "runtime/targets.h"

namespace jepa {

// Storage of a variable, shared by everything that binds it.
struct Storage {
  Storage(DType dtype, int64_t elements);
  // Engine thread only: programs that bind it can no longer run.
  void release();
  DType dtype;
  int64_t elements;
  Block block;
  uint64_t version = 1;  // engine thread only; changes whenever the values may have
  bool released = false;
};

enum class Outcome { done, aborted, non_finite, index_out_of_range, disposed };

struct RunResult {
  Outcome outcome = Outcome::done;
  int guard = -1;  // which guard, or node of the fault
};

class Device;

// An address, and how far it lies behind what it follows.
struct Pointer {
  char** at;
  int64_t offset;
};

// Inputs and outputs of so many bytes and more may lie in memory that is theirs for one run only: it costs less to bind them
// anew than to copy them into or out of the program's own memory.
constexpr int64_t kBoundByRun = 4 << 10;

// A program bound to its variables, with its own memory for inputs and outputs.
class Executable {
 public:
  Executable(std::shared_ptr<Program> program, std::vector<std::shared_ptr<Storage>> variables);
  // Whether variables fit, and memory could be had; changes nothing, so any thread may ask.
  bool check(std::string* problem) const;
  // On the engine thread, before the first run: takes the memory. False and a sentence if it cannot be had.
  // by_run: what input_by_run and output_by_run name gets none, and is told where it lies before every run.
  bool prepare(Device* device, std::string* problem, bool by_run = false);
  RunResult run(Device* device, const std::atomic<bool>& abort, int64_t* nanoseconds = nullptr);
  const Program& program() const { return *program_; }
  char* input(size_t slot) const { return inputs_[slot].address; }
  char* output(size_t slot) const { return outputs_[slot].address; }
  bool input_by_run(size_t slot) const { return program_->input_bytes[slot] >= kBoundByRun; }
  // Others may have bytes that no node writes, and those must not show what lay there before.
  bool output_by_run(size_t slot) const {
    return program_->output_bytes[slot] >= kBoundByRun && program_->output_whole[slot];
  }
  void use_input(size_t slot, char* memory) { inputs_[slot].use(memory); }
  void use_output(size_t slot, char* memory) { outputs_[slot].use(memory); }
  const std::vector<std::shared_ptr<Storage>>& variables() const { return variables_; }

 private:
  // Where an input or output lies, and the pointers into it that go along when that changes.
  struct Slot {
    Block own;
    char* address = nullptr;
    std::vector<Pointer> pointers;
    void use(char* memory);
  };
  void bind(Device* device);
  void follow(uint32_t view, char** at);
  void execute(Device* device, size_t node, int first_phase);
  bool run_hoisted(Device* device, const std::atomic<bool>& abort, int64_t* nanoseconds);
  void timed(Device* device, size_t node, int first_phase, int64_t* nanoseconds);

  std::shared_ptr<Program> program_;
  std::vector<std::shared_ptr<Storage>> variables_;
  std::vector<Slot> inputs_, outputs_;
  Block kept_;
  bool by_run_ = false;
  bool current_ = false;        // hoisted nodes have run, …
  std::vector<uint64_t> seen_;  // … when the variables that they read had these versions
  std::vector<View> operands_;  // of all calls, in order
  std::vector<Call> calls_;
  RowBlocks blocks_;
  std::vector<char*> guards_;
  std::atomic<int> fault_{0};
  uint64_t generation_ = 0;
};

// Below this a call runs on one thread: waking and joining would cost more than it saves.
constexpr int64_t kParallelNanoseconds = 5000;

class Device {
 public:
  // Tests give 0 nanoseconds, so that everything that has tiles is shared out.
  Device(const Target* target, int threads, int64_t parallel_nanoseconds = kParallelNanoseconds);
  Pool& pool() { return *pool_; }
  const Target& target() const { return *target_; }
  int64_t parallel_nanoseconds() const { return parallel_nanoseconds_; }
  // Grows arena, workspace and scratch; false if the system refuses.
  bool reserve(int64_t arena, int64_t workspace, int64_t scratch);
  char* arena() const { return arena_.data(); }
  char* workspace() const { return workspace_.data(); }
  char* scratch(int worker) const { return scratch_.data() + worker * scratch_stride_; }
  // Changes whenever addresses do.
  uint64_t generation() const { return generation_; }
  // Any thread may ask.
  int64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  // Memory for inputs and outputs, run by run.
  BlockPool& blocks() { return blocks_; }

 private:
  const Target* target_;
  std::unique_ptr<Pool> pool_;
  int64_t parallel_nanoseconds_;
  BlockPool blocks_;
  Block arena_, workspace_, scratch_;
  std::atomic<int64_t> bytes_{0};
  int64_t scratch_stride_ = 0;
  uint64_t generation_ = 1;
};

}  // namespace jepa
