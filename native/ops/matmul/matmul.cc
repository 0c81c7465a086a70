#include "ops/matmul/matmul.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "runtime/status.h"

namespace jepa {
namespace matmul {
namespace {

constexpr int64_t kStripRows = 14;  // of the largest strip
// Bytes apart at which the rows of a strip share two sets of L1, and a depth of them a few sets of L2.
constexpr int64_t kSetsOfL1 = 2048, kSetsOfL2 = 4096;
// Of a block whose results are read and written again for every depth: they stay in L2.
constexpr int64_t kResidentPanels = 16;
constexpr int64_t kMostElements = int64_t{1} << 46;  // of an operand, as of a buffer
constexpr int64_t kTried = 32;                       // more blocks than the fewest that are considered

int64_t blocks(int64_t total, int64_t size) { return (total + size - 1) / size; }

// A matrix operand: one of its last two axes dense.
bool is_matrix(const View& v) {
  const int64_t rows = v.shape[v.rank - 2], columns = v.shape[v.rank - 1];
  return columns <= 1 || v.stride[v.rank - 1] == 1 || rows <= 1 || v.stride[v.rank - 2] == 1;
}

// Whether rows `stride` elements apart are a multiple of so many bytes apart.
bool aliases(int64_t stride, int64_t bytes) { return stride != 0 && stride % (bytes / 4) == 0; }

// Inner steps of a block, none much shorter than the others.
int64_t balanced_depth(const Attributes& t) {
  const int64_t most = t.rounded && (t.packed || (t.a_whole && t.b_whole)) ? kPairedDepth
                       : t.rounded || t.a_column == 1                      ? kDepth
                                                                           : kDepth / 2;
  if (t.chunks > 1) return most;  // divides a chunk
  const int64_t depths = std::max<int64_t>(blocks(t.k, most), 1);
  const int64_t whole = t.rounded ? 32 : 16;  // the depth of a tile of pairs
  return std::max<int64_t>(blocks(blocks(t.k, depths), whole), 1) * whole;
}

// Cuts one product into blocks of rows and columns: the cheapest way by a model of what a block costs, in cycles an inner step,
// as two threads would share the blocks out and, with less weight, eight.
void cut(Attributes* t) {
  const bool turned = t->a_column != 1;
  const int64_t least = blocks(t->m, kRows),
                fewest = t->packed ? 1 : std::max<int64_t>(blocks(t->panels, kResidentPanels), 1);
  const int64_t most = std::min(blocks(t->m, 2 * kStripRows), least + kTried);
  double best = 0;
  t->row_blocks = least;
  t->column_blocks = std::min(fewest, t->panels);
  for (int64_t rows = std::max<int64_t>(least, 1); rows <= most; rows++)
    for (int64_t columns = fewest; columns <= std::min(t->panels, fewest + kTried); columns++) {
      const int64_t height = blocks(t->m, rows);
      const auto strips = static_cast<double>(blocks(height, kStripRows));
      const auto panels = static_cast<double>(blocks(t->panels, columns));
      // Measured: float32 in few rows waits for b, so that reading it once counts for more than strips that are full.
      const double rows_of_strips = t->rounded ? static_cast<double>(height) + strips / 2 : kStripRows * strips;
      const double products = panels * std::max(rows_of_strips, 16.0);
      // Measured: a line read in place costs a cycle or two, one that is packed as many as it takes to pass L2 three times.
      const double left = (!t->copied || t->a_whole ? 1.0 : turned ? 7.0 : 4.0) * strips;
      const double right = (t->packed || t->b_whole ? 0.0 : t->b_copied ? 8.0 : 2.0) * panels;
      const double cost = products + left + right + 2000.0 / static_cast<double>(t->k + 1);
      const double tiles = static_cast<double>(t->batches) * static_cast<double>(t->chunks * rows * columns);
      const double total = cost * (6 * std::ceil(tiles / 2) + 2 * std::ceil(tiles / 8));
      if (best == 0 || total < best) best = total, t->row_blocks = rows, t->column_blocks = columns;
    }
}

// Numbers of the panels of b, −1 if too many; pairs of bfloat16 are whole.
int64_t packed_elements(int64_t k, int64_t n, bool rounded) {
  int64_t elements;
  if (__builtin_mul_overflow(rounded ? k + k % 2 : k, blocks(n, kPanel) * kPanel, &elements)) return -1;
  return elements;
}

Status check_operands(const View& a, const View& b, const View* bias, const View& y, const uint32_t* given) {
  const bool packed = given[0] & kPacked, rounded = given[0] & kRounded;
  for (const View* v : {&a, &b, &y})
    if (v->dtype != DType::float32 && !(v == &b && packed && rounded))
      return fail("[matmul] expected float32 operands, got %s", name_of(v->dtype));
  if (a.rank < 2 || y.rank != a.rank)
    return fail("[matmul] expected operands of two or more axes, got %s and %s", Shown(a).text, Shown(y).text);
  const int64_t m = a.shape[a.rank - 2], k = a.shape[a.rank - 1], n = y.shape[y.rank - 1];
  if (y.shape[y.rank - 2] != m || (n > 1 && y.stride[y.rank - 1] != 1) || !is_matrix(a))
    return fail("[matmul] expected a result [%lld, %lld] with a dense last axis, got %s", static_cast<long long>(m),
                static_cast<long long>(n), Shown(y).text);
  if (packed) {
    const int64_t elements = packed_elements(k, n, rounded);
    const DType dtype = rounded ? DType::bfloat16 : DType::float32;
    if (given[1] != k || given[2] != n || b.dtype != dtype || b.rank != 1 || b.shape[0] != elements ||
        (b.shape[0] > 1 && b.stride[0] != 1))
      return fail("[matmul] expected a packed operand of %lld numbers of %s, got %s of %s",
                  static_cast<long long>(elements), name_of(dtype), Shown(b).text, name_of(b.dtype));
  } else if (b.rank != a.rank || b.shape[b.rank - 2] != k || b.shape[b.rank - 1] != n || !is_matrix(b)) {
    return fail("[matmul] expected b […, %lld, %lld], got %s", static_cast<long long>(k), static_cast<long long>(n),
                Shown(b).text);
  }
  for (int i = 0; i < a.rank - 2; i++)
    if (a.shape[i] != y.shape[i] || (!packed && b.shape[i] != y.shape[i]))
      return fail("[matmul] expected equal batch axes, got %s, %s and %s", Shown(a).text, Shown(b).text, Shown(y).text);
  if (bias &&
      (bias->dtype != DType::float32 || bias->rank != 1 || bias->shape[0] != n || (n > 1 && bias->stride[0] != 1)))
    return fail("[matmul] expected bias [%lld], got %s", static_cast<long long>(n), Shown(*bias).text);
  return {};
}

// Activations whose slope the kernel knows.
bool has_slope(uint32_t activation) {
  return activation == static_cast<uint32_t>(Activation::gelu_erf) ||
         activation == static_cast<uint32_t>(Activation::gelu_tanh);
}

// What is read or written beside y has its shape.
Status check_beside(const View& x, const View& y) {
  bool same = x.dtype == DType::float32 && x.rank == y.rank;
  for (int i = 0; same && i < y.rank; i++) same = x.shape[i] == y.shape[i];
  if (!same || (x.shape[x.rank - 1] > 1 && x.stride[x.rank - 1] != 1))
    return fail("[matmul] expected float32 %s with a dense last axis beside the result, got %s of %s", Shown(y).text,
                Shown(x).text, name_of(x.dtype));
  return {};
}

// The windows of a picture as the rows that they stand for: no buffer bounds these, so that their number is checked here.
Status read_picture(const View& picture, int64_t rows, int64_t columns, const uint8_t* bytes, size_t size, View* matrix,
                    Windows* windows) {
  int64_t elements;
  if (__builtin_mul_overflow(rows, columns, &elements) || elements > kMostElements)
    return fail("[matmul] expected windows of at most 2^46 numbers, got %lld by %lld", static_cast<long long>(rows),
                static_cast<long long>(columns));
  *matrix = View{};
  matrix->rank = 2;
  matrix->shape[0] = rows;
  matrix->shape[1] = matrix->stride[0] = columns;
  matrix->stride[1] = 1;
  return read_windows("matmul", picture, *matrix, bytes, size, windows);
}

Status prepare(const View* in, int inputs, const View* out, int outputs, const uint8_t* bytes, size_t size,
               Prepared* prepared) {
  uint32_t given[4];
  if (inputs < 2 || inputs > 4 || outputs < 1 || outputs > 2 || size < sizeof given)
    return fail("[matmul] expected two to four operands, one or two results and 16 bytes, got %d, %d and %zu", inputs,
                outputs, size);
  std::memcpy(given, bytes, sizeof given);
  const bool a_windows = given[0] & kWindowsA, b_windows = given[0] & kWindowsB;
  const size_t expected = sizeof given + (a_windows || b_windows ? sizeof(WindowAttributes) : 0);
  if (size != expected) return fail("[matmul] expected %zu bytes of attributes, got %zu", expected, size);
  const bool residual = given[0] & kResidual, slope = given[0] & kSlope, beside = residual || slope;
  if (given[0] >= 2 * kWindowsB || !is_activation(given[3]) || (residual && slope) || (slope && !has_slope(given[3])) ||
      (a_windows && b_windows) || (b_windows && (given[0] & kPacked)))
    return fail("[matmul] expected known attributes, got %u, %u", given[0], given[3]);
  if (inputs < 2 + beside || inputs > 3 + beside)
    return fail("[matmul] expected a, b, a bias or none%s, got %d operands", beside ? " and what is beside y" : "",
                inputs);
  const bool bias = inputs == 3 + beside;
  View a = in[0], b = in[1];
  const View& y = out[0];
  Windows windows = {};
  Status status;
  if ((a_windows || b_windows) && y.rank != 2)
    return fail("[matmul] expected a result of two axes, got %s", Shown(y).text);
  if (a_windows)
    status = read_picture(in[0], y.shape[0], given[1], bytes + sizeof given, size - sizeof given, &a, &windows);
  if (b_windows)
    status = read_picture(in[1], given[1], y.shape[1], bytes + sizeof given, size - sizeof given, &b, &windows);
  if (status.ok) status = check_operands(a, b, bias ? &in[2] : nullptr, y, given);
  if (status.ok && beside) status = check_beside(in[inputs - 1], y);
  if (status.ok && outputs == 2) status = check_beside(out[1], y);
  if (!status.ok) return status;

  prepared->attributes.resize(sizeof(Attributes));
  auto& t = *reinterpret_cast<Attributes*>(prepared->attributes.data());
  t = Attributes{};
  t.m = a.shape[a.rank - 2];
  t.k = a.shape[a.rank - 1];
  t.n = y.shape[y.rank - 1];
  t.a_row = a.stride[a.rank - 2];
  t.a_column = a.stride[a.rank - 1];
  t.y_row = y.stride[y.rank - 2];
  t.a_windows = a_windows;
  t.b_windows = b_windows;
  t.windows = windows;
  t.rows_of_row = a_windows ? windows.oh * windows.ow : 1;
  t.packed = given[0] & kPacked;
  t.rounded = given[0] & kRounded;
  t.bias = bias;
  t.residual = residual;
  t.slope = slope;
  t.activation = static_cast<Activation>(given[3]);
  if (!t.packed) {
    t.b_row = b.stride[b.rank - 2];
    t.b_column = b.stride[b.rank - 1];
  }
  t.batches = 1;
  t.batch_rank = a.rank - 2;
  for (int i = 0; i < t.batch_rank; i++) {
    t.batches *= t.batch_shape[i] = y.shape[i];
    t.a_batch[i] = a.stride[i];
    t.b_batch[i] = t.packed ? 0 : b.stride[i];
    t.y_batch[i] = y.stride[i];
    if (beside) t.beside_batch[i] = in[inputs - 1].stride[i];
    if (outputs == 2) t.sums_batch[i] = out[1].stride[i];
  }
  if (beside) t.beside_row = in[inputs - 1].stride[y.rank - 2];
  if (outputs == 2) t.sums_row = out[1].stride[y.rank - 2];
  t.panels = blocks(t.n, kPanel);
  t.copied = t.rounded || a_windows || (t.a_column == 1 ? aliases(t.a_row, kSetsOfL1) : aliases(t.a_column, kSetsOfL2));
  t.b_copied = t.rounded || b_windows || t.b_column != 1 || t.a_column == 1 || aliases(t.b_row, kSetsOfL2);
  t.chunks =
      t.batches * blocks(t.m, kRows / 2) * blocks(t.panels, 3) < 8 && t.k >= 2 * kChunk ? blocks(t.k, kChunk) : 1;
  const int64_t result = t.batches * t.m * t.n * 4;
  t.streamed = result >= (given[0] & kLate ? kLarge : kHuge);
  t.sums_streamed = result >= kLarge;
  const bool turned = t.a_column != 1 && t.k > 1 && !t.packed && t.batches == 1;
  t.a_whole = turned && t.copied;
  t.b_whole = turned && t.b_copied && t.b_column == 1;
  cut(&t);
  t.a_whole = t.a_whole && t.column_blocks > 1;  // what one block needs it packs itself
  t.b_whole = t.b_whole && t.row_blocks > 1;
  t.depth = balanced_depth(t);

  Work& work = prepared->work;
  int64_t numbers = t.chunks > 1 ? t.chunks * t.batches * t.m * t.n : 0;  // of the workspace
  const int64_t depths = blocks(t.k, t.depth), steps = t.rounded ? (t.k + 1) / 2 : t.k;
  const auto reserve = [&](int64_t size) {
    const int64_t at = blocks(numbers, 16) * 16;
    numbers = at + size;
    return at;
  };
  t.packing = t.a_whole || t.b_whole;
  work.tiles[0] = 0;
  if (t.a_whole) {
    const int64_t rows = blocks(t.m, std::max<int64_t>(t.row_blocks, 1));
    t.a_whole_block = std::max(rows * 4 / 3 + 16, blocks(rows, 32) * 32) * blocks(steps, 16) * 16;  // strips filled up
    t.a_whole_at = reserve(t.row_blocks * t.a_whole_block);
    work.tiles[0] += t.row_blocks * depths;
  }
  if (t.b_whole) {
    t.b_whole_at = reserve(t.panels * kPanel * steps);
    work.tiles[0] += blocks(t.panels, kWholePanels) * depths;
  }
  work.workspace_bytes = numbers * 4;
  work.scratch_bytes = (kDepth * kPanel + kCopied) * 4;
  work.tiles[t.packing] = t.chunks * t.batches * t.row_blocks * t.column_blocks;
  if (t.chunks > 1) work.tiles[t.packing + 1] = blocks(t.batches * t.m, 64);
  work.phases = t.packing + 1 + (t.chunks > 1);
  const double results = static_cast<double>(t.batches) * static_cast<double>(t.m) * static_cast<double>(t.n);
  work.flops = 2.0 * results * static_cast<double>(t.k);
  const auto read = [&](int64_t rows, bool gathered, const View& picture) {
    if (gathered) return static_cast<double>(picture.elements());
    return static_cast<double>(t.batches) * static_cast<double>(t.k) * static_cast<double>(rows);
  };
  work.bytes = 4.0 * ((outputs + beside) * results + read(t.m, a_windows, in[0]) + read(t.n, b_windows, in[1]));
  const int64_t tiles = work.tiles[t.packing];
  work.tile_cost = tiles ? static_cast<int64_t>(work.flops / 80.0 / static_cast<double>(tiles)) + 50 : 0;
  if (t.packed && t.batches == 1 && t.chunks == 1 && (t.a_column == 1 || t.k == 1) && t.m > 0) {
    const int64_t each = t.rows_of_row;
    prepared->rows.count = t.m / each;
    prepared->rows.least =
        std::max<int64_t>(kRows / 2 / each, 2);  // above 1, as of whatever reads weights for every block
    prepared->rows.cost = static_cast<int64_t>(work.flops / 80.0 / static_cast<double>(prepared->rows.count)) + 1;
    prepared->rows.inputs = uint64_t{1} | (beside ? uint64_t{1} << (inputs - 1) : 0);  // a, residual or slope
  }
  return {};
}

Status prepare_pack(const View* in, int inputs, const View* out, int outputs, const uint8_t*, size_t size,
                    Prepared* prepared) {
  if (inputs != 1 || outputs != 1 || size != 0)
    return fail("[matmul_pack] expected one operand and one result, got %d and %d", inputs, outputs);
  const View &b = in[0], &y = out[0];
  const bool rounded = y.dtype == DType::bfloat16;
  if (b.dtype != DType::float32 || b.rank != 2 || !is_matrix(b) || !(rounded || y.dtype == DType::float32) ||
      y.rank != 1 || (y.shape[0] > 1 && y.stride[0] != 1) ||
      y.shape[0] != packed_elements(b.shape[0], b.shape[1], rounded))
    return fail("[matmul_pack] expected float32 [K, N] and its panels, got %s and %s", Shown(b).text, Shown(y).text);
  Work& work = prepared->work;
  work.tiles[0] = blocks(b.shape[1], kPanel);
  work.bytes = 4.0 * static_cast<double>(b.elements()) + static_cast<double>(size_of(y.dtype) * y.elements());
  work.tile_cost = b.shape[0] * kPanel / 4;
  return {};
}

}  // namespace
}  // namespace matmul

extern const OpDefinition jepa_op_matmul, jepa_op_matmul_pack;
const OpDefinition jepa_op_matmul = {"matmul", matmul::prepare};
const OpDefinition jepa_op_matmul_pack = {"matmul_pack", matmul::prepare_pack};

}  // namespace jepa
