// Results as JavaScript sees them.
#pragma once
#include "binding/environment.h"

namespace jepa::binding {

// An ArrayBuffer of the first `bytes` of leased memory. A large one lies on that memory itself, and the lease ends when
// the garbage collector has taken the buffer: nobody can see it any more. Node.js lets such a buffer be copied to another
// thread but not transferred, so nothing of it outlives this environment. Empty, with a pending exception, if there is
// no memory.
Napi::Value array_buffer(Napi::Env env, Lease lease, size_t bytes);

}  // namespace jepa::binding
