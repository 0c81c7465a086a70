#include "ops/random/random.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "runtime/status.h"

namespace jepa {
namespace random {
namespace {

Status prepare(const View* in, int inputs, const View* out, int outputs, const uint8_t* bytes, size_t size,
               Prepared* prepared) {
  if (inputs != 2 || outputs != 1)
    return fail("[random] expected 2 inputs and 1 output, got %d and %d", inputs, outputs);
  if (size != 20) return fail("[random] expected 20 attribute bytes, got %zu", size);
  uint32_t kind;
  float a, b;
  prepared->attributes.assign(sizeof(Attributes), 0);
  auto* attributes = reinterpret_cast<Attributes*>(prepared->attributes.data());
  std::memcpy(&kind, bytes, 4);
  std::memcpy(attributes->stream, bytes + 4, 8);
  std::memcpy(&a, bytes + 12, 4);
  std::memcpy(&b, bytes + 16, 4);
  if (kind > 2) return fail("[random] expected a kind below 3, got %u", kind);
  const View &seed = in[0], &step = in[1];
  if (seed.dtype != DType::int32 || seed.rank != 1 || seed.shape[0] < 1 || seed.shape[0] > 2)
    return fail("[random] expected a seed int32 [1] or [2], got %s %s", name_of(seed.dtype), Shown(seed).text);
  if (step.dtype != DType::int32 || step.rank != 1 || step.shape[0] != 1)
    return fail("[random] expected a step int32 [1], got %s %s", name_of(step.dtype), Shown(step).text);
  attributes->kind = static_cast<Kind>(kind);
  const DType wanted = attributes->kind == Kind::bits ? DType::int32 : DType::float32;
  if (out->dtype != wanted)
    return fail("[random] expected an output of %s, got %s", name_of(wanted), name_of(out->dtype));
  if (!is_contiguous(*out)) return fail("[random] expected a contiguous output, got %s", Shown(*out).text);
  attributes->elements = out->elements();
  if (attributes->elements > int64_t{4} << 32)
    return fail("[random] expected at most 2^34 elements, got %s", Shown(*out).text);
  attributes->wide_seed = seed.shape[0] == 2;
  attributes->seed_stride = seed.stride[0];
  attributes->shift = a;
  attributes->scale = attributes->kind == Kind::uniform ? b - a : b;
  attributes->limit = std::nextafter(b, a);
  Work& work = prepared->work;
  work.tiles[0] = (attributes->elements + kTileElements - 1) / kTileElements;
  work.bytes = 4.0 * static_cast<double>(attributes->elements);
  work.flops = static_cast<double>(attributes->elements) * (attributes->kind == Kind::normal ? 24 : 2);
  work.tile_cost = 2 * std::min(attributes->elements, kTileElements);
  return {};
}

}  // namespace
}  // namespace random

extern const OpDefinition jepa_op_random;
const OpDefinition jepa_op_random = {"random", random::prepare};

}  // namespace jepa
