// elementwise: layouts, sizes around vectors and blocks, sharing memory, and hostile instruction bytes.
#include "test/instructions.h"

JEPA_TEST_DECLARE(elementwise)

using namespace jepa;
using namespace jepa::test;
using namespace jepa::elementwise;

namespace {

const Op op = JEPA_TEST_OP(elementwise);

// out0 = (a + b)·c, out1 = a < b ? 1 : 0 over any layouts; results must not depend on tiles or neighbours.
void layouts(const std::vector<int64_t>& shape, const std::vector<int>& order, int misalign, int broadcast) {
  Operand a(DType::float32, shape, order, 1, misalign), b(DType::bfloat16, shape, {}, 0, misalign),
      c(DType::float32, shape, {}, 3);
  a.normal(1);
  c.normal(2);
  Numbers numbers(4);
  b.fill([&](int64_t) { return 0x3f00 + numbers.below(256); });
  if (broadcast >= 0) a.view.stride[broadcast] = 0, c.view.stride[broadcast] = 0;
  Program p(8, 5);
  p.add(op_load_f, 0, 0)
      .add(op_load_f, 1, 1)
      .add(op_add_f, 2, 0, 1)
      .add(op_load_f, 3, 2)
      .add(op_mul_f, 2, 2, 3)
      .add(op_lt_f, 4, 0, 1);
  p.add(op_store_f, 0, 2).add(op_store_i, 1, 4);
  each_target(op, [&](const TargetKernel& target) {
    for (Split split : {Split::all, Split::backwards}) {
      Operand y(DType::float32, shape, order, 2), flag(DType::boolean, shape, {}, 1, 1);
      const Result r = run(op, target, {a.view, b.view, c.view}, {y.view, flag.view}, p.bytes, split);
      if (!expect(r.status.ok, "%s", r.status.text)) return;
      expect(y.guards_whole() && flag.guards_whole(), "guards");
      for (int64_t i = 0; i < y.size(); i++) {
        const float brain = static_cast<float>(value_of(b, i)), sum = a.f(i) + brain, e = sum * c.f(i);
        if (!expect(y.f(i) == e && flag.b(i) == (a.f(i) < brain), "layout of rank %zu on %s: [%lld] %g, expected %g",
                    shape.size(), target.target, static_cast<long long>(i), y.f(i), e))
          return;
      }
    }
  });
}

void sharing_memory() {
  Operand x(DType::float32, {1000}), other(DType::float32, {1000});
  other.normal(2);
  Program p(5, 3);
  p.add(op_load_f, 0, 0).add(op_load_f, 1, 1).add(op_sub_f, 2, 0, 1).add(op_store_f, 0, 2).add(op_store_f, 1, 0);
  each_target(op, [&](const TargetKernel& target) {
    x.normal(1);
    const std::vector<char> before = x.memory();
    const float* old = reinterpret_cast<const float*>(before.data() + x.start);
    Operand kept(DType::float32, {1000});
    const Result r = run(op, target, {x.view, other.view}, {x.view, kept.view}, p.bytes);
    expect(r.status.ok, "%s", r.status.text);
    for (int64_t i = 0; i < 1000; i++)
      if (!expect(x.f(i) == old[i] - other.f(i) && kept.f(i) == old[i], "in place on %s at %lld", target.target,
                  static_cast<long long>(i)))
        return;
  });
}

// Scratch where element 256 would lie if elements had four bytes: it must not be taken for the result.
void scratch_behind_small_elements() {
  constexpr int64_t kCount = 2 * kBlock, kOffset = 4 * kBlock;
  Operand x(DType::boolean, {kCount});
  x.fill([](int64_t i) { return i % 3 == 0; });
  Program p(3, 2);
  p.add(op_load_i, 1, 0).add(op_not_i, 0, 1).add(op_store_i, 0, 0);
  View y = x.view;
  y.data = nullptr;
  Prepared prepared;
  const Status status = op.definition->prepare(&y, 1, &y, 1, p.bytes.data.data(), p.bytes.data.size(), &prepared);
  if (!expect(status.ok, "%s", status.text)) return;
  std::vector<char> memory(static_cast<size_t>(kOffset + prepared.work.scratch_bytes) + 64);
  y.data = reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(memory.data()) + 63) & ~uintptr_t{63});
  Call call;
  call.in = &x.view;
  call.out = &y;
  call.inputs = call.outputs = 1;
  call.attributes = prepared.attributes.data();
  each_target(op, [&](const TargetKernel& target) {
    std::fill(memory.begin(), memory.end(), '\x7f');
    op.on(target.target).run(call, 0, 0, prepared.work.tiles[0], y.data + kOffset);
    for (int64_t i = 0; i < kCount; i++)
      if (!expect(y.data[i] == (i % 3 != 0), "scratch behind the result on %s: [%lld] %d", target.target,
                  static_cast<long long>(i), y.data[i]))
        return;
  });
}

