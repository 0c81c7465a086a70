// Storage of variables: made, written, read and given back, in the order of the programs around them.
#include <cstring>

#include "binding/functions.h"
#include "binding/jobs.h"
#include "system/system.h"

namespace jepa::binding {
namespace {

constexpr int64_t kMaxElements = int64_t{1} << 44;
// Below this the system is not asked: it would take longer than the allocation.
constexpr int64_t kAskAbove = int64_t{64} << 20;

Handle<VariableStorage>* variable_of(Arguments info) { return unwrap<VariableStorage>(info.Env(), info[0]); }

}  // namespace

Napi::Value create_variable(Arguments info) {
  int64_t dtype, elements;
  if (!whole(info, 0, "a dtype", 0, kDTypeCount - 1, &dtype) ||
      !whole(info, 1, "a number of elements", 0, kMaxElements, &elements))
    return info.Env().Undefined();
  const int64_t bytes = elements * size_of(static_cast<DType>(dtype));
  const int64_t available = bytes > kAskAbove ? available_memory() : 0;
  std::shared_ptr<VariableStorage> storage;
  if (available == 0 || bytes < available)
    storage = std::make_shared<VariableStorage>(static_cast<DType>(dtype), elements);
  if (!storage || (bytes > 0 && !storage->block.data())) {
    throw_error(info.Env(), "ERR_JEPA_OUT_OF_MEMORY",
                "[variable] expected " + std::to_string(elements) + " elements to fit into memory, got " +
                    std::to_string(bytes >> 20) + " MB of which " + std::to_string(available >> 20) + " are available");
    return info.Env().Undefined();
  }
  return handle_of(info.Env(), std::move(storage), bytes);
}

// Programs that bind it refuse to run from now on; the memory goes when those have run that were started before.
Napi::Value dispose_variable(Arguments info) {
  if (auto* handle = variable_of(info)) {
    auto job = std::make_shared<ReleaseJob>(Environment::of(info.Env()));
    job->storage = handle->held;
    handle->give_back(info.Env());
    if (job->storage.use_count() > 1) Engine::instance().submit(job);
  }
  return info.Env().Undefined();
}

Napi::Value write_variable(Arguments info) {
  const Napi::Env env = info.Env();
  auto* handle = variable_of(info);
  Window window;
  if (!handle || !window_of(env, info[1], &window)) return env.Undefined();
  if (window.bytes != static_cast<size_t>(handle->bytes)) return refuse(env, "expected data of the variable's size");
  auto job = std::make_shared<WriteJob>(Environment::of(env));
  job->storage = handle->held;
  job->data = Block(handle->bytes);
  if (job->data.bytes() != handle->bytes) {
    throw_error(env, "ERR_JEPA_OUT_OF_MEMORY", "[variable] expected a copy of the data to fit into memory");
    return env.Undefined();
  }
  if (window.bytes) std::memcpy(job->data.data(), window.data, window.bytes);
  return Environment::of(env)->submit(job);
}

Napi::Value read_variable(Arguments info) {
  const Napi::Env env = info.Env();
  auto* handle = variable_of(info);
  Window window;
  if (!handle || !window_of(env, info[1], &window)) return env.Undefined();
  if (window.bytes != static_cast<size_t>(handle->bytes))
    return refuse(env, "expected an array of the variable's size");
  auto job = std::make_shared<ReadJob>(Environment::of(env));
  job->storage = handle->held;
  job->into = window;
  job->hold(info[1].As<Napi::Object>());
  return Environment::of(env)->submit(job);
}

}  // namespace jepa::binding
