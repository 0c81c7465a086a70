#include "runtime/program.h"

#include <algorithm>
#include <cstring>

#include "runtime/status.h"
#include "runtime/targets.h"

namespace jepa {
namespace {

constexpr uint32_t kMagic = 0x4752504a;
constexpr uint32_t kVersion = 1;
constexpr uint32_t kMaxCount = 1 << 20;
constexpr int64_t kMaxBytes = int64_t{1} << 46;

struct Reader {
  const uint8_t* bytes;
  size_t size, at = 0;
  bool ok = true;

  template <class T>
  T read() {
    T value{};
    if (!ok || size - at < sizeof(T)) {
      ok = false;
      return value;
    }
    std::memcpy(&value, bytes + at, sizeof(T));
    at += sizeof(T);
    return value;
  }
  const uint8_t* take(size_t count) {
    if (!ok || size - at < count) {
      ok = false;
      return nullptr;
    }
    at += count;
    return bytes + at - count;
  }
};

bool multiply(int64_t a, int64_t b, int64_t* out) { return !__builtin_mul_overflow(a, b, out); }

class Parser {
 public:
  Parser(const uint8_t* bytes, size_t size, Program* program, std::string* problem)
      : reader_{bytes, size}, program_(*program), problem_(*problem) {}

  bool run() {
    if (reader_.read<uint32_t>() != kMagic || !reader_.ok) return fail("expected a program, got other bytes");
    const uint32_t version = reader_.read<uint32_t>();
    if (version != kVersion) return fail("expected version 1, got " + std::to_string(version));
    uint32_t counts[6];
    for (uint32_t& count : counts) count = reader_.read<uint32_t>();
    const uint32_t buffers = counts[0], views = counts[1], nodes = counts[2], guards = counts[4], constants = counts[5];
    if (!reader_.ok || buffers > kMaxCount || views > kMaxCount || nodes > kMaxCount || guards > kMaxCount)
      return fail("expected at most a million buffers, views and nodes");
    if (counts[3] > nodes) return fail("expected the commit phase to begin within the nodes");
    program_.commit_start = counts[3];
    return read_buffers(buffers) && read_views(views) && read_nodes(nodes) && read_guards(guards) &&
           read_constants(constants) && check_slots();
  }

 private:
  bool fail(const std::string& text) {
    problem_ = "[program] " + text;
    return false;
  }

  bool read_buffers(uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
      Buffer b{};
      const uint8_t kind = reader_.read<uint8_t>();
      const uint8_t* zero = reader_.take(3);
      b.slot = reader_.read<uint32_t>();
      b.bytes = reader_.read<int64_t>();
      if (!reader_.ok) return fail("expected " + std::to_string(count) + " buffers, got the end");
      if (kind > 4 || zero[0] || zero[1] || zero[2]) return fail("expected a known kind of buffer");
      if (b.bytes < 0 || b.bytes > kMaxBytes) return fail("expected a buffer of at most 2^46 bytes");
      if (b.slot > kMaxCount * 64u) return fail("expected a slot below 2^26");
      b.kind = static_cast<BufferKind>(kind);
      program_.buffers.push_back(b);
    }
    return true;
  }

  bool read_views(uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
      ProgramView v{};
      v.buffer = reader_.read<uint32_t>();
      const uint8_t dtype = reader_.read<uint8_t>();
      const uint8_t rank = reader_.read<uint8_t>();
      reader_.read<uint16_t>();
      int64_t offset = reader_.read<int64_t>();
      if (!reader_.ok || v.buffer >= program_.buffers.size() || dtype >= kDTypeCount || rank > kMaxRank)
        return fail("expected view " + std::to_string(i) + " to name a buffer, a dtype and at most 8 axes");
      v.view.dtype = static_cast<DType>(dtype);
      v.view.rank = rank;
      for (int k = 0; k < rank; k++) v.view.shape[k] = reader_.read<int64_t>();
      for (int k = 0; k < rank; k++) v.view.stride[k] = reader_.read<int64_t>();
      if (!reader_.ok) return fail("expected " + std::to_string(count) + " views, got the end");
      if (!inside(v.view, offset, program_.buffers[v.buffer].bytes))
        return fail("expected view " + std::to_string(i) + " to lie inside its buffer");
      v.offset = offset * size_of(v.view.dtype);
      program_.views.push_back(v);
    }
    return true;
  }

  // The last element's place, computed without overflow.
  static bool inside(const View& v, int64_t offset, int64_t bytes) {
    if (offset < 0 || offset > kMaxBytes) return false;
    int64_t elements = 1, last = offset;
    for (int k = 0; k < v.rank; k++) {
      if (v.shape[k] < 0 || v.stride[k] < 0 || !multiply(elements, v.shape[k], &elements) || elements > kMaxBytes)
        return false;
    }
    if (elements == 0) return true;
    for (int k = 0; k < v.rank; k++) {
      int64_t span;
      if (!multiply(v.shape[k] - 1, v.stride[k], &span) || __builtin_add_overflow(last, span, &last)) return false;
    }
    return last < bytes / size_of(v.dtype);
  }

