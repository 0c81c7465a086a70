#include <dlfcn.h>
#include <sys/mman.h>

#include <cstdlib>

#include "system/system.h"

namespace jepa {

void* allocate_aligned(size_t bytes, size_t alignment, [[maybe_unused]] bool huge) {
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment, bytes) != 0) return nullptr;
#if defined(MADV_HUGEPAGE)
  if (huge) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return memory;
}

void free_aligned(void* memory) { std::free(memory); }

void keep_loaded(const void* address) {
  Dl_info library;
  if (dladdr(address, &library)) dlopen(library.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

}  // namespace jepa
