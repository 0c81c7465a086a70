// fork_join THREADS: prints as JSON microseconds of calls of the pool, each sample a mean of many calls in a row. Tiles
// that do nothing cost the call alone; tiles that wait for one another cost it with every thread taking part.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "parallel/pool.h"

namespace jepa::bench {
namespace {

constexpr int kSamples = 50;
constexpr int kCalls = 2000;

struct Meeting {
  std::atomic<int> arrived{0};
  int expected = 0;
};

void nothing(void*, int64_t, int64_t, int) {}

// A thread inside waits for the others, so nobody can take two tiles. The barrier is one of the measured costs.
void meet(void* context, int64_t begin, int64_t end, int) {
  Meeting& meeting = *static_cast<Meeting*>(context);
  for (int64_t tile = begin; tile < end; tile++) {
    meeting.arrived.fetch_add(1, std::memory_order_acq_rel);
    while (meeting.arrived.load(std::memory_order_acquire) < meeting.expected) {
    }
  }
}

void print(const char* name, Pool& pool, Pool::Body body, const char* separator) {
  Meeting meeting;
  meeting.expected = pool.threads();
  std::printf("%s\n  {\"case\": \"%s\", \"microseconds\": [", separator, name);
  for (int sample = -1; sample < kSamples; sample++) {  // the first one warms up
    const auto start = std::chrono::steady_clock::now();
    for (int call = 0; call < kCalls; call++) {
      meeting.arrived.store(0, std::memory_order_relaxed);
      pool.run(pool.threads(), 1, body, &meeting);
    }
    const std::chrono::duration<double, std::micro> elapsed = std::chrono::steady_clock::now() - start;
    if (sample >= 0) std::printf("%s%.4f", sample ? ", " : "", elapsed.count() / kCalls);
  }
  std::printf("]}");
}

}  // namespace
}  // namespace jepa::bench

int main(int count, char** arguments) {
  const int threads = count == 2 ? std::atoi(arguments[1]) : 0;
  if (threads < 1) {
    std::fprintf(stderr, "usage: fork_join THREADS, for example: fork_join 2\n");
    return 2;
  }
  jepa::Pool pool(threads);
  std::printf("[");
  jepa::bench::print("tiles that do nothing", pool, jepa::bench::nothing, "");
  jepa::bench::print("all threads take part", pool, jepa::bench::meet, ",");
  std::printf("\n]\n");
  return 0;
}
