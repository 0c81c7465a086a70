// peak THREADS…: prints as JSON how fast this machine multiply-adds and adds dot products (every SIMD target that has
// the instructions) and reads and writes memory (the default target), with each number of threads. Best and median of
// many short measurements: the best is what an undisturbed core does.
// peak --serve THREADS: answers each line of its input with the rates of a few such measurements of the default target, for a
// harness that asks in turns with what it compares: the speed of a shared machine changes from one second to the next.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "bench/rates.h"
#include "runtime/device.h"

#define RATES(target) extern const jepa::bench::Rates jepa_bench_rates_##target;
RATES(scalar)
#if defined(JEPA_HAS_AVX2)
RATES(avx2)
#endif
#if defined(JEPA_HAS_AVX512)
RATES(avx512)
#endif
#if defined(JEPA_HAS_AVX512_VNNI)
RATES(avx512_vnni)
#endif
#if defined(JEPA_HAS_AVX512_BF16)
RATES(avx512_bf16)
#endif
#if defined(JEPA_HAS_AVX512_AMX)
RATES(avx512_amx)
#endif
#if defined(JEPA_HAS_NEON)
RATES(neon)
#endif

namespace jepa::bench {
namespace {

constexpr int kRepetitions = 25;
constexpr double kSeconds = 0.01;  // of one measurement, about

const Rates* rates_of(const char* target) {
#if defined(JEPA_HAS_AVX512_AMX)
  if (!std::strcmp(target, "avx512_amx")) return &jepa_bench_rates_avx512_amx;
#endif
#if defined(JEPA_HAS_AVX512_BF16)
  if (!std::strcmp(target, "avx512_bf16")) return &jepa_bench_rates_avx512_bf16;
#endif
#if defined(JEPA_HAS_AVX512_VNNI)
  if (!std::strcmp(target, "avx512_vnni")) return &jepa_bench_rates_avx512_vnni;
#endif
#if defined(JEPA_HAS_AVX512)
  if (!std::strcmp(target, "avx512")) return &jepa_bench_rates_avx512;
#endif
#if defined(JEPA_HAS_AVX2)
  if (!std::strcmp(target, "avx2")) return &jepa_bench_rates_avx2;
#endif
#if defined(JEPA_HAS_NEON)
  if (!std::strcmp(target, "neon")) return &jepa_bench_rates_neon;
#endif
  return &jepa_bench_rates_scalar;
}

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// Seconds of each of `count` bursts, in which all threads do `work(thread)` and wait for one another. The threads live
// through all of them: a new one may share a core with another at first.
std::vector<double> bursts(int threads, int count, const std::function<void(int)>& work) {
  std::atomic<int> arrived{0};
  const auto meet = [&](int phase) {
    arrived++;
    while (arrived.load(std::memory_order_acquire) < phase * threads) std::this_thread::yield();
  };
  const auto play = [&](int thread, const std::function<void()>& mark) {
    for (int i = 0; i < count; i++) {
      meet(2 * i + 1);
      mark();
      work(thread);
      meet(2 * i + 2);
      mark();
    }
  };
  std::vector<std::thread> others;
  for (int t = 1; t < threads; t++) others.emplace_back([&, t] { play(t, [] {}); });
  std::vector<double> marks;
  play(0, [&] { marks.push_back(seconds()); });
  for (std::thread& thread : others) thread.join();
  std::vector<double> elapsed;
  for (int i = 0; i < count; i++) elapsed.push_back(marks[2 * i + 1] - marks[2 * i]);
  return elapsed;
}

using Work = std::function<void(int thread, int64_t times)>;

// How many times a burst of kSeconds does `work`.
int64_t times_of_a_burst(const Work& work) {
  int64_t times = 1;
  const auto shortest = [&] {
    const std::vector<double> elapsed = bursts(1, 3, [&](int t) { work(t, times); });
    return *std::min_element(elapsed.begin(), elapsed.end());
  };
  while (shortest() < kSeconds) times *= 2;
  return times;
}

struct Rate {
  double best, median;
};

// Units a second in billions, where `work(thread, times)` does `units` each time.
Rate measure(int threads, double units, const Work& work) {
  const int64_t times = times_of_a_burst(work);
  std::vector<double> rates;
  for (double elapsed : bursts(threads, kRepetitions, [&](int t) { work(t, times); }))
    rates.push_back(units * static_cast<double>(times) * threads / elapsed * 1e-9);
  std::sort(rates.begin(), rates.end());
  return {rates.back(), rates[rates.size() / 2]};
}

volatile float sink;

void print_bandwidth(const Rates& rates, int threads, int64_t bytes, const char* separator) {
  const int64_t n = bytes / 3 / 4 / 256 * 256;
  std::vector<Block> arrays;
  for (int i = 0; i < 3 * threads; i++) {
    arrays.emplace_back(n * 4);
    float* data = reinterpret_cast<float*>(arrays.back().data());
    std::fill(data, data + n, 1.0f);
  }
  const auto array = [&](int t, int i) { return reinterpret_cast<float*>(arrays[3 * t + i].data()); };
  const Rate read = measure(threads, 12.0 * n, [&](int t, int64_t times) {
    for (int64_t k = 0; k < times; k++)
      for (int i = 0; i < 3; i++) sink = rates.read(array(t, i), n);
  });
  const Rate triad = measure(threads, 12.0 * n, [&](int t, int64_t times) {
    for (int64_t k = 0; k < times; k++) rates.triad(array(t, 0), array(t, 1), array(t, 2), n);
  });
  std::printf("%s\n    {\"threads\": %d, \"bytesPerThread\": %lld, \"readGBs\": %.1f, \"triadGBs\": %.1f}", separator,
              threads, static_cast<long long>(n * 12), read.best, triad.best);
}

using Loop = void (*)(int64_t rounds, float* data);

// Runs `loop` on registers of its own.
void compute(Loop loop, int64_t rounds) {
  alignas(64) float data[16 * kRegisters];
  for (int i = 0; i < 16 * kRegisters; i++) data[i] = 1.0f + 1e-3f * static_cast<float>(i);
  loop(rounds, data);
  sink = data[0];
}

// One object of the list for each number of threads; nothing where the target has no such instructions.
void print_rates(const Target* target, const std::vector<int>& thread_counts, Loop loop, double operations,
                 const char* kind, const char** separator) {
  if (!loop) return;
  for (int threads : thread_counts) {
    const Rate rate = measure(threads, operations, [&](int, int64_t times) { compute(loop, times); });
    std::printf("%s\n    {\"target\": \"%s\",%s \"threads\": %d, \"gflops\": %.1f, \"medianGflops\": %.1f}", *separator,
                target->name, kind, threads, rate.best, rate.median);
    *separator = ",";
  }
}

int run(const std::vector<int>& thread_counts) {
  const std::vector<const Target*> targets = available_targets();
  std::printf("{\n  \"multiplyAdd\": [");
  const char* separator = "";
  for (const Target* target : targets) {
    const Rates& rates = *rates_of(target->name);
    print_rates(target, thread_counts, rates.multiply_add, static_cast<double>(rates.flops_per_round), "", &separator);
  }
  std::printf("\n  ],\n  \"dotProduct\": [");
  separator = "";
  for (const Target* target : targets) {
    const Rates& rates = *rates_of(target->name);
    print_rates(target, thread_counts, rates.dot_bf16, static_cast<double>(rates.bf16_per_round),
                " \"dtype\": \"bfloat16\",", &separator);
    print_rates(target, thread_counts, rates.dot_u8s8, static_cast<double>(rates.u8s8_per_round),
                " \"dtype\": \"int8\",", &separator);
  }
  std::printf("\n  ],\n  \"bandwidth\": [");
  const Rates& best = *rates_of(default_target()->name);
  separator = "";
  for (int64_t bytes : {int64_t{24} << 10, int64_t{512} << 10, int64_t{24} << 20, int64_t{384} << 20})
    for (int threads : thread_counts) {
      print_bandwidth(best, threads, bytes, separator);
      separator = ",";
    }
  std::printf("\n  ]\n}\n");
  return 0;
}

int serve(int threads) {
  const Rates& rates = *rates_of(default_target()->name);
  const Work work = [&](int, int64_t times) { compute(rates.multiply_add, times); };
  const int64_t times = times_of_a_burst(work);
  const double operations = static_cast<double>(rates.flops_per_round * times * threads);
  for (int c = std::getchar(); c != EOF; c = std::getchar()) {
    if (c != '\n') continue;
    const std::vector<double> elapsed = bursts(threads, 4, [&](int t) { work(t, times); });
    std::printf("{\"answer\": [");  // without the first, in which the threads find their cores
    for (size_t i = 1; i < elapsed.size(); i++)
      std::printf("%s%.1f", i == 1 ? "" : ", ", operations / elapsed[i] * 1e-9);
    std::printf("]}\n");
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace jepa::bench

int main(int count, char** arguments) {
  if (count == 3 && !std::strcmp(arguments[1], "--serve") && std::atoi(arguments[2]) > 0)
    return jepa::bench::serve(std::atoi(arguments[2]));
  std::vector<int> threads;
  for (int i = 1; i < count; i++) threads.push_back(std::atoi(arguments[i]));
  if (threads.empty() || *std::min_element(threads.begin(), threads.end()) < 1) {
    std::fprintf(stderr, "usage: peak THREADS…, for example: peak 1 2\n");
    return 2;
  }
  return jepa::bench::run(threads);
}
