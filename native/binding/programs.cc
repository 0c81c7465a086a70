// Programs: checked, described, run, timed and given back.
#include <algorithm>
#include <cstring>

#include "binding/functions.h"
#include "binding/jobs.h"
#include "runtime/status.h"

namespace jepa::binding {
namespace {

constexpr int64_t kMaxRepetitions = 1000;

Handle<ProgramHandle>* program_of(Arguments info) { return unwrap<ProgramHandle>(info.Env(), info[0]); }

// Bytes that a program holds outside the arena.
int64_t bytes_of(const Executable& executable) {
  const Program& program = executable.program();
  int64_t total = static_cast<int64_t>(program.constants.size()) + program.kept_bytes;
  for (size_t slot = 0; slot < program.input_bytes.size(); slot++)
    if (!executable.input_by_run(slot)) total += std::max<int64_t>(program.input_bytes[slot], 0);
  for (size_t slot = 0; slot < program.output_bytes.size(); slot++)
    if (!executable.output_by_run(slot)) total += std::max<int64_t>(program.output_bytes[slot], 0);
  return total;
}

bool bound_variables(Napi::Env env, Napi::Value value, std::vector<std::shared_ptr<Storage>>* variables) {
  if (!value.IsArray()) return refuse(env, "expected an array of variables"), false;
  const Napi::Array list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) {
    const Napi::Value element = list.Get(i);
    if (env.IsExceptionPending()) return false;
    auto* handle = unwrap<VariableStorage>(env, element);
    if (!handle) return false;
    variables->push_back(handle->held);
  }
  return true;
}

Napi::Object node_info(Napi::Env env, const ProgramNode& from) {
  const Work& work = from.prepared.work;
  Napi::Object node = Napi::Object::New(env);
  node.Set("op", op_table().names[from.op]);
  node.Set("flops", work.flops);
  node.Set("bytes", work.bytes);
  node.Set("group", from.group);
  node.Set("tiles", static_cast<double>(work.tiles[0]));
  return node;
}

Napi::Object buffer_info(Napi::Env env, const Buffer& from) {
  Napi::Object buffer = Napi::Object::New(env);
  buffer.Set("offset", static_cast<double>(from.offset));
  buffer.Set("bytes", static_cast<double>(from.bytes));
  buffer.Set("first", from.first);
  buffer.Set("last", from.last);
  return buffer;
}

bool take_inputs(Napi::Env env, const Napi::Array& inputs, const Program& program, RunJob* job) {
  Device* device = device_or_throw(env);
  if (!device) return false;
  for (uint32_t i = 0; i < program.input_bytes.size(); i++) {
    Window window;
    if (!window_of(env, inputs.Get(i), &window)) return false;
    const int64_t bytes = program.input_bytes[i];
    if (bytes >= 0 && window.bytes != static_cast<size_t>(bytes))
      return refuse(env, "expected inputs of the program's sizes"), false;
    job->inputs.push_back(device->blocks().take(bytes));
    if (bytes <= 0) continue;
    if (!job->inputs.back().data()) {
      throw_error(env, "ERR_JEPA_OUT_OF_MEMORY", "[run] expected a copy of the inputs to fit into memory");
      return false;
    }
    std::memcpy(job->inputs.back().data(), window.data, window.bytes);
  }
  return true;
}

// run(program, inputs, id) and profile(program, inputs, repetitions).
Napi::Value start(Arguments info, bool profile) {
  const Napi::Env env = info.Env();
  auto* handle = program_of(info);
  if (!handle) return env.Undefined();
  if (!info[1].IsArray()) return refuse(env, "expected an array of inputs");
  int64_t number;
  if (!(profile ? whole(info, 2, "repetitions", 1, kMaxRepetitions, &number)
                : whole(info, 2, "a run's number", 1, UINT32_MAX, &number)))
    return env.Undefined();
  auto job = std::make_shared<RunJob>(Environment::of(env));
  job->handle = handle->held;
  const Program& program = *job->handle->program;
  const Napi::Array inputs = info[1].As<Napi::Array>();
  if (inputs.Length() < program.input_bytes.size()) return refuse(env, "expected an array for every input");
  if (!take_inputs(env, inputs, program, job.get())) return env.Undefined();
  if (profile) {
    job->repetitions = static_cast<int>(number);
  } else {
    job->id = static_cast<uint32_t>(number);
  }
  return Environment::of(env)->submit(job);
}

}  // namespace

Napi::Value create_program(Arguments info) {
  const Napi::Env env = info.Env();
  Device* device = device_or_throw(env);
  Window window;
  std::vector<std::shared_ptr<Storage>> variables;
  if (!device || !window_of(env, info[0], &window) || !bound_variables(env, info[1], &variables))
    return env.Undefined();
  auto program = std::make_shared<Program>();
  std::string problem;
  if (!parse(reinterpret_cast<const uint8_t*>(window.data), window.bytes, program.get(), &problem)) {
    throw_error(env, "ERR_JEPA_PROGRAM", problem);
    return env.Undefined();
  }
  auto handle = std::make_shared<ProgramHandle>();
  handle->program = program;
  handle->executable = std::make_shared<Executable>(program, std::move(variables));
  if (!handle->executable->check(&problem)) {
    throw_error(env, problem.find("memory") == std::string::npos ? "ERR_JEPA_PROGRAM" : "ERR_JEPA_OUT_OF_MEMORY",
                problem);
    return env.Undefined();
  }
  const int64_t bytes = bytes_of(*handle->executable);
  return handle_of(env, std::move(handle), bytes);
}

Napi::Value dispose_program(Arguments info) {
  if (auto* handle = program_of(info)) handle->give_back(info.Env());
  return info.Env().Undefined();
}

Napi::Value program_info(Arguments info) {
  const Napi::Env env = info.Env();
  auto* handle = program_of(info);
  if (!handle) return env.Undefined();
  const Program& program = *handle->held->program;
  double flops = 0, bytes = 0;
  Napi::Array nodes = Napi::Array::New(env, program.nodes.size());
  for (uint32_t i = 0; i < program.nodes.size(); i++) {
    flops += program.nodes[i].prepared.work.flops;
    bytes += program.nodes[i].prepared.work.bytes;
    nodes.Set(i, node_info(env, program.nodes[i]));
  }
  Napi::Array buffers = Napi::Array::New(env, program.buffers.size());
  for (uint32_t i = 0; i < program.buffers.size(); i++) buffers.Set(i, buffer_info(env, program.buffers[i]));
  Napi::Object result = Napi::Object::New(env);
  result.Set("arenaBytes", static_cast<double>(program.arena_bytes));
  result.Set("keptBytes", static_cast<double>(program.kept_bytes));
  result.Set("constantBytes", static_cast<double>(program.constants.size()));
  result.Set("flops", flops);
  result.Set("bytes", bytes);
  result.Set("nodes", nodes);
  result.Set("buffers", buffers);
  return result;
}

Napi::Value run(Arguments info) { return start(info, false); }
Napi::Value profile(Arguments info) { return start(info, true); }

Napi::Value abort(Arguments info) {
  int64_t id;
  if (whole(info, 0, "a run's number", 1, UINT32_MAX, &id))
    Engine::instance().abort(Environment::of(info.Env()), static_cast<uint32_t>(id));
  return info.Env().Undefined();
}

}  // namespace jepa::binding
