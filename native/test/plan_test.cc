// The memory plan: temporaries that are in use at the same time never share a byte, an output takes over an input's memory
// only where the op allows it and nobody reads the input again, and the arena is no larger than it must be.
#include "test/program_bytes.h"

using namespace jepa;
using namespace jepa::test;

namespace {

constexpr BufferKind kTemporary = BufferKind::temporary, kInput = BufferKind::input, kOutput = BufferKind::output;

// y = x0 (+ x1), one instruction after the loads.
Bytes sum_of(int inputs) {
  const char* names[] = {
#define I(name) #name,
#include "ops/elementwise/instructions.inc"
#undef I
  };
  Bytes b;
  const auto add = [&](const char* wanted, int dst, int a, int c) {
    for (size_t code = 0; code < sizeof names / sizeof *names; code++)
      if (!std::strcmp(names[code], wanted))
        b.add(static_cast<uint8_t>(code))
            .add(static_cast<uint8_t>(dst))
            .add(static_cast<uint8_t>(a))
            .add(static_cast<uint8_t>(c))
            .add(uint64_t{0});
  };
  b.add(static_cast<uint16_t>(inputs == 1 ? 3 : 4)).add(uint16_t{2});
  add("load_f", 0, 0, 0);
  if (inputs == 1) {
    add("neg_f", 1, 0, 0);
  } else {
    add("load_f", 1, 1, 0);
    add("add_f", 1, 0, 1);
  }
  add("store_f", 0, 1, 0);
  return b;
}

std::shared_ptr<jepa::Program> planned(const ProgramBytes& p) {
  std::string problem;
  auto program = parsed(p.bytes(), &problem);
  expect(program != nullptr, "refused: %s", problem.c_str());
  return program;
}

// When a buffer holds something that is wanted: from its first write to its last read, computed from the nodes alone.
struct Life {
  int first = -1, last = -1;
};
std::vector<Life> lives_of(const jepa::Program& program) {
  std::vector<Life> lives(program.buffers.size());
  for (size_t n = 0; n < program.nodes.size(); n++)
    for (const auto* list : {&program.nodes[n].in, &program.nodes[n].out})
      for (uint32_t view : *list) {
        Life& life = lives[program.views[view].buffer];
        if (life.first < 0) life.first = static_cast<int>(n);
        life.last = static_cast<int>(n);
      }
  for (uint32_t guard : program.guards) {
    Life& life = lives[program.views[guard].buffer];
    life.last = std::max(life.last, static_cast<int>(program.commit_start));
  }
  // Nodes of a group run at the same time.
  for (Life& life : lives) {
    for (const RowGroup& group : program.groups) {
      const int first = static_cast<int>(group.first), last = static_cast<int>(group.end) - 1;
      if (life.first >= first && life.first <= last) life.first = first;
      if (life.last >= first && life.last <= last) life.last = last;
    }
  }
  return lives;
}

// Two temporaries may share memory if one is dead before the other is written; or if one dies in the very node that writes
// the other, in place.
void check_plan(const jepa::Program& program, const char* what) {
  const std::vector<Life> lives = lives_of(program);
  for (size_t a = 0; a < program.buffers.size(); a++) {
    const Buffer& x = program.buffers[a];
    if (x.kind != kTemporary || lives[a].first < 0) continue;
    expect(x.offset >= 0 && x.offset % 64 == 0 && x.offset + x.bytes <= program.arena_bytes, "%s: buffer %zu at %lld",
           what, a, static_cast<long long>(x.offset));
    for (size_t b = 0; b < a; b++) {
      const Buffer& y = program.buffers[b];
      if (y.kind != kTemporary || lives[b].first < 0 || x.bytes == 0 || y.bytes == 0) continue;
      const bool apart = x.offset + x.bytes <= y.offset || y.offset + y.bytes <= x.offset;
      const bool together = lives[a].first <= lives[b].last && lives[b].first <= lives[a].last;
      if (apart || !together) continue;
      const size_t dying = lives[a].last < lives[b].last ? a : b, born = dying == a ? b : a;
      const int node = lives[born].first;
      const ProgramNode& n = program.nodes[static_cast<size_t>(node)];
      const bool in_place = n.prepared.in_place > 0 && n.out.size() == 1 && lives[dying].last == node &&
                            x.offset == y.offset && x.bytes == y.bytes && program.views[n.out[0]].buffer == born;
      expect(in_place, "%s: buffers %zu and %zu are in use at once and overlap", what, a, b);
    }
  }
}

void chains() {
  ProgramBytes p;
  uint32_t last = p.floats(kInput, {1000});
  for (int i = 0; i < 20; i++) {
    const uint32_t next = p.floats(kTemporary, {1000});
    p.node("elementwise", {last}, {next}, sum_of(1));
    last = next;
  }
  p.node("copy", {last}, {p.floats(kOutput, {1000})});
  const auto program = planned(p);
  check_plan(*program, "a chain");
  expect(program->arena_bytes < 2 * 4096, "a chain in place takes %lld bytes",
         static_cast<long long>(program->arena_bytes));
}

// The first temporary is read once more at the end: nothing may take its memory.
void kept_inputs() {
  ProgramBytes p;
  const uint32_t x = p.floats(kInput, {64}), a = p.floats(kTemporary, {64}), b = p.floats(kTemporary, {64});
  p.node("elementwise", {x}, {a}, sum_of(1)).node("elementwise", {a}, {b}, sum_of(1));
  p.node("elementwise", {a, b}, {p.floats(kOutput, {64})}, sum_of(2));
  const auto program = planned(p);
  check_plan(*program, "an input read later");
  expect(program->buffers[1].offset != program->buffers[2].offset, "an input that is read later was overwritten");
}

// What looks alike but must not share: another layout, another part, a copy, two views of one input.
void refused_sharing() {
  for (int which = 0; which < 4; which++) {
    ProgramBytes p;
    const uint32_t x = p.floats(kInput, {8, 8}), a = p.floats(kTemporary, {8, 8});
    p.node("elementwise", {x}, {a}, sum_of(1));
    const uint32_t turned = p.view(1, DType::float32, {8, 8}, {1, 8});
    const uint32_t b = p.floats(kTemporary, {8, 8});
    if (which == 0) p.node("elementwise", {turned}, {b}, sum_of(1));
    if (which == 1) p.node("copy", {a}, {b});
    if (which == 2) p.node("elementwise", {a, turned}, {b}, sum_of(2));
    if (which == 3) p.node("elementwise", {a, a}, {b}, sum_of(2));
    p.node("copy", {b}, {p.floats(kOutput, {8, 8})});
    const auto program = planned(p);
    check_plan(*program, "layouts");
    const bool shares = program->buffers[1].offset == program->buffers[2].offset;
    expect(shares == (which == 3), "case %d: %s memory", which, shares ? "shares" : "does not share");
  }
}

// A guard is read after node commit_start − 1: until then it keeps its memory.
void guards_live() {
  ProgramBytes p;
  const uint32_t x = p.floats(kInput, {1}), guard = p.floats(kTemporary, {1});
  p.node("elementwise", {x}, {guard}, sum_of(1));
  uint32_t last = guard;
  for (int i = 0; i < 5; i++) {
    const uint32_t next = p.floats(kTemporary, {1});
    p.node("elementwise", {last}, {next}, sum_of(1));
    last = next;
  }
  p.node("copy", {last}, {p.floats(kOutput, {1})});
  p.guards = {guard};
  const auto program = planned(p);
  check_plan(*program, "a guard");
  for (size_t i = 2; i < 7; i++)
    expect(program->buffers[i].offset != program->buffers[1].offset, "a guard was overwritten");
}

// Random graphs: every node reads one or two of the last values and writes a new one, some twice in parts.
void random_graphs() {
  Numbers numbers(7);
  for (int round = 0; round < 200; round++) {
    ProgramBytes p;
    std::vector<std::pair<uint32_t, int>> values;  // view, size
    const int sizes[] = {1, 16, 1024, 1500};
    for (int size : sizes)
      values.push_back({p.floats(kInput, {static_cast<uint64_t>(size)}, static_cast<uint32_t>(values.size())), size});
    const int count = 3 + numbers.below(40);
    for (int i = 0; i < count; i++) {
      const auto [a, size] =
          values[values.size() - 1 -
                 static_cast<size_t>(numbers.below(static_cast<int>(std::min<size_t>(values.size(), 6))))];
      std::vector<uint32_t> in = {a};
      for (const auto& [b, other] : values)
        if (other == size && b != a && numbers.below(3) == 0 && in.size() < 2) in.push_back(b);
      const uint32_t y = p.floats(kTemporary, {static_cast<uint64_t>(size)});
      if (numbers.below(4) == 0) {
        p.node("copy", {a}, {y});
      } else {
        p.node("elementwise", in, {y}, sum_of(static_cast<int>(in.size())));
      }
      values.push_back({y, size});
    }
    p.node("copy", {values.back().first}, {p.floats(kOutput, {static_cast<uint64_t>(values.back().second)})});
    check_plan(*planned(p), "a random graph");
  }
}

// A temporary that nobody touches takes no memory; one of no bytes neither.
void untouched() {
  ProgramBytes p;
  p.floats(kTemporary, {1 << 20});
  const uint32_t x = p.floats(kInput, {0}), t = p.floats(kTemporary, {0});
  p.node("copy", {x}, {t}).node("copy", {t}, {p.floats(kOutput, {0})});
  const auto program = planned(p);
  expect(program->arena_bytes == 0, "%lld bytes for nothing", static_cast<long long>(program->arena_bytes));
}

}  // namespace

int main() {
  chains();
  kept_inputs();
  refused_sharing();
  guards_live();
  random_graphs();
  untouched();
  return finish("plan");
}
