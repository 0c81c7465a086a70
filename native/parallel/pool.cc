#include "parallel/pool.h"

#include <cstdlib>
#include <string>
#include <system_error>

#include "system/system.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace jepa {

namespace {

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory");  // tens of cycles; `yield` takes one on CPUs without hardware threads
#else
  std::this_thread::yield();
#endif
}

constexpr uint32_t kClosed = 0xffffffffu;
constexpr int64_t kMaxChunks = 1 << 20;  // far below kClosed, whatever the count
constexpr int kSpins = 2000;             // about 50 µs: longer than the gaps between kernels of a step

}  // namespace

Pool::Pool(int threads) {
  try {
    for (int worker = 1; worker < threads; worker++) workers_.emplace_back([this, worker] { work(worker); });
  } catch (const std::system_error&) {
    // The system gives no more threads: those that there are do the work.
  }
}

Pool::~Pool() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_.store(true);
  }
  wake_.notify_all();
  for (std::thread& thread : workers_) thread.join();
}

void Pool::run(int64_t count, int64_t chunk, Body body, void* context) {
  if (count <= 0) return;
  if (workers_.empty() || count <= chunk) {
    body(context, 0, count, 0);
    return;
  }
  // No worker of the last call may be inside when the fields change. Closing the last call and this look, a worker's
  // entry and its look at the ticket: sequential consistency lets one of the two see the other.
  while (job_.inside.load(std::memory_order_seq_cst) != 0) pause();
  const int64_t least = (count + kMaxChunks - 1) / kMaxChunks;
  job_.count = count;
  job_.chunk = chunk > least ? chunk : least;
  job_.chunks = (count + job_.chunk - 1) / job_.chunk;
  job_.body = body;
  job_.context = context;
  job_.done.store(0, std::memory_order_relaxed);
  const uint32_t call = ++call_;
  job_.ticket.store(uint64_t{call} << 32, std::memory_order_release);
  posted_.store(call, std::memory_order_seq_cst);
  if (sleeping_.load(std::memory_order_seq_cst) > 0) {
    { std::lock_guard<std::mutex> lock(mutex_); }
    wake_.notify_all();
  }
  claim(call, 0);
  // Only tiles that a running worker has claimed are outstanding.
  for (int spins = 0; job_.done.load(std::memory_order_acquire) != count; spins++) {
    if (spins < kSpins) {
      pause();
    } else {
      std::this_thread::yield();
    }
  }
  // Late workers find nothing: close the call.
  job_.ticket.store(uint64_t{call} << 32 | kClosed, std::memory_order_seq_cst);
}

void Pool::claim(uint32_t call, int worker) {
  for (;;) {
    uint64_t ticket = job_.ticket.load(std::memory_order_seq_cst);
    do {
      // The fields of a closed call may be changing: they are not looked at.
      if (static_cast<uint32_t>(ticket >> 32) != call || static_cast<uint32_t>(ticket) == kClosed) return;
      if (static_cast<int64_t>(ticket & 0xffffffffu) >= job_.chunks) return;
    } while (!job_.ticket.compare_exchange_weak(ticket, ticket + 1, std::memory_order_seq_cst));
    const int64_t begin = static_cast<int64_t>(ticket & 0xffffffffu) * job_.chunk;
    const int64_t end = begin + job_.chunk < job_.count ? begin + job_.chunk : job_.count;
    job_.body(job_.context, begin, end, worker);
    job_.done.fetch_add(end - begin, std::memory_order_acq_rel);
  }
}

void Pool::work(int worker) {
  flush_denormals();
  uint32_t seen = 0;
  for (;;) {
    uint32_t posted = posted_.load(std::memory_order_acquire);
    for (int spins = 0; posted == seen && spins < kSpins && !stop_.load(std::memory_order_relaxed); spins++) {
      pause();
      posted = posted_.load(std::memory_order_acquire);
    }
    if (posted == seen) {
      std::unique_lock<std::mutex> lock(mutex_);
      sleeping_.fetch_add(1, std::memory_order_seq_cst);
      wake_.wait(lock, [&] { return stop_.load() || posted_.load(std::memory_order_seq_cst) != seen; });
      sleeping_.fetch_sub(1, std::memory_order_seq_cst);
      if (stop_.load()) return;
      continue;
    }
    seen = posted;
    // Announce, then look: the caller changes the fields only while nobody is inside.
    job_.inside.fetch_add(1, std::memory_order_seq_cst);
    if (posted_.load(std::memory_order_seq_cst) == seen) claim(seen, worker);
    job_.inside.fetch_sub(1, std::memory_order_release);
  }
}

int choose_threads(std::string* problem) {
  const char* text = std::getenv("JEPA_THREADS");
  if (text && *text) {
    char* end;
    const long wanted = std::strtol(text, &end, 10);
    if (!*end && wanted >= 1 && wanted <= 256) return static_cast<int>(wanted);
    *problem = std::string("[jepa] expected JEPA_THREADS to be a number from 1 to 256, got '") + text + "'";
    return 0;
  }
  return default_threads();
}

int default_threads() {
  const int cores = physical_cores();
  if (cores > 0) return cores;
  const unsigned count = std::thread::hardware_concurrency();
  return count ? static_cast<int>(count) : 1;
}

void flush_denormals() {
#if defined(__x86_64__)
  _mm_setcsr(_mm_getcsr() | 0x8000);  // FTZ, not DAZ: a denormal that a user passes in keeps its value
#endif
}

#if defined(__x86_64__)
FlushDenormals::FlushDenormals() : before_(_mm_getcsr()) { flush_denormals(); }
FlushDenormals::~FlushDenormals() { _mm_setcsr(before_); }
#else
FlushDenormals::FlushDenormals() = default;
FlushDenormals::~FlushDenormals() = default;
#endif

}  // namespace jepa
