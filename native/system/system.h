// What differs between operating systems: posix.cc with linux.cc or macos.cc, or windows.cc.
#pragma once
#include <cstddef>
#include <cstdint>

namespace jepa {

constexpr size_t kHugePage = 2 << 20;

// `bytes` above 0 of memory at a multiple of 64; null if the system refuses. From kHugePage on huge pages may back it: fewer address
// translations, and 17 times faster first touch.
void* allocate(size_t bytes);
// What allocate(bytes) gave.
void release(void* memory, size_t bytes);

// Bytes that could still be allocated without swapping; 0 if the system does not say.
int64_t available_memory();

// The physical cores that this process may use; 0 if the system does not say.
int physical_cores();

// The library that `address` lies in stays loaded until the process ends.
void keep_loaded(const void* address);

}  // namespace jepa
