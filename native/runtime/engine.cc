#include "runtime/engine.h"

namespace jepa {

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

void Engine::loop() {
  flush_denormals();
  for (;;) {
    std::shared_ptr<Job> job;
    Device* device;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [&] { return !queue_.empty(); });
      job = std::move(queue_.front());
      queue_.pop_front();
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
  }
}

}  // namespace jepa
