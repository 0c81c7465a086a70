#include "binding/array_buffer.h"

#include <cstdlib>
#include <cstring>

namespace jepa::binding {
namespace {

// Below the first a copy costs less than a finalizer; beyond the second engines may refuse after they have ended the lease.
constexpr size_t kSmallestOutside = 64 << 10, kLargestOutside = 1 << 30;

// Engines whose pointers are compressed (Electron) refuse memory from outside their heap. JEPA_EXTERNAL_BUFFERS=0 stands
// in for them in tests.
bool outside_allowed() {
  static const bool allowed = [] {
    const char* text = std::getenv("JEPA_EXTERNAL_BUFFERS");
    return !text || std::strcmp(text, "0") != 0;
  }();
  return allowed;
}

void end_lease(napi_env, void*, void* lease) { delete static_cast<Lease*>(lease); }

// V8 collects its young objects when their ArrayBuffers hold tens of megabytes, but looks at that only where it allocates
// the memory of one itself. Otherwise buffers from outside would wait for a collection of the whole heap.
void let_young_ones_be_collected(napi_env env) {
  void* data;
  napi_value nobody;
  napi_create_arraybuffer(env, 1, &data, &nobody);
}

}  // namespace

Napi::Value array_buffer(Napi::Env env, Lease lease, size_t bytes) {
  napi_value buffer = nullptr;
  const auto no_memory = [&] {
    if (!env.IsExceptionPending())
      throw_error(env, "ERR_JEPA_OUT_OF_MEMORY",
                  "[run] expected an output of " + std::to_string(bytes) + " bytes to fit into memory");
    return Napi::Value();
  };
  if (bytes >= kSmallestOutside && bytes <= kLargestOutside && outside_allowed()) {
    let_young_ones_be_collected(env);
    auto* held = new Lease(std::move(lease));
    const napi_status status = napi_create_external_arraybuffer(env, held->data(), bytes, end_lease, held, &buffer);
    if (status == napi_ok) return Napi::Value(env, buffer);
    // Whose the lease is after another failure, the engine does not say: it is not touched again.
    if (status != napi_no_external_buffers_allowed) return no_memory();
    lease = std::move(*held);
    delete held;
  }
  void* data = nullptr;
  if (napi_create_arraybuffer(env, bytes, &data, &buffer) != napi_ok) return no_memory();
  if (bytes) std::memcpy(data, lease.data(), bytes);
  return Napi::Value(env, buffer);
}

}  // namespace jepa::binding
