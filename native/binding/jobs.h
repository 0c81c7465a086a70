// The jobs that JavaScript can ask for.
#pragma once
#include "binding/environment.h"

namespace jepa::binding {

// Bytes on the JavaScript side.
struct Window {
  char* data = nullptr;
  size_t bytes = 0;
};
// False, with a pending exception, if the value is not a typed array or DataView.
bool window_of(Napi::Value value, Window* window);

struct ProgramHandle {
  std::shared_ptr<Program> program;
  std::shared_ptr<Executable> executable;
  bool prepared = false;  // engine thread only
};

class RunJob : public PromiseJob {
 public:
  using PromiseJob::PromiseJob;
  std::shared_ptr<ProgramHandle> handle;
  std::vector<Block> inputs;
  std::vector<Window> outputs;
  int repetitions = 0;  // above 0: a profile
  void run(Device* device) override;

 protected:
  Napi::Value result(Napi::Env env) override;

 private:
  void fail(const RunResult& result);
  std::vector<int64_t> nanoseconds_;
  std::string target_;
  int threads_ = 0;
};

class WriteJob : public PromiseJob {
 public:
  using PromiseJob::PromiseJob;
  std::shared_ptr<Storage> storage;
  Block data;
  void run(Device*) override;
};

class ReadJob : public PromiseJob {
 public:
  using PromiseJob::PromiseJob;
  std::shared_ptr<Storage> storage;
  Window into;
  void run(Device*) override;
};

}  // namespace jepa::binding
