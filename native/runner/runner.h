// Runs a program without Node: reads its bytes from a file, fills its inputs and variables from a seed, and hashes what
// it leaves. Fuzzing, sanitizers and the comparison of targets and thread counts use it.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "runtime/device.h"

namespace jepa::runner {

// Null and a sentence if the file cannot be read or is not a program.
std::shared_ptr<Program> load(const std::string& path, std::string* problem);
bool read_file(const std::string& path, std::vector<uint8_t>* bytes);

// Memory that one run takes, but for scratch, which goes by threads.
int64_t bytes_of(const Program& program);
// A rough count of what its kernels do: the larger of operations and bytes moved.
double cost_of(const Program& program);

// A program with values of its own: float inputs in [−1, 1), float variables in [0, 1) (second moments are no less),
// integers in [0, 3) (so that they may be indices), booleans and bytes whatever fits.
class Session {
 public:
  Session(std::shared_ptr<Program> program, uint64_t seed);
  bool prepare(Device* device, std::string* problem);
  // Fills the inputs, the same in every run, and runs once. Variables keep what the last run left.
  RunResult run(Device* device);
  // FNV-1a over the bytes of outputs and variables.
  uint64_t hash() const;
  Executable& executable() { return *executable_; }

 private:
  void fill(char* data, int64_t bytes, DType dtype, bool signs, uint64_t seed) const;

  std::shared_ptr<Program> program_;
  uint64_t seed_;
  std::vector<DType> input_dtypes_, variable_dtypes_;
  std::vector<std::shared_ptr<Storage>> variables_;
  std::unique_ptr<Executable> executable_;
  std::atomic<bool> abort_{false};
};

const char* name_of(Outcome outcome);

}  // namespace jepa::runner
