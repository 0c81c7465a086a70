// What one JavaScript environment (main thread or worker) owns: its queue of results, and its jobs' promises.
#pragma once
#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "runtime/engine.h"

namespace jepa::binding {

class Environment;

// What an environment's handles hold; read and written on its thread only.
struct Counters {
  int64_t variable_bytes = 0, variables = 0, program_bytes = 0, programs = 0;
};

// A job that settles a promise of its environment.
class PromiseJob : public Job, public std::enable_shared_from_this<PromiseJob> {
 public:
  explicit PromiseJob(Environment* environment) : environment_(environment) { owner = environment; }
  // Keeps JavaScript memory alive that the engine reads or writes.
  void hold(Napi::Object object) { held_.push_back(Napi::Persistent(object)); }
  void finished(bool ran) override;

 protected:
  // Set by run: code and sentence; an empty code means success.
  std::string code_, message_;
  virtual Napi::Value result(Napi::Env env) { return env.Undefined(); }

 private:
  friend class Environment;
  // On the JavaScript thread.
  void settle(Napi::Env env);
  Environment* environment_;
  napi_deferred deferred_ = nullptr;
  std::vector<Napi::ObjectReference> held_;
};

class Environment {
 public:
  explicit Environment(Napi::Env env);
  static Environment* of(Napi::Env env) { return env.GetInstanceData<Environment>(); }
  Napi::Value submit(const std::shared_ptr<PromiseJob>& job);
  void post(std::shared_ptr<PromiseJob> job);
  void close();

  const std::shared_ptr<Counters> counters = std::make_shared<Counters>();

 private:
  static void deliver(napi_env env, napi_value, void* context, void* data);
  napi_env env_;
  napi_threadsafe_function results_ = nullptr;
  int pending_ = 0;
  std::vector<std::shared_ptr<PromiseJob>> waiting_;  // so that promises outlive a queue that was emptied
};

// Throws a JavaScript error with a code.
void throw_error(Napi::Env env, const char* code, const std::string& message);

}  // namespace jepa::binding
