#include "binding/arguments.h"

#include <cmath>

namespace jepa::binding {

Napi::Value refuse(Napi::Env env, const std::string& text) {
  throw_error(env, "ERR_JEPA_INVALID_ARGUMENT", "[native] " + text);
  return env.Undefined();
}

bool whole(Arguments info, size_t index, const char* name, int64_t least, int64_t most, int64_t* number) {
  const double value = info[index].IsNumber() ? info[index].As<Napi::Number>().DoubleValue() : std::nan("");
  if (value >= static_cast<double>(least) && value <= static_cast<double>(most) && value == std::floor(value)) {
    *number = static_cast<int64_t>(value);
    return true;
  }
  refuse(info.Env(), std::string("expected ") + name + ", a whole number from " + std::to_string(least) + " to " +
                         std::to_string(most));
  return false;
}

// The data pointer comes from the array itself: its buffer may be a SharedArrayBuffer, which is no Napi::ArrayBuffer.
bool window_of(Napi::Env env, Napi::Value value, Window* window) {
  void* data = nullptr;
  size_t length = 0;
  if (!value.IsEmpty() && value.IsTypedArray()) {
    napi_typedarray_type type;
    if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) == napi_ok) {
      *window = {static_cast<char*>(data), length * value.As<Napi::TypedArray>().ElementSize()};
      return true;
    }
  } else if (!value.IsEmpty() && value.IsDataView()) {
    if (napi_get_dataview_info(env, value, &length, &data, nullptr, nullptr) == napi_ok) {
      *window = {static_cast<char*>(data), length};
      return true;
    }
  }
  if (!env.IsExceptionPending()) refuse(env, "expected typed arrays");
  return false;
}

Device* device_or_throw(Napi::Env env) {
  std::string problem;
  Device* device = Engine::instance().device(&problem);
  if (!device) throw_error(env, "ERR_JEPA_CONFIG", problem);
  return device;
}

}  // namespace jepa::binding
