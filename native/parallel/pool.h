// A fork-join pool whose work is claimed, not dealt out: every thread begins with its own share of the tiles, the same part of
// every call, so that it finds what it wrote in its own caches (cores of one processor may be as far apart as 200 ns). Who is done
// takes from the others' ends. The caller takes part and can finish alone: a thread that the operating system does not run
// costs nothing but its help.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace jepa {

class Pool {
 public:
  using Body = void (*)(void* context, int64_t begin, int64_t end, int worker);

  explicit Pool(int threads);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }
  // Runs body over tiles [0, count) in chunks of at least `chunk`. `worker` is 0 for the caller. Returns when every
  // tile is done. One call at a time.
  void run(int64_t count, int64_t chunk, Body body, void* context);

 private:
  // A thread's part of a call, on lines of its own: claiming it touches nothing that others write.
  struct alignas(128) Share {
    // Call number << 32 | end << 16 | next: chunks nobody has claimed. When a call is over there are none, so that whoever comes
    // late finds nothing; what follows is read after a chunk was claimed, and changes while there are none.
    std::atomic<uint64_t> ticket{0};
    int64_t count = 0, chunk = 1;
    Body body = nullptr;
    void* context = nullptr;
    std::atomic<bool> asleep{false};
  };

  void work(int worker);
  // Tiles done: of the thread's own share, then of the others'.
  int64_t claim(int worker);
  static int64_t claim_from(Share& share, bool own, int worker);
  void wake(int64_t parts);

  std::unique_ptr<Share[]> shares_;  // one a thread
  uint32_t call_ = 0;
  int64_t owed_ = 0;                               // tiles that workers have done when the call is over, of all calls
  alignas(128) std::atomic<int64_t> done_{0};      // so far
  alignas(128) std::atomic<uint32_t> meeting_{0};  // see wake()
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::thread> workers_;
};

// JEPA_THREADS if it is set, else the default; 0 and a sentence if it is no such number.
int choose_threads(std::string* problem);

// The physical cores that this process may use.
int default_threads();

// Kernels' threads flush denormal results to zero: gradual underflow costs up to a hundred cycles an operation on some
// CPUs. Denormal inputs count as what they are: comparisons and products of them are exact. On ARM nothing changes:
// its flag would take inputs for zero too, and its CPUs do not slow down.
void flush_denormals();

// The same until the end of a scope, on a thread that is not the kernels' own.
class FlushDenormals {
 public:
  FlushDenormals();
  ~FlushDenormals();
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  [[maybe_unused]] unsigned before_ = 0;
};

}  // namespace jepa
