#include "ops/attention/attention.h"

#include <algorithm>
#include <cstring>

#include "runtime/status.h"

namespace jepa {
namespace attention {
namespace {

// Nanoseconds, eleven days: shapes that no memory holds, without columns, must not overflow.
constexpr double kMostCost = 1e15;

Status read(const char* op, const uint8_t* bytes, size_t size, Attributes* a) {
  if (size != 32) return fail("[%s] expected 32 attribute bytes, got %zu", op, size);
  int32_t numbers[5];
  uint32_t compute;
  std::memcpy(&a->scale, bytes, 4);
  std::memcpy(&a->flags, bytes + 4, 4);
  std::memcpy(numbers, bytes + 8, 20);
  std::memcpy(&compute, bytes + 28, 4);
  if (a->flags > 31) return fail("[%s] expected flags below 32, got %u", op, a->flags);
  if (compute > 1) return fail("[%s] expected compute 0 or 1, got %u", op, compute);
  a->rounded = compute == 1;
  a->query_offset = numbers[0];
  a->window_left = numbers[1];
  a->window_right = numbers[2];
  a->block = numbers[3];
  a->window_blocks = numbers[4];
  if (a->flags & kBlock && (a->block < 1 || a->window_blocks < 0))
    return fail("[%s] expected a block of at least 1 key and a window of at least 0 blocks, got %d and %d", op,
                numbers[3], numbers[4]);
  return {};
}

Status check_heads(const char* op, const char* name, const View& v, int64_t b, int64_t h, int64_t rows, int64_t width,
                   Heads* strides) {
  if (v.dtype != DType::float32 || v.rank != 4 || v.shape[0] != b || v.shape[1] != h || v.shape[2] != rows ||
      v.shape[3] != width || (width > 1 && v.stride[3] != 1))
    return fail("[%s] expected %s float32 [%lld, %lld, %lld, %lld] with a dense last axis, got %s %s", op, name,
                static_cast<long long>(b), static_cast<long long>(h), static_cast<long long>(rows),
                static_cast<long long>(width), name_of(v.dtype), Shown(v).text);
  *strides = {v.stride[0], v.stride[1], v.stride[2]};
  return {};
}

Status check_queries_keys(const char* op, const View* q, Attributes* a) {
  const View &k = q[1], &v = q[2];
  if (q->rank != 4 || k.rank != 4 || v.rank != 4)
    return fail("[%s] expected q, k and v of four axes, got %s, %s and %s", op, Shown(*q).text, Shown(k).text,
                Shown(v).text);
  a->batches = q->shape[0];
  a->heads = q->shape[1];
  a->queries = q->shape[2];
  a->width = q->shape[3];
  a->keys = k.shape[2];
  a->value_width = v.shape[3];
  Status status = check_heads(op, "q", *q, a->batches, a->heads, a->queries, a->width, &a->q);
  if (status.ok) status = check_heads(op, "k", k, a->batches, a->heads, a->keys, a->width, &a->k);
  if (status.ok) status = check_heads(op, "v", v, a->batches, a->heads, a->keys, a->value_width, &a->v);
  return status;
}

Status check_lse(const char* op, const View& lse, Attributes* a) {
  if (lse.dtype != DType::float32 || lse.rank != 3 || lse.shape[0] != a->batches || lse.shape[1] != a->heads ||
      lse.shape[2] != a->queries)
    return fail("[%s] expected lse float32 of one number a query, got %s %s", op, name_of(lse.dtype), Shown(lse).text);
  a->lse_batch = lse.stride[0];
  a->lse_head = lse.stride[1];
  a->lse_row = lse.stride[2];
  return {};
}

// Masks follow the other inputs, of which there are `before`.
Status check_masks(const char* op, const View* in, int inputs, int before, Attributes* a) {
  const int expected = before + (a->flags & kMask ? 1 : 0) + (a->flags & kKeyLength ? 1 : 0);
  if (inputs != expected) return fail("[%s] expected %d inputs for flags %u, got %d", op, expected, a->flags, inputs);
  a->mask_input = a->key_length_input = -1;
  int next = before;
  if (a->flags & kMask) {
    const View& m = in[next];
    a->mask_input = next++;
    if (size_of(m.dtype) != 1 || m.rank != 4 || m.shape[0] != a->batches || m.shape[1] != a->heads ||
        m.shape[2] != a->queries || m.shape[3] != a->keys)
      return fail("[%s] expected a bool mask of shape [B, H, Sq, Sk], got %s %s", op, name_of(m.dtype), Shown(m).text);
    a->mask_batch = m.stride[0];
    a->mask_head = m.stride[1];
    a->mask_row = m.stride[2];
    a->mask_key = m.stride[3];
  }
  if (a->flags & kKeyLength) {
    const View& l = in[next];
    a->key_length_input = next;
    if (l.dtype != DType::int32 || l.rank != 1 || l.shape[0] != a->batches)
      return fail("[%s] expected key_length int32 [B], got %s %s", op, name_of(l.dtype), Shown(l).text);
    a->key_length_stride = l.stride[0];
  }
  return {};
}

// Few enough queries, keys and columns that a head fits a lane, and masks that are the same for every head.
bool tiny(const Attributes& a) {
  return a.queries <= kFew && a.keys <= kFew && a.width <= kFew && a.value_width <= kFew &&
         !(a.flags & (kMask | kKeyLength)) && a.batches * a.heads >= 4;
}

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

Attributes* attributes_of(Prepared* prepared) {
  prepared->attributes.assign(sizeof(Attributes), 0);
  return reinterpret_cast<Attributes*>(prepared->attributes.data());
}

void cost(const Attributes& a, double products, double passes, Work* work) {
  const double pairs =
      static_cast<double>(a.batches * a.heads) * static_cast<double>(a.queries) * static_cast<double>(a.keys);
  work->flops = pairs * (products * static_cast<double>(a.width + a.value_width) + 8);
  work->bytes =
      passes * 4.0 * static_cast<double>(a.batches * a.heads * (a.queries + a.keys) * (a.width + a.value_width));
  if (work->tiles[0])
    work->tile_cost = static_cast<int64_t>(work->flops / static_cast<double>(work->tiles[0]) / 40) + 100;
}

Status prepare(const View* in, int inputs, const View* out, int outputs, const uint8_t* bytes, size_t size,
               Prepared* prepared) {
  static const char op[] = "attention";
  Attributes* a = attributes_of(prepared);
  if (inputs < 3 || outputs != 2)
    return fail("[%s] expected at least 3 inputs and 2 outputs, got %d and %d", op, inputs, outputs);
  Status status = read(op, bytes, size, a);
  if (status.ok) status = check_queries_keys(op, in, a);
  if (status.ok) status = check_masks(op, in, inputs, 3, a);
  if (status.ok) status = check_heads(op, "y", out[0], a->batches, a->heads, a->queries, a->value_width, &a->y);
  if (status.ok) status = check_lse(op, out[1], a);
  if (!status.ok) return status;
  Work& work = prepared->work;
  const int64_t heads = a->batches * a->heads;
  a->tiny = tiny(*a);
  a->tile_queries = heads * divide_up(a->queries, kQueries) < kEnough ? kLanes : kQueries;
  a->query_tiles = divide_up(a->queries, a->tile_queries);
  work.tiles[0] = a->tiny ? divide_up(heads, kGroup) : heads * a->query_tiles;
  work.scratch_bytes = 4 * (a->tiny ? tiny_floats(*a) : forward_floats(*a));
  cost(*a, 2, 1, &work);
  if (!a->tiny && a->batches > 1) {
    prepared->rows.count = a->batches;
    const double all = static_cast<double>(work.tiles[0]) * static_cast<double>(work.tile_cost);
    prepared->rows.cost = static_cast<int64_t>(std::min(all, kMostCost)) / a->batches;
    prepared->rows.inputs = ~uint64_t{0};
  }
  return {};
}

Status prepare_gradient(const View* in, int inputs, const View* out, int outputs, const uint8_t* bytes, size_t size,
                        Prepared* prepared) {
  static const char op[] = "attention_gradient";
  Attributes* a = attributes_of(prepared);
  if (inputs < 6 || outputs != 3)
    return fail("[%s] expected at least 6 inputs and 3 outputs, got %d and %d", op, inputs, outputs);
  Status status = read(op, bytes, size, a);
  if (status.ok) status = check_queries_keys(op, in + 1, a);
  if (status.ok) status = check_masks(op, in, inputs, 6, a);
  if (status.ok) status = check_heads(op, "dy", in[0], a->batches, a->heads, a->queries, a->value_width, &a->dy);
  if (status.ok) status = check_heads(op, "y", in[4], a->batches, a->heads, a->queries, a->value_width, &a->y);
  if (status.ok) status = check_lse(op, in[5], a);
  if (status.ok) status = check_heads(op, "dq", out[0], a->batches, a->heads, a->queries, a->width, &a->dq);
  if (status.ok) status = check_heads(op, "dk", out[1], a->batches, a->heads, a->keys, a->width, &a->dk);
  if (status.ok) status = check_heads(op, "dv", out[2], a->batches, a->heads, a->keys, a->value_width, &a->dv);
  if (!status.ok) return status;
  Work& work = prepared->work;
  const int64_t heads = a->batches * a->heads;
  a->tiny = tiny(*a);
  const int64_t wanted = heads > 0 && heads < kEnough ? divide_up(kEnough, heads) : 1;
  a->tile_keys = divide_up(divide_up(a->keys, wanted), kLanes) * kLanes;
  a->key_tiles = a->keys > 0 ? divide_up(a->keys, a->tile_keys) : 1;
  work.tiles[0] = a->tiny ? divide_up(heads, kGroup) : heads * a->key_tiles;
  work.scratch_bytes = 4 * (a->tiny ? tiny_gradient_floats(*a) : gradient_floats(*a));
  if (!a->tiny && a->key_tiles > 1) {
    work.phases = 2;
    work.tiles[1] = heads;
    work.workspace_bytes = 4 * work.tiles[0] * a->queries * a->width;
  }
  cost(*a, 5, 2, &work);
  return {};
}

}  // namespace
}  // namespace attention

extern const OpDefinition jepa_op_attention;
const OpDefinition jepa_op_attention = {"attention", attention::prepare};
extern const OpDefinition jepa_op_attention_gradient;
const OpDefinition jepa_op_attention_gradient = {"attention_gradient", attention::prepare_gradient};

}  // namespace jepa