// Random chains of simple instructions over three inputs, with outputs in the memory of some of them in any order: whatever is
// loaded late, stored as it was loaded, or read again behind the instruction that makes an output.
void random_chains() {
  Numbers numbers(17);
  for (int round = 0; round < 300; round++) {
    const int64_t n = 1 + numbers.below(round % 3 ? 700 : 40);
    constexpr int kInputs = 3, kOutputs = 3, kSteps = 12, kRegisters = 5;
    Program p(kInputs + kSteps + kOutputs, kRegisters);
    struct Step {
      int code, dst, a, b;
    };
    std::vector<Step> steps;
    for (int r = 0; r < kInputs; r++) steps.push_back({op_load_f, r, r, 0});
    for (int k = 0; k < kSteps; k++) {
      const int codes[] = {op_add_f, op_sub_f, op_min_f, op_load_f};
      const int code = codes[numbers.below(4)], written = k == 0 ? kInputs : kRegisters;
      const int dst = k < 2 ? kInputs + k : numbers.below(kRegisters), limit = k < 2 ? kInputs + k : written;
      steps.push_back({code, dst, numbers.below(code == op_load_f ? kInputs : limit), numbers.below(limit)});
    }
    for (int k = 0; k < kOutputs; k++) steps.push_back({op_store_f, k, numbers.below(kRegisters), 0});
    for (const Step& s : steps) p.add(s.code, s.dst, s.a, s.code == op_load_f || s.code == op_store_f ? 0 : s.b);
    int shares[kOutputs];  // the input whose memory an output has, or none
    bool taken[kInputs] = {};
    for (int& input : shares) {
      input = numbers.below(kInputs + 1);
      if (input < kInputs && taken[input]) input = kInputs;
      if (input < kInputs) taken[input] = true;
    }
    each_target(op, [&](const TargetKernel& target) {
      std::vector<Operand> in, out;
      for (int i = 0; i < kInputs; i++) in.emplace_back(DType::float32, std::vector<int64_t>{n}), in[i].normal(i + 1);
      for (int k = 0; k < kOutputs; k++) out.emplace_back(DType::float32, std::vector<int64_t>{n});
      std::vector<std::vector<float>> expected(kOutputs, std::vector<float>(static_cast<size_t>(n)));
      for (int64_t i = 0; i < n; i++) {
        float r[kRegisters] = {};
        for (const Step& s : steps) {
          if (s.code == op_load_f) r[s.dst] = in[s.a].f(i);
          if (s.code == op_add_f) r[s.dst] = r[s.a] + r[s.b];
          if (s.code == op_sub_f) r[s.dst] = r[s.a] - r[s.b];
          if (s.code == op_min_f) r[s.dst] = std::min(r[s.a], r[s.b]);
          if (s.code == op_store_f) expected[s.dst][static_cast<size_t>(i)] = r[s.a];
        }
      }
      const auto memory = [&](int k) -> Operand& { return shares[k] < kInputs ? in[shares[k]] : out[k]; };
      const Result r = run(op, target, {in[0].view, in[1].view, in[2].view},
                           {memory(0).view, memory(1).view, memory(2).view}, p.bytes);
      if (!expect(r.status.ok, "%s", r.status.text)) return;
      for (int k = 0; k < kOutputs; k++)
        for (int64_t i = 0; i < n; i++)
          if (!expect(memory(k).f(i) == expected[k][static_cast<size_t>(i)], "chain %d on %s: output %d at %lld", round,
                      target.target, k, static_cast<long long>(i)))
            return;
    });
  }
}

