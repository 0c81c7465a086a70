#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

#include "runtime/device.h"
#include "system/system.h"

namespace jepa {

namespace {

struct Task {
  Device* device;
  const Kernel* kernel;
  const Call* call;
  int phase;
};

void run_tiles(void* context, int64_t begin, int64_t end, int worker) {
  const Task& task = *static_cast<const Task*>(context);
  task.kernel->run(*task.call, task.phase, begin, end, task.device->scratch(worker));
}

std::string megabytes(int64_t bytes) { return std::to_string((bytes + 999999) / 1000000) + " MB"; }

int64_t input_output_bytes(const Program& p) {
  int64_t total = 0;
  for (int64_t bytes : p.input_bytes) total += bytes > 0 ? bytes : 0;
  for (int64_t bytes : p.output_bytes) total += bytes > 0 ? bytes : 0;
  return total;
}

std::string plan_text(const Program& p) {
  return "[program] expected to fit into memory, got a plan of " + megabytes(p.arena_bytes) + " temporaries, " +
         megabytes(p.kept_bytes) + " kept between runs, " + megabytes(p.workspace_bytes) + " workspace and " +
         megabytes(input_output_bytes(p)) + " inputs and outputs; available are " + megabytes(available_memory());
}

}  // namespace

Executable::Executable(std::shared_ptr<Program> program, std::vector<std::shared_ptr<Storage>> variables)
    : program_(std::move(program)), variables_(std::move(variables)) {}

bool Executable::check(std::string* problem) const {
  const Program& p = *program_;
  if (p.variable_bytes.size() > variables_.size()) {
    *problem = "[program] expected " + std::to_string(p.variable_bytes.size()) + " variables, got " +
               std::to_string(variables_.size());
    return false;
  }
  for (size_t i = 0; i < p.variable_bytes.size(); i++) {
    if (p.variable_bytes[i] > variables_[i]->block.bytes()) {
      *problem = "[program] expected variable " + std::to_string(i) + " of " + std::to_string(p.variable_bytes[i]) +
                 " bytes, got " + std::to_string(variables_[i]->block.bytes());
      return false;
    }
  }
  const int64_t available = available_memory();
  if (available == 0 || p.arena_bytes + p.kept_bytes + p.workspace_bytes + input_output_bytes(p) < available)
    return true;
  *problem = plan_text(p);
  return false;
}

bool Executable::prepare(Device* device, std::string* problem, bool by_run) {
  const Program& p = *program_;
  inputs_ = std::vector<Slot>(p.input_bytes.size());
  outputs_ = std::vector<Slot>(p.output_bytes.size());
  by_run_ = by_run;
  bool enough = true;
  const auto take = [&](Slot* slot, int64_t bytes) {
    slot->own = Block(bytes);
    slot->address = slot->own.data();
    enough = slot->own.bytes() == std::max<int64_t>(bytes, 0) && enough;
  };
  for (size_t i = 0; i < inputs_.size(); i++)
    if (!by_run || !input_by_run(i)) take(&inputs_[i], p.input_bytes[i]);
  for (size_t i = 0; i < outputs_.size(); i++) {
    if (by_run && output_by_run(i)) continue;
    take(&outputs_[i], p.output_bytes[i]);
    // What no node writes must not show what the process had there before.
    const Block& block = outputs_[i].own;
    if (block.data()) std::memset(block.data(), 0, static_cast<size_t>(block.bytes()));
  }
  kept_ = Block(p.kept_bytes);
  seen_.assign(p.hoisted_variables.size(), 0);
  current_ = false;
  if (kept_.bytes() != p.kept_bytes) enough = false;
  if (kept_.data()) std::memset(kept_.data(), 0, static_cast<size_t>(kept_.bytes()));
  if (!enough || !device->reserve(p.arena_bytes, p.workspace_bytes, local_offset(p) + p.local_bytes)) {
    *problem = plan_text(p);
    return false;
  }
  bind(device);
  return true;
}

void Executable::Slot::use(char* memory) {
  if (memory == address) return;
  address = memory;
  for (const Pointer& pointer : pointers) *pointer.at = memory + pointer.offset;
}

// Pointers into what is bound by run move with it.
void Executable::follow(uint32_t index, char** at) {
  const ProgramView& v = program_->views[index];
  const Buffer& buffer = program_->buffers[v.buffer];
  if (buffer.kind == BufferKind::input && input_by_run(buffer.slot)) {
    inputs_[buffer.slot].pointers.push_back({at, v.offset});
  } else if (buffer.kind == BufferKind::output && output_by_run(buffer.slot)) {
    outputs_[buffer.slot].pointers.push_back({at, v.offset});
  }
}

// Resolves every operand to an address. Runs again only when the device's memory has moved.
void Executable::bind(Device* device) {
  const Program& p = *program_;
  alignas(64) static char nothing[64];  // where empty buffers lie: pointers into them are computed, never used
  const auto address = [&](uint32_t index) {
    const ProgramView& v = p.views[index];
    const Buffer& b = p.buffers[v.buffer];
    char* base = nullptr;
    switch (b.kind) {
      case BufferKind::temporary:
        base = b.local ? nullptr : device->arena() + b.offset;  // those of one block have no address
        break;
      case BufferKind::input:
        base = inputs_[b.slot].address;
        break;
      case BufferKind::output:
        base = outputs_[b.slot].address;
        break;
      case BufferKind::variable:
        base = variables_[b.slot]->block.data();
        break;
      case BufferKind::kept:
        base = kept_.data() + b.offset;
        break;
      case BufferKind::constant:
        base = const_cast<char*>(p.constants.data()) + int64_t{b.slot} * 64;
        break;
    }
    return base ? base + v.offset : nothing;
  };
  size_t total = 0;
  for (const ProgramNode& node : p.nodes) total += node.in.size() + node.out.size();
  operands_.resize(total);
  calls_.resize(p.nodes.size());
  View* next = operands_.data();
  for (size_t i = 0; i < p.nodes.size(); i++) {
    const ProgramNode& node = p.nodes[i];
    Call& call = calls_[i];
    call.inputs = static_cast<int>(node.in.size());
    call.outputs = static_cast<int>(node.out.size());
    call.in = next;
    for (uint32_t index : node.in) (*next = p.views[index].view, next++->data = address(index));
    call.out = next;
    for (uint32_t index : node.out) (*next = p.views[index].view, next++->data = address(index));
    call.attributes = node.prepared.attributes.data();
    call.workspace = device->workspace() + node.workspace;
    call.fault = &fault_;
  }
  guards_.clear();
  for (uint32_t index : p.guards) guards_.push_back(address(index));
  blocks_.bind(device, p, calls_);
  if (by_run_) {
    for (std::vector<Slot>* slots : {&inputs_, &outputs_})
      for (Slot& slot : *slots) slot.pointers.clear();
    const auto follow_operands = [this](const ProgramNode& node, View* operand) {
      for (uint32_t index : node.in) follow(index, &operand++->data);
      for (uint32_t index : node.out) follow(index, &operand++->data);
      return operand;
    };
    View* operand = operands_.data();
    for (const ProgramNode& node : p.nodes) operand = follow_operands(node, operand);
    blocks_.each_thread([&](View* first) {
      for (const RowGroup& group : p.groups)
        for (uint32_t n = group.first; n < group.end; n++) first = follow_operands(p.nodes[n], first);
    });
    for (size_t g = 0; g < guards_.size(); g++) follow(p.guards[g], &guards_[g]);
  }
  generation_ = device->generation();
}

void Executable::execute(Device* device, size_t index, int first_phase) {
  const ProgramNode& node = program_->nodes[index];
  const Work& work = node.prepared.work;
  Task task = {device, device->target().kernels[node.op], &calls_[index], 0};
  for (int phase = first_phase; phase < work.phases; phase++) {
    const int64_t tiles = work.tiles[phase];
    if (tiles <= 0) continue;
    task.phase = phase;
    const double cost = static_cast<double>(tiles) * static_cast<double>(work.tile_cost);
    if (tiles == 1 || cost < static_cast<double>(device->parallel_nanoseconds())) {
      run_tiles(&task, 0, tiles, 0);
    } else {
      const int64_t chunk = tiles / (device->pool().threads() * 8);
      device->pool().run(tiles, chunk > 1 ? chunk : 1, run_tiles, &task);
    }
  }
}

void Executable::timed(Device* device, size_t index, int first_phase, int64_t* nanoseconds) {
  if (!nanoseconds) return execute(device, index, first_phase);
  const auto start = std::chrono::steady_clock::now();
  execute(device, index, first_phase);
  nanoseconds[index] +=
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count();
}

// False if it was aborted: everything is then computed anew by the next run.
bool Executable::run_hoisted(Device* device, const std::atomic<bool>& abort, int64_t* nanoseconds) {
  const Program& p = *program_;
  for (size_t i = 0; i < p.hoisted_variables.size(); i++)
    current_ = current_ && seen_[i] == variables_[p.hoisted_variables[i]]->version;
  if (current_) return true;
  for (size_t i = 0; i < p.hoisted; i++) {
    if (abort.load(std::memory_order_relaxed)) return false;
    timed(device, i, 0, nanoseconds);
  }
  for (size_t i = 0; i < p.hoisted_variables.size(); i++) seen_[i] = variables_[p.hoisted_variables[i]]->version;
  current_ = true;
  return true;
}

RunResult Executable::run(Device* device, const std::atomic<bool>& abort, int64_t* nanoseconds) {
  for (const auto& variable : variables_)
    if (variable->released) return {Outcome::disposed, -1};
  if (generation_ != device->generation()) bind(device);
  fault_.store(0, std::memory_order_relaxed);
  const Program& p = *program_;
  if (!run_hoisted(device, abort, nanoseconds)) return {Outcome::aborted, -1};
  for (size_t i = p.hoisted; i < p.nodes.size(); i++) {
    if (i == p.commit_start) {
      for (size_t g = 0; g < guards_.size(); g++)
        if (!std::isfinite(*reinterpret_cast<const float*>(guards_[g])))
          return {Outcome::non_finite, static_cast<int>(g)};
      for (uint32_t slot : p.assigned_variables) variables_[slot]->version++;
    }
    if (i < p.commit_start && abort.load(std::memory_order_relaxed)) return {Outcome::aborted, -1};
    const int32_t group = p.nodes[i].group;
    if (group >= 0 && p.groups[static_cast<size_t>(group)].first == i)
      blocks_.run(device, static_cast<size_t>(group), nanoseconds);
    timed(device, i, group >= 0 ? 1 : 0, nanoseconds);
    if (i < p.commit_start && fault_.load(std::memory_order_relaxed) != 0)
      return {Outcome::index_out_of_range, static_cast<int>(group < 0 ? i : p.groups[group].fallible)};
  }
  if (p.commit_start == p.nodes.size()) {
    for (size_t g = 0; g < guards_.size(); g++)
      if (!std::isfinite(*reinterpret_cast<const float*>(guards_[g])))
        return {Outcome::non_finite, static_cast<int>(g)};
  }
  return {};
}

}  // namespace jepa
