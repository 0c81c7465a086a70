#include "ops/elementwise/elementwise.h"

#include <algorithm>
#include <cstring>

#include "runtime/status.h"

namespace jepa {
namespace elementwise {
namespace {

// How many registers an instruction reads, and whether it is a load, constant or store.
int operands_of(uint8_t code) {
  switch (code) {
    case op_load_f:
    case op_load_i:
    case op_const_f:
    case op_const_i:
      return 0;
    case op_store_f:
    case op_store_i:
      return 1;
    case op_fma_f:
    case op_select:
    case op_adamw:
    case op_more:
      return 3;
    case op_add_f:
    case op_sub_f:
    case op_mul_f:
    case op_div_f:
    case op_min_f:
    case op_max_f:
      return 2;
    case op_add_i:
    case op_sub_i:
    case op_mul_i:
    case op_min_i:
    case op_max_i:
    case op_and_i:
    case op_or_i:
      return 2;
    default:
      return code >= op_lt_f && code <= op_ge_i ? 2 : 1;
  }
}

Status check_instructions(const Attributes& a, int inputs, int outputs) {
  uint64_t written = 0, stored = 0;
  uint64_t pending = 0;  // results of an instruction of several places: it reads all its operands before it writes
  bool storing = false;
  int more = 0;
  for (int i = 0; i < a.instructions; i++) {
    const Instruction& s = a.instruction[i];
    if ((s.code == op_more) != (more > 0) || (s.code == op_adamw && i + 2 >= a.instructions))
      return fail("[elementwise] expected two places behind one that needs them and nowhere else, got %d at %d", s.code,
                  i);
    more = s.code == op_adamw ? 2 : std::max(more - 1, 0);
    if (s.code >= kCodes) return fail("[elementwise] expected an instruction below %d, got %d", kCodes, s.code);
    const bool load = s.code == op_load_f || s.code == op_load_i;
    const bool store = s.code == op_store_f || s.code == op_store_i;
    if (storing && !store) return fail("[elementwise] expected stores last, got instruction %d after one", s.code);
    if (load && s.a >= inputs) return fail("[elementwise] expected an input below %d, got %d", inputs, s.a);
    const uint8_t reads[3] = {s.a, s.b, s.c};
    const int operands = operands_of(s.code);
    for (int k = load ? 1 : operands; k < 3; k++)  // the kernel looks every register up, read or not
      if (reads[k] >= kMaxRegisters)
        return fail("[elementwise] expected a register below %d, got %d in instruction %d", kMaxRegisters, reads[k], i);
    for (int k = 0; k < operands; k++) {
      if (reads[k] >= a.registers || !(written >> reads[k] & 1))
        return fail("[elementwise] expected a register written before, got %d in instruction %d", reads[k], i);
    }
    if (store) {
      storing = true;
      if (s.dst >= outputs || (stored >> s.dst & 1))
        return fail("[elementwise] expected each of %d outputs stored once, got %d", outputs, s.dst);
      stored |= uint64_t{1} << s.dst;
    } else {
      if (s.dst >= a.registers) return fail("[elementwise] expected a register below %d, got %d", a.registers, s.dst);
      pending |= uint64_t{1} << s.dst;
      if (more > 0) continue;
      written |= pending;
      pending = 0;
    }
  }
  if (stored != (uint64_t{1} << outputs) - 1) return fail("[elementwise] expected every output to be stored");
  return {};
}

void collapse(const View* const* views, int count, Attributes* a) {
  const View& shape = *views[count - 1];
  a->rank = 0;
  for (int axis = 0; axis < shape.rank; axis++) {
    if (shape.shape[axis] == 1) continue;
    bool merges = a->rank > 0;
    for (int v = 0; v < count && merges; v++) {
      merges = a->stride[v][a->rank - 1] == views[v]->stride[axis] * shape.shape[axis];
    }
    if (merges) {
      a->shape[a->rank - 1] *= shape.shape[axis];
    } else {
      a->shape[a->rank++] = shape.shape[axis];
    }
    for (int v = 0; v < count; v++) a->stride[v][a->rank - 1] = views[v]->stride[axis];
  }
  if (a->rank == 0) {
    a->rank = 1;
    a->shape[0] = 1;
    for (int v = 0; v < count; v++) a->stride[v][0] = 1;
  }
  for (int v = 0; v < count; v++) {
    a->dense[v] = a->uniform[v] = true;
    int64_t inside = 1;
    for (int axis = a->rank - 1; axis >= 0; axis--) {
      a->dense[v] = a->dense[v] && a->stride[v][axis] == inside;
      a->uniform[v] = a->uniform[v] && a->stride[v][axis] == 0;
      inside *= a->shape[axis];
    }
  }
}

// Of an element, in twelfths of a nanosecond: a simple instruction costs about one, a division or an elementary function
// several.
int64_t cost_of(const Attributes& a) {
  int64_t cost = a.instructions + 2;
  for (int i = 0; i < a.instructions; i++) {
    const uint8_t code = a.instruction[i].code;
    if (code == op_adamw) cost += 9;
    if (code == op_div_f || (code >= op_exp && code <= op_gelu_tanh_d && code != op_relu)) cost += 6;
  }
  return cost;
}

// Additions and multiplications of an element, each of the other instructions counting as one.
int64_t operations_of(const Attributes& a) {
  int64_t operations = 0;
  for (int i = 0; i < a.instructions; i++) switch (a.instruction[i].code) {
      case op_load_f:
      case op_load_i:
      case op_const_f:
      case op_const_i:
      case op_store_f:
      case op_store_i:
      case op_more:
        break;
      case op_adamw:
        operations += 14;
        break;
      case op_fma_f:
        operations += 2;
        break;
      default:
        operations++;
    }
  return operations;
}

// What need not be repeated for every block.
void hoist(Attributes* a) {
  int writes[kMaxRegisters] = {};
  for (int i = 0; i < a->instructions; i++) {
    const Instruction& s = a->instruction[i];
    if (s.code != op_store_f && s.code != op_store_i) writes[s.dst]++;
  }
  for (int i = 0; i < a->instructions; i++) {
    const Instruction& s = a->instruction[i];
    const bool load = s.code == op_load_f || s.code == op_load_i;
    const bool constant = s.code == op_const_f || s.code == op_const_i;
    a->once[i] = (constant || (load && a->uniform[s.a])) && writes[s.dst] == 1;
  }
}

// Where results go, and until when inputs are read.
void follow(const View* out, int inputs, Attributes* a) {
  int written[kMaxRegisters] = {};  // by which instruction last
  std::fill(a->target, a->target + kMaxInstructions, int16_t{-1});
  for (int i = 0; i < a->instructions; i++) {
    const Instruction& s = a->instruction[i];
    const bool load = s.code == op_load_f || s.code == op_load_i;
    const uint8_t reads[3] = {s.a, s.b, s.c};
    for (int k = 0; k < operands_of(s.code); k++) {
      const Instruction& from = a->instruction[written[reads[k]]];
      if (from.code == op_load_f || from.code == op_load_i) a->last_read[from.a] = static_cast<int16_t>(i);
    }
    if (s.code == op_store_f || s.code == op_store_i) {
      const int from = written[s.a];
      const uint8_t code = a->instruction[from].code;
      if (a->dense[inputs + s.dst] && as_registers(out[s.dst], s.code == op_store_f) && code != op_load_f &&
          code != op_load_i && !a->once[from])
        a->target[from] = s.dst;
    } else {
      // What takes three places writes after the last.
      const bool third = s.code == op_more && a->instruction[i - 1].code == op_more;
      const bool waits = s.code == op_adamw || (s.code == op_more && !third);
      for (int j = third ? i - 2 : i; j <= i && !waits; j++) written[a->instruction[j].dst] = j;
      if (load) a->last_read[s.a] = static_cast<int16_t>(i);
    }
  }
}

Status prepare(const View* in, int inputs, const View* out, int outputs, const uint8_t* bytes, size_t size,
               Prepared* prepared) {
  if (outputs < 1 || inputs + outputs > kMaxOperands)
    return fail("[elementwise] expected 1 to %d operands, got %d inputs and %d outputs", kMaxOperands, inputs, outputs);
  for (int i = 0; i < inputs; i++)
    if (!same_shape(in[i], out[0]))
      return fail("[elementwise] expected input %d of shape %s, got %s", i, Shown(out[0]).text, Shown(in[i]).text);
  for (int i = 1; i < outputs; i++)
    if (!same_shape(out[i], out[0]))
      return fail("[elementwise] expected output %d of shape %s, got %s", i, Shown(out[0]).text, Shown(out[i]).text);
  uint16_t header[2];
  if (size < 4) return fail("[elementwise] expected a count of instructions, got %zu bytes", size);
  std::memcpy(header, bytes, 4);
  if (header[0] > kMaxInstructions || header[1] > kMaxRegisters || size != 4 + size_t{12} * header[0])
    return fail("[elementwise] expected at most %d instructions and %d registers of 12 bytes each, got %d, %d in %zu",
                kMaxInstructions, kMaxRegisters, header[0], header[1], size);
  prepared->attributes.resize(sizeof(Attributes));
  auto* a = reinterpret_cast<Attributes*>(prepared->attributes.data());
  std::memset(static_cast<void*>(a), 0, sizeof *a);
  a->instructions = header[0];
  a->registers = header[1];
  std::memcpy(static_cast<void*>(a->instruction), bytes + 4, size - 4);
  const Status status = check_instructions(*a, inputs, outputs);
  if (!status.ok) return status;
  const View* views[kMaxOperands];
  for (int i = 0; i < inputs; i++) views[i] = &in[i];
  for (int i = 0; i < outputs; i++) views[inputs + i] = &out[i];
  collapse(views, inputs + outputs, a);
  hoist(a);
  follow(out, inputs, a);
  a->elements = out[0].elements();

  Work& work = prepared->work;
  const int64_t cost = cost_of(*a);
  a->tile = std::min<int64_t>(kTileElements, (kTileCost / cost + kBlock - 1) / kBlock * kBlock);
  work.tiles[0] = (a->elements + a->tile - 1) / a->tile;
  work.scratch_bytes = int64_t{4} * kBlockStride * kMaxRegisters;
  work.flops = static_cast<double>(a->elements) * static_cast<double>(operations_of(*a));
  for (int i = 0; i < inputs + outputs; i++) {
    int64_t distinct = 1;
    for (int axis = 0; axis < a->rank; axis++) distinct *= a->stride[i][axis] ? a->shape[axis] : 1;
    work.bytes += static_cast<double>(distinct * size_of(views[i]->dtype));
  }
  work.tile_cost = std::min(a->elements, a->tile) * cost / 12;
  prepared->in_place = outputs;
  a->row_elements = out[0].rank > 1 ? out[0].shape[out[0].rank - 1] : 0;
  if (a->row_elements > 0) {
    RowWise& rows = prepared->rows;
    rows.count = a->elements / a->row_elements;
    rows.cost = a->row_elements * (a->instructions + 2) / 12 + 1;
    rows.inputs = ~uint64_t{0};
  }
  return {};
}

}  // namespace
}  // namespace elementwise

extern const OpDefinition jepa_op_elementwise;
const OpDefinition jepa_op_elementwise = {"elementwise", elementwise::prepare};

}  // namespace jepa
