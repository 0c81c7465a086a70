#include "runtime/row_blocks.h"

#include <algorithm>
#include <chrono>

#include "runtime/device.h"

namespace jepa {

namespace {

int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

int64_t blocks(int64_t rows, int64_t block) { return (rows + block - 1) / block; }

}  // namespace

struct RowBlocks::Task {
  RowBlocks* self;
  Device* device;
  const Group* group;
  bool timed;
};

void RowBlocks::bind(Device* device, const Program& program, const std::vector<Call>& calls) {
  nodes_.clear();
  groups_.clear();
  moving_.clear();
  Worker worker;
  const int threads = device->pool().threads();
  for (const RowGroup& from : program.groups) {
    Group group = {nodes_.size(), 0, moving_.size(), 0, from.first, from.rows, from.block, 0};
    // Bits are the same for every cut: with many threads blocks may be shorter.
    while (blocks(group.rows, group.block) < 4 * threads && group.block > from.least_block)
      group.block = blocks(group.block, 2 * from.least_block) * from.least_block;
    for (uint32_t n = from.first; n < from.end; n++) {
      const ProgramNode& node = program.nodes[n];
      nodes_.push_back({device->target().kernels[node.op], node.prepared.rows.count / from.rows});
      group.cost += node.prepared.rows.count * node.prepared.rows.cost;
      worker.calls.push_back(calls[n]);
      for (const bool output : {false, true}) {
        const std::vector<uint32_t>& list = output ? node.out : node.in;
        const View* view = output ? calls[n].out : calls[n].in;
        for (uint32_t index : list) {
          const ProgramView& v = program.views[index];
          const Buffer& buffer = program.buffers[v.buffer];
          if (buffer.local)
            moving_.push_back({worker.operands.size(), buffer.offset + v.offset - buffer.low, buffer.row_stride});
          worker.operands.push_back(*view++);
        }
      }
    }
    group.end = nodes_.size();
    group.end_moving = moving_.size();
    groups_.push_back(group);
  }
  worker.spent.assign(nodes_.size(), 0);
  workers_.assign(groups_.empty() ? 0 : static_cast<size_t>(threads), worker);
  for (size_t w = 0; w < workers_.size(); w++) {
    const View* next = workers_[w].operands.data();
    for (Call& call : workers_[w].calls) {
      call.in = next;
      call.out = next += call.inputs;
      next += call.outputs;
    }
    workers_[w].memory = device->scratch(static_cast<int>(w)) + local_offset(program);
  }
}

void RowBlocks::run_blocks(void* context, int64_t begin, int64_t end, int index) {
  const Task& task = *static_cast<const Task*>(context);
  const Group& group = *task.group;
  RowBlocks& self = *task.self;
  Worker& worker = self.workers_[static_cast<size_t>(index)];
  char* scratch = task.device->scratch(index);
  for (int64_t block = begin; block < end; block++) {
    const int64_t first = block * group.block, last = std::min(first + group.block, group.rows);
    for (size_t m = group.first_moving; m < group.end_moving; m++) {
      const Moving& moving = self.moving_[m];
      worker.operands[moving.operand].data = worker.memory + moving.place - first * moving.row_stride;
    }
    int64_t start = task.timed ? now() : 0;
    for (size_t n = group.first; n < group.end; n++) {
      const Node& node = self.nodes_[n];
      node.kernel->run_rows(worker.calls[n], first * node.rows, last * node.rows, scratch);
      if (!task.timed) continue;
      const int64_t stop = now();
      worker.spent[n] += stop - start;
      start = stop;
    }
  }
}

void RowBlocks::run(Device* device, size_t index, int64_t* nanoseconds) {
  const Group& group = groups_[index];
  Task task = {this, device, &group, nanoseconds != nullptr};
  if (task.timed)
    for (Worker& worker : workers_) std::fill(worker.spent.begin(), worker.spent.end(), 0);
  const int64_t start = task.timed ? now() : 0, count = blocks(group.rows, group.block);
  if (group.cost < device->parallel_nanoseconds()) {
    run_blocks(&task, 0, count, 0);
  } else {
    device->pool().run(count, 1, run_blocks, &task);
  }
  if (!task.timed) return;
  const auto wall = static_cast<double>(now() - start);
  double total = 0;
  for (const Worker& worker : workers_)
    for (size_t n = group.first; n < group.end; n++) total += static_cast<double>(worker.spent[n]);
  for (size_t n = group.first; n < group.end && total > 0; n++)
    for (const Worker& worker : workers_)
      nanoseconds[group.first_node + (n - group.first)] +=
          static_cast<int64_t>(wall * static_cast<double>(worker.spent[n]) / total);
}

}  // namespace jepa
