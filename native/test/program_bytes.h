// Writes program bytes field by field, as native/runtime/program.h describes them, valid or not.
#pragma once
#include <memory>
#include <vector>

#include "runtime/device.h"
#include "runtime/targets.h"
#include "test/harness.h"

namespace jepa {
namespace test {

inline uint16_t op_code(const char* name) {
  const OpTable& table = op_table();
  for (int i = 0; i < table.count; i++)
    if (!std::strcmp(table.names[i], name)) return static_cast<uint16_t>(i);
  std::abort();
}

struct ProgramBytes {
  struct BufferEntry {
    uint8_t kind = 0, zero = 0;
    uint32_t slot = 0;
    uint64_t bytes = 0;
  };
  struct ViewEntry {
    uint32_t buffer = 0;
    uint8_t dtype = 0;
    uint16_t zero = 0;
    uint64_t offset = 0;
    std::vector<uint64_t> shape, stride;
  };
  struct NodeEntry {
    uint16_t op = 0;
    std::vector<uint32_t> in, out;
    std::vector<uint8_t> attributes;
  };
  uint32_t magic = 0x4752504a, version = 2, flags = 0;
  std::vector<BufferEntry> buffers;
  std::vector<ViewEntry> views;
  std::vector<NodeEntry> nodes;
  std::vector<uint32_t> guards;
  std::vector<uint8_t> constants;
  int64_t commit_start = -1;           // −1: after all nodes
  int64_t told[4] = {-1, -1, -1, -1};  // counts to write instead of the true ones: buffers, views, nodes, guards

  uint32_t buffer(BufferKind kind, uint64_t bytes, uint32_t slot = 0) {
    buffers.push_back({static_cast<uint8_t>(kind), 0, slot, bytes});
    return static_cast<uint32_t>(buffers.size() - 1);
  }
  // Row-major unless strides are given.
  uint32_t view(uint32_t buffer, DType dtype, std::vector<uint64_t> shape, std::vector<uint64_t> stride = {},
                uint64_t offset = 0) {
    if (stride.empty() && !shape.empty()) {
      stride.assign(shape.size(), 1);
      for (size_t i = shape.size() - 1; i > 0; i--) stride[i - 1] = stride[i] * shape[i];
    }
    views.push_back({buffer, static_cast<uint8_t>(dtype), 0, offset, std::move(shape), std::move(stride)});
    return static_cast<uint32_t>(views.size() - 1);
  }
  // A float32 buffer with one dense view.
  uint32_t floats(BufferKind kind, std::vector<uint64_t> shape, uint32_t slot = 0) {
    uint64_t bytes = 4;
    for (uint64_t extent : shape) bytes *= extent;
    return view(buffer(kind, bytes, slot), DType::float32, std::move(shape));
  }
  ProgramBytes& node(const char* op, std::vector<uint32_t> in, std::vector<uint32_t> out,
                     const Bytes& attributes = {}) {
    nodes.push_back({op_code(op), std::move(in), std::move(out), attributes.data});
    return *this;
  }
  std::vector<uint8_t> bytes() const {
    Bytes b;
    const auto count = [&](int which, size_t size) {
      b.add(static_cast<uint32_t>(told[which] >= 0 ? told[which] : static_cast<int64_t>(size)));
    };
    b.add(magic).add(version).add(flags);
    count(0, buffers.size());
    count(1, views.size());
    count(2, nodes.size());
    b.add(static_cast<uint32_t>(commit_start >= 0 ? commit_start : static_cast<int64_t>(nodes.size())));
    count(3, guards.size());
    b.add(static_cast<uint32_t>(constants.size()));
    for (const BufferEntry& e : buffers) b.add(e.kind).add(e.zero).add(uint16_t{0}).add(e.slot).add(e.bytes);
    for (const ViewEntry& e : views) {
      b.add(e.buffer).add(e.dtype).add(static_cast<uint8_t>(e.shape.size())).add(e.zero).add(e.offset);
      for (uint64_t extent : e.shape) b.add(extent);
      for (uint64_t stride : e.stride) b.add(stride);
    }
    for (const NodeEntry& e : nodes) {
      b.add(e.op).add(static_cast<uint8_t>(e.in.size())).add(static_cast<uint8_t>(e.out.size()));
      b.add(static_cast<uint32_t>(e.attributes.size()));
      for (uint32_t index : e.in) b.add(index);
      for (uint32_t index : e.out) b.add(index);
      b.data.insert(b.data.end(), e.attributes.begin(), e.attributes.end());
      while (b.data.size() % 4) b.add(uint8_t{0});
    }
    for (uint32_t guard : guards) b.add(guard);
    while (b.data.size() % 64) b.add(uint8_t{0});
    b.data.insert(b.data.end(), constants.begin(), constants.end());
    return b.data;
  }
};

// Attributes of an elementwise node: y = −x.
inline Bytes negation() {
  const char* names[] = {
#define I(name) #name,
#include "ops/elementwise/instructions.inc"
#undef I
  };
  Bytes b;
  b.add(uint16_t{3}).add(uint16_t{1});
  for (const char* wanted : {"load_f", "neg_f", "store_f"})
    for (size_t code = 0; code < sizeof names / sizeof *names; code++)
      if (!std::strcmp(names[code], wanted))
        b.add(static_cast<uint8_t>(code)).add(uint64_t{0}).add(uint16_t{0}).add(uint8_t{0});
  return b;
}

// Parses an exact copy on the heap, so that sanitizers see reads behind the end.
inline std::shared_ptr<jepa::Program> parsed(const std::vector<uint8_t>& bytes, std::string* problem) {
  const std::vector<uint8_t> exact(bytes.begin(), bytes.end());
  auto program = std::make_shared<jepa::Program>();
  return parse(exact.data(), exact.size(), program.get(), problem) ? program : nullptr;
}

inline void accepts(const std::vector<uint8_t>& bytes, const char* what) {
  std::string problem;
  expect(parsed(bytes, &problem) != nullptr, "refuses %s: %s", what, problem.c_str());
}
inline void refuses(const std::vector<uint8_t>& bytes, const char* sentence, const char* what) {
  std::string problem;
  const bool refused = parsed(bytes, &problem) == nullptr;
  expect(refused, "accepts %s", what);
  if (refused) expect(problem == sentence, "%s: expected '%s', got '%s'", what, sentence, problem.c_str());
}

}  // namespace test
}  // namespace jepa