// The update of a parameter in one instruction leaves the bits that it leaves in simple ones, in place or not.
void whole_formula() {
  const auto bits = [](float x) {
    uint32_t b;
    std::memcpy(&b, &x, 4);
    return b;
  };
  const float toward = 0.3f, decay = 0.7f, rest = 0.6f, epsilon = 0.01f;
  // Inputs 0 to 6: p, g, m, v, keep, step, correction.
  const auto loads = [](Program* p) {
    for (int r = 0; r < 7; r++) p->add(op_load_f, r, r);
  };
  Program whole(7 + 1 + 3 + 3, 11);
  loads(&whole);
  whole.add(op_const_f, 7, 0, 0, 0, bits(epsilon));
  whole.add(op_adamw, 8, 0, 1, 2, bits(toward)).add(op_more, 9, 3, 4, 5, bits(decay));
  whole.add(op_more, 10, 6, 7, 7, bits(rest));
  whole.add(op_store_f, 0, 8).add(op_store_f, 1, 9).add(op_store_f, 2, 10);
  Program simple(7 + 4 + 14 + 3, 16);
  loads(&simple);
  simple.add(op_const_f, 7, 0, 0, 0, bits(epsilon)).add(op_const_f, 8, 0, 0, 0, bits(toward));
  simple.add(op_const_f, 9, 0, 0, 0, bits(decay)).add(op_const_f, 10, 0, 0, 0, bits(rest));
  simple.add(op_sub_f, 11, 1, 2).add(op_mul_f, 11, 11, 8).add(op_add_f, 11, 2, 11);                            // m'
  simple.add(op_mul_f, 12, 3, 9).add(op_mul_f, 13, 1, 1).add(op_mul_f, 13, 13, 10).add(op_add_f, 12, 12, 13);  // v'
  simple.add(op_sqrt, 13, 12).add(op_mul_f, 13, 13, 6).add(op_add_f, 13, 13, 7);
  simple.add(op_mul_f, 14, 0, 4).add(op_mul_f, 15, 11, 5).add(op_div_f, 15, 15, 13).add(op_sub_f, 14, 14, 15);
  simple.add(op_store_f, 0, 14).add(op_store_f, 1, 11).add(op_store_f, 2, 12);
  for (int64_t n : {1, 15, 16, 17, 255, 256, 257, 1000})
    for (const bool in_place : {false, true})
      each_target(op, [&](const TargetKernel& target) {
        std::vector<std::vector<float>> results;
        for (const Program* program : {&whole, &simple}) {
          std::vector<Operand> in, out;
          for (int i = 0; i < 7; i++) {
            in.emplace_back(DType::float32, std::vector<int64_t>{n}, std::vector<int>{}, 0, i % 2);
            in[i].normal(i + 1);
            if (i > 2) in[i].fill([&](int64_t k) { return std::abs(in[i].f(k)); });
            if (i > 3) in[i].view.stride[0] = 0;
          }
          for (int k = 0; k < 3; k++) out.emplace_back(DType::float32, std::vector<int64_t>{n});
          const int order[] = {0, 2, 3};  // p, m, v
          std::vector<View> to, from;
          for (int i = 0; i < 7; i++) from.push_back(in[i].view);
          for (int k = 0; k < 3; k++) to.push_back(in_place ? in[order[k]].view : out[k].view);
          const Result r = run(op, target, from, to, program->bytes);
          if (!expect(r.status.ok, "%s", r.status.text)) return;
          results.emplace_back();
          for (int k = 0; k < 3; k++)
            for (int64_t i = 0; i < n; i++) results.back().push_back((in_place ? in[order[k]] : out[k]).f(i));
        }
        expect(!std::memcmp(results[0].data(), results[1].data(), results[0].size() * 4),
               "an update of %lld on %s, in place %d: other bits", static_cast<long long>(n), target.target, in_place);
      });
}

