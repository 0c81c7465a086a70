#include "runtime/engine.h"

#include <chrono>

namespace jepa {

namespace {

// A loop over steps asks for the next one so soon after the results of the last: sleeping and waking would take longer.
constexpr std::chrono::microseconds kLinger{100};

}  // namespace

Engine& Engine::instance() {
  static Engine* engine = new Engine();
  return *engine;
}

Device* Engine::device(std::string* problem) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!device_) {
    const Target* target = choose_target(problem);
    const int threads = target ? choose_threads(problem) : 0;
    if (threads == 0) return nullptr;
    device_.reset(new Device(target, threads));
  }
  return device_.get();
}

void Engine::submit(std::shared_ptr<Job> job) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    queue_.push_back(std::move(job));
    submitted_.fetch_add(1, std::memory_order_release);
    if (!started_) {
      started_ = true;
      thread_ = std::thread([this] { loop(); });
      thread_.detach();
    }
  }
  wake_.notify_one();
}

void Engine::abort(const void* owner, uint32_t id) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (running_ && running_->owner == owner && running_->id == id) running_->abort.store(true);
  for (const auto& job : queue_)
    if (job->owner == owner && job->id == id) job->abort.store(true);
}

void Engine::forget(const void* owner) {
  std::unique_lock<std::mutex> lock(mutex_);
  std::deque<std::shared_ptr<Job>> kept;
  for (auto& job : queue_)
    if (job->owner != owner) kept.push_back(std::move(job));
  queue_.swap(kept);
  if (running_ && running_->owner == owner) running_->abort.store(true);
  idle_.wait(lock, [&] { return !running_ || running_->owner != owner; });
}

// Until there is another job, or for a moment; whoever else wants the core has it.
void Engine::linger(uint32_t submitted) const {
  const auto end = std::chrono::steady_clock::now() + kLinger;
  while (submitted_.load(std::memory_order_acquire) == submitted && std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
}

void Engine::loop() {
  flush_denormals();
  for (;;) {
    std::shared_ptr<Job> job;
    Device* device;
    uint32_t submitted;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [&] { return !queue_.empty(); });
      job = std::move(queue_.front());
      queue_.pop_front();
      submitted = submitted_.load(std::memory_order_relaxed) - static_cast<uint32_t>(queue_.size());
      running_ = job;
      device = device_.get();
    }
    const bool ran = !job->abort.load();
    if (ran) job->run(device);
    job->finished(ran);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      running_.reset();
    }
    idle_.notify_all();
    job.reset();
    linger(submitted);
  }
}

}  // namespace jepa
