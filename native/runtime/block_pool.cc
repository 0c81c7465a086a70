#include "runtime/block_pool.h"

#include <vector>

namespace jepa {
namespace {

// Below this the allocator itself gives memory again that it has touched before.
constexpr int64_t kPooled = 64 << 10;

// Sizes in steps of an eighth of their power of two: sizes that differ a little share blocks, and at most an eighth lies
// idle.
int64_t rounded(int64_t bytes) {
  int64_t step = 1;
  while (step * 16 <= bytes) step *= 2;
  return (bytes + step - 1) / step * step;
}

}  // namespace

Lease::~Lease() {
  if (pool_ && block_.data()) pool_->give(std::move(block_));
}

Lease BlockPool::take(int64_t bytes) {
  if (bytes < kPooled) return Lease(Block(bytes), nullptr);
  const int64_t size = rounded(bytes);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (auto at = free_.rbegin(); at != free_.rend(); ++at) {  // the last one back is the one still in cache
      if (at->bytes() != size) continue;
      Block block = std::move(*at);
      free_.erase(std::next(at).base());
      free_bytes_ -= size;
      return Lease(std::move(block), this);
    }
  }
  Block block(size);
  if (!block.data()) {  // the system may have enough once what waits here is its own again
    drop();
    block = Block(size);
  }
  return Lease(std::move(block), this);
}

void BlockPool::drop() {
  std::deque<Block> dropped;
  std::lock_guard<std::mutex> lock(mutex_);
  dropped.swap(free_);
  free_bytes_ = 0;
}

void BlockPool::give(Block block) {
  std::vector<Block> dropped;  // the system takes its time to take them: not under the lock
  std::lock_guard<std::mutex> lock(mutex_);
  free_bytes_ += block.bytes();
  free_.push_back(std::move(block));
  while (free_bytes_ > most_free_) {
    free_bytes_ -= free_.front().bytes();
    dropped.push_back(std::move(free_.front()));
    free_.pop_front();
  }
}

int64_t BlockPool::free_bytes() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return free_bytes_;
}

}  // namespace jepa