void hostile() {
  Operand x(DType::float32, {3}), y(DType::float32, {3}), wrong(DType::float32, {4});
  const auto refuses = [&](const std::vector<View>& in, const std::vector<View>& out, const Bytes& bytes,
                           const char* what) {
    const Result r = run(op, op.kernels[0], in, out, bytes);
    expect(!r.status.ok && std::strstr(r.status.text, "[elementwise] expected"), "accepts %s", what);
  };
  const Bytes copy = Program(2, 1).add(op_load_f, 0, 0).add(op_store_f, 0, 0).bytes;
  expect(run(op, op.kernels[0], {x.view}, {y.view}, copy).status.ok, "refuses a copy");
  refuses({x.view}, {wrong.view}, copy, "another shape");
  refuses({x.view}, {}, copy, "no output");
  refuses({}, {y.view}, copy, "a load without inputs");
  refuses({x.view}, {y.view}, {}, "no bytes");
  refuses({x.view}, {y.view}, Program(3, 1).add(op_load_f, 0, 0).add(op_store_f, 0, 0).bytes,
          "fewer instructions than told");
  refuses({x.view}, {y.view}, Program(2, 33).add(op_load_f, 0, 0).add(op_store_f, 0, 0).bytes, "33 registers");
  refuses({x.view}, {y.view}, Program(2, 1).add(op_load_f, 1, 0).add(op_store_f, 0, 0).bytes, "a register too high");
  refuses({x.view}, {y.view}, Program(2, 1).add(op_load_f, 0, 1).add(op_store_f, 0, 0).bytes, "an input too high");
  refuses({x.view}, {y.view}, Program(2, 1).add(op_load_f, 0, 0).add(op_store_f, 1, 0).bytes, "an output too high");
  refuses({x.view}, {y.view}, Program(1, 1).add(op_load_f, 0, 0).bytes, "an output that is not stored");
  refuses({x.view}, {y.view}, Program(3, 1).add(op_load_f, 0, 0).add(op_store_f, 0, 0).add(op_store_f, 0, 0).bytes,
          "an output stored twice");
  refuses({x.view}, {y.view}, Program(2, 2).add(op_load_f, 0, 0).add(op_store_f, 0, 1).bytes,
          "a register read before it is written");
  refuses({x.view}, {y.view}, Program(2, 1).add(kCodes, 0, 0).add(op_store_f, 0, 0).bytes, "an unknown instruction");
  refuses({x.view}, {y.view}, Program(3, 1).add(op_load_f, 0, 0).add(op_store_f, 0, 0).add(op_load_f, 0, 0).bytes,
          "work after a store");
  refuses({x.view}, {y.view}, Program(3, 2).add(op_load_f, 0, 0).add(op_add_f, 0, 0, 255).add(op_store_f, 0, 0).bytes,
          "register 255");
  const auto places = [](int before, int behind) {
    Program p(1 + before + behind + 1, 1);
    p.add(op_load_f, 0, 0);
    for (int i = 0; i < before; i++) p.add(op_adamw, 0, 0, 0, 0);
    for (int i = 0; i < behind; i++) p.add(op_more, 0, 0, 0, 0);
    return p.add(op_store_f, 0, 0).bytes;
  };
  expect(run(op, op.kernels[0], {x.view}, {y.view}, places(1, 2)).status.ok, "refuses three places");
  Program early(5, 2);
  early.add(op_load_f, 0, 0).add(op_adamw, 1, 0, 0, 0).add(op_more, 0, 1, 0, 0).add(op_more, 0, 0, 0, 0);
  refuses({x.view}, {y.view}, early.add(op_store_f, 0, 0).bytes, "a result of the first place in the second");
  refuses({x.view}, {y.view}, places(0, 1), "a place of nothing");
  refuses({x.view}, {y.view}, places(1, 1), "a place too few");
  refuses({x.view}, {y.view}, places(1, 3), "a place too many");
  refuses({x.view}, {y.view}, places(2, 2), "a formula within a formula");
  refuses({x.view}, {y.view}, Program(2, 1).add(op_load_f, 0, 0).add(op_adamw, 0, 0, 0, 0).bytes,
          "a formula at the end");
  refuses({x.view}, {y.view},
          Program(3, 1).add(op_load_f, 0, 0).add(op_neg_f, 0, 0, 0, 200).add(op_store_f, 0, 0).bytes,
          "register 200 where none is read");
  Bytes many;
  many.add(uint16_t{257}).add(uint16_t{1});
  for (int i = 0; i < 257 * 12; i++) many.add(uint8_t{0});
  refuses({x.view}, {y.view}, many, "257 instructions");
  Numbers numbers(11);
  for (int i = 0; i < 20000; i++) {
    Program p(4, 3);
    for (int k = 0; k < 4; k++)
      p.add(numbers.below(kCodes + 2), numbers.below(4), numbers.below(4), numbers.below(4), numbers.below(4));
    run(op, op.kernels[0], {x.view}, {y.view}, p.bytes);  // sanitizers watch
  }
}

}  // namespace

int main() {
  for (int64_t n : {0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 255, 256, 257, 511, 1000, 40000})
    for (int misalign : {0, 1, 3}) layouts({n}, {}, misalign, -1);
  for (int broadcast : {-1, 0, 1, 2}) {
    layouts({3, 5, 17}, {}, 1, broadcast);
    layouts({3, 5, 17}, {2, 0, 1}, 0, broadcast);
    layouts({40, 1, 33}, {}, 0, broadcast);
    layouts({2, 300, 7}, {1, 2, 0}, 0, broadcast);
  }
  layouts({2, 3, 2, 3, 2, 3, 2, 3}, {7, 0, 6, 1, 5, 2, 4, 3}, 1, 4);
  layouts({}, {}, 0, -1);
  sharing_memory();
  scratch_behind_small_elements();
  random_chains();
  whole_formula();
  hostile();
  return finish("elementwise");
}
