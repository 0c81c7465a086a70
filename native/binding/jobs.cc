#include "binding/jobs.h"

#include <algorithm>
#include <cstring>

#include "binding/array_buffer.h"

namespace jepa::binding {

// Takes the memory that the run needs.
bool RunJob::begin(Device* device) {
  Executable& executable = *handle->executable;
  bool enough = true;
  if (!handle->prepared) enough = handle->prepared = executable.prepare(device, &message_, true);
  for (int64_t bytes : handle->program->output_bytes) {
    if (!enough) break;
    const size_t slot = outputs_.size();
    outputs_.push_back(device->blocks().take(bytes));
    enough = bytes <= 0 || outputs_[slot].data();
    if (enough && executable.output_by_run(slot)) executable.use_output(slot, outputs_[slot].data());
    if (!enough) message_ = "[run] expected an output of " + std::to_string(bytes) + " bytes to fit into memory";
  }
  if (!enough) code_ = "ERR_JEPA_OUT_OF_MEMORY";
  return enough;
}

void RunJob::bind_inputs() {
  Executable& executable = *handle->executable;
  for (size_t slot = 0; slot < inputs.size(); slot++) {
    const int64_t bytes = handle->program->input_bytes[slot];
    if (executable.input_by_run(slot)) {
      executable.use_input(slot, inputs[slot].data());
    } else if (bytes > 0) {
      std::memcpy(executable.input(slot), inputs[slot].data(), static_cast<size_t>(bytes));
    }
  }
}

void RunJob::run(Device* device) {
  if (!begin(device)) return;
  Executable& executable = *handle->executable;
  target_ = device->target().name;
  threads_ = device->pool().threads();
  if (repetitions > 0) nanoseconds_.assign(executable.program().nodes.size(), 0);
  for (int i = 0; i < std::max(repetitions, 1); i++) {
    bind_inputs();
    const RunResult outcome = executable.run(device, abort, repetitions > 0 ? nanoseconds_.data() : nullptr);
    if (outcome.outcome != Outcome::done) return fail(outcome);
  }
  inputs.clear();
  for (size_t slot = 0; slot < outputs_.size(); slot++) {
    const int64_t bytes = handle->program->output_bytes[slot];
    if (bytes > 0 && !executable.output_by_run(slot))
      std::memcpy(outputs_[slot].data(), executable.output(slot), static_cast<size_t>(bytes));
  }
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
  if (repetitions > 0) return profile_of(env);
  Napi::Array buffers = Napi::Array::New(env, outputs_.size());
  for (size_t slot = 0; slot < outputs_.size(); slot++) {
    const int64_t bytes = std::max<int64_t>(handle->program->output_bytes[slot], 0);
    const Napi::Value buffer = array_buffer(env, std::move(outputs_[slot]), static_cast<size_t>(bytes));
    if (buffer.IsEmpty()) return buffer;
    buffers.Set(static_cast<uint32_t>(slot), buffer);
  }
  return buffers;
}

Napi::Value RunJob::profile_of(Napi::Env env) {
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
