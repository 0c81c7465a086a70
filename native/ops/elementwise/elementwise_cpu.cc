#include "ops/elementwise/elementwise.h"
#include "ops/elementwise/operands.h"
#include "runtime/status.h"
#include "simd/math.h"

using namespace jepa;
using namespace jepa::elementwise;

namespace {

// Registers are pointers: a load of dense float32 points at the operand itself, everything else at its block of
// scratch.
struct Machine {
  const float* value[kMaxRegisters];
  float* block[kMaxRegisters];
};

JEPA_INLINE Vm truth(Vi a) { return !(a == set_i(0)); }
JEPA_INLINE Vi number(Vm m) { return select(m, set_i(1), set_i(0)); }
JEPA_INLINE Vi min_i(Vi a, Vi b) { return select(a < b, a, b); }
JEPA_INLINE Vi max_i(Vi a, Vi b) { return select(b < a, a, b); }

#define UNARY(name, expression)      \
  case op_##name:                    \
    for (int i = 0; i < n; i += W) { \
      const Vf a = load(pa + i);     \
      store(d + i, expression);      \
    }                                \
    break;
#define BINARY(name, expression)                   \
  case op_##name:                                  \
    for (int i = 0; i < n; i += W) {               \
      const Vf a = load(pa + i), b = load(pb + i); \
      store(d + i, expression);                    \
    }                                              \
    break;
#define INTEGER_UNARY(name, expression)                              \
  case op_##name:                                                    \
    for (int i = 0; i < n; i += W) {                                 \
      const Vi a = load_i(reinterpret_cast<const int32_t*>(pa + i)); \
      store_i(reinterpret_cast<int32_t*>(d + i), expression);        \
    }                                                                \
    break;
#define INTEGER_BINARY(name, expression)                             \
  case op_##name:                                                    \
    for (int i = 0; i < n; i += W) {                                 \
      const Vi a = load_i(reinterpret_cast<const int32_t*>(pa + i)); \
      const Vi b = load_i(reinterpret_cast<const int32_t*>(pb + i)); \
      store_i(reinterpret_cast<int32_t*>(d + i), expression);        \
    }                                                                \
    break;
#define COMPARE(name, expression)                                     \
  case op_##name:                                                     \
    for (int i = 0; i < n; i += W) {                                  \
      const Vf a = load(pa + i), b = load(pb + i);                    \
      store_i(reinterpret_cast<int32_t*>(d + i), number(expression)); \
    }                                                                 \
    break;

// One instruction over n elements, n rounded up to whole vectors: lanes behind the end compute on stale, harmless
// values.
JEPA_INLINE void execute(const Instruction& s, const Machine& m, float* d, int n) {
  const float *pa = m.value[s.a], *pb = m.value[s.b], *pc = m.value[s.c];
  switch (s.code) {
    case op_const_f:
    case op_const_i:
      for (int i = 0; i < n; i += W) store(d + i, as_float(set_i(static_cast<int32_t>(s.immediate))));
      break;
      BINARY(add_f, a + b)
      BINARY(sub_f, a - b)
      BINARY(mul_f, a * b)
      BINARY(div_f, a / b)
      BINARY(min_f, min(a, b))
      BINARY(max_f, max(a, b))
      UNARY(neg_f, neg(a))
      UNARY(abs_f, abs(a))
      UNARY(sign_f, select((a == set(0.0f)) | unordered(a, a), a, with_sign_of(set(1.0f), a)))
      UNARY(floor_f, floor(a))
      UNARY(exp, exp(a))
      UNARY(log, log(a))
      UNARY(sqrt, sqrt(a))
      UNARY(rsqrt, set(1.0f) / sqrt(a))
      UNARY(sin, sin(a))
      UNARY(cos, cos(a))
      UNARY(tanh, tanh(a))
      UNARY(sigmoid, sigmoid(a))
      UNARY(erf, erf(a))
      UNARY(gelu_erf, gelu_erf(a))
      UNARY(gelu_tanh, gelu_tanh(a))
      UNARY(silu, silu(a))
      UNARY(relu, select(a < set(0.0f), set(0.0f), a))
      UNARY(gelu_erf_d, gelu_erf_derivative(a))
      UNARY(gelu_tanh_d, gelu_tanh_derivative(a))
    case op_fma_f:
      for (int i = 0; i < n; i += W) store(d + i, fma(load(pa + i), load(pb + i), load(pc + i)));
      break;
      COMPARE(lt_f, a < b)
      COMPARE(le_f, a <= b)
      COMPARE(eq_f, a == b)
      COMPARE(ne_f, !(a == b))
      COMPARE(gt_f, b < a)
      COMPARE(ge_f, b <= a)
      INTEGER_BINARY(lt_i, number(a < b))
      INTEGER_BINARY(le_i, number(!(b < a)))
      INTEGER_BINARY(eq_i, number(a == b))
      INTEGER_BINARY(ne_i, number(!(a == b)))
      INTEGER_BINARY(gt_i, number(b < a))
      INTEGER_BINARY(ge_i, number(!(a < b)))
    case op_select:
      for (int i = 0; i < n; i += W) {
        const Vi condition = load_i(reinterpret_cast<const int32_t*>(pa + i));
        store(d + i, select(truth(condition), load(pb + i), load(pc + i)));
      }
      break;
      INTEGER_BINARY(add_i, a + b)
      INTEGER_BINARY(sub_i, a - b)
      INTEGER_BINARY(mul_i, a * b)
      INTEGER_BINARY(min_i, min_i(a, b))
      INTEGER_BINARY(max_i, max_i(a, b))
      INTEGER_UNARY(neg_i, set_i(0) - a)
      INTEGER_UNARY(abs_i, select(a < set_i(0), set_i(0) - a, a))
      INTEGER_UNARY(sign_i, number(set_i(0) < a) - number(a < set_i(0)))
      INTEGER_BINARY(and_i, number(truth(a)) & number(truth(b)))
      INTEGER_BINARY(or_i, number(truth(a)) | number(truth(b)))
      INTEGER_UNARY(not_i, number(a == set_i(0)))
    case op_f_to_i:
      for (int i = 0; i < n; i += W) store_i(reinterpret_cast<int32_t*>(d + i), truncate(load(pa + i)));
      break;
    case op_i_to_f:
      for (int i = 0; i < n; i += W) store(d + i, to_float(load_i(reinterpret_cast<const int32_t*>(pa + i))));
      break;
    default:
      break;
  }
}

// A whole block has a constant length, so that simple instructions become straight code without loop branches.
void execute_block(const Instruction& s, const Machine& m, float* d) { execute(s, m, d, kBlock); }
void execute_part(const Instruction& s, const Machine& m, float* d, int n) { execute(s, m, d, n); }

// Of the update's operands, in elements: the processor's own prefetching stops at the ends of pages.
constexpr int kAhead = kBlock;

// Three places of the list at once. A vector is loaded whole before any of its results is stored.
void execute_adamw(const Instruction* s, const Machine& m, float* const* d, int n) {
  const auto from = [&](uint8_t r) { return m.value[r]; };
  const float *p = from(s[0].a), *g = from(s[0].b), *first = from(s[0].c), *second = from(s[1].a), *keep = from(s[1].b),
              *step = from(s[1].c), *correction = from(s[2].a), *epsilon = from(s[2].b);
  const auto immediate = [&](int k) { return as_float(set_i(static_cast<int32_t>(s[k].immediate))); };
  const Vf toward = immediate(0), decay = immediate(1), rest = immediate(2);
  for (int i = 0; i < n; i += W) {
    for (const float* operand : {p, g, first, second}) __builtin_prefetch(operand + i + kAhead, 0, 3);
    const Vf gradient = load(g + i), before = load(first + i), square = load(second + i), kept = load(p + i);
    const Vf mean = before + (gradient - before) * toward;
    const Vf variance = square * decay + (gradient * gradient) * rest;
    const Vf root = sqrt(variance) * load(correction + i) + load(epsilon + i);
    const Vf next = kept * load(keep + i) - mean * load(step + i) / root;
    store(d[0] + i, next);
    store(d[1] + i, mean);
    store(d[2] + i, variance);
  }
}

// Where an instruction writes: into its register's block, or at once into the output that gets it, unless an input that is
// still read lies in the same memory.
void choose_targets(const Call& call, const Attributes& a, char** target) {
  for (int k = 0; k < a.instructions; k++) {
    target[k] = a.target[k] < 0 ? nullptr : call.out[a.target[k]].data;
    for (int i = 0; i < call.inputs && target[k]; i++)
      if (call.in[i].data == target[k] && a.last_read[i] > k) target[k] = nullptr;
  }
}

// Whether an output's memory is stored to while a register still is the input that lies there.
JEPA_INLINE bool overwritten(const Call& call, const Attributes& a, int input) {
  return a.last_read[input] >= a.instructions - call.outputs && aliased(call, input);
}

void load_operand(const Call& call, const Attributes& a, const Instruction& s, const Position& position, int n,
                  Machine* machine) {
  const View& view = call.in[s.a];
  const bool floats = s.code == op_load_f;
  machine->value[s.dst] = machine->block[s.dst];
  if (as_registers(view, floats) && a.dense[s.a] && n % W == 0 && !overwritten(call, a, s.a)) {
    machine->value[s.dst] = view.as<float>() + position.linear;
  } else {
    load_block(a, view, s.a, position, n, floats, machine->block[s.dst]);
  }
}

// Constants and uniform operands fill their registers.
void execute_once(const Call& call, const Attributes& a, const Machine& machine) {
  for (int k = 0; k < a.instructions; k++) {
    if (!a.once[k]) continue;
    const Instruction& s = a.instruction[k];
    float value;
    if (s.code == op_load_f) {
      load_floats(call.in[s.a].dtype, call.in[s.a].data, 1, 1, &value);
    } else if (s.code == op_load_i) {
      load_ints(call.in[s.a].dtype, call.in[s.a].data, 1, 1, reinterpret_cast<int32_t*>(&value));
    } else {
      __builtin_memcpy(&value, &s.immediate, 4);
    }
    // As bits: a signalling NaN or an integer passes through a float register unchanged.
    for (int i = 0; i < kBlock; i += W) store(machine.block[s.dst] + i, set(value));
  }
}

void run_elements(const Call& call, int64_t first, int64_t last, char* scratch) {
  const auto& a = *static_cast<const Attributes*>(call.attributes);
  if (first >= last) return;
  Machine machine;
  for (int r = 0; r < kMaxRegisters; r++) {
    machine.block[r] = reinterpret_cast<float*>(scratch) + r * kBlockStride;
    machine.value[r] = machine.block[r];
  }
  execute_once(call, a, machine);
  char* target[kMaxInstructions];
  choose_targets(call, a, target);
  for (int64_t start = first; start < last; start += kBlock) {
    const int n = static_cast<int>(last - start < kBlock ? last - start : kBlock);
    const Position position = locate(a, start);
    for (int k = 0; k < a.instructions; k++) {
      const Instruction& s = a.instruction[k];
      if (a.once[k]) continue;
      if (s.code == op_load_f || s.code == op_load_i) {
        load_operand(call, a, s, position, n, &machine);
      } else if (s.code == op_store_f || s.code == op_store_i) {
        const View& out = call.out[s.dst];
        const bool floats = s.code == op_store_f;
        // Of elements of another size that address is not theirs: anything may lie there.
        const bool there =
            a.dense[call.inputs + s.dst] && as_registers(out, floats) && machine.value[s.a] == out.as<float>() + start;
        if (!there) store_block(a, out, call.inputs + s.dst, position, n, floats, machine.value[s.a]);
      } else {
        const int results = s.code == op_adamw ? 3 : 1;
        float* d[3];
        for (int r = 0; r < results; r++) {
          char* memory = target[k + r];
          d[r] = memory && n % W == 0 ? reinterpret_cast<float*>(memory) + start : machine.block[(&s)[r].dst];
        }
        if (results > 1) {
          execute_adamw(&s, machine, d, n);
        } else {
          n == kBlock ? execute_block(s, machine, d[0]) : execute_part(s, machine, d[0], n);
        }
        for (int r = 0; r < results; r++) machine.value[(&s)[r].dst] = d[r];
        k += results - 1;
      }
    }
  }
}

void run(const Call& call, int, int64_t begin, int64_t end, char* scratch) {
  const auto& a = *static_cast<const Attributes*>(call.attributes);
  run_elements(call, begin * a.tile, end * a.tile < a.elements ? end * a.tile : a.elements, scratch);
}

void run_rows(const Call& call, int64_t begin, int64_t end, char* scratch) {
  const int64_t row = static_cast<const Attributes*>(call.attributes)->row_elements;
  run_elements(call, begin * row, end * row, scratch);
}

}  // namespace

JEPA_ROW_KERNEL(elementwise, run, run_rows)
