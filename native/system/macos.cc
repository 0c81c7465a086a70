#include <mach/mach.h>
#include <sys/sysctl.h>

#include "system/system.h"

namespace jepa {

// Pages that hold nothing, and those that the system takes back first.
int64_t available_memory() {
  vm_statistics64_data_t pages;
  mach_msg_type_number_t count = HOST_VM_INFO64_COUNT;
  auto* data = reinterpret_cast<host_info64_t>(&pages);
  if (host_statistics64(mach_host_self(), HOST_VM_INFO64, data, &count) != KERN_SUCCESS) return 0;
  const int64_t free = int64_t{pages.free_count} + pages.inactive_count + pages.purgeable_count;
  return free * static_cast<int64_t>(vm_page_size);
}

int physical_cores() {
  int cores = 0;
  size_t bytes = sizeof cores;
  return sysctlbyname("hw.physicalcpu", &cores, &bytes, nullptr, 0) == 0 ? cores : 0;
}

}  // namespace jepa
