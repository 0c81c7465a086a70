// Nodes that run together, block of rows by block of rows, leave the bits that they leave one after another: chains, branches,
// broadcasts, slices and windows of rows, sums of rows and of columns, gathered rows; on any number of threads. And what must
// not run together does not.
#include "runner/runner.h"
#include "simd/activation_kind.h"
#include "test/program_bytes.h"

using namespace jepa;
using namespace jepa::test;

namespace {

constexpr BufferKind kTemporary = BufferKind::temporary, kInput = BufferKind::input, kOutput = BufferKind::output,
                     kVariable = BufferKind::variable;

uint8_t instruction(const char* wanted) {
  const char* names[] = {
#define I(name) #name,
#include "ops/elementwise/instructions.inc"
#undef I
  };
  for (size_t code = 0; code < sizeof names / sizeof *names; code++)
    if (!std::strcmp(names[code], wanted)) return static_cast<uint8_t>(code);
  std::abort();
}

// The sum of its inputs, through an operation of one operand.
Bytes pass(int inputs, const char* operation) {
  Bytes b;
  const auto add = [&](const char* name, int dst, int a, int c) {
    b.add(instruction(name)).add(static_cast<uint8_t>(dst)).add(static_cast<uint8_t>(a)).add(static_cast<uint8_t>(c));
    b.add(uint64_t{0});
  };
  b.add(static_cast<uint16_t>(2 * inputs + 1)).add(uint16_t{2});
  for (int i = 0; i < inputs; i++) {
    add("load_f", i == 0 ? 0 : 1, i, 0);
    if (i > 0) add("add_f", 0, 0, 1);
  }
  add(operation, 0, 0, 0);
  add("store_f", 0, 0, 0);
  return b;
}

struct Outcomes {
  std::vector<uint64_t> hashes;
  size_t groups = 0, locals = 0;
};

// Hashes of a program's results, grouped and not, on every target and some numbers of threads: all equal for one target.
Outcomes same_bits(ProgramBytes p, const char* what) {
  Outcomes found;
  for (const Target* target : available_targets()) {
    uint64_t expected = 0;
    for (const uint32_t flags : {1u, 0u}) {
      p.flags = flags;
      for (const int threads : {1, 2, 5}) {
        std::string problem;
        const auto program = parsed(p.bytes(), &problem);
        if (!expect(program != nullptr, "%s: %s", what, problem.c_str())) return found;
        expect(flags == 0 || program->groups.empty(), "%s: groups where there should be none", what);
        found.groups = program->groups.size();
        found.locals = 0;
        for (const Buffer& buffer : program->buffers) found.locals += buffer.local ? 1 : 0;
        Device device(target, threads, 0);
        runner::Session session(program, 11);
        expect(session.prepare(&device, &problem), "%s: %s", what, problem.c_str());
        if (program->arena_bytes) std::memset(device.arena(), 0xff, static_cast<size_t>(program->arena_bytes));
        const RunResult result = session.run(&device);
        expect(result.outcome == Outcome::done, "%s: %s", what, runner::name_of(result.outcome));
        if (flags == 1 && threads == 1) expected = session.hash();
        expect(session.hash() == expected, "%s on %s, %d threads: other bits in blocks of rows", what, target->name,
               threads);
      }
    }
  }
  return found;
}

// Layer norm, an activation, a residual, sums of rows and columns: one group; what is read only in it is never whole.
void a_chain() {
  ProgramBytes p;
  const uint64_t rows = 1000, width = 48;
  const uint32_t x = p.floats(kInput, {rows, width}), weight = p.floats(kInput, {width}, 1);
  const uint32_t normal = p.floats(kTemporary, {rows, width}), mean = p.floats(kTemporary, {rows}),
                 rstd = p.floats(kTemporary, {rows});
  p.node("layer_norm", {x, weight}, {normal, mean, rstd}, Bytes().add(1e-5f).add(1u));
  const uint32_t active = p.floats(kTemporary, {rows, width});
  p.node("elementwise", {normal}, {active}, pass(1, "gelu_erf"));
  const uint32_t y = p.floats(kOutput, {rows, width});
  p.node("elementwise", {active, x}, {y}, pass(2, "tanh"));
  p.node("reduce", {y}, {p.floats(kOutput, {rows, 1}, 1)}, Bytes().add(0u).add(2u));
  p.node("reduce", {active}, {p.floats(kOutput, {1, width}, 2)}, Bytes().add(0u).add(1u));
  const uint32_t dx = p.floats(kOutput, {rows, width}, 3), dweight = p.floats(kOutput, {width}, 4);
  p.node("layer_norm_gradient", {y, x, mean, rstd, weight}, {dx, dweight}, Bytes().add(1u));
  const Outcomes found = same_bits(p, "a chain");
  expect(found.groups == 1 && found.locals == 4, "a chain is %zu groups with %zu local buffers", found.groups,
         found.locals);
}

// [B, T, D] and [B·T, D] are the same rows; thirds of a row, too; but not a transpose, another offset, or a row of all.
void views() {
  for (int which = 0; which < 6; which++) {
    ProgramBytes p;
    const uint32_t x = p.floats(kInput, {640, 64});
    const uint32_t buffer = p.buffer(kTemporary, 641 * 64 * 4);
    const uint32_t whole = p.view(buffer, DType::float32, {640, 64});
    p.node("elementwise", {x}, {whole}, pass(1, "neg_f"));
    uint32_t read = 0, y = 0;
    if (which == 0) read = p.view(buffer, DType::float32, {20, 32, 64}), y = p.floats(kOutput, {20, 32, 64});
    if (which == 1) read = p.view(buffer, DType::float32, {640, 8}, {64, 1}, 16), y = p.floats(kOutput, {640, 8});
    if (which == 2)
      read = p.view(buffer, DType::float32, {20, 32, 64}, {2048, 1, 32}), y = p.floats(kOutput, {20, 32, 64});
    if (which == 3) read = p.view(buffer, DType::float32, {640, 64}, {1, 640}), y = p.floats(kOutput, {640, 64});
    if (which == 4) read = p.view(buffer, DType::float32, {640, 64}, {64, 1}, 64), y = p.floats(kOutput, {640, 64});
    if (which == 5) read = p.view(buffer, DType::float32, {640, 64}, {0, 1}, 0), y = p.floats(kOutput, {640, 64});
    if (which == 4) p.node("elementwise", {x}, {p.view(buffer, DType::float32, {640, 64}, {}, 64)}, pass(1, "abs_f"));
    p.node("elementwise", {read}, {y}, pass(1, "abs_f"));
    const Outcomes found = same_bits(p, "views");
    const size_t expected = which <= 1 || which == 4 ? 1 : 0;  // 4: the last two
    expect(found.groups == expected, "view %d: %zu groups", which, found.groups);
  }
}

// Pictures through a layer of a transformer, with weights packed before: attention goes by pictures, and with it all that is
// cut into tokens. Another time the sums before the activation are wanted.
void a_transformer(bool rounded, bool sums) {
  ProgramBytes p;
  const uint64_t pictures = sums ? 128 : 40, tokens = 60, width = 48, heads = 3, hidden = 80, all = pictures * tokens;
  const uint32_t flags = 1u | (rounded ? 2u : 0u);
  uint32_t inputs = 1;
  const auto packed = [&](uint64_t k, uint64_t n) {
    const uint32_t weight = p.floats(kInput, {k, n}, inputs++);
    const uint64_t numbers = k * ((n + 31) / 32 * 32);
    const DType dtype = rounded ? DType::bfloat16 : DType::float32;
    const uint32_t to = p.view(p.buffer(kTemporary, numbers * (rounded ? 2 : 4)), dtype, {numbers});
    p.node("matmul_pack", {weight}, {to});
    return to;
  };
  const auto kind = [&](uint32_t more, uint64_t k, uint64_t n, Activation activation) {
    return Bytes()
        .add(flags | more)
        .add(static_cast<uint32_t>(k))
        .add(static_cast<uint32_t>(n))
        .add(static_cast<uint32_t>(activation));
  };
  const uint32_t to_qkv = packed(width, 3 * width), to_x = packed(width, width), up = packed(width, hidden),
                 down = packed(hidden, width);
  const uint32_t x = p.floats(kInput, {all, width}), bias = p.floats(kInput, {hidden}, inputs++);
  const uint32_t normal = p.floats(kTemporary, {all, width}), mean = p.floats(kTemporary, {all}),
                 rstd = p.floats(kTemporary, {all});
  p.node("layer_norm", {x}, {normal, mean, rstd}, Bytes().add(1e-5f).add(0u));
  const uint32_t qkv = p.buffer(kTemporary, all * 3 * width * 4), mixed = p.buffer(kTemporary, all * width * 4);
  p.node("matmul", {normal, to_qkv}, {p.view(qkv, DType::float32, {all, 3 * width})},
         kind(0, width, 3 * width, Activation::none));
  const auto of_heads = [&](uint32_t buffer, uint64_t row, uint64_t offset) {
    return p.view(buffer, DType::float32, {pictures, heads, tokens, width / heads},
                  {tokens * row, width / heads, row, 1}, offset);
  };
  Bytes how;
  how.add(0.25f).add(0u);
  for (int i = 0; i < 5; i++) how.add(int32_t{0});
  how.add(rounded ? 1u : 0u);
  p.node("attention",
         {of_heads(qkv, 3 * width, 0), of_heads(qkv, 3 * width, width), of_heads(qkv, 3 * width, 2 * width)},
         {of_heads(mixed, width, 0), p.floats(kTemporary, {pictures, heads, tokens})}, how);
  const uint32_t between = p.floats(kTemporary, {all, width}), active = p.floats(kTemporary, {all, hidden});
  p.node("matmul", {p.view(mixed, DType::float32, {all, width}), to_x, x}, {between},
         kind(4, width, width, Activation::none));
  std::vector<uint32_t> results = {active};
  if (sums) results.push_back(p.floats(kOutput, {all, hidden}, 1));
  p.node("matmul", {between, up, bias}, results, kind(0, width, hidden, Activation::gelu_erf));
  p.node("matmul", {active, down, between}, {p.floats(kOutput, {all, width})},
         kind(4, hidden, width, Activation::none));
  const Outcomes found = same_bits(p, rounded ? "a transformer in bfloat16" : "a transformer");
  expect(found.groups == 1 && found.locals == 8, "a transformer is %zu groups with %zu local buffers", found.groups,
         found.locals);
}

// Pictures cut out of larger ones, a convolution, its activation, and the adjoint of it all, whose result lies where the output does.
void a_convolution() {
  ProgramBytes p;
  const uint64_t pictures = 160, size = 8, channels = 3, windows = 16 * pictures, columns = 9 * channels, width = 40;
  const auto packed = [&](uint64_t k, uint64_t n, uint32_t slot) {
    const uint32_t to = p.floats(kTemporary, {k * ((n + 31) / 32 * 32)});
    p.node("matmul_pack", {p.floats(kInput, {k, n}, slot)}, {to});
    return to;
  };
  const auto product = [&](uint32_t a, uint32_t b, uint64_t k, uint64_t n, Activation activation) {
    const uint32_t y = p.floats(kTemporary, {windows, n});
    const auto kind = static_cast<uint32_t>(activation);
    p.node("matmul", {a, b}, {y},
           Bytes().add(1u).add(static_cast<uint32_t>(k)).add(static_cast<uint32_t>(n)).add(kind));
    return y;
  };
  Bytes window;
  for (const uint32_t value : {3u, 3u, 2u, 2u, 1u, 1u, 1u, 1u, 4u, 4u}) window.add(value);
  const uint32_t there = packed(columns, width, 1), back = packed(width, columns, 2);
  const uint32_t large = p.buffer(kInput, pictures * 10 * 10 * channels * 4);
  const uint32_t inside = p.view(large, DType::float32, {pictures, size, size, channels},
                                 {100 * channels, 10 * channels, channels, 1}, 11 * channels);
  const uint32_t x = p.floats(kTemporary, {pictures, size, size, channels}),
                 patches = p.floats(kTemporary, {windows, columns});
  p.node("copy", {inside}, {x}).node("im2col", {x}, {patches}, window);
  const uint32_t y = product(patches, there, columns, width, Activation::gelu_erf);
  const uint32_t dx = p.floats(kTemporary, {pictures, size, size, channels});
  p.node("col2im", {product(y, back, width, columns, Activation::none)}, {dx}, window);
  p.node("elementwise", {x, dx}, {p.floats(kOutput, {pictures, size, size, channels})}, pass(2, "tanh"));
  const Outcomes found = same_bits(p, "a convolution");
  expect(found.groups == 1 && found.locals == 4, "a convolution is %zu groups with %zu local buffers", found.groups,
         found.locals);
}

// Products whose results are all wanted later run one by one: in blocks they would read their weights many times for nothing.
void products_apart() {
  ProgramBytes p;
  const uint64_t rows = 2048, width = 64;
  const uint32_t packed = p.floats(kTemporary, {width * width});
  p.node("matmul_pack", {p.floats(kInput, {width, width}, 1)}, {packed});
  uint32_t x = p.floats(kInput, {rows, width});
  for (uint32_t i = 0; i < 3; i++) {
    const uint32_t y = p.floats(kOutput, {rows, width}, i);
    p.node("matmul", {x, packed}, {y}, Bytes().add(1u).add(64u).add(64u).add(0u));
    x = y;
  }
  const uint32_t t = p.floats(kTemporary, {rows, width});
  p.node("elementwise", {x}, {t}, pass(1, "tanh"))
      .node("elementwise", {t}, {p.floats(kOutput, {rows, width}, 3)}, pass(1, "neg_f"));
  expect(same_bits(p, "products apart").groups == 1, "only what follows the products goes together");
}

// What is read before it is written anew, in other rows: not together.
void write_after_read() {
  ProgramBytes p;
  const uint32_t x = p.floats(kInput, {640, 64});
  const uint32_t buffer = p.buffer(kTemporary, 640 * 64 * 4);
  const uint32_t all = p.view(buffer, DType::float32, {640, 64});
  const uint32_t turned = p.view(buffer, DType::float32, {640, 64}, {1, 640});
  p.node("elementwise", {x}, {all}, pass(1, "neg_f"));
  p.node("elementwise", {turned}, {p.floats(kOutput, {640, 64})}, pass(1, "abs_f"));
  p.node("elementwise", {x}, {all}, pass(1, "exp"));
  p.node("elementwise", {all}, {p.floats(kOutput, {640, 64}, 1)}, pass(1, "abs_f"));
  expect(same_bits(p, "write after read").groups == 1, "only the last two go together");
}

// The commit phase begins a new group, and its updates are in place.
void commits() {
  ProgramBytes p;
  const uint32_t x = p.floats(kInput, {256, 64}), t = p.floats(kTemporary, {256, 64}),
                 v = p.floats(kVariable, {256, 64});
  p.node("elementwise", {x}, {t}, pass(1, "tanh"))
      .node("elementwise", {x, v}, {p.floats(kOutput, {256, 64})}, pass(2, "neg_f"));
  p.node("elementwise", {v, t}, {v}, pass(2, "neg_f"))
      .node("elementwise", {v}, {p.floats(kOutput, {256, 64}, 1)}, pass(1, "abs_f"));
  p.commit_start = 2;
  expect(same_bits(p, "commits").groups == 2, "nodes before and after the commit");
}

// A bad index is told of the node whose it is.
void faults() {
  ProgramBytes p;
  const uint32_t table = p.floats(kInput, {7, 64}), index = p.view(p.buffer(kInput, 4 * 400, 1), DType::int32, {400});
  const uint32_t x = p.floats(kInput, {400, 64}, 2), rows = p.floats(kTemporary, {400, 64}),
                 t = p.floats(kTemporary, {400, 64});
  p.node("elementwise", {x}, {t}, pass(1, "tanh")).node("gather_rows", {table, index}, {rows});
  p.node("elementwise", {t, rows}, {p.floats(kOutput, {400, 64})}, pass(2, "neg_f"));
  expect(same_bits(p, "gathered rows").groups == 1, "gathered rows go with others");
  std::string problem;
  const auto program = parsed(p.bytes(), &problem);
  Device device(available_targets().back(), 2, 0);
  Executable executable(program, {});
  expect(executable.prepare(&device, &problem), "%s", problem.c_str());
  std::memset(executable.input(1), 0, 1600);
  reinterpret_cast<int32_t*>(executable.input(1))[399] = 7;
  const std::atomic<bool> abort{false};
  const RunResult result = executable.run(&device, abort);
  expect(result.outcome == Outcome::index_out_of_range && result.guard == 1, "a bad index in a group is of node %d",
         result.guard);
}

// Random graphs over rows of three widths; some values are wanted at the end, some are sums of rows that others add.
void random_graphs() {
  Numbers numbers(23);
  size_t groups = 0, locals = 0;
  const char* operations[] = {"neg_f", "tanh", "abs_f"};
  for (int round = 0; round < 60; round++) {
    ProgramBytes p;
    const uint64_t batch = 4 + static_cast<uint64_t>(numbers.below(30)),
                   tokens = 1 + static_cast<uint64_t>(numbers.below(20));
    struct Value {
      uint32_t buffer, view;
      uint64_t width;
    };
    std::vector<Value> values;
    uint32_t inputs = 0, outputs = 0;
    const auto make = [&](BufferKind kind, uint64_t width, uint32_t slot) {
      const uint32_t buffer = p.buffer(kind, batch * tokens * width * 4, slot);
      const uint32_t view = numbers.below(2) ? p.view(buffer, DType::float32, {batch, tokens, width})
                                             : p.view(buffer, DType::float32, {batch * tokens, width});
      return Value{buffer, view, width};
    };
    const auto seen = [&](const Value& v, bool flat) {
      return flat ? p.view(v.buffer, DType::float32, {batch * tokens, v.width})
                  : p.view(v.buffer, DType::float32, {batch, tokens, v.width});
    };
    for (uint64_t width : {1, 40, 128}) values.push_back(make(kInput, width, inputs++));
    const int count = 3 + numbers.below(25);
    for (int i = 0; i < count; i++) {
      const Value a = values[values.size() - 1 -
                             static_cast<size_t>(numbers.below(static_cast<int>(std::min<size_t>(values.size(), 5))))];
      const BufferKind kind = numbers.below(5) == 0 ? kOutput : kTemporary;
      const bool flat = numbers.below(2) == 0;
      const int what = numbers.below(8);
      if (what == 0 && a.width > 1) {
        const Value y = make(kind, 1, kind == kOutput ? outputs++ : 0);
        p.node("reduce", {seen(a, flat)}, {seen(y, flat)},
               Bytes().add(static_cast<uint32_t>(numbers.below(3))).add(flat ? 2u : 4u));
        values.push_back(y);
      } else if (what == 1) {
        p.node("reduce", {seen(a, true)}, {p.floats(kOutput, {1, a.width}, outputs++)}, Bytes().add(0u).add(1u));
      } else if (what == 2 && a.width > 1) {
        const Value y = make(kind, a.width, kind == kOutput ? outputs++ : 0);
        const uint32_t mean = p.floats(kTemporary, {batch * tokens}), rstd = p.floats(kTemporary, {batch * tokens});
        p.node("layer_norm", {seen(a, flat)}, {seen(y, flat), mean, rstd}, Bytes().add(1e-3f).add(0u));
        values.push_back(y);
        if (numbers.below(2) == 0) {
          const Value dx = make(kTemporary, a.width, 0);
          p.node("layer_norm_gradient", {seen(y, flat), seen(a, flat), mean, rstd},
                 {seen(dx, flat), p.floats(kOutput, {a.width}, outputs++)}, Bytes().add(2u));
          values.push_back(dx);
        }
      } else {
        const Value b = values[static_cast<size_t>(numbers.below(static_cast<int>(values.size())))];
        if (b.width != a.width && b.width != 1) continue;
        const Value y = make(kind, a.width, kind == kOutput ? outputs++ : 0);
        const uint32_t other =
            b.width == a.width ? seen(b, true) : p.view(b.buffer, DType::float32, {batch * tokens, a.width}, {1, 0});
        p.node("elementwise", {seen(a, true), other}, {seen(y, true)}, pass(2, operations[numbers.below(3)]));
        values.push_back(y);
      }
    }
    p.node("copy", {values.back().view}, {make(kOutput, values.back().width, outputs).view});
    p.nodes.back().out[0] =
        p.view(p.views[p.nodes.back().out[0]].buffer, DType::float32, {batch, tokens, values.back().width});
    p.nodes.back().in[0] = seen(values.back(), false);
    const Outcomes found = same_bits(p, "a random graph");
    groups += found.groups;
    locals += found.locals;
  }
  expect(groups > 40 && locals > 100, "random graphs have %zu groups and %zu local buffers", groups, locals);
}

}  // namespace

int main() {
  flush_denormals();
  a_chain();
  views();
  for (const bool rounded : {false, true})
    for (const bool sums : {false, true}) a_transformer(rounded, sums);
  a_convolution();
  products_apart();
  write_after_read();
  commits();
  faults();
  random_graphs();
  return finish("row groups");
}
