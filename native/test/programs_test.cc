// Real programs from the compiler: the same bits for any number of threads on every target, wherever the memory plan puts their
// temporaries, and whatever lies in memory before.
#include "test/corpus.h"

using namespace jepa;
using namespace jepa::test;

namespace {

constexpr int kRuns = 3;

std::shared_ptr<jepa::Program> loaded(const std::string& path) {
  std::string problem;
  auto program = runner::load(path, &problem);
  expect(program != nullptr, "%s: %s", path.c_str(), problem.c_str());
  return program;
}

// With a pattern, temporaries stand apart in memory full of it.
uint64_t hash_of(const std::string& path, Device* device, int pattern = -1) {
  const auto program = loaded(path);
  if (!program) return 0;
  if (pattern >= 0) spread(program.get());
  runner::Session session(program, 42);
  std::string problem;
  if (!expect(session.prepare(device, &problem), "%s: %s", path.c_str(), problem.c_str())) return 0;
  for (int i = 0; i < kRuns; i++) {
    if (pattern < 0) {
      const RunResult result = session.run(device);
      expect(result.outcome == Outcome::done, "%s: %s (%d)", path.c_str(), runner::name_of(result.outcome),
             result.guard);
      continue;
    }
    Guards guards(*program, device, static_cast<char>(pattern));
    const RunResult result = session.run(device);
    expect(result.outcome == Outcome::done && guards.whole(), "%s writes outside its temporaries, or %s", path.c_str(),
           runner::name_of(result.outcome));
  }
  return session.hash();
}

}  // namespace

int main() {
  flush_denormals();
  for (const std::string& path : corpus()) {
    const std::string name = std::filesystem::path(path).filename().string();
    for (const Target* target : available_targets()) {
      Device one(target, 1);
      const uint64_t expected = hash_of(path, &one);
      for (int threads : {2, 3, 8}) {
        Device device(target, threads, 0);
        expect(hash_of(path, &device) == expected, "%s on %s: other bits with %d threads", name.c_str(), target->name,
               threads);
      }
      expect(hash_of(path, &one, 0xff) == expected, "%s on %s: other bits in memory full of NaN", name.c_str(),
             target->name);
      expect(hash_of(path, &one, 0x01) == expected, "%s on %s: other bits without sharing memory", name.c_str(),
             target->name);
    }
  }
  return finish("programs");
}
