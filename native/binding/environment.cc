#include "binding/environment.h"

#include <algorithm>

namespace jepa::binding {

void PromiseJob::finished(bool ran) {
  if (!ran && code_.empty()) {
    code_ = "ERR_JEPA_ABORTED";
    message_ = "[run] stopped before it began";
  }
  environment_->post(shared_from_this());
}

// An environment that is being terminated refuses some of these calls; then nobody waits for the promise any more.
void PromiseJob::settle(Napi::Env env) {
  held_.clear();
  if (code_.empty()) {
    const Napi::Value value = result(env);
    if (env.IsExceptionPending()) {
      napi_reject_deferred(env, deferred_, env.GetAndClearPendingException().Value());
    } else {
      napi_resolve_deferred(env, deferred_, value);
    }
    return;
  }
  napi_value code, message, error;
  if (napi_create_string_utf8(env, code_.data(), code_.size(), &code) == napi_ok &&
      napi_create_string_utf8(env, message_.data(), message_.size(), &message) == napi_ok &&
      napi_create_error(env, code, message, &error) == napi_ok)
    napi_reject_deferred(env, deferred_, error);
}

Environment::Environment(Napi::Env env) : env_(env) {
  napi_value name;
  napi_create_string_utf8(env, "jepa", NAPI_AUTO_LENGTH, &name);
  napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, deliver, &results_);
  napi_unref_threadsafe_function(env, results_);  // an idle engine keeps no process alive
  napi_add_env_cleanup_hook(
      env, [](void* self) { static_cast<Environment*>(self)->close(); }, this);
}

Napi::Value Environment::submit(const std::shared_ptr<PromiseJob>& job) {
  if (!results_) {
    throw_error(env_, "ERR_JEPA_DISPOSED", "[jepa] this environment is being torn down");
    return Napi::Env(env_).Undefined();
  }
  napi_value promise;
  if (napi_create_promise(env_, &job->deferred_, &promise) != napi_ok) return Napi::Env(env_).Undefined();
  if (pending_++ == 0) napi_ref_threadsafe_function(env_, results_);
  waiting_.push_back(job);
  Engine::instance().submit(job);
  return Napi::Value(env_, promise);
}

// From the engine thread. The raw pointer carries one reference, which `deliver` takes back.
void Environment::post(std::shared_ptr<PromiseJob> job) {
  auto* carried = new std::shared_ptr<PromiseJob>(std::move(job));
  if (napi_call_threadsafe_function(results_, carried, napi_tsfn_nonblocking) != napi_ok) delete carried;
}

void Environment::deliver(napi_env env, napi_value, void* context, void* data) {
  std::unique_ptr<std::shared_ptr<PromiseJob>> job(static_cast<std::shared_ptr<PromiseJob>*>(data));
  if (!env) return;  // torn down: the promise went with it
  auto* self = static_cast<Environment*>(context);
  Napi::HandleScope scope(env);
  auto& waiting = self->waiting_;
  waiting.erase(std::find(waiting.begin(), waiting.end(), *job));
  (*job)->settle(env);
  if (--self->pending_ == 0) napi_unref_threadsafe_function(env, self->results_);
}

// Before the environment goes: nothing of it may be running, and its references go on this thread.
void Environment::close() {
  if (!results_) return;
  Engine::instance().forget(this);
  for (auto& job : waiting_) job->held_.clear();
  waiting_.clear();
  napi_release_threadsafe_function(results_, napi_tsfn_abort);
  results_ = nullptr;
}

void throw_error(Napi::Env env, const char* code, const std::string& message) {
  napi_throw_error(env, code, message.c_str());
}

}  // namespace jepa::binding
