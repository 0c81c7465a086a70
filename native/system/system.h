// What differs between operating systems: posix.cc with linux.cc or macos.cc, or windows.cc.
#pragma once
#include <cstddef>
#include <cstdint>

namespace jepa {

// Memory at a multiple of `alignment`, a power of two; null if the system refuses. `huge`: huge pages may back it.
void* allocate_aligned(size_t bytes, size_t alignment, bool huge);
void free_aligned(void* memory);

// Bytes that could still be allocated without swapping; 0 if the system does not say.
int64_t available_memory();

// The physical cores that this process may use; 0 if the system does not say.
int physical_cores();

// The library that `address` lies in stays loaded until the process ends.
void keep_loaded(const void* address);

}  // namespace jepa
