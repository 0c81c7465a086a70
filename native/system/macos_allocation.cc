// Operators new and delete of the binary that Zig makes for macOS. Its C++ library is static and shows its own as weak symbols, of
// which the system takes one for all images of a process: another addon's could then free what this one allocated. These are seen
// here alone (CMakeLists.txt compiles all files for hidden ones), and the library's are not linked.
#include <algorithm>
#include <cstdlib>
#include <new>

namespace {

void* allocated(void* memory) {
  if (!memory) throw std::bad_alloc();
  return memory;
}

// Something also where nothing is asked for.
void* plain(size_t bytes) { return std::malloc(bytes ? bytes : 1); }

void* aligned(size_t bytes, std::align_val_t alignment) {
  void* memory = nullptr;  // alignments below a pointer's are refused
  const auto unit = std::max(static_cast<size_t>(alignment), sizeof(void*));
  return posix_memalign(&memory, unit, bytes ? bytes : 1) == 0 ? memory : nullptr;
}

}  // namespace

void* operator new(size_t bytes) { return allocated(plain(bytes)); }
void* operator new[](size_t bytes) { return operator new(bytes); }
void* operator new(size_t bytes, std::align_val_t alignment) { return allocated(aligned(bytes, alignment)); }
void* operator new[](size_t bytes, std::align_val_t alignment) { return operator new(bytes, alignment); }
void* operator new(size_t bytes, const std::nothrow_t&) noexcept { return plain(bytes); }
void* operator new[](size_t bytes, const std::nothrow_t&) noexcept { return plain(bytes); }
void* operator new(size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return aligned(bytes, alignment);
}
void* operator new[](size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return aligned(bytes, alignment);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t, const std::nothrow_t&) noexcept { std::free(memory); }
