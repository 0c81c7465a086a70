// An operand whose last byte is the last that may be touched: the page behind it is nobody's. So reads behind the end are seen
// in instructions that sanitizers do not look into (masked loads), and whatever becomes of what they read.
#pragma once
#include <sys/mman.h>
#include <unistd.h>

#include "test/harness.h"

namespace jepa {
namespace test {

class EdgeOperand {
 public:
  View view;

  // Same values and strides as `from`, up to its last element.
  explicit EdgeOperand(const Operand& from) : view(from.view) {
    const std::vector<char> bytes = bytes_of(from.view);
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t pages = (bytes.size() + page - 1) / page * page;
    size_ = pages + page;
    base_ = static_cast<char*>(mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0));
    if (base_ == MAP_FAILED || mprotect(base_ + pages, page, PROT_NONE)) std::abort();
    view.data = base_ + pages - bytes.size();
    if (!bytes.empty()) std::memcpy(view.data, bytes.data(), bytes.size());
  }
  EdgeOperand(const EdgeOperand&) = delete;
  EdgeOperand& operator=(const EdgeOperand&) = delete;
  ~EdgeOperand() { munmap(base_, size_); }

 private:
  char* base_;
  size_t size_;
};

}  // namespace test
}  // namespace jepa
