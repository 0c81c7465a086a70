// A piece of memory from the system.
#pragma once
#include <cstdint>

namespace jepa {

// Memory that huge pages may back; empty if the system refuses.
class Block {
 public:
  Block() = default;
  explicit Block(int64_t bytes);
  ~Block();
  Block(Block&& other) noexcept;
  Block& operator=(Block&& other) noexcept;
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  char* data() const { return data_; }
  int64_t bytes() const { return bytes_; }

 private:
  char* data_ = nullptr;
  int64_t bytes_ = 0;
};

}  // namespace jepa
