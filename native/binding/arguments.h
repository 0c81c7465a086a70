// What JavaScript hands in, checked: whoever calls the addon directly may pass anything, and must get an exception for
// it.
#pragma once
#include "binding/environment.h"

namespace jepa::binding {

using Arguments = const Napi::CallbackInfo&;

// Throws ERR_JEPA_INVALID_ARGUMENT with "[native] …".
Napi::Value refuse(Napi::Env env, const std::string& text);

// A whole number from `least` to `most`; false, with a pending exception, for anything else.
bool whole(Arguments info, size_t index, const char* name, int64_t least, int64_t most, int64_t* number);

// Bytes on the JavaScript side.
struct Window {
  char* data = nullptr;
  size_t bytes = 0;
};
// False, with a pending exception, if the value is no typed array or DataView. A detached one has no bytes.
bool window_of(Napi::Env env, Napi::Value value, Window* window);

// What a handle in JavaScript points to. The finalizer gives back what `dispose` has not.
template <class Held>
struct Handle {
  std::shared_ptr<Held> held;
  std::shared_ptr<Counters> counters;  // outlives the environment, whose finalizers run in no particular order
  int64_t bytes = 0;                   // that the garbage collector was told of

  void give_back(Napi::Env env) {
    if (!held) return;
    held.reset();
    Held::count(counters.get(), -1, -bytes);
    Napi::MemoryManagement::AdjustExternalMemory(env, -bytes);
  }
};

template <class Held>
Napi::Value handle_of(Napi::Env env, std::shared_ptr<Held> held, int64_t bytes) {
  auto* handle = new Handle<Held>{std::move(held), Environment::of(env)->counters, bytes};
  Held::count(handle->counters.get(), 1, bytes);
  Napi::MemoryManagement::AdjustExternalMemory(env, bytes);
  auto external = Napi::External<Handle<Held>>::New(env, handle, [](Napi::Env env, Handle<Held>* handle) {
    handle->give_back(env);
    delete handle;
  });
  external.TypeTag(&Held::kTag);  // so that a handle of another kind, or of another addon, is told apart
  return external;
}

// Null, with a pending exception, for anything but a handle of this kind in use.
template <class Held>
Handle<Held>* unwrap(Napi::Env env, Napi::Value value) {
  const auto refused = [env](const char* code, const char* text) {
    throw_error(env, code, text);
    return static_cast<Handle<Held>*>(nullptr);
  };
  if (!value.IsExternal() || !value.As<Napi::External<Handle<Held>>>().CheckTypeTag(&Held::kTag))
    return refused("ERR_JEPA_INVALID_ARGUMENT", "[native] expected a handle of another kind");
  auto* handle = value.As<Napi::External<Handle<Held>>>().Data();
  if (!handle->held) return refused("ERR_JEPA_DISPOSED", "[native] expected a handle in use, got a disposed one");
  return handle;
}

// Throws where the device cannot be had, and returns null.
Device* device_or_throw(Napi::Env env);

}  // namespace jepa::binding
