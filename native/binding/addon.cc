// The addon's functions, as lib/native/binding.ts types them. They check arguments and hand over; the work is
// elsewhere.
#include <cstring>

#include "binding/jobs.h"
#include "runtime/status.h"

namespace jepa::binding {
namespace {

constexpr int kAbi = 1;

using Arguments = const Napi::CallbackInfo&;
using VariableExternal = Napi::External<std::shared_ptr<Storage>>;
using ProgramExternal = Napi::External<std::shared_ptr<ProgramHandle>>;

Napi::Value refuse(Arguments info, const char* text) {
  throw_error(info.Env(), "ERR_JEPA_INVALID_ARGUMENT", std::string("[native] ") + text);
  return info.Env().Undefined();
}

template <class External>
auto* unwrap(Arguments info, size_t index) {
  using Pointer = decltype(External(info.Env(), info[index]).Data());
  if (!info[index].IsExternal()) {
    refuse(info, "expected a handle");
    return static_cast<Pointer>(nullptr);
  }
  auto* pointer = info[index].As<External>().Data();
  if (pointer && *pointer) return pointer;
  throw_error(info.Env(), "ERR_JEPA_DISPOSED", "[native] expected a handle in use, got a disposed one");
  return static_cast<Pointer>(nullptr);
}

Device* device_or_throw(Napi::Env env) {
  std::string problem;
  Device* device = Engine::instance().device(&problem);
  if (!device) throw_error(env, "ERR_JEPA_DEVICE_UNAVAILABLE", problem);
  return device;
}

Napi::Array strings(Napi::Env env, const std::vector<const char*>& names) {
  Napi::Array list = Napi::Array::New(env, names.size());
  for (size_t i = 0; i < names.size(); i++) list.Set(static_cast<uint32_t>(i), names[i]);
  return list;
}

Napi::Value describe(Arguments info) {
  const Napi::Env env = info.Env();
  Device* device = device_or_throw(env);
  if (!device) return env.Undefined();
  std::vector<const char*> targets;
  for (const Target* target : available_targets()) targets.push_back(target->name);
  const OpTable& table = op_table();
  Napi::Object result = Napi::Object::New(env);
  result.Set("abi", kAbi);
  result.Set("ops", strings(env, {table.names, table.names + table.count}));
  result.Set("instructions", strings(env, {
#define I(name) #name,
#include "ops/elementwise/instructions.inc"
#undef I
                                          }));
  result.Set("targets", strings(env, targets));
  result.Set("target", device->target().name);
  result.Set("threads", device->pool().threads());
  result.Set("cpu", cpu_name());
  return result;
}

Napi::Value create_variable(Arguments info) {
  const uint32_t dtype = info[0].As<Napi::Number>().Uint32Value();
  const int64_t elements = info[1].As<Napi::Number>().Int64Value();
  if (dtype >= static_cast<uint32_t>(kDTypeCount) || elements < 0 || elements > int64_t{1} << 44)
    return refuse(info, "expected a dtype and a size");
  auto storage = std::make_shared<Storage>(static_cast<DType>(dtype), elements);
  if (elements > 0 && !storage->block.data()) {
    throw_error(info.Env(), "ERR_JEPA_OUT_OF_MEMORY",
                "[variable] expected " + std::to_string(elements) + " elements to fit into memory");
    return info.Env().Undefined();
  }
  Environment* environment = Environment::of(info.Env());
  const int64_t bytes = storage->block.bytes();
  environment->variable_bytes += bytes;
  environment->variables++;
  Napi::MemoryManagement::AdjustExternalMemory(info.Env(), bytes);
  return VariableExternal::New(info.Env(), new std::shared_ptr<Storage>(std::move(storage)),
                               [](Napi::Env, std::shared_ptr<Storage>* pointer) { delete pointer; });
}

Napi::Value dispose_variable(Arguments info) {
  if (auto* storage = unwrap<VariableExternal>(info, 0)) {
    Environment* environment = Environment::of(info.Env());
    const int64_t bytes = (*storage)->block.bytes();
    environment->variable_bytes -= bytes;
    environment->variables--;
    Napi::MemoryManagement::AdjustExternalMemory(info.Env(), -bytes);
    storage->reset();
  }
  return info.Env().Undefined();
}

Napi::Value write_variable(Arguments info) {
  auto* storage = unwrap<VariableExternal>(info, 0);
  Window window;
  if (!storage || !window_of(info[1], &window)) return info.Env().Undefined();
  if (window.bytes != static_cast<size_t>((*storage)->block.bytes()))
    return refuse(info, "expected data of the variable's size");
  Environment* environment = Environment::of(info.Env());
  auto job = std::make_shared<WriteJob>(environment, info.Env());
  job->storage = *storage;
  job->data = Block(static_cast<int64_t>(window.bytes));
  if (window.bytes) std::memcpy(job->data.data(), window.data, window.bytes);
  return environment->submit(job);
}

Napi::Value read_variable(Arguments info) {
  auto* storage = unwrap<VariableExternal>(info, 0);
  Window window;
  if (!storage || !window_of(info[1], &window)) return info.Env().Undefined();
  if (window.bytes != static_cast<size_t>((*storage)->block.bytes()))
    return refuse(info, "expected an array of the variable's size");
  Environment* environment = Environment::of(info.Env());
  auto job = std::make_shared<ReadJob>(environment, info.Env());
  job->storage = *storage;
  job->into = window;
  job->hold(info[1].As<Napi::Object>());
  return environment->submit(job);
}

Napi::Value create_program(Arguments info) {
  const Napi::Env env = info.Env();
  Device* device = device_or_throw(env);
  Window window;
  if (!device || !window_of(info[0], &window)) return env.Undefined();
  auto program = std::make_shared<Program>();
  std::string problem;
  if (!parse(reinterpret_cast<const uint8_t*>(window.data), window.bytes, program.get(), &problem)) {
    throw_error(env, "ERR_JEPA_PROGRAM", problem);
    return env.Undefined();
  }
  std::vector<std::shared_ptr<Storage>> variables;
  const Napi::Array list = info[1].As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) {
    const Napi::Value value = list.Get(i);
    if (!value.IsExternal() || !*value.As<VariableExternal>().Data()) return refuse(info, "expected variables in use");
    variables.push_back(*value.As<VariableExternal>().Data());
  }
  auto handle = std::make_shared<ProgramHandle>();
  handle->program = program;
  handle->executable = std::make_shared<Executable>(program, std::move(variables));
  if (!handle->executable->check(&problem)) {
    throw_error(env, problem.find("memory") == std::string::npos ? "ERR_JEPA_PROGRAM" : "ERR_JEPA_OUT_OF_MEMORY",
                problem);
    return env.Undefined();
  }
  Environment::of(env)->programs++;
  return ProgramExternal::New(env, new std::shared_ptr<ProgramHandle>(std::move(handle)),
                              [](Napi::Env, std::shared_ptr<ProgramHandle>* pointer) { delete pointer; });
}

Napi::Value dispose_program(Arguments info) {
  if (auto* handle = unwrap<ProgramExternal>(info, 0)) {
    handle->reset();
    Environment::of(info.Env())->programs--;
  }
  return info.Env().Undefined();
}

Napi::Value program_info(Arguments info) {
  const Napi::Env env = info.Env();
  auto* handle = unwrap<ProgramExternal>(info, 0);
  if (!handle) return env.Undefined();
  const Program& program = *(*handle)->program;
  Napi::Object result = Napi::Object::New(env);
  double flops = 0, bytes = 0;
  Napi::Array nodes = Napi::Array::New(env, program.nodes.size());
  for (size_t i = 0; i < program.nodes.size(); i++) {
    const Work& work = program.nodes[i].prepared.work;
    flops += work.flops;
    bytes += work.bytes;
    Napi::Object node = Napi::Object::New(env);
    node.Set("op", op_table().names[program.nodes[i].op]);
    node.Set("flops", work.flops);
    node.Set("bytes", work.bytes);
    node.Set("tiles", static_cast<double>(work.tiles[0]));
    nodes.Set(static_cast<uint32_t>(i), node);
  }
  Napi::Array buffers = Napi::Array::New(env, program.buffers.size());
  for (size_t i = 0; i < program.buffers.size(); i++) {
    const Buffer& from = program.buffers[i];
    Napi::Object buffer = Napi::Object::New(env);
    buffer.Set("offset", static_cast<double>(from.offset));
    buffer.Set("bytes", static_cast<double>(from.bytes));
    buffer.Set("first", from.first);
    buffer.Set("last", from.last);
    buffers.Set(static_cast<uint32_t>(i), buffer);
  }
  result.Set("arenaBytes", static_cast<double>(program.arena_bytes));
  result.Set("constantBytes", static_cast<double>(program.constants.size()));
  result.Set("flops", flops);
  result.Set("bytes", bytes);
  result.Set("nodes", nodes);
  result.Set("buffers", buffers);
  return result;
}

// run(program, inputs, outputs, id) and profile(program, inputs, outputs, repetitions).
Napi::Value start(Arguments info, bool profile) {
  const Napi::Env env = info.Env();
  auto* handle = unwrap<ProgramExternal>(info, 0);
  if (!handle || !info[1].IsArray() || !info[2].IsArray())
    return handle ? refuse(info, "expected arrays") : env.Undefined();
  const Program& program = *(*handle)->program;
  const Napi::Array inputs = info[1].As<Napi::Array>(), outputs = info[2].As<Napi::Array>();
  Environment* environment = Environment::of(env);
  auto job = std::make_shared<RunJob>(environment, env);
  job->handle = *handle;
  if (inputs.Length() < program.input_bytes.size() || outputs.Length() < program.output_bytes.size())
    return refuse(info, "expected an array for every input and output");
  for (uint32_t i = 0; i < program.input_bytes.size(); i++) {
    Window window;
    if (!window_of(inputs.Get(i), &window)) return env.Undefined();
    const int64_t bytes = program.input_bytes[i];
    if (bytes >= 0 && window.bytes != static_cast<size_t>(bytes))
      return refuse(info, "expected inputs of the program's sizes");
    job->inputs.emplace_back(bytes >= 0 ? bytes : 0);
    if (bytes > 0) std::memcpy(job->inputs.back().data(), window.data, window.bytes);
  }
  for (uint32_t i = 0; i < program.output_bytes.size(); i++) {
    Window window;
    if (!window_of(outputs.Get(i), &window)) return env.Undefined();
    if (window.bytes != static_cast<size_t>(std::max<int64_t>(program.output_bytes[i], 0)))
      return refuse(info, "expected outputs of the program's sizes");
    job->outputs.push_back(window);
    job->hold(outputs.Get(i).As<Napi::Object>());
  }
  const uint32_t number = info[3].As<Napi::Number>().Uint32Value();
  if (profile) {
    job->repetitions = number > 0 ? static_cast<int>(number) : 1;
  } else {
    job->id = number;
  }
  return environment->submit(job);
}

Napi::Value run(Arguments info) { return start(info, false); }
Napi::Value profile(Arguments info) { return start(info, true); }

Napi::Value abort(Arguments info) {
  Engine::instance().abort(Environment::of(info.Env()), info[0].As<Napi::Number>().Uint32Value());
  return info.Env().Undefined();
}

Napi::Value memory(Arguments info) {
  const Environment& environment = *Environment::of(info.Env());
  Device* device = device_or_throw(info.Env());
  if (!device) return info.Env().Undefined();
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("arenaBytes", static_cast<double>(device->bytes()));
  result.Set("variableBytes", static_cast<double>(environment.variable_bytes));
  result.Set("variables", static_cast<double>(environment.variables));
  result.Set("programs", static_cast<double>(environment.programs));
  return result;
}

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Environment(env));
  const std::pair<const char*, Napi::Value (*)(Arguments)> functions[] = {
      {"describe", describe},
      {"createVariable", create_variable},
      {"writeVariable", write_variable},
      {"readVariable", read_variable},
      {"disposeVariable", dispose_variable},
      {"createProgram", create_program},
      {"programInfo", program_info},
      {"run", run},
      {"abort", abort},
      {"profile", profile},
      {"disposeProgram", dispose_program},
      {"memory", memory},
  };
  for (const auto& [name, function] : functions) exports.Set(name, Napi::Function::New(env, function, name));
  return exports;
}

}  // namespace
}  // namespace jepa::binding

static Napi::Object Initialise(Napi::Env env, Napi::Object exports) { return jepa::binding::initialise(env, exports); }
NODE_API_MODULE(jepa, Initialise)
