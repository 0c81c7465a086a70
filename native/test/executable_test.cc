// Running a program: what abort, guards and bad indices leave behind, when memory moves or cannot be had, what outputs hold that
// nobody wrote.
#include "system/system.h"
#include "test/program_bytes.h"

using namespace jepa;
using namespace jepa::test;

namespace {

constexpr BufferKind kTemporary = BufferKind::temporary, kInput = BufferKind::input, kOutput = BufferKind::output,
                     kVariable = BufferKind::variable;

std::shared_ptr<jepa::Program> made(const ProgramBytes& p) {
  std::string problem;
  auto program = parsed(p.bytes(), &problem);
  if (!program) std::printf("%s\n", problem.c_str()), std::abort();
  return program;
}
std::shared_ptr<Storage> storage(std::vector<float> values) {
  auto made = std::make_shared<Storage>(DType::float32, static_cast<int64_t>(values.size()));
  if (!values.empty()) std::memcpy(made->block.data(), values.data(), values.size() * 4);
  return made;
}
float* floats(char* data) { return reinterpret_cast<float*>(data); }

// variable ← input, guarded by a scalar that is computed before.
struct Step {
  ProgramBytes p;
  std::shared_ptr<Storage> variable = storage({1, 2});
  std::unique_ptr<Executable> executable;
  std::atomic<bool> abort{false};

