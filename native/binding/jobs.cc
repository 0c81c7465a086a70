#include "binding/jobs.h"

#include <algorithm>
#include <cstring>

namespace jepa::binding {

void RunJob::run(Device* device) {
  Executable& executable = *handle->executable;
  if (!handle->prepared) {
    if (!executable.prepare(device, &message_)) {
      code_ = "ERR_JEPA_OUT_OF_MEMORY";
      return;
    }
    handle->prepared = true;
  }
  target_ = device->target().name;
  threads_ = device->pool().threads();
  if (repetitions > 0) nanoseconds_.assign(executable.program().nodes.size(), 0);
  for (int i = 0; i < std::max(repetitions, 1); i++) {
    for (size_t slot = 0; slot < inputs.size(); slot++)
      if (inputs[slot].bytes())
        std::memcpy(executable.input(slot), inputs[slot].data(), static_cast<size_t>(inputs[slot].bytes()));
    const RunResult outcome = executable.run(device, abort, repetitions > 0 ? nanoseconds_.data() : nullptr);
    if (outcome.outcome != Outcome::done) return fail(outcome);
  }
  for (size_t slot = 0; slot < outputs.size(); slot++)
    if (outputs[slot].bytes) std::memcpy(outputs[slot].data, executable.output(slot), outputs[slot].bytes);
}

void RunJob::fail(const RunResult& result) {
  switch (result.outcome) {
    case Outcome::aborted:
      code_ = "ERR_JEPA_ABORTED";
      message_ = "[run] stopped between two nodes; nothing was assigned";
      break;
    case Outcome::non_finite:
      code_ = "ERR_JEPA_NON_FINITE";
      message_ = "[run] guard " + std::to_string(result.guard) + " is not finite; nothing was assigned";
      break;
    case Outcome::disposed:
      code_ = "ERR_JEPA_DISPOSED";
      message_ = "[run] expected variables in use, got a disposed one; nothing was assigned";
      break;
    default:
      code_ = "ERR_JEPA_INDEX_RANGE";
      message_ = std::string("[") + op_table().names[handle->program->nodes[static_cast<size_t>(result.guard)].op] +
                 "] expected indices within the table, got one outside: nothing was assigned (node " +
                 std::to_string(result.guard) + ")";
  }
}

Napi::Value RunJob::result(Napi::Env env) {
  if (repetitions == 0) return env.Undefined();
  Napi::Object profile = Napi::Object::New(env);
  profile.Set("target", target_);
  profile.Set("threads", threads_);
  Napi::Array nodes = Napi::Array::New(env, nanoseconds_.size());
  for (size_t i = 0; i < nanoseconds_.size(); i++) {
    Napi::Object node = Napi::Object::New(env);
    node.Set("nanoseconds", static_cast<double>(nanoseconds_[i]) / repetitions);
    nodes.Set(static_cast<uint32_t>(i), node);
  }
  profile.Set("nodes", nodes);
  return profile;
}

void WriteJob::run(Device*) {
  if (data.bytes()) std::memcpy(storage->block.data(), data.data(), static_cast<size_t>(data.bytes()));
  storage->version++;
}

void ReadJob::run(Device*) {
  if (into.bytes) std::memcpy(into.data, storage->block.data(), into.bytes);
}

}  // namespace jepa::binding
