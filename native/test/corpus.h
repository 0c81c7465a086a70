// The real programs under native/test/programs (test/native/make-programs.mjs remakes them), and a way to run one so that
// nothing escapes notice: its temporaries stand apart in an arena full of a pattern, with guards between them.
#pragma once
#include <algorithm>
#include <filesystem>

#include "runner/runner.h"
#include "runtime/targets.h"
#include "test/harness.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(from, bytes) ((void)(from), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(from, bytes) ((void)(from), (void)(bytes))
#endif

namespace jepa {
namespace test {

inline std::vector<std::string> corpus() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(JEPA_PROGRAMS))
    if (entry.path().extension() == ".jprg") paths.push_back(entry.path().string());
  std::sort(paths.begin(), paths.end());
  expect(!paths.empty(), "no programs in %s", JEPA_PROGRAMS);
  return paths;
}

constexpr int64_t kGap = 4096;

// Replaces the memory plan: every temporary has memory of its own, and guards before and behind it.
inline void spread(jepa::Program* program) {
  int64_t next = kGap;
  for (Buffer& buffer : program->buffers) {
    if (buffer.kind != BufferKind::temporary) continue;
    buffer.local = false;
    buffer.offset = next;
    next += (buffer.bytes + 63) / 64 * 64 + kGap;
  }
  program->arena_bytes = next;
}

// The guards around the temporaries of a spread program, in the arena of the device that it was prepared for.
class Guards {
 public:
  Guards(const jepa::Program& program, Device* device, char pattern) : arena_(device->arena()), pattern_(pattern) {
    std::memset(arena_, pattern, static_cast<size_t>(program.arena_bytes));
    if (program.workspace_bytes)
      std::memset(device->workspace(), pattern, static_cast<size_t>(program.workspace_bytes));
    for (int worker = 0; worker < device->pool().threads() && program.scratch_bytes; worker++)
      std::memset(device->scratch(worker), pattern, static_cast<size_t>(program.scratch_bytes));
    int64_t from = 0;
    for (const Buffer& buffer : program.buffers) {
      if (buffer.kind != BufferKind::temporary) continue;
      gaps_.push_back({from, buffer.offset - from});
      from = buffer.offset + buffer.bytes;
    }
    gaps_.push_back({from, program.arena_bytes - from});
    for (const Gap& gap : gaps_) ASAN_POISON_MEMORY_REGION(arena_ + gap.from, gap.bytes);
  }
  ~Guards() { unlock(); }
  Guards(const Guards&) = delete;
  Guards& operator=(const Guards&) = delete;
  bool whole() {
    unlock();
    for (const Gap& gap : gaps_)
      for (int64_t i = gap.from; i < gap.from + gap.bytes; i++)
        if (arena_[i] != pattern_) return false;
    return true;
  }

 private:
  struct Gap {
    int64_t from, bytes;
  };
  void unlock() {
    for (const Gap& gap : gaps_) ASAN_UNPOISON_MEMORY_REGION(arena_ + gap.from, gap.bytes);
  }
  char* arena_;
  char pattern_;
  std::vector<Gap> gaps_;
};

}  // namespace test
}  // namespace jepa
