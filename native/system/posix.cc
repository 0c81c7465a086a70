#include <dlfcn.h>
#include <sys/mman.h>

#include <cstdlib>

#include "system/system.h"

namespace jepa {

namespace {
size_t whole_pages(size_t bytes) { return (bytes + kHugePage - 1) / kHugePage * kHugePage; }
}  // namespace

// Large blocks past the allocator: what it gives again it has often touched in small pages before, which nothing makes large
// (measured: gradients of weights at half their speed in a process that had freed other operands).
void* allocate(size_t bytes) {
  void* memory = nullptr;
  if (bytes < kHugePage) return posix_memalign(&memory, 64, bytes) == 0 ? memory : nullptr;
  const size_t size = whole_pages(bytes);
  void* mapped = mmap(nullptr, size + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  char* begin = static_cast<char*>(mapped);
  const size_t before = (kHugePage - reinterpret_cast<uintptr_t>(begin) % kHugePage) % kHugePage;
  if (before > 0) munmap(begin, before);
  munmap(begin + before + size, kHugePage - before);
#if defined(MADV_HUGEPAGE)
  madvise(begin + before, size, MADV_HUGEPAGE);
#endif
  return begin + before;
}

void release(void* memory, size_t bytes) {
  if (bytes < kHugePage) return std::free(memory);
  munmap(memory, whole_pages(bytes));
}

void keep_loaded(const void* address) {
  Dl_info library;
  if (dladdr(address, &library)) dlopen(library.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

}  // namespace jepa
