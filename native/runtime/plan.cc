#include <algorithm>

#include "runtime/overlap.h"
#include "runtime/program.h"
#include "runtime/row_groups.h"

namespace jepa {
namespace {

constexpr int64_t kAlignment = 64;
// Buffers of a page and more are kept off multiples of 4 KiB: operands that walk memory in step would share cache sets.
constexpr int64_t kStagger = 64 * 5;

struct Placed {
  int64_t offset, end;
  int32_t first, last;
};

int64_t room_for(int64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment + (bytes >= 4096 ? kStagger : 0);
}

class Planner {
 public:
  explicit Planner(Program* program) : program_(*program), owner_(program->buffers.size()) {
    for (size_t i = 0; i < owner_.size(); i++) owner_[i] = static_cast<int32_t>(i);
  }

  void run() {
    for (size_t n = 0; n < program_.nodes.size(); n++)
      for (size_t k = 0; k < program_.nodes[n].out.size(); k++)
        if (static_cast<int>(k) < program_.nodes[n].prepared.in_place) share_in_place(n, k);
    place_arena();
    for (const RowGroup& group : program_.groups) place_local(group);
    for (size_t i = 0; i < owner_.size(); i++)
      if (owner_[i] != static_cast<int32_t>(i)) program_.buffers[i].offset = program_.buffers[owner_[i]].offset;
    place_workspaces();
    for (Buffer& buffer : program_.buffers) {
      if (buffer.kind != BufferKind::kept || buffer.first < 0) continue;
      buffer.offset = program_.kept_bytes;
      program_.kept_bytes += room_for(buffer.bytes);
    }
  }

 private:
  // A node that may work in place gives an output the memory of an input that nobody reads afterwards.
  void share_in_place(size_t n, size_t k) {
    const ProgramNode& node = program_.nodes[n];
    const ProgramView& out = program_.views[node.out[k]];
    const Buffer& result = program_.buffers[out.buffer];
    const auto number = static_cast<int32_t>(n);
    if (result.kind != BufferKind::temporary || result.first != number || out.offset != 0) return;
    for (uint32_t index : node.in) {
      const ProgramView& in = program_.views[index];
      const int32_t source = owner_[in.buffer];
      Buffer& dying = program_.buffers[source];
      if (in.offset != 0 || dying.kind != BufferKind::temporary || dying.bytes != result.bytes ||
          dying.last != number || dying.local != result.local || !same_layout(in.view, out.view))
        continue;
      // Other operands of the node that look at the same memory in another way would be overwritten under them.
      bool alone = true;
      for (uint32_t other : node.in)
        alone = alone && (other == index || owner_[program_.views[other].buffer] != source);
      for (uint32_t other : node.out) alone = alone && owner_[program_.views[other].buffer] != source;
      // Blocks of rows run at different times: row r may only be written where row r was read.
      const auto own = static_cast<int32_t>(out.buffer);
      if (!alone || (node.group >= 0 && !share_rows(program_, program_.groups[node.group], owner_, source, own)))
        continue;
      owner_[out.buffer] = source;
      dying.last = result.last;
      dying.block_bytes = std::max(dying.block_bytes, result.block_bytes);
      return;
    }
  }

  // All nodes of a group run at the same time.
  int32_t first_of(const Buffer& buffer) const {
    const int32_t group = program_.nodes[buffer.first].group;
    return group < 0 ? buffer.first : static_cast<int32_t>(program_.groups[group].first);
  }
  int32_t last_of(const Buffer& buffer) const {
    const auto last = static_cast<size_t>(buffer.last);
    const int32_t group = last < program_.nodes.size() ? program_.nodes[last].group : -1;
    return group < 0 ? buffer.last : static_cast<int32_t>(program_.groups[group].end) - 1;
  }

  void place_arena() {
    std::vector<int32_t> order;
    for (size_t i = 0; i < owner_.size(); i++) {
      const Buffer& buffer = program_.buffers[i];
      if (buffer.kind == BufferKind::temporary && owner_[i] == static_cast<int32_t>(i) && buffer.first >= 0 &&
          !buffer.local)
        order.push_back(static_cast<int32_t>(i));
    }
    const int64_t end = place_all(std::move(order), &Buffer::bytes, [&](const Buffer& buffer) {
      return Life{first_of(buffer), last_of(buffer)};
    });
    program_.arena_bytes = std::max(program_.arena_bytes, end);
  }

  // Within a block nodes run one after another.
  void place_local(const RowGroup& group) {
    std::vector<int32_t> order;
    for (uint32_t n = group.first; n < group.end; n++) {
      for (uint32_t index : program_.nodes[n].out) {
        const auto number = static_cast<int32_t>(program_.views[index].buffer);
        const Buffer& buffer = program_.buffers[number];
        if (buffer.local && owner_[number] == number && buffer.first == static_cast<int32_t>(n) &&
            std::find(order.begin(), order.end(), number) == order.end())
          order.push_back(number);
      }
    }
    const int64_t end = place_all(std::move(order), &Buffer::block_bytes, [](const Buffer& buffer) {
      return Life{buffer.first, buffer.last};
    });
    program_.local_bytes = std::max(program_.local_bytes, end);
  }

  struct Life {
    int32_t first, last;
  };
  // Gives each of these buffers a place, largest first. Returns the end of the last.
  template <class LifeOf>
  int64_t place_all(std::vector<int32_t> order, int64_t Buffer::*bytes, LifeOf life_of) {
    std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
      const Buffer &x = program_.buffers[a], &y = program_.buffers[b];
      return x.*bytes != y.*bytes ? x.*bytes > y.*bytes : a < b;
    });
    std::vector<Placed> placed;
    int64_t end = 0;
    for (int32_t index : order) {
      Buffer& buffer = program_.buffers[index];
      const Life life = life_of(buffer);
      end = std::max(end, place(buffer.*bytes, life.first, life.last, &placed, &buffer.offset));
    }
    return end;
  }

  // The lowest place that is free during its life. Returns its end.
  static int64_t place(int64_t wanted, int32_t first, int32_t last, std::vector<Placed>* placed, int64_t* offset) {
    const int64_t bytes = room_for(wanted);
    *offset = 0;
    for (const Placed& other : *placed) {  // by offset
      if (other.last < first || other.first > last || other.end <= *offset) continue;
      if (other.offset >= *offset + bytes) break;
      *offset = other.end;
    }
    const Placed mine = {*offset, *offset + bytes, first, last};
    placed->insert(std::upper_bound(placed->begin(), placed->end(), mine,
                                    [](const Placed& a, const Placed& b) { return a.offset < b.offset; }),
                   mine);
    return mine.end;
  }

  // Nodes of a group leave their partial results side by side.
  void place_workspaces() {
    int32_t group = -1;
    int64_t used = 0;
    for (ProgramNode& node : program_.nodes) {
      if (node.group < 0 || node.group != group) used = 0;
      group = node.group;
      node.workspace = used;
      used += (node.prepared.work.workspace_bytes + kAlignment - 1) / kAlignment * kAlignment;
      program_.workspace_bytes = std::max(program_.workspace_bytes, used);
    }
  }

  Program& program_;
  std::vector<int32_t> owner_;  // whose memory a buffer has
};

}  // namespace

void plan_memory(Program* program) { Planner(program).run(); }

}  // namespace jepa