  bool read_nodes(uint32_t count) {
    const OpTable& table = op_table();
    for (uint32_t i = 0; i < count; i++) {
      ProgramNode node;
      node.op = reader_.read<uint16_t>();
      const uint8_t inputs = reader_.read<uint8_t>(), outputs = reader_.read<uint8_t>();
      const uint32_t size = reader_.read<uint32_t>();
      if (!reader_.ok || node.op >= table.count || inputs + outputs > kMaxOperands || size > 65536)
        return fail("expected node " + std::to_string(i) + " to name an op with at most 40 operands");
      View in[kMaxOperands], out[kMaxOperands];
      for (int k = 0; k < inputs + outputs; k++) {
        const uint32_t index = reader_.read<uint32_t>();
        if (!reader_.ok || index >= program_.views.size())
          return fail("expected node " + std::to_string(i) + " to name views");
        (k < inputs ? node.in : node.out).push_back(index);
        (k < inputs ? in[k] : out[k - inputs]) = program_.views[index].view;
        touch(index, static_cast<int32_t>(i));
      }
      const uint8_t* attributes = reader_.take((size + 3) / 4 * 4);
      if (!attributes) return fail("expected attributes of node " + std::to_string(i) + ", got the end");
      for (uint32_t index : node.out)
        if (!may_write(index, i)) return fail("expected node " + std::to_string(i) + " to write only where it may");
      const Status status =
          table.definitions[node.op]->prepare(in, inputs, out, outputs, attributes, size, &node.prepared);
      if (!status.ok) return fail("node " + std::to_string(i) + ": " + status.text);
      const Work& work = node.prepared.work;
      program_.workspace_bytes = std::max(program_.workspace_bytes, work.workspace_bytes);
      program_.scratch_bytes = std::max(program_.scratch_bytes, work.scratch_bytes);
      program_.nodes.push_back(std::move(node));
    }
    return true;
  }

  void touch(uint32_t index, int32_t node) {
    Buffer& buffer = program_.buffers[program_.views[index].buffer];
    if (buffer.first < 0) buffer.first = node;
    buffer.last = node;
  }

  // Outputs may not overlap themselves: a stride of 0 would let two tiles write one element.
  bool may_write(uint32_t index, uint32_t node) const {
    const ProgramView& v = program_.views[index];
    for (int k = 0; k < v.view.rank && v.view.elements() > 0; k++)
      if (v.view.shape[k] > 1 && v.view.stride[k] == 0) return false;
    switch (program_.buffers[v.buffer].kind) {
      case BufferKind::temporary:
      case BufferKind::output:
        return true;
      case BufferKind::variable:
        return node >= program_.commit_start;
      default:
        return false;
    }
  }

  bool read_guards(uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
      const uint32_t index = reader_.read<uint32_t>();
      if (!reader_.ok || index >= program_.views.size()) return fail("expected guards to name views");
      const ProgramView& v = program_.views[index];
      if (v.view.dtype != DType::float32 || v.view.elements() != 1)
        return fail("expected guards to be float32 scalars");
      Buffer& buffer = program_.buffers[v.buffer];
      if (buffer.kind == BufferKind::temporary) {
        if (buffer.first < 0 || buffer.first >= static_cast<int32_t>(program_.commit_start))
          return fail("expected guards to be computed before the commit phase");
        buffer.last = std::max(buffer.last, static_cast<int32_t>(program_.commit_start));  // kept until it is read
      }
      program_.guards.push_back(index);
    }
    return true;
  }

  bool read_constants(uint32_t count) {
    const size_t padding = (64 - reader_.at % 64) % 64;
    if (count > 0 && !reader_.take(padding)) return fail("expected constants, got the end");
    const uint8_t* bytes = reader_.take(count);
    if (!bytes && count > 0) return fail("expected " + std::to_string(count) + " bytes of constants, got the end");
    program_.constants.resize(count);
    if (count) std::memcpy(program_.constants.data(), bytes, count);
    for (const Buffer& buffer : program_.buffers) {
      if (buffer.kind != BufferKind::constant) continue;
      if (int64_t{buffer.slot} * 64 + buffer.bytes > int64_t{count})
        return fail("expected constants to lie in the blob");
    }
    return true;
  }

  bool check_slots() {
    struct Kind {
      BufferKind kind;
      std::vector<int64_t>* bytes;
    };
    for (const Kind& k :
         {Kind{BufferKind::input, &program_.input_bytes}, Kind{BufferKind::output, &program_.output_bytes},
          Kind{BufferKind::variable, &program_.variable_bytes}}) {
      for (const Buffer& buffer : program_.buffers) {
        if (buffer.kind != k.kind) continue;
        if (buffer.slot >= 65536) return fail("expected a slot below 65536");
        if (buffer.slot >= k.bytes->size()) k.bytes->resize(buffer.slot + 1, -1);
        if ((*k.bytes)[buffer.slot] >= 0) return fail("expected every slot once");
        (*k.bytes)[buffer.slot] = buffer.bytes;
      }
    }
    return true;
  }

  Reader reader_;
  Program& program_;
  std::string& problem_;
};

}  // namespace

bool parse(const uint8_t* bytes, size_t size, Program* program, std::string* problem) {
  if (!Parser(bytes, size, program, problem).run()) return false;
  plan_memory(program);
  return true;
}

}  // namespace jepa
