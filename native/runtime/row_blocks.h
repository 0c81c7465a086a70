// Runs groups of nodes (row_groups.h): a thread claims a block of rows and takes it through all nodes of the group, so that
// what one leaves the next finds in cache. One fork-join a group.
#pragma once
#include <vector>

#include "runtime/program.h"

namespace jepa {

class Device;

class RowBlocks {
 public:
  // Again whenever addresses have changed. `calls` are those of all nodes.
  void bind(Device* device, const Program& program, const std::vector<Call>& calls);
  // Gives the operands of all groups' nodes that each thread has for itself, inputs before outputs, node by node.
  template <class Body>
  void each_thread(Body body) {
    for (Worker& worker : workers_) body(worker.operands.data());
  }
  // Phase 0 of the group's nodes. With `nanoseconds`, adds the time to its nodes, by what each took of it.
  void run(Device* device, size_t group, int64_t* nanoseconds);

 private:
  struct Node {
    const Kernel* kernel;
    int64_t rows;  // of its own in one of the group's
  };
  // An operand that has memory for one block only.
  struct Moving {
    size_t operand;
    int64_t place;  // in the thread's memory, of row 0 in the group's first block
    int64_t row_stride;
  };
  struct Group {
    size_t first, end;                // in nodes_
    size_t first_moving, end_moving;  // in moving_
    uint32_t first_node;
    int64_t rows, block, cost;
  };
  // A thread's own operands: the addresses of those that move differ.
  struct Worker {
    std::vector<View> operands;
    std::vector<Call> calls;
    std::vector<int64_t> spent;
    char* memory;
  };
  struct Task;
  static void run_blocks(void* context, int64_t begin, int64_t end, int worker);

  std::vector<Node> nodes_;
  std::vector<Group> groups_;
  std::vector<Moving> moving_;
  std::vector<Worker> workers_;
};

}  // namespace jepa
