// The SIMD targets this binary holds, and the one this machine runs.
#pragma once
#include <string>
#include <vector>

#include "runtime/op.h"

namespace jepa {

struct Target {
  const char* name;
  const Kernel* const* kernels;  // by op code
};

struct OpTable {
  int count;
  const OpDefinition* const* definitions;
  const char* const* names;
};

const OpTable& op_table();
// Targets that this machine can run, worst first.
std::vector<const Target*> available_targets();
// The best one, or the one that JEPA_CPU names; null and a sentence if that is impossible.
const Target* choose_target(std::string* problem);
const char* cpu_name();

}  // namespace jepa