  explicit Step(bool guarded, Device* device) {
    const uint32_t x = p.floats(kInput, {2}), scalar = p.floats(kInput, {1}, 1), t = p.floats(kTemporary, {1});
    const uint32_t v = p.floats(kVariable, {2});
    p.node("copy", {scalar}, {t}).node("copy", {x}, {v});
    p.commit_start = 1;
    if (guarded) p.guards = {t};
    executable = std::make_unique<Executable>(made(p), std::vector<std::shared_ptr<Storage>>{variable});
    std::string problem;
    expect(executable->check(&problem) && executable->prepare(device, &problem), "%s", problem.c_str());
    floats(executable->input(0))[0] = 10;
    floats(executable->input(0))[1] = 20;
    floats(executable->input(1))[0] = 0;
  }
  bool changed() const { return floats(variable->block.data())[0] == 10 && floats(variable->block.data())[1] == 20; }
  bool kept() const { return floats(variable->block.data())[0] == 1 && floats(variable->block.data())[1] == 2; }
};

void aborts_and_guards(Device* device) {
  Step step(true, device);
  step.abort = true;
  expect(step.executable->run(device, step.abort).outcome == Outcome::aborted && step.kept(),
         "an aborted step assigned");
  step.abort = false;
  for (float bad : {NAN, INFINITY, -INFINITY}) {
    floats(step.executable->input(1))[0] = bad;
    const RunResult result = step.executable->run(device, step.abort);
    expect(result.outcome == Outcome::non_finite && result.guard == 0 && step.kept(), "a step with %g assigned", bad);
  }
  floats(step.executable->input(1))[0] = 3;
  expect(step.executable->run(device, step.abort).outcome == Outcome::done && step.changed(),
         "a good step after bad ones failed");
  Step unguarded(false, device);
  floats(unguarded.executable->input(1))[0] = NAN;
  expect(unguarded.executable->run(device, unguarded.abort).outcome == Outcome::done && unguarded.changed(),
         "NaN without a guard");
}

// A guard of a program that assigns nothing is looked at after the last node.
void guard_at_the_end(Device* device) {
  ProgramBytes p;
  const uint32_t x = p.floats(kInput, {1}), y = p.floats(kOutput, {1});
  p.node("copy", {x}, {y});
  p.guards = {y};
  Executable executable(made(p), {});
  std::string problem;
  expect(executable.prepare(device, &problem), "%s", problem.c_str());
  const std::atomic<bool> abort{false};
  floats(executable.input(0))[0] = NAN;
  expect(executable.run(device, abort).outcome == Outcome::non_finite, "NaN at the end");
  floats(executable.input(0))[0] = 1;
  expect(executable.run(device, abort).outcome == Outcome::done, "a number at the end");
}

// An index outside the table stops the step before it assigns, names the node, and is forgotten by the next run.
void bad_indices(Device* device) {
  ProgramBytes p;
  const uint32_t table = p.floats(kInput, {4, 2}), rows = p.view(p.buffer(kInput, 8, 1), DType::int32, {2});
  const uint32_t first = p.floats(kTemporary, {4, 2}), picked = p.floats(kTemporary, {2, 2}),
                 v = p.floats(kVariable, {2, 2});
  p.node("copy", {table}, {first}).node("gather_rows", {first, rows}, {picked}).node("copy", {picked}, {v});
  p.commit_start = 2;
  auto variable = storage({1, 2, 3, 4});
  Executable executable(made(p), {variable});
  std::string problem;
  expect(executable.prepare(device, &problem), "%s", problem.c_str());
  for (int i = 0; i < 8; i++) floats(executable.input(0))[i] = static_cast<float>(10 + i);
  auto* index = reinterpret_cast<int32_t*>(executable.input(1));
  const std::atomic<bool> abort{false};
  index[0] = 3;
  index[1] = 4;
  const RunResult result = executable.run(device, abort);
  expect(result.outcome == Outcome::index_out_of_range && result.guard == 1, "a bad index gives %d",
         static_cast<int>(result.outcome));
  expect(floats(variable->block.data())[0] == 1, "a step with a bad index assigned");
  index[1] = 0;
  expect(executable.run(device, abort).outcome == Outcome::done && floats(variable->block.data())[0] == 16 &&
             floats(variable->block.data())[3] == 11,
         "a good step after a bad one");
}

// Another program makes the arena move: addresses are resolved again.
void moving_memory() {
  Device device(available_targets().back(), 2);
  Step step(true, &device);
  const uint64_t before = device.generation();
  ProgramBytes large;
  const uint32_t x = large.floats(kInput, {1 << 20}), t = large.floats(kTemporary, {1 << 20});
  large.node("copy", {x}, {t}).node("copy", {t}, {large.floats(kOutput, {1 << 20})});
  Executable other(made(large), {});
  std::string problem;
  expect(other.prepare(&device, &problem) && device.generation() != before, "the arena did not move");
  expect(step.executable->run(&device, step.abort).outcome == Outcome::done && step.changed(),
         "a step after the arena moved");
}

// Whether the system refuses what it cannot give, rather than giving it and killing the process at its first use.
bool refuses_too_much() {
  std::FILE* file = std::fopen("/proc/sys/vm/overcommit_memory", "r");
  int mode = 1;
  if (!file) return false;
  const bool known = std::fscanf(file, "%d", &mode) == 1;
  std::fclose(file);
  return known && mode != 1;
}

void missing_memory(Device* device) {
  ProgramBytes p;
  const uint64_t most = uint64_t{1} << 43;
  const uint32_t x = p.floats(kInput, {1}), t = p.view(p.buffer(kTemporary, most * 4), DType::float32, {most});
  const uint32_t one = p.view(1, DType::float32, {1});
  p.node("copy", {x}, {one}).node("copy", {one}, {p.floats(kOutput, {1})});
  (void)t;
  Executable executable(made(p), {});
  std::string problem;
  if (available_memory() == 0) return;  // this system does not say
  const bool checked = executable.check(&problem);
  const char* const sentence =
      "[program] expected to fit into memory, got a plan of 35184373 MB temporaries, 0 MB kept between runs, 0 MB "
      "workspace and "
      "1 MB inputs "
      "and outputs; available are";
  expect(!checked && !problem.rfind(sentence, 0), "35 TB: '%s'", problem.c_str());
  if (!refuses_too_much()) return;
  ProgramBytes outputs;
  outputs.buffer(kOutput, most * 4);
  Executable large(made(outputs), {});
  for (int attempt = 0; attempt < 2; attempt++) {
    problem.clear();
    expect(!large.prepare(device, &problem) && !problem.rfind("[program] expected to fit into memory", 0),
           "35 TB of outputs: '%s'", problem.c_str());
  }
}

void variables() {
  ProgramBytes p;
  p.node("copy", {p.floats(kVariable, {3}, 1)}, {p.floats(kOutput, {3})});
  const auto program = made(p);
  std::string problem;
  expect(!Executable(program, {storage({1})}).check(&problem) && problem == "[program] expected 2 variables, got 1",
         "'%s'", problem.c_str());
  expect(!Executable(program, {storage({1}), storage({1, 2})}).check(&problem) &&
             problem == "[program] expected variable 1 of 12 bytes, got 8",
         "'%s'", problem.c_str());
  expect(Executable(program, {storage({}), storage({1, 2, 3})}).check(&problem), "a slot that is not used: '%s'",
         problem.c_str());
}

// A variable that was given back while its program lived on.
void released_variables(Device* device) {
  Step step(true, device);
  step.variable->release();
  expect(step.executable->run(device, step.abort).outcome == Outcome::disposed, "a released variable was assigned");
}

// output ← −variable + input, where −variable is kept: it is computed anew when the variable has changed, and only then.
void hoisted_nodes(Device* device) {
  ProgramBytes p;
  const uint32_t v = p.floats(kVariable, {64}), t = p.floats(kTemporary, {64}), k = p.floats(BufferKind::kept, {64});
  p.node("copy", {v}, {t}).node("elementwise", {t}, {k}, negation());
  p.node("copy", {k}, {p.floats(kOutput, {64})});
  auto variable = storage(std::vector<float>(64, 1));
  Executable executable(made(p), {variable});
  std::string problem;
  expect(executable.prepare(device, &problem), "%s", problem.c_str());
  std::atomic<bool> abort{true};
  float* w = floats(variable->block.data());
  const auto run = [&](float expected, const char* what) {
    std::memset(device->arena(), 0x77, static_cast<size_t>(executable.program().arena_bytes));  // another program's
    int64_t nanoseconds[3] = {-1, -1, -1};
    expect(executable.run(device, abort, nanoseconds).outcome == Outcome::done, "%s failed", what);
    for (int i = 0; i < 64; i++)
      expect(floats(executable.output(0))[i] == expected, "%s: %g", what, floats(executable.output(0))[i]);
    return nanoseconds[0] >= 0 && nanoseconds[1] >= 0;
  };
  expect(executable.run(device, abort).outcome == Outcome::aborted, "an aborted first run");
  abort = false;
  expect(run(-1, "the first run"), "the first run computed nothing");
  expect(!run(-1, "the second run"), "the second run computed what it had");
  for (int i = 0; i < 64; i++) w[i] = 2;
  expect(!run(-1, "a run that was not told"), "an unchanged version was computed again");
  variable->version++;
  abort = true;
  expect(executable.run(device, abort).outcome == Outcome::aborted, "an aborted run");
  abort = false;
  expect(run(-2, "a run after a change and an aborted run"), "a changed variable was not seen");
  // Another program assigns the variable.
  ProgramBytes update;
  const uint32_t x = update.floats(kInput, {64});
  update.node("copy", {x}, {update.floats(kVariable, {64})});
  update.commit_start = 0;
  Executable step(made(update), {variable});
  expect(step.prepare(device, &problem), "%s", problem.c_str());
  for (int i = 0; i < 64; i++) floats(step.input(0))[i] = 3;
  const uint64_t before = variable->version;
  abort = true;
  step.run(device, abort);
  abort = false;
  expect(step.run(device, abort).outcome == Outcome::done && variable->version != before, "an assignment");
  expect(run(-3, "a run after an assignment"), "an assigned variable was not seen");
}

// Half of an output is written: the other half is zero, not what the process had there.
void unwritten_outputs(Device* device) {
  std::vector<std::unique_ptr<char[]>> dirt;
  for (int i = 0; i < 64; i++) {
    dirt.emplace_back(new char[256]);
    std::memset(dirt.back().get(), 0x77, 256);
  }
  dirt.clear();
  ProgramBytes p;
  const uint32_t x = p.floats(kInput, {32}), y = p.view(p.buffer(kOutput, 256), DType::float32, {32});
  p.node("copy", {x}, {y});
  Executable executable(made(p), {});
  std::string problem;
  expect(executable.prepare(device, &problem), "%s", problem.c_str());
  for (int i = 0; i < 32; i++) floats(executable.input(0))[i] = 5;
  expect(executable.run(device, std::atomic<bool>{false}).outcome == Outcome::done, "half an output");
  for (int i = 0; i < 64; i++)
    expect(floats(executable.output(0))[i] == (i < 32 ? 5 : 0), "output %d is %g", i, floats(executable.output(0))[i]);
}

}  // namespace

int main() {
  flush_denormals();
  for (const Target* target : available_targets()) {
    Device device(target, 2);
    aborts_and_guards(&device);
    guard_at_the_end(&device);
    bad_indices(&device);
    hoisted_nodes(&device);
    unwritten_outputs(&device);
    released_variables(&device);
    missing_memory(&device);
  }
  moving_memory();
  variables();
  return finish("executable");
}
