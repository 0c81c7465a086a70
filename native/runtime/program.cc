#include "runtime/program.h"

#include <algorithm>
#include <cstring>

#include "runtime/overlap.h"
#include "runtime/row_groups.h"
#include "runtime/status.h"
#include "runtime/targets.h"

namespace jepa {
namespace {

constexpr uint32_t kMagic = 0x4752504a;
constexpr uint32_t kVersion = 2;
constexpr uint32_t kMaxCount = 1 << 20;
constexpr uint32_t kMaxAttributes = 65536;
constexpr int64_t kMaxBytes = int64_t{1} << 46;  // of all buffers together, so that no sum of sizes overflows

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
    if (version != kVersion) return fail("expected version 2, got " + std::to_string(version));
    const uint32_t flags = reader_.read<uint32_t>();
    if (flags > 1) return fail("expected known flags, got " + std::to_string(flags));
    program_.by_rows = flags == 0;
    uint32_t counts[6];
    for (uint32_t& count : counts) count = reader_.read<uint32_t>();
    const uint32_t buffers = counts[0], views = counts[1], nodes = counts[2], guards = counts[4], constants = counts[5];
    if (!reader_.ok || buffers > kMaxCount || views > kMaxCount || nodes > kMaxCount || guards > kMaxCount)
      return fail("expected at most a million buffers, views and nodes");
    if (counts[3] > nodes) return fail("expected the commit phase to begin within the nodes");
    program_.commit_start = counts[3];
    return read_buffers(buffers) && read_views(views) && read_nodes(nodes) && read_guards(guards) &&
           read_constants(constants) && check_slots() && check_hoisted();
  }

 private:
  bool fail(const std::string& text) {
    problem_ = "[program] " + text;
    return false;
  }

