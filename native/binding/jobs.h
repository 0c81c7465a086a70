// The jobs that JavaScript can ask for.
#pragma once
#include "binding/arguments.h"

namespace jepa::binding {

// A variable, as a handle holds it.
struct VariableStorage : Storage {
  using Storage::Storage;
  static constexpr napi_type_tag kTag = {0x6a657061'7661'7269, 0x61626c65'0001'0001};
  static void count(Counters* counters, int number, int64_t bytes) {
    counters->variables += number;
    counters->variable_bytes += bytes;
  }
};

struct ProgramHandle {
  std::shared_ptr<Program> program;
  std::shared_ptr<Executable> executable;
  bool prepared = false;  // engine thread only
  static constexpr napi_type_tag kTag = {0x6a657061'7072'6f67, 0x72616d00'0001'0002};
  static void count(Counters* counters, int number, int64_t bytes) {
    counters->programs += number;
    counters->program_bytes += bytes;
  }
};

class RunJob : public PromiseJob {
 public:
  using PromiseJob::PromiseJob;
  std::shared_ptr<ProgramHandle> handle;
  std::vector<Lease> inputs;
  int repetitions = 0;  // above 0: a profile
  void run(Device* device) override;

 protected:
  Napi::Value result(Napi::Env env) override;

 private:
  bool begin(Device* device);
  void bind_inputs();
  void fail(const RunResult& result);
  Napi::Value profile_of(Napi::Env env);
  std::vector<Lease> outputs_;  // what JavaScript will see
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

// Takes the memory of a disposed variable from the programs that still bind it. Nobody waits for it.
struct ReleaseJob : Job {
  explicit ReleaseJob(Environment* environment) { owner = environment; }
  std::shared_ptr<Storage> storage;
  void run(Device*) override { storage->release(); }
  void finished(bool) override {}
};

}  // namespace jepa::binding
