// What one JavaScript environment (main thread or worker) owns: its queue of results, and its jobs' promises.
#pragma once
#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "runtime/engine.h"

namespace jepa::binding {

class Environment;

// A job that settles a promise of its environment.
class PromiseJob : public Job, public std::enable_shared_from_this<PromiseJob> {
 public:
  PromiseJob(Environment* environment, Napi::Env env);
  Napi::Value promise() const { return deferred_.Promise(); }
  // Keeps JavaScript memory alive that the engine reads or writes.
  void hold(Napi::Object object) { held_.push_back(Napi::Persistent(object)); }
  void finished(bool ran) override;
  // On the JavaScript thread.
  virtual void settle(Napi::Env env);

 protected:
  // Set by run: code and sentence; an empty code means success.
  std::string code_, message_;
  virtual Napi::Value result(Napi::Env env) { return env.Undefined(); }
  Napi::Promise::Deferred deferred_;

 private:
  friend class Environment;
  Environment* environment_;
  std::vector<Napi::ObjectReference> held_;
};

class Environment {
 public:
  explicit Environment(Napi::Env env);
  static Environment* of(Napi::Env env) { return env.GetInstanceData<Environment>(); }
  Napi::Value submit(const std::shared_ptr<PromiseJob>& job);
  void post(std::shared_ptr<PromiseJob> job);
  void close();

  int64_t variable_bytes = 0, variables = 0, programs = 0;

 private:
  static void deliver(napi_env env, napi_value, void* context, void* data);
  napi_env env_;
  napi_threadsafe_function results_ = nullptr;
  int pending_ = 0;
  std::vector<std::shared_ptr<PromiseJob>> waiting_;  // so that promises outlive a queue that was emptied
};

// Throws a JavaScript error with a code.
void throw_error(Napi::Env env, const std::string& code, const std::string& message);
Napi::Error make_error(Napi::Env env, const std::string& code, const std::string& message);

}  // namespace jepa::binding
