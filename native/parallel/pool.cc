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

constexpr int64_t kMaxChunks = 0xffff;
constexpr int kSpins = 2000;  // about 50 µs: longer than the gaps between kernels of a step

uint64_t ticket_of(uint32_t call, int64_t next, int64_t end) {
  return uint64_t{call} << 32 | static_cast<uint64_t>(end) << 16 | static_cast<uint64_t>(next);
}
uint32_t call_of(uint64_t ticket) { return static_cast<uint32_t>(ticket >> 32); }

}  // namespace

Pool::Pool(int threads) : shares_(new Share[static_cast<size_t>(threads)]) {
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
  const int64_t least = (count + kMaxChunks - 1) / kMaxChunks;
  if (chunk < least) chunk = least;
  const int64_t chunks = (count + chunk - 1) / chunk, parts = chunks < threads() ? chunks : threads();
  call_++;
  for (int64_t part = parts - 1; part >= 0; part--) {  // the caller's last: the others are on their way
    Share& share = shares_[static_cast<size_t>(part)];
    share.count = count;
    share.chunk = chunk;
    share.body = body;
    share.context = context;
    share.ticket.store(ticket_of(call_, chunks * part / parts, chunks * (part + 1) / parts), std::memory_order_release);
  }
  wake(parts);
  owed_ += count - claim(0);
  // Only tiles that a running worker has claimed are outstanding.
  for (int spins = 0; done_.load(std::memory_order_acquire) != owed_; spins++) {
    if (spins < kSpins) {
      pause();
    } else {
      std::this_thread::yield();
    }
  }
}

// Who falls asleep says so, comes to the meeting and looks at its ticket; the caller has written the ticket, comes to the
// meeting and looks who sleeps. The second of the two sees what the first one wrote.
void Pool::wake(int64_t parts) {
  meeting_.fetch_add(1, std::memory_order_acq_rel);
  for (int64_t part = 1; part < parts; part++) {
    if (!shares_[static_cast<size_t>(part)].asleep.load(std::memory_order_relaxed)) continue;
    { std::lock_guard<std::mutex> lock(mutex_); }
    wake_.notify_all();
    return;
  }
}

int64_t Pool::claim(int worker) {
  int64_t tiles = claim_from(shares_[static_cast<size_t>(worker)], true, worker);
  for (int i = 1; i < threads(); i++)
    tiles += claim_from(shares_[static_cast<size_t>((worker + i) % threads())], false, worker);
  return tiles;
}

// The owner goes on from the front, others take the end: what the owner would come to last.
int64_t Pool::claim_from(Share& share, bool own, int worker) {
  int64_t tiles = 0;
  uint64_t ticket = share.ticket.load(std::memory_order_acquire);
  for (;;) {
    const int64_t next = ticket & 0xffff, end = ticket >> 16 & 0xffff;
    if (next == end) return tiles;
    const int64_t mine = own ? next : end - 1;
    const uint64_t left = own ? ticket_of(call_of(ticket), next + 1, end) : ticket_of(call_of(ticket), next, mine);
    if (!share.ticket.compare_exchange_weak(ticket, left, std::memory_order_acq_rel)) continue;
    const int64_t begin = mine * share.chunk, last = begin + share.chunk;
    const int64_t stop = last < share.count ? last : share.count;
    share.body(share.context, begin, stop, worker);
    tiles += stop - begin;
    ticket = share.ticket.load(std::memory_order_acquire);
  }
}

void Pool::work(int worker) {
  flush_denormals();
  Share& share = shares_[static_cast<size_t>(worker)];
  uint32_t seen = 0;
  const auto called = [&] { return call_of(share.ticket.load(std::memory_order_acquire)) != seen; };
  for (;;) {
    for (int spins = 0; !called() && spins < kSpins && !stop_.load(std::memory_order_relaxed); spins++) pause();
    if (!called()) {
      std::unique_lock<std::mutex> lock(mutex_);
      share.asleep.store(true, std::memory_order_relaxed);
      meeting_.fetch_add(1, std::memory_order_acq_rel);
      wake_.wait(lock, [&] { return stop_.load() || called(); });
      share.asleep.store(false, std::memory_order_relaxed);
      if (stop_.load()) return;
    }
    seen = call_of(share.ticket.load(std::memory_order_acquire));
    const int64_t tiles = claim(worker);
    if (tiles > 0) done_.fetch_add(tiles, std::memory_order_release);
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
