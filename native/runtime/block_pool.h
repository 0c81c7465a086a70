// Memory of inputs and outputs that comes back. A block fresh from the system costs a page fault for every page that is
// touched, several times what a kernel takes that reads and writes it once; steps of one size find the blocks of
// earlier ones here instead.
#pragma once
#include <cstdint>
#include <deque>
#include <mutex>
#include <utility>

#include "runtime/block.h"

namespace jepa {

class BlockPool;

// A block on loan: back in its pool when the lease ends. Whoever can still see the memory holds the lease.
class Lease {
 public:
  Lease() = default;
  Lease(Block block, BlockPool* pool) : block_(std::move(block)), pool_(pool) {}
  ~Lease();
  Lease(Lease&& other) noexcept : block_(std::move(other.block_)), pool_(other.pool_) {}
  Lease& operator=(Lease&& other) noexcept {
    std::swap(block_, other.block_);
    std::swap(pool_, other.pool_);
    return *this;
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  char* data() const { return block_.data(); }

 private:
  Block block_;
  BlockPool* pool_ = nullptr;
};

// Any thread may take and give back.
class BlockPool {
 public:
  // At most so many bytes wait to be used again; what comes back beyond that goes to the system, oldest first.
  explicit BlockPool(int64_t most_free) : most_free_(most_free) {}
  // At least so many bytes, which hold anything; without data if the system refuses, or for none.
  Lease take(int64_t bytes);
  int64_t free_bytes() const;

 private:
  friend class Lease;
  void give(Block block);
  void drop();

  const int64_t most_free_;
  mutable std::mutex mutex_;
  std::deque<Block> free_;  // oldest first
  int64_t free_bytes_ = 0;
};

}  // namespace jepa
