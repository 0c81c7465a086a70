#include <algorithm>

#include "runtime/overlap.h"
#include "runtime/program.h"

namespace jepa {
namespace {

constexpr int64_t kAlignment = 64;
// Buffers of a page and more are kept off multiples of 4 KiB: operands that walk memory in step would share cache sets.
constexpr int64_t kStagger = 64 * 5;

struct Placed {
  int64_t offset, end;
  int32_t first, last;
};

int64_t room_for(const Buffer& buffer) {
  return (buffer.bytes + kAlignment - 1) / kAlignment * kAlignment + (buffer.bytes >= 4096 ? kStagger : 0);
}

// A node that may work in place gives its first output the memory of an input that nobody reads afterwards.
void share_in_place(Program* program, std::vector<int32_t>* owner) {
  for (size_t n = 0; n < program->nodes.size(); n++) {
    const ProgramNode& node = program->nodes[n];
    if (node.prepared.in_place == 0 || node.out.size() != 1) continue;
    const ProgramView& out = program->views[node.out[0]];
    const Buffer& result = program->buffers[out.buffer];
    if (result.kind != BufferKind::temporary || result.first != static_cast<int32_t>(n) || out.offset != 0) continue;
    for (uint32_t index : node.in) {
      const ProgramView& in = program->views[index];
      const int32_t source = (*owner)[in.buffer];
      const Buffer& dying = program->buffers[source];
      if (in.offset != 0 || dying.kind != BufferKind::temporary || dying.bytes != result.bytes ||
          dying.last != static_cast<int32_t>(n) || !same_layout(in.view, out.view))
        continue;
      // Other inputs of the node that look at the same memory in another way would be overwritten under them.
      bool alone = true;
      for (uint32_t other : node.in)
        alone = alone && (other == index || (*owner)[program->views[other].buffer] != source);
      if (!alone) continue;
      (*owner)[out.buffer] = source;
      program->buffers[source].last = result.last;
      break;
    }
  }
}

}  // namespace

void plan_memory(Program* program) {
  std::vector<int32_t> owner(program->buffers.size());
  for (size_t i = 0; i < owner.size(); i++) owner[i] = static_cast<int32_t>(i);
  share_in_place(program, &owner);
  std::vector<int32_t> order;
  for (size_t i = 0; i < owner.size(); i++) {
    const Buffer& buffer = program->buffers[i];
    if (buffer.kind == BufferKind::temporary && owner[i] == static_cast<int32_t>(i) && buffer.first >= 0)
      order.push_back(static_cast<int32_t>(i));
  }
  // Largest first; each goes to the lowest place that is free during its life.
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    const Buffer &x = program->buffers[a], &y = program->buffers[b];
    return x.bytes != y.bytes ? x.bytes > y.bytes : a < b;
  });
  std::vector<Placed> placed;  // by offset
  for (int32_t index : order) {
    Buffer& buffer = program->buffers[index];
    const int64_t bytes = room_for(buffer);
    int64_t offset = 0;
    for (const Placed& other : placed) {
      if (other.last < buffer.first || other.first > buffer.last || other.end <= offset) continue;
      if (other.offset >= offset + bytes) break;
      offset = other.end;
    }
    buffer.offset = offset;
    const Placed mine = {offset, offset + bytes, buffer.first, buffer.last};
    placed.insert(std::upper_bound(placed.begin(), placed.end(), mine,
                                   [](const Placed& a, const Placed& b) { return a.offset < b.offset; }),
                  mine);
    program->arena_bytes = std::max(program->arena_bytes, mine.end);
  }
  for (size_t i = 0; i < owner.size(); i++)
    if (owner[i] != static_cast<int32_t>(i)) program->buffers[i].offset = program->buffers[owner[i]].offset;
  for (Buffer& buffer : program->buffers) {
    if (buffer.kind != BufferKind::kept || buffer.first < 0) continue;
    buffer.offset = program->kept_bytes;
    program->kept_bytes += room_for(buffer);
  }
}

}  // namespace jepa
