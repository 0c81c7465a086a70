// The engine thread: jobs in order, aborted, dropped and waited for when their owner goes, from several threads at once.
#include "runtime/engine.h"

#include <chrono>

#include "test/harness.h"

using namespace jepa;
using namespace jepa::test;

namespace {

// A door that jobs wait at.
class Gate {
 public:
  void open() {
    std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    wake_.notify_all();
  }
  bool wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    return wake_.wait_for(lock, std::chrono::seconds(60), [&] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool open_ = false;
};

// What became of jobs. They share it: the engine may still be leaving a lock when the test has seen what it waited for.
struct Record {
  std::mutex mutex;
  std::vector<int> ran, finished;
  Gate begun, blocked, done;
  size_t wanted = 0;
};
using Shared = std::shared_ptr<Record>;
Shared record_of(size_t wanted) {
  auto record = std::make_shared<Record>();
  record->wanted = wanted;
  return record;
}

struct TestJob : Job {
  Shared record;
  int number = 0;
  bool waits = false, until_aborted = false, aborted = false;

  void run(Device*) override {
    {
      std::lock_guard<std::mutex> lock(record->mutex);
      record->ran.push_back(number);
    }
    record->begun.open();
    if (waits) expect(record->blocked.wait(), "nobody opened the gate");
    for (int i = 0; until_aborted && !abort.load() && i < 60000; i++)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    aborted = abort.load();
  }
  void finished(bool ran) override {
    std::lock_guard<std::mutex> lock(record->mutex);
    record->finished.push_back(ran ? number : -number);
    if (record->finished.size() == record->wanted) record->done.open();
  }
};

std::shared_ptr<TestJob> job_of(const Shared& record, int number, const void* owner) {
  auto job = std::make_shared<TestJob>();
  job->record = record;
  job->number = number;
  job->owner = owner;
  job->id = static_cast<uint32_t>(number);
  return job;
}

const int first_owner = 0, second_owner = 0;

void in_order() {
  const Shared record = record_of(200);
  for (int i = 1; i <= 200; i++) Engine::instance().submit(job_of(record, i, i % 3 ? &first_owner : &second_owner));
  expect(record->done.wait(), "jobs are not finished");
  for (int i = 0; i < 200; i++)
    if (!expect(record->ran[static_cast<size_t>(i)] == i + 1 && record->finished[static_cast<size_t>(i)] == i + 1,
                "out of order at %d", i))
      return;
}

void many_submitters() {
  const Shared record = record_of(400);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++)
    threads.emplace_back([&record, t] {
      for (int i = 0; i < 100; i++) Engine::instance().submit(job_of(record, t * 100 + i + 1, &first_owner));
    });
  for (std::thread& thread : threads) thread.join();
  expect(record->done.wait(), "jobs are not finished");
  int last[4] = {0, 0, 0, 0};
  for (int number : record->ran) {
    int& before = last[(number - 1) / 100];
    expect(number > before, "jobs of one thread out of order");
    before = number;
  }
}

// A waiting job that is aborted never runs, yet finishes; another owner's of the same number is left alone.
void abort_waiting() {
  const Shared record = record_of(4);
  auto block = job_of(record, 1, &first_owner);
  block->waits = true;
  Engine::instance().submit(block);
  Engine::instance().submit(job_of(record, 2, &first_owner));
  Engine::instance().submit(job_of(record, 2, &second_owner));
  Engine::instance().submit(job_of(record, 3, &first_owner));
  expect(record->begun.wait(), "the first job did not begin");
  Engine::instance().abort(&first_owner, 2);
  Engine::instance().abort(&first_owner, 77);
  record->blocked.open();
  expect(record->done.wait(), "jobs are not finished");
  expect(record->ran == std::vector<int>({1, 2, 3}) && record->finished == std::vector<int>({1, -2, 2, 3}),
         "the wrong job was aborted");
}

void abort_running() {
  const Shared record = record_of(1);
  auto job = job_of(record, 5, &first_owner);
  job->until_aborted = true;
  Engine::instance().submit(job);
  expect(record->begun.wait(), "the job did not begin");
  Engine::instance().abort(&second_owner, 5);
  Engine::instance().abort(&first_owner, 5);
  expect(record->done.wait() && job->aborted, "a running job was not aborted");
}

// Forgetting an owner aborts what runs, waits for it, drops what waits, and leaves the others' work alone.
void forget_running() {
  const Shared mine = record_of(9), theirs = record_of(2);
  auto running = job_of(mine, 1, &first_owner);
  running->until_aborted = true;
  Engine::instance().submit(running);
  Engine::instance().submit(job_of(theirs, 1, &second_owner));
  for (int i = 2; i < 10; i++) Engine::instance().submit(job_of(mine, i, &first_owner));
  Engine::instance().submit(job_of(theirs, 2, &second_owner));
  expect(mine->begun.wait(), "the job did not begin");
  Engine::instance().forget(&first_owner);
  {
    std::lock_guard<std::mutex> lock(mine->mutex);
    expect(mine->finished == std::vector<int>({1}) && running->aborted,
           "forget came back before the running job was finished");
  }
  expect(theirs->done.wait() && theirs->ran == std::vector<int>({1, 2}), "others' jobs were dropped");
  std::lock_guard<std::mutex> lock(mine->mutex);
  expect(mine->ran == std::vector<int>({1}), "a dropped job ran");
  Engine::instance().forget(&first_owner);  // nothing is left: returns at once
}

// Owners that come and go while others submit.
void churn() {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++)
    threads.emplace_back([] {
      for (int round = 0; round < 30; round++) {
        const Shared record = record_of(7);
        const int owner = 0;
        for (int i = 1; i < 8; i++) Engine::instance().submit(job_of(record, i, &owner));
        Engine::instance().abort(&owner, 3);
        Engine::instance().forget(&owner);
      }
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

int main() {
  in_order();
  many_submitters();
  abort_waiting();
  abort_running();
  forget_running();
  churn();
  std::string problem;
  Device* device = Engine::instance().device(&problem);
  expect(device && device == Engine::instance().device(&problem), "two devices, or none: %s", problem.c_str());
  setenv("JEPA_CPU", "pentium", 1);
  expect(!choose_target(&problem) && problem.rfind("[jepa] expected JEPA_CPU to be one of scalar", 0) == 0,
         "JEPA_CPU: %s", problem.c_str());
  return finish("engine");
}
