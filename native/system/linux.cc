#include <sched.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <string>
#include <utility>

#include "system/system.h"

namespace jepa {

namespace {

// The number that a file begins with; −1 where there is none, as for "max".
int64_t number_in(const std::string& path) {
  long long number = -1;
  if (FILE* file = std::fopen(path.c_str(), "r")) {
    if (std::fscanf(file, "%lld", &number) != 1) number = -1;
    std::fclose(file);
  }
  return number;
}

}  // namespace

// What the system says, or a container's limit (cgroup v2) where that is less.
int64_t available_memory() {
  FILE* file = std::fopen("/proc/meminfo", "r");
  if (!file) return 0;
  char line[128];
  long long kilobytes = 0;
  while (std::fgets(line, sizeof line, file))
    if (std::sscanf(line, "MemAvailable: %lld kB", &kilobytes) == 1) break;
  std::fclose(file);
  const int64_t available = kilobytes * 1024;
  // The whole limit: what is used of it includes pages cached for files, which make room when they must.
  const int64_t limit = number_in("/sys/fs/cgroup/memory.max");
  return limit >= 0 ? std::min(limit, available) : available;
}

int physical_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 0;
  std::set<std::pair<int64_t, int64_t>> cores;  // package, core
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &set)) continue;
    const std::string topology = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
    const int64_t core = number_in(topology + "core_id");
    cores.insert({number_in(topology + "physical_package_id"), core < 0 ? cpu : core});
  }
  return static_cast<int>(cores.size());
}

}  // namespace jepa