  bool read_buffers(uint32_t count) {
    int64_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
      Buffer b{};
      const uint8_t kind = reader_.read<uint8_t>();
      const uint8_t* zero = reader_.take(3);
      b.slot = reader_.read<uint32_t>();
      b.bytes = reader_.read<int64_t>();
      if (!reader_.ok) return fail("expected " + std::to_string(count) + " buffers, got the end");
      if (kind >= kBufferKinds || zero[0] || zero[1] || zero[2]) return fail("expected a known kind of buffer");
      if (b.bytes < 0 || b.bytes > kMaxBytes - total) return fail("expected buffers of at most 2^46 bytes together");
      total += b.bytes;
      if (b.slot > kMaxCount * 64u) return fail("expected a slot below 2^26");
      b.kind = static_cast<BufferKind>(kind);
      program_.buffers.push_back(b);
    }
    first_write_.assign(count, -1);
    return true;
  }

  bool read_views(uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
      ProgramView v{};
      v.buffer = reader_.read<uint32_t>();
      const uint8_t dtype = reader_.read<uint8_t>();
      const uint8_t rank = reader_.read<uint8_t>();
      const uint16_t zero = reader_.read<uint16_t>();
      int64_t offset = reader_.read<int64_t>();
      if (!reader_.ok || v.buffer >= program_.buffers.size() || dtype >= kDTypeCount || rank > kMaxRank || zero)
        return fail("expected view " + std::to_string(i) + " to name a buffer, a dtype and at most 8 axes");
      v.view.dtype = static_cast<DType>(dtype);
      v.view.rank = rank;
      for (int k = 0; k < rank; k++) v.view.shape[k] = reader_.read<int64_t>();
      for (int k = 0; k < rank; k++) v.view.stride[k] = reader_.read<int64_t>();
      if (!reader_.ok) return fail("expected " + std::to_string(count) + " views, got the end");
      if (!inside(v.view, offset, program_.buffers[v.buffer].bytes))
        return fail("expected view " + std::to_string(i) + " to lie inside its buffer");
      v.offset = v.view.elements() > 0 ? offset * size_of(v.view.dtype) : 0;
      program_.views.push_back(v);
    }
    return true;
  }

  // The last element's place, computed without overflow. Where an extent is 0 the others are bounded all the same: ops
  // multiply them.
  static bool inside(const View& v, int64_t offset, int64_t bytes) {
    if (offset < 0 || offset > kMaxBytes) return false;
    int64_t volume = 1, last = offset;
    for (int k = 0; k < v.rank; k++) {
      const int64_t extent = std::max<int64_t>(v.shape[k], 1);
      int64_t span;
      if (v.shape[k] < 0 || v.stride[k] < 0 || v.stride[k] > kMaxBytes || !multiply(volume, extent, &volume) ||
          volume > kMaxBytes || !multiply(extent - 1, v.stride[k], &span) || span > kMaxBytes - last)
        return false;
      last += span;
    }
    return v.elements() == 0 || last < bytes / size_of(v.dtype);
  }

  bool read_nodes(uint32_t count) {
    const OpTable& table = op_table();
    for (uint32_t i = 0; i < count; i++) {
      ProgramNode node;
      const std::string name = "node " + std::to_string(i);
      node.op = reader_.read<uint16_t>();
      const uint8_t inputs = reader_.read<uint8_t>(), outputs = reader_.read<uint8_t>();
      const uint32_t size = reader_.read<uint32_t>();
      if (!reader_.ok) return fail("expected " + std::to_string(count) + " nodes, got the end");
      if (node.op >= table.count || inputs + outputs > kMaxOperands || size > kMaxAttributes)
        return fail("expected " + name + " to name an op, at most 40 operands and 65536 bytes of attributes");
      View in[kMaxOperands], out[kMaxOperands];
      for (int k = 0; k < inputs + outputs; k++) {
        const uint32_t index = reader_.read<uint32_t>();
        if (!reader_.ok || index >= program_.views.size()) return fail("expected " + name + " to name views");
        (k < inputs ? node.in : node.out).push_back(index);
        (k < inputs ? in[k] : out[k - inputs]) = program_.views[index].view;
        touch(index, static_cast<int32_t>(i));
      }
      const uint8_t* attributes = reader_.take((size + 3) / 4 * 4);
      if (!attributes) return fail("expected attributes of " + name + ", got the end");
      const Status status =
          table.definitions[node.op]->prepare(in, inputs, out, outputs, attributes, size, &node.prepared);
      if (!status.ok) return fail(name + ": " + status.text);
      if (!check_reads(node, name) || !check_writes(node, name, i)) return false;
      Work& work = node.prepared.work;
      // Nothing to write is nothing to do, however many tiles the shapes of the operands make.
      if (std::all_of(out, out + outputs, [](const View& v) { return v.elements() == 0; })) {
        work = Work{1, {}};
        node.prepared.rows = {};
      }
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

  bool is_computed(BufferKind kind) const {
    return kind == BufferKind::temporary || kind == BufferKind::output || kind == BufferKind::kept;
  }

  // What nobody has written holds what another program left in the arena.
  bool check_reads(const ProgramNode& node, const std::string& name) {
    for (uint32_t index : node.in) {
      const ProgramView& v = program_.views[index];
      if (is_computed(program_.buffers[v.buffer].kind) && first_write_[v.buffer] < 0 && v.view.elements() > 0)
        return fail("expected " + name + " to read what an earlier node has written");
    }
    return true;
  }

  // Tiles run in any order and at the same time. So outputs overlap neither themselves nor one another, and an input
  // only where the op works element by element and both are the same view.
  bool check_writes(const ProgramNode& node, const std::string& name, uint32_t i) {
    if (i >= program_.commit_start && node.prepared.can_fail)
      return fail("expected " + name + ", which can fail, before the commit phase");
    for (size_t k = 0; k < node.out.size(); k++) {
      const ProgramView& out = program_.views[node.out[k]];
      const BufferKind kind = program_.buffers[out.buffer].kind;
      if (!is_computed(kind) && (kind != BufferKind::variable || i < program_.commit_start))
        return fail("expected " + name + " to write only where it may");
      bool apart = !overlaps_itself(out.view);
      for (size_t other = 0; other < k; other++) apart = apart && !overlap(program_.views[node.out[other]], out);
      for (uint32_t index : node.in) {
        const ProgramView& in = program_.views[index];
        const bool same = in.buffer == out.buffer && in.offset == out.offset && same_layout(in.view, out.view);
        const bool replaces = same && static_cast<int>(k) < node.prepared.in_place && kind != BufferKind::kept;
        apart = apart && (replaces || !overlap(in, out));
      }
      if (!apart) return fail("expected " + name + " to write every element once, and none that it reads elsewhere");
      if (first_write_[out.buffer] < 0) first_write_[out.buffer] = static_cast<int32_t>(i);
      if (kind == BufferKind::kept) program_.hoisted = i + 1;
    }
    return true;
  }

  bool read_guards(uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
      const uint32_t index = reader_.read<uint32_t>();
      if (!reader_.ok || index >= program_.views.size()) return fail("expected guards to name views");
      const ProgramView& v = program_.views[index];
      if (v.view.dtype != DType::float32 || v.view.elements() != 1)
        return fail("expected guards to be float32 scalars");
      Buffer& buffer = program_.buffers[v.buffer];
      if (is_computed(buffer.kind)) {
        const int32_t written = first_write_[v.buffer];
        if (written < 0 || written >= static_cast<int32_t>(program_.commit_start))
          return fail("expected guards to be computed before the commit phase");
        buffer.last = std::max(buffer.last, static_cast<int32_t>(program_.commit_start));  // kept until it is read
      }
      program_.guards.push_back(index);
    }
    return true;
  }

  bool read_constants(uint32_t count) {
    const size_t padding = (64 - reader_.at % 64) % 64;
    reader_.take(padding);
    const uint8_t* bytes = reader_.take(count);
    if (!reader_.ok) return fail("expected " + std::to_string(count) + " bytes of constants, got the end");
    if (reader_.at != reader_.size) return fail("expected the end after the constants, got more bytes");
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
    program_.output_whole.assign(program_.output_bytes.size(), false);
    for (size_t i = 0; i < program_.nodes.size(); i++) {
      for (uint32_t index : program_.nodes[i].out) {
        const ProgramView& v = program_.views[index];
        const Buffer& buffer = program_.buffers[v.buffer];
        if (buffer.kind != BufferKind::output || buffer.first != static_cast<int32_t>(i)) continue;
        // What a node writes does not overlap itself: as many elements as there is room for are all there are.
        program_.output_whole[buffer.slot] = v.view.elements() * size_of(v.view.dtype) == buffer.bytes;
      }
    }
    return true;
  }

  // What hoisted nodes compute must be the same whenever they run, and all that later nodes see of it must be kept.
  bool check_hoisted() {
    const auto hoisted = static_cast<int32_t>(program_.hoisted);
    if (program_.hoisted > program_.commit_start)
      return fail("expected nodes that write kept buffers before the commit phase");
    std::vector<bool> assigned(program_.buffers.size(), false), read(program_.buffers.size(), false);
    for (const ProgramNode& node : program_.nodes)
      for (uint32_t index : node.out) assigned[program_.views[index].buffer] = true;
    for (int32_t i = 0; i < hoisted; i++) {
      const ProgramNode& node = program_.nodes[static_cast<size_t>(i)];
      const std::string name = "hoisted node " + std::to_string(i);
      if (node.prepared.can_fail) return fail("expected " + name + " to be one that cannot fail");
      for (uint32_t index : node.in) {
        const uint32_t at = program_.views[index].buffer;
        const BufferKind kind = program_.buffers[at].kind;
        if (kind == BufferKind::input || kind == BufferKind::output || (kind == BufferKind::variable && assigned[at]))
          return fail("expected " + name + " to read only what stays the same from run to run");
        read[at] = true;
      }
      for (uint32_t index : node.out) {
        const Buffer& buffer = program_.buffers[program_.views[index].buffer];
        if (buffer.kind == BufferKind::output || (buffer.kind == BufferKind::temporary && buffer.last >= hoisted))
          return fail("expected results of " + name + " that are used later to be kept");
      }
    }
    for (size_t i = 0; i < program_.buffers.size(); i++) {
      const Buffer& buffer = program_.buffers[i];
      if (buffer.kind != BufferKind::variable) continue;
      if (read[i]) program_.hoisted_variables.push_back(buffer.slot);
      if (assigned[i]) program_.assigned_variables.push_back(buffer.slot);
    }
    return true;
  }

  Reader reader_;
  Program& program_;
  std::string& problem_;
  std::vector<int32_t> first_write_;  // of each buffer: the node, or −1
};

}  // namespace

bool parse(const uint8_t* bytes, size_t size, Program* program, std::string* problem) {
  if (!Parser(bytes, size, program, problem).run()) return false;
  if (program->by_rows) group_rows(program);
  plan_memory(program);
  return true;
}

}  // namespace jepa
