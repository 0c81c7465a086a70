#include <algorithm>
#include <cstring>
#include <utility>

#include "runtime/device.h"
#include "system/system.h"

namespace jepa {

Block::Block(int64_t bytes) {
  if (bytes <= 0) return;
  data_ = static_cast<char*>(allocate(static_cast<size_t>(bytes)));
  if (data_) bytes_ = bytes;
}

Block::~Block() {
  if (data_) release(data_, static_cast<size_t>(bytes_));
}

Block::Block(Block&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

Block& Block::operator=(Block&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

Storage::Storage(DType type, int64_t count) : dtype(type), elements(count), block(count * size_of(type)) {
  if (block.data()) std::memset(block.data(), 0, static_cast<size_t>(block.bytes()));
}

void Storage::release() {
  block = Block();
  released = true;
}

namespace {

// Of what the machine has to spare little, in all a few steps' worth.
int64_t most_free_blocks() {
  constexpr int64_t kMost = int64_t{256} << 20;
  const int64_t available = available_memory();
  return available > 0 ? std::min(available / 16, kMost) : kMost;
}

}  // namespace

Device::Device(const Target* target, int threads, int64_t parallel_nanoseconds)
    : target_(target),
      pool_(new Pool(threads)),
      parallel_nanoseconds_(parallel_nanoseconds),
      blocks_(most_free_blocks()) {}

bool Device::reserve(int64_t arena, int64_t workspace, int64_t scratch) {
  const auto grow = [this](Block* block, int64_t bytes) {
    if (bytes <= block->bytes()) return true;
    Block larger(bytes);
    if (!larger.data()) return false;
    *block = std::move(larger);
    bytes_.store(arena_.bytes() + workspace_.bytes() + scratch_.bytes(), std::memory_order_relaxed);
    generation_++;
    return true;
  };
  const int64_t stride = (scratch + 63) / 64 * 64;
  if (!grow(&arena_, arena) || !grow(&workspace_, workspace)) return false;
  if (stride > scratch_stride_) {
    if (!grow(&scratch_, stride * pool_->threads())) return false;
    scratch_stride_ = stride;
  }
  return true;
}

}  // namespace jepa
