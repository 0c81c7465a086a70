// A step allocates nothing once a program has run: every real program, on every target, on one thread and on several. Calls of the
// C library's allocator are counted, which operator new makes too; so this needs glibc and no sanitizer, which have their own.
#include <atomic>
#include <cerrno>
#include <memory>

#include "test/corpus.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define JEPA_COUNTS 0
#else
#define JEPA_COUNTS 1
#endif

static std::atomic<int64_t> allocations{0};

#if JEPA_COUNTS
extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);

void* malloc(size_t bytes) {
  allocations++;
  return __libc_malloc(bytes);
}
void* calloc(size_t count, size_t bytes) {
  allocations++;
  return __libc_calloc(count, bytes);
}
void* realloc(void* data, size_t bytes) {
  allocations++;
  return __libc_realloc(data, bytes);
}
void* aligned_alloc(size_t alignment, size_t bytes) {
  allocations++;
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** data, size_t alignment, size_t bytes) {
  allocations++;
  *data = __libc_memalign(alignment, bytes);
  return *data ? 0 : ENOMEM;
}
}
#endif

using namespace jepa;
using namespace jepa::test;

namespace {

constexpr int kRuns = 3;

// Whatever a test relies on must be seen to work: each way to allocate is counted.
void allocations_are_counted() {
  const int64_t before = allocations;
  std::unique_ptr<int> one(new int(1));
  std::vector<int> several(100, 1);
  Block block(1000);
  expect(allocations == before + 3, "expected 3 allocations to be counted, got %lld",
         static_cast<long long>(allocations - before));
}

void steps_allocate_nothing(const std::string& path, const Target* target, int threads) {
  std::string problem;
  const auto program = runner::load(path, &problem);
  if (!expect(program != nullptr, "%s: %s", path.c_str(), problem.c_str())) return;
  Device device(target, threads, 0);  // every kernel is shared by the threads, however small
  runner::Session session(program, 42);
  if (!expect(session.prepare(&device, &problem), "%s: %s", path.c_str(), problem.c_str())) return;
  expect(session.run(&device).outcome == Outcome::done, "%s does not run", path.c_str());
  const int64_t before = allocations;
  for (int i = 0; i < kRuns; i++) session.run(&device);
  const int64_t made = allocations - before;
  expect(made == 0, "%s on %s, %d threads: %lld allocations in %d steps", path.c_str(), target->name, threads,
         static_cast<long long>(made), kRuns);
}

}  // namespace

int main() {
  if (!JEPA_COUNTS) {
    std::printf("allocations: skipped, since this C library's allocator cannot be counted here\n");
    return 0;
  }
  flush_denormals();
  allocations_are_counted();
  for (const std::string& path : corpus())
    for (const Target* target : available_targets())
      for (int threads : {1, 3}) steps_allocate_nothing(path, target, threads);
  return finish("allocation");
}
