// The pool: every tile once and no tile twice, for any count, chunk and number of threads; calls one after another without a gap;
// several pools at once; more threads than processors; counts beyond 32 bits.
#include "parallel/pool.h"

#include <chrono>

#include "test/harness.h"

using namespace jepa;
using namespace jepa::test;

namespace {

struct Tally {
  std::vector<std::atomic<int>> tiles;
  std::atomic<int> wrong{0};
  int threads;
  Tally(int64_t count, int workers) : tiles(static_cast<size_t>(count)), threads(workers) {}
};

void count_tiles(void* context, int64_t begin, int64_t end, int worker) {
  auto& tally = *static_cast<Tally*>(context);
  if (begin >= end || worker < 0 || worker >= tally.threads) tally.wrong++;
  for (int64_t i = begin; i < end; i++) tally.tiles[static_cast<size_t>(i)].fetch_add(1, std::memory_order_relaxed);
}

void every_tile_once() {
  for (int threads : {1, 2, 3, 4, 8}) {
    Pool pool(threads);
    expect(pool.threads() == threads, "%d threads, got %d", threads, pool.threads());
    for (int64_t count : {0, 1, 2, 3, 7, 8, 64, 1000})
      for (int64_t chunk : {1, 2, 5, 64, 2000}) {
        Tally tally(count, threads);
        pool.run(count, chunk, count_tiles, &tally);
        int wrong = tally.wrong;
        for (const auto& tile : tally.tiles) wrong += tile != 1;
        expect(wrong == 0, "%lld tiles in chunks of %lld on %d threads: %d wrong", static_cast<long long>(count),
               static_cast<long long>(chunk), threads, wrong);
      }
  }
}

// What one call writes without atomics the next one reads: a call is over when `run` returns, and no worker of the last one may
// still be claiming when the next one's counts are set.
void many_calls() {
  for (int threads : {2, 3, 8}) {
    Pool pool(threads);
    struct Sums {
      std::vector<int64_t> from, to;
    } sums;
    sums.from.assign(64, 0);
    sums.to.assign(64, 0);
    int64_t expected = 0;
    bool right = true;
    for (int call = 0; call < 20000 && right; call++) {
      const int64_t count = 2 + call % 63, chunk = 1 + call % 3;
      pool.run(
          count, chunk,
          [](void* context, int64_t begin, int64_t end, int) {
            auto& s = *static_cast<Sums*>(context);
            for (int64_t i = begin; i < end; i++)
              s.to[static_cast<size_t>(i)] = s.from[static_cast<size_t>(63 - i)] + 1;
          },
          &sums);
      for (int64_t i = 0; i < count; i++) right = right && sums.to[static_cast<size_t>(i)] == expected + 1;
      expected++;
      sums.from.assign(64, expected);
    }
    expect(right, "calls run into each other on %d threads", threads);
  }
}

// Workers fall asleep between calls and must wake up; some calls come while others are just falling asleep.
void after_pauses() {
  Pool pool(4);
  for (int call = 0; call < 60; call++) {
    Tally tally(40, 4);
    pool.run(40, 1, count_tiles, &tally);
    for (const auto& tile : tally.tiles) expect(tile == 1, "a tile was lost after a pause");
    std::this_thread::sleep_for(std::chrono::microseconds(call * 20));
  }
}

// Sleeping workers are woken: a tile that waits for another one to begin is not left alone with it.
void help_comes() {
  Pool pool(2);
  for (int call = 0; call < 3; call++) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::atomic<int> begun{0};
    pool.run(
        2, 1,
        [](void* context, int64_t, int64_t, int) {
          auto& count = *static_cast<std::atomic<int>*>(context);
          count++;
          for (int i = 0; i < 20000 && count < 2; i++) std::this_thread::sleep_for(std::chrono::milliseconds(1));
          expect(count == 2, "no worker came to help");
        },
        &begun);
  }
}

// Pools of several devices at once, together many more threads than processors.
void contended() {
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int caller = 0; caller < 4; caller++)
    callers.emplace_back([&wrong] {
      Pool pool(4);
      for (int call = 0; call < 300; call++) {
        Tally tally(33, 4);
        pool.run(33, 2, count_tiles, &tally);
        for (const auto& tile : tally.tiles) wrong += tile != 1;
      }
    });
  for (std::thread& caller : callers) caller.join();
  expect(wrong == 0, "%d tiles wrong in contended pools", wrong.load());
}

// A program may ask for more tiles than 32 bits count: chunks grow, and all of them add up.
void huge_counts() {
  Pool pool(3);
  for (int64_t count : {(int64_t{1} << 32) - 1, int64_t{1} << 32, (int64_t{1} << 40) + 12345}) {
    std::atomic<int64_t> sum{0};
    pool.run(
        count, 1,
        [](void* context, int64_t begin, int64_t end, int) {
          static_cast<std::atomic<int64_t>*>(context)->fetch_add(end - begin);
        },
        &sum);
    expect(sum == count, "%lld of %lld tiles", static_cast<long long>(sum), static_cast<long long>(count));
  }
}

// Pools that come and go, used or not, leave no thread behind and do not hang.
void short_lives() {
  for (int i = 0; i < 60; i++) {
    Pool pool(1 + i % 8);
    if (i % 3 == 0) continue;
    Tally tally(16, pool.threads());
    pool.run(16, 1, count_tiles, &tally);
  }
}

}  // namespace

int main() {
  every_tile_once();
  many_calls();
  after_pauses();
  help_comes();
  contended();
  huge_counts();
  short_lives();
  std::string problem;
  expect(default_threads() >= 1, "no default of threads");
  setenv("JEPA_THREADS", "3", 1);
  expect(choose_threads(&problem) == 3, "JEPA_THREADS is not heeded");
  for (const char* text : {"0", "-1", "257", "many", "2x"}) {
    setenv("JEPA_THREADS", text, 1);
    expect(choose_threads(&problem) == 0 &&
               problem == std::string("[jepa] expected JEPA_THREADS to be a number from 1 to 256, got '") + text + "'",
           "JEPA_THREADS '%s': '%s'", text, problem.c_str());
  }
  return finish("pool");
}
