// A fork-join pool whose work is claimed, not dealt out: tiles are taken from a shared counter, and the caller takes
// part and can finish alone. A thread that the operating system does not run costs nothing but its help.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
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
  // tile is done.
  void run(int64_t count, int64_t chunk, Body body, void* context);

 private:
  // One call at a time; its number tells workers apart calls that look alike.
  struct alignas(64) Job {
    std::atomic<uint64_t> ticket{0};  // call number << 32 | next chunk
    std::atomic<int64_t> done{0};
    std::atomic<int> inside{0};  // workers that may still touch the fields below
    int64_t count = 0, chunk = 1, chunks = 0;
    Body body = nullptr;
    void* context = nullptr;
  };

  void work(int worker);
  void claim(uint32_t call, int worker);

  Job job_;
  uint32_t call_ = 0;
  std::atomic<uint32_t> posted_{0};
  std::atomic<int> sleeping_{0};
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
