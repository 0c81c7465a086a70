#define NOMINMAX
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <malloc.h>

#include <vector>

#include "system/system.h"

namespace jepa {

// Huge pages would need a privilege that users do not have.
void* allocate(size_t bytes) { return _aligned_malloc(bytes, 64); }

void release(void* memory, size_t) { _aligned_free(memory); }

int64_t available_memory() {
  MEMORYSTATUSEX status;
  status.dwLength = sizeof status;
  return GlobalMemoryStatusEx(&status) ? static_cast<int64_t>(status.ullAvailPhys) : 0;
}

int physical_cores() {
  DWORD_PTR allowed = 0, all = 0;
  DWORD bytes = 0;
  GetLogicalProcessorInformation(nullptr, &bytes);
  std::vector<SYSTEM_LOGICAL_PROCESSOR_INFORMATION> list(bytes / sizeof(SYSTEM_LOGICAL_PROCESSOR_INFORMATION));
  if (list.empty() || !GetLogicalProcessorInformation(list.data(), &bytes)) return 0;
  if (!GetProcessAffinityMask(GetCurrentProcess(), &allowed, &all)) return 0;
  int cores = 0;
  for (const auto& entry : list)
    if (entry.Relationship == RelationProcessorCore && (entry.ProcessorMask & allowed)) cores++;
  return cores;
}

void keep_loaded(const void* address) {
  HMODULE library;
  GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                     static_cast<LPCWSTR>(address), &library);
}

}  // namespace jepa
