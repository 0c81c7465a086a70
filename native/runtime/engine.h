// The engine thread: one for the process, which outlives every JavaScript environment. Jobs run one after another in
// the order they were given, so a variable written after a program was started is written after it has run.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "runtime/device.h"

namespace jepa {

struct Job {
  virtual ~Job() = default;
  // On the engine thread. `abort` is set by Engine::abort and when the owner goes away.
  virtual void run(Device* device) = 0;
  // On the engine thread, after run or instead of it.
  virtual void finished(bool ran) = 0;
  const void* owner = nullptr;
  uint32_t id = 0;
  std::atomic<bool> abort{false};
};

class Engine {
 public:
  // Made at first use, never destroyed: its thread may be running when static destructors do.
  static Engine& instance();
  // Null and a sentence if JEPA_CPU names a target that cannot be had, or JEPA_THREADS is no number of threads.
  Device* device(std::string* problem);
  void submit(std::shared_ptr<Job> job);
  void abort(const void* owner, uint32_t id);
  // Drops the owner's waiting jobs, aborts its running one and waits for it.
  void forget(const void* owner);

 private:
  Engine() = default;
  void loop();
  void linger(uint32_t submitted) const;

  std::mutex mutex_;
  std::condition_variable wake_, idle_;
  std::deque<std::shared_ptr<Job>> queue_;
  std::shared_ptr<Job> running_;
  std::unique_ptr<Device> device_;
  std::thread thread_;
  bool started_ = false;
  std::atomic<uint32_t> submitted_{0};
};

}  // namespace jepa
