// Program bytes as an enemy would write them: every field of the format, and every way in which the tiles of one node could
// meet, is refused with its sentence. What the compiler writes is accepted.
#include "test/program_bytes.h"

using namespace jepa;
using namespace jepa::test;

namespace {

constexpr BufferKind kTemporary = BufferKind::temporary, kInput = BufferKind::input, kOutput = BufferKind::output,
                     kVariable = BufferKind::variable, kConstant = BufferKind::constant, kKept = BufferKind::kept;
const char* const kMeets = "[program] expected node 0 to write every element once, and none that it reads elsewhere";

// input [8] → output [8]
ProgramBytes plain() {
  ProgramBytes p;
  const uint32_t x = p.floats(kInput, {8}), y = p.floats(kOutput, {8});
  p.node("copy", {x}, {y});
  return p;
}
std::vector<uint8_t> with(const std::function<void(ProgramBytes&)>& change, ProgramBytes p = plain()) {
  change(p);
  return p.bytes();
}
void header() {
  accepts(plain().bytes(), "a copy");
  accepts(ProgramBytes().bytes(), "a program of nothing");
  refuses({}, "[program] expected a program, got other bytes", "no bytes");
  refuses(with([](ProgramBytes& p) { p.magic++; }), "[program] expected a program, got other bytes", "another magic");
  refuses(with([](ProgramBytes& p) { p.version = 1; }), "[program] expected version 2, got 1", "another version");
  refuses(with([](ProgramBytes& p) { p.flags = 2; }), "[program] expected known flags, got 2", "unknown flags");
  for (int which = 0; which < 4; which++)
    refuses(with([&](ProgramBytes& p) { p.told[which] = (1 << 20) + 1; }),
            "[program] expected at most a million buffers, views and nodes", "a count beyond 2^20");
  refuses(with([](ProgramBytes& p) { p.commit_start = 2; }),
          "[program] expected the commit phase to begin within the nodes", "a commit phase behind the nodes");
  const std::vector<uint8_t> bytes = plain().bytes();
  for (size_t size = 0; size < bytes.size(); size++) {
    std::string problem;
    const bool refused = !parsed({bytes.begin(), bytes.begin() + static_cast<int64_t>(size)}, &problem);
    expect(refused && !problem.rfind("[program] expected ", 0), "accepts %zu of %zu bytes", size, bytes.size());
  }
  std::vector<uint8_t> longer = bytes;
  longer.push_back(0);
  refuses(longer, "[program] expected the end after the constants, got more bytes", "a byte too many");
}

void buffers() {
  refuses(with([](ProgramBytes& p) { p.told[0] = 1000; }), "[program] expected a known kind of buffer",
          "too many buffers");
  refuses(with([](ProgramBytes& p) { p.buffers[0].kind = 6; }), "[program] expected a known kind of buffer", "kind 6");
  refuses(with([](ProgramBytes& p) { p.buffers[0].zero = 1; }), "[program] expected a known kind of buffer",
          "a padding of 1");
  const char* const size = "[program] expected buffers of at most 2^46 bytes together";
  refuses(with([](ProgramBytes& p) { p.buffers[0].bytes = ~uint64_t{0}; }), size, "−1 bytes");
  refuses(with([](ProgramBytes& p) { p.buffers[0].bytes = (uint64_t{1} << 46) + 1; }), size, "2^46 + 1 bytes");
  refuses(with([](ProgramBytes& p) {
            for (int i = 0; i < 3; i++) p.buffer(kTemporary, uint64_t{1} << 45);
          }),
          size, "2^46 bytes in parts");
  refuses(with([](ProgramBytes& p) { p.buffers[0].slot = 65536; }), "[program] expected a slot below 65536",
          "slot 65536");
  refuses(with([](ProgramBytes& p) { p.buffers[0].slot = ~0u; }), "[program] expected a slot below 2^26",
          "slot 2^32 − 1");
  refuses(with([](ProgramBytes& p) { p.floats(kInput, {8}, 0); }), "[program] expected every slot once",
          "an input twice");
  refuses(with([](ProgramBytes& p) { p.floats(kConstant, {8}, 0); }), "[program] expected constants to lie in the blob",
          "a constant outside the blob");
  refuses(with([](ProgramBytes& p) {
            p.constants.assign(64, 0);
            p.floats(kConstant, {8}, 1);
          }),
          "[program] expected constants to lie in the blob", "a constant behind the blob");
  accepts(with([](ProgramBytes& p) {
            p.constants.assign(96, 0);
            p.floats(kConstant, {8}, 1);
          }),
          "a constant at the end of the blob");
}

void views() {
  const char* const names = "[program] expected view 0 to name a buffer, a dtype and at most 8 axes";
  refuses(with([](ProgramBytes& p) { p.views[0].buffer = 2; }), names, "an unknown buffer");
  refuses(with([](ProgramBytes& p) { p.views[0].dtype = kDTypeCount; }), names, "an unknown dtype");
  refuses(with([](ProgramBytes& p) { p.views[0].zero = 1; }), names, "a padding of 1");
  refuses(with([](ProgramBytes& p) { p.views[0].shape = p.views[0].stride = std::vector<uint64_t>(9, 1); }), names,
          "9 axes");
  const char* const outside = "[program] expected view 0 to lie inside its buffer";
  const auto shaped = [](std::vector<uint64_t> shape, std::vector<uint64_t> stride, uint64_t offset) {
    return with([&](ProgramBytes& p) {
      p.views[0].shape = shape;
      p.views[0].stride = stride;
      p.views[0].offset = offset;
    });
  };
  const uint64_t huge = uint64_t{1} << 62, minus = ~uint64_t{0};
  refuses(shaped({9}, {1}, 0), outside, "9 of 8 elements");
  refuses(shaped({8}, {1}, 1), outside, "an offset of 1");
  refuses(shaped({2}, {8}, 0), outside, "a stride of 8");
  refuses(shaped({8}, {minus}, 7), outside, "a stride of −1");
  refuses(shaped({minus}, {1}, 0), outside, "an extent of −1");
  refuses(shaped({8}, {1}, minus), outside, "an offset of −1");
  refuses(shaped({huge, 4}, {0, 1}, 0), outside, "2^64 elements");
  refuses(shaped({2, 2, 2}, {huge, huge, 1}, 0), outside, "strides that overflow together");
  refuses(shaped({1, 8}, {huge, 1}, 0), outside, "a stride of 2^62 that is never taken");
  refuses(shaped({0, huge}, {1, 1}, 0), outside, "an extent of 2^62 beside one of 0");
  refuses(shaped({0, 2}, {1, uint64_t{1} << 47}, 0), outside, "a stride of 2^47 of nothing");
  refuses(
      with([](ProgramBytes& p) { p.views[0].dtype = static_cast<uint8_t>(DType::float32), p.buffers[0].bytes = 31; }),
      outside, "an element half outside");
}

void nodes() {
  const char* const names =
      "[program] expected node 0 to name an op, at most 40 operands and 65536 bytes of attributes";
  refuses(with([](ProgramBytes& p) { p.nodes[0].op = static_cast<uint16_t>(op_table().count); }), names,
          "an unknown op");
  refuses(with([](ProgramBytes& p) { p.nodes[0].in.assign(40, 0); }), names, "41 operands");
  refuses(with([](ProgramBytes& p) { p.nodes[0].attributes.assign(65537, 0); }), names, "65537 bytes of attributes");
  refuses(with([](ProgramBytes& p) { p.nodes[0].attributes.assign(5, 0); }),
          "[program] node 0: [copy] expected no attributes, got 5 bytes", "attributes of a copy");
  refuses(with([](ProgramBytes& p) { p.nodes[0].in[0] = 2; }), "[program] expected node 0 to name views",
          "an unknown view");
  refuses(with([](ProgramBytes& p) { p.nodes[0].out.push_back(0); }),
          "[program] node 0: [copy] expected 1 input and 1 output, got 1 and 2", "two outputs of a copy");
  const char* const where = "[program] expected node 0 to write only where it may";
  for (BufferKind kind : {kInput, kConstant, kVariable})
    refuses(with([&](ProgramBytes& p) {
              p.constants.assign(64, 0);
              p.buffers[1] = {static_cast<uint8_t>(kind), 0, kind == kInput ? 1u : 0u, 32};
            }),
            where, "a write to an input, a constant, or a variable before the commit phase");
  accepts(with([](ProgramBytes& p) { p.buffers[1].kind = 3, p.commit_start = 0; }), "a write to a variable");
  const char* const unread = "[program] expected node 0 to read what an earlier node has written";
  refuses(with([](ProgramBytes& p) { p.buffers[0].kind = 0; }), unread, "a temporary that nobody wrote");
  refuses(with([](ProgramBytes& p) { p.buffers[0].kind = 2, p.buffers[0].slot = 1; }), unread,
          "an output that nobody wrote");
  ProgramBytes gather;
  const uint32_t table = gather.floats(kInput, {4, 2}, 0);
  const uint32_t rows = gather.view(gather.buffer(kInput, 12, 1), DType::int32, {3});
  const uint32_t picked = gather.floats(kTemporary, {3, 2});
  gather.node("gather_rows", {table, rows}, {picked});
  accepts(gather.bytes(), "a gather");
  gather.commit_start = 0;
  refuses(gather.bytes(), "[program] expected node 0, which can fail, before the commit phase",
          "a gather that commits");
}

// Outputs that tiles could write twice, or while others read.
void meetings() {
  const auto copy = [](std::vector<uint64_t> shape, std::vector<uint64_t> stride) {
    ProgramBytes p;
    const uint32_t x = p.floats(kInput, shape);
    const uint32_t y = p.view(p.buffer(kOutput, 4096), DType::float32, shape, std::move(stride));
    return p.node("copy", {x}, {y}).bytes();
  };
  refuses(copy({4}, {0}), kMeets, "a stride of 0");
  refuses(copy({4, 4}, {1, 1}), kMeets, "rows that overlap");
  refuses(copy({4, 4}, {3, 1}), kMeets, "rows that overlap by one");
  refuses(copy({2, 3, 4}, {4, 2, 8}), kMeets, "three axes that meet");
  accepts(copy({4, 4}, {4, 1}), "rows");
  accepts(copy({4, 4}, {1, 4}), "columns");
  accepts(copy({2, 3, 4}, {4, 8, 1}), "a transpose");
  accepts(copy({1, 4}, {0, 1}), "a stride of 0 that is never taken");
  // top_k has two outputs: values float32 and indices int32, on one buffer of 64 bytes.
  const auto outputs = [](uint64_t first, uint64_t second, std::vector<uint64_t> stride) {
    ProgramBytes p;
    const uint32_t x = p.floats(kInput, {2, 8}), buffer = p.buffer(kOutput, 64);
    const uint32_t values = p.view(buffer, DType::float32, {2, 2}, stride, first);
    const uint32_t indices = p.view(buffer, DType::int32, {2, 2}, stride, second);
    return p.node("top_k", {x}, {values, indices}, Bytes().add(1u)).bytes();
  };
  refuses(outputs(0, 0, {2, 1}), kMeets, "two outputs in one place");
  refuses(outputs(0, 3, {2, 1}), kMeets, "two outputs that overlap by one");
  refuses(outputs(0, 1, {4, 1}), kMeets, "interleaved outputs that overlap");
  accepts(outputs(0, 4, {2, 1}), "two outputs one after the other");
  accepts(outputs(0, 2, {4, 1}), "two halves of each row");
  // A node that reads where it writes.
  const auto update = [](const char* op, uint64_t from, std::vector<uint64_t> stride, const Bytes& attributes) {
    ProgramBytes p;
    const uint32_t buffer = p.buffer(kVariable, 256);
    const uint32_t y = p.view(buffer, DType::float32, {4, 4});
    const uint32_t x = p.view(buffer, DType::float32, {4, 4}, std::move(stride), from);
    p.commit_start = 0;
    return p.node(op, {x}, {y}, attributes).bytes();
  };
  accepts(update("elementwise", 0, {4, 1}, negation()), "an update in place");
  refuses(update("elementwise", 0, {1, 4}, negation()), kMeets, "an update of the transpose");
  refuses(update("elementwise", 1, {4, 1}, negation()), kMeets, "an update of the neighbour");
  refuses(update("elementwise", 0, {0, 1}, negation()), kMeets, "an update from the first row");
  accepts(update("elementwise", 16, {4, 1}, negation()), "another part of the variable");
  refuses(update("copy", 0, {4, 1}, {}), kMeets, "a copy onto itself");
  accepts(update("copy", 16, {4, 1}, {}), "a copy beside itself");
  ProgramBytes bytes;  // views of different widths on one buffer
  const uint32_t variable = bytes.buffer(kVariable, 16);
  const uint32_t wide = bytes.view(variable, DType::float32, {2}, {2}),
                 narrow = bytes.view(variable, DType::uint8, {2}, {8}, 3);
  bytes.commit_start = 0;
  Bytes convert = negation();
  refuses(bytes.node("elementwise", {narrow}, {wide}, convert).bytes(), kMeets, "a byte of the float that is written");
  bytes.views[narrow].offset = 4;
  accepts(bytes.bytes(), "a byte between the floats");
}

void guards() {
  const auto guarded = [](const std::function<void(ProgramBytes&)>& change) {
    ProgramBytes p;
    const uint32_t x = p.floats(kInput, {1}), t = p.floats(kTemporary, {1}), v = p.floats(kVariable, {1});
    p.node("copy", {x}, {t}).node("copy", {t}, {v});
    p.commit_start = 1;
    p.guards = {t};
    change(p);
    return p.bytes();
  };
  accepts(guarded([](ProgramBytes&) {}), "a guard");
  refuses(guarded([](ProgramBytes& p) { p.guards[0] = 3; }), "[program] expected guards to name views",
          "an unknown view");
  refuses(guarded([](ProgramBytes& p) { p.told[3] = 1000; }), "[program] expected guards to name views",
          "too many guards");
  const char* const scalar = "[program] expected guards to be float32 scalars";
  refuses(guarded([](ProgramBytes& p) {
            p.views[1].dtype = static_cast<uint8_t>(DType::int32),
            p.views[0].dtype = p.views[2].dtype = p.views[1].dtype;
          }),
          scalar, "an int32 guard");
  refuses(guarded([](ProgramBytes& p) {
            p.views.push_back({0, 0, 0, 0, {0}, {1}});
            p.guards[0] = 3;
          }),
          scalar, "a guard of nothing");
  refuses(guarded([](ProgramBytes& p) { p.commit_start = 0; }),
          "[program] expected guards to be computed before the commit phase", "a guard that is computed too late");
  refuses(guarded([](ProgramBytes& p) { p.guards[0] = p.floats(kOutput, {1}); }),
          "[program] expected guards to be computed before the commit phase", "a guard that nobody computes");
}

// Hoisted nodes read what stays the same, and what later nodes see of their results is kept.
void hoisted() {
  // variable [8] → temporary → kept → output; nothing is assigned
  const auto chain = [](const std::function<void(ProgramBytes&)>& change) {
    ProgramBytes p;
    const uint32_t v = p.floats(kVariable, {8}), t = p.floats(kTemporary, {8}), k = p.floats(kKept, {8});
    p.node("copy", {v}, {t}).node("elementwise", {t}, {k}, negation()).node("copy", {k}, {p.floats(kOutput, {8})});
    change(p);
    return p.bytes();
  };
  std::string problem;
  const auto program = parsed(chain([](ProgramBytes&) {}), &problem);
  if (expect(program != nullptr, "refuses hoisted nodes: %s", problem.c_str()))
    expect(program->hoisted == 2 && program->hoisted_variables == std::vector<uint32_t>{0} &&
               program->assigned_variables.empty() && program->kept_bytes == 64 && program->arena_bytes == 64,
           "%u hoisted nodes, %lld bytes kept", program->hoisted, static_cast<long long>(program->kept_bytes));
  const char* const steady = "[program] expected hoisted node 0 to read only what stays the same from run to run";
  refuses(chain([](ProgramBytes& p) { p.buffers[0].kind = static_cast<uint8_t>(kInput); }), steady, "an input");
  refuses(chain([](ProgramBytes& p) { p.node("copy", {p.floats(kInput, {8})}, {0}), p.commit_start = 3; }), steady,
          "a variable that a later node assigns");
  accepts(chain([](ProgramBytes& p) {
            p.node("copy", {p.floats(kInput, {8})}, {p.floats(kVariable, {8}, 1)}), p.commit_start = 3;
          }),
          "another variable that is assigned");
  const char* const kept = "[program] expected results of hoisted node 0 that are used later to be kept";
  refuses(chain([](ProgramBytes& p) { p.node("copy", {1}, {p.floats(kOutput, {8}, 1)}); }), kept,
          "a temporary that is read later");
  refuses(chain([](ProgramBytes& p) { p.node("copy", {p.floats(kInput, {8})}, {1}); }), kept,
          "a temporary that is written later");
  refuses(chain([](ProgramBytes& p) { p.buffers[1].kind = static_cast<uint8_t>(kOutput), p.buffers[1].slot = 1; }),
          kept, "an output");
  refuses(chain([](ProgramBytes& p) { p.guards = {p.view(1, DType::float32, {1})}; }), kept,
          "a temporary that is guarded");
  accepts(chain([](ProgramBytes& p) { p.guards = {p.view(2, DType::float32, {1})}; }), "a kept guard");
  refuses(chain([](ProgramBytes& p) { p.commit_start = 1; }),
          "[program] expected nodes that write kept buffers before the commit phase",
          "a kept buffer that is committed");
  refuses(chain([](ProgramBytes& p) { p.nodes[1].in[0] = p.nodes[1].out[0], p.nodes[0].out[0] = 2; }),
          "[program] expected node 1 to write every element once, and none that it reads elsewhere",
          "a kept buffer that is updated in place");
  refuses(chain([](ProgramBytes& p) { p.nodes[0].in[0] = p.nodes[2].out[0]; }),
          "[program] expected node 0 to read what an earlier node has written", "an output that nobody wrote");
  ProgramBytes gather;
  gather.constants.assign(128, 0);
  const uint32_t table = gather.floats(kConstant, {4, 2});
  const uint32_t rows = gather.view(gather.buffer(kConstant, 12, 1), DType::int32, {3});
  gather.node("gather_rows", {table, rows}, {gather.floats(kKept, {3, 2})});
  refuses(gather.bytes(), "[program] expected hoisted node 0 to be one that cannot fail", "a gather");
}

// Shapes that cost nothing to store must not cost forever to run.
void empty_work() {
  ProgramBytes p;
  const uint64_t many = uint64_t{1} << 20;
  const uint32_t x = p.view(p.buffer(kInput, 0), DType::float32, {many, many, 1, 0});
  const uint32_t y = p.view(p.buffer(kOutput, 0), DType::float32, {many << 10, 0});
  Bytes attributes;
  for (uint32_t value : {1u, 1u, 1u, 1u, 0u, 0u, 1u, 1u, 1u << 10, 1u}) attributes.add(value);
  std::string problem;
  const auto program = parsed(p.node("im2col", {x}, {y}, attributes).bytes(), &problem);
  if (expect(program != nullptr, "refuses empty pictures: %s", problem.c_str()))
    expect(program->nodes[0].prepared.work.tiles[0] == 0, "%lld tiles of nothing",
           static_cast<long long>(program->nodes[0].prepared.work.tiles[0]));
}

}  // namespace

int main() {
  header();
  buffers();
  views();
  nodes();
  meetings();
  guards();
  hoisted();
  empty_work();
  return finish("program");
}
