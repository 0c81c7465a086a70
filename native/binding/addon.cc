// The table of the addon's functions, and what describes the machine.
#include "binding/functions.h"
#include "system/cpu.h"
#include "system/system.h"

namespace jepa::binding {
namespace {

constexpr int kAbi = 1;

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

Napi::Value memory(Arguments info) {
  const Counters& counters = *Environment::of(info.Env())->counters;
  Device* device = device_or_throw(info.Env());
  if (!device) return info.Env().Undefined();
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("arenaBytes", static_cast<double>(device->bytes()));
  result.Set("variableBytes", static_cast<double>(counters.variable_bytes));
  result.Set("variables", static_cast<double>(counters.variables));
  result.Set("programBytes", static_cast<double>(counters.program_bytes));
  result.Set("spareBytes", static_cast<double>(device->blocks().free_bytes()));
  result.Set("programs", static_cast<double>(counters.programs));
  return result;
}

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  // Node.js unloads an addon with the last environment that has loaded it, as when a worker ends and nobody else has used
  // it yet. The threads of the engine outlive every environment: their code must stay.
  static const char here = 0;
  keep_loaded(&here);
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
