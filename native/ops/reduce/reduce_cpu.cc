#include "ops/reduce/accumulators.h"
#include "ops/reduce/reduce.h"

using namespace jepa;
using namespace jepa::reduce;

namespace {

template <class T>
JEPA_INLINE auto gather(const T* p, int64_t stride, int n) -> decltype(get(p)) {
  T lanes[W] = {};
  for (int i = 0; i < n; i++) lanes[i] = p[i * stride];
  return get(lanes);
}
JEPA_INLINE Vi positions(int64_t start) {
  int32_t lanes[W];
  for (int i = 0; i < W; i++) lanes[i] = static_cast<int32_t>(start) + i;
  return load_i(lanes);
}

// Summands [begin, end) in runs along the innermost reduced axis: body(offset in elements, first summand, count).
template <class Body>
JEPA_INLINE void for_each_run(const Attributes& a, int64_t begin, int64_t end, Body body) {
  if (begin >= end) return;
  if (a.rank == 0) return body(int64_t{0}, begin, end - begin);
  if (a.rank == 1) return body(begin * a.stride[0], begin, end - begin);
  const int inner = a.rank - 1;
  int64_t index[kMaxRank], offset = 0, rest = begin;
  for (int axis = inner; axis >= 0; axis--) {
    index[axis] = rest % a.shape[axis];
    rest /= a.shape[axis];
    offset += index[axis] * a.stride[axis];
  }
  for (int64_t at = begin; at < end;) {
    const int64_t left = a.shape[inner] - index[inner];
    const int64_t count = left < end - at ? left : end - at;
    body(offset, at, count);
    at += count;
    offset += count * a.stride[inner];
    index[inner] += count;
    for (int axis = inner; axis > 0 && index[axis] == a.shape[axis]; axis--) {
      offset += a.stride[axis - 1] - a.shape[axis] * a.stride[axis];
      index[axis] = 0;
      index[axis - 1]++;
    }
  }
}

// One dense run of summands, where the set-up of the general case would cost more than the sum.
template <class P>
JEPA_INLINE double reduce_short_row(const typename P::T* x, int64_t count) {
  P carrier = P::start();
  Vi at = positions(0);
  int64_t i = 0;
  for (; i + W <= count; i += W) {
    carrier.step(get(x + i), at);
    at = at + set_i(W);
  }
  if (i < count) {
    const int n = static_cast<int>(count - i);
    carrier.step_first(get_n(x + i, n), at, n);
  }
  return carrier.total();
}

// All lanes along the summands of one output. Four carriers in turn hide the latency of an addition.
template <class P>
JEPA_INLINE double reduce_row(const Attributes& a, const typename P::T* x, int64_t begin, int64_t end) {
  P carrier[4] = {P::start(), P::start(), P::start(), P::start()};
  const int64_t stride = a.rank ? a.stride[a.rank - 1] : 1;
  for_each_run(a, begin, end, [&](int64_t offset, int64_t start, int64_t count) {
    const typename P::T* p = x + offset;
    int64_t i = 0;
    if (stride == 1) {
      if (P::mergeable) {
        for (; i + 4 * W <= count; i += 4 * W)
          for (int k = 0; k < 4; k++) carrier[k].step(get(p + i + k * W), set_i(0));
      }
      Vi at = positions(start + i);
      for (; i + W <= count; i += W) {
        carrier[0].step(get(p + i), at);
        at = at + set_i(W);
      }
      if (i < count) {
        const int n = static_cast<int>(count - i);
        carrier[0].step_first(get_n(p + i, n), at, n);
      }
    } else {
      Vi at = positions(start);
      for (; i < count; i += W) {
        const int n = static_cast<int>(count - i < W ? count - i : W);
        carrier[0].step_first(gather(p + i * stride, stride, n), at, n);
        at = at + set_i(W);
      }
    }
  });
  if (P::mergeable && end - begin >= 4 * W)
    for (int k = 1; k < 4; k++) carrier[0].merge(carrier[k]);
  return carrier[0].total();
}

// `vectors` neighbouring vectors of columns over a run of summands.
template <class P, int vectors>
JEPA_INLINE void sweep(P* carrier, const typename P::T* p, int64_t stride, int64_t start, int64_t count) {
  P c[vectors];
  for (int k = 0; k < vectors; k++) c[k] = carrier[k];
  for (int64_t r = 0; r < count; r++) {
    const Vi position = set_i(static_cast<int32_t>(start + r));
    for (int k = 0; k < vectors; k++) c[k].step(get(p + r * stride + k * W), position);
  }
  for (int k = 0; k < vectors; k++) carrier[k] = c[k];
}

// A block of up to kColumns outputs, lanes along them.
template <class P>
JEPA_INLINE void reduce_columns(const Attributes& a, const typename P::T* x, int columns, int64_t begin, int64_t end,
                                double* to) {
  constexpr int blocks = kColumns / W;
  P carrier[blocks];
  for (int k = 0; k < blocks; k++) carrier[k] = P::start();
  const int64_t stride = a.rank ? a.stride[a.rank - 1] : 0;
  const int whole = a.column_in == 1 ? columns / W : 0;
  for_each_run(a, begin, end, [&](int64_t offset, int64_t start, int64_t count) {
    int k = 0;
    for (; k + 4 <= whole; k += 4) sweep<P, 4>(carrier + k, x + offset + k * W, stride, start, count);
    for (; k + 2 <= whole; k += 2) sweep<P, 2>(carrier + k, x + offset + k * W, stride, start, count);
    for (; k < whole; k++) sweep<P, 1>(carrier + k, x + offset + k * W, stride, start, count);
    for (; k * W < columns; k++) {
      const int n = columns - k * W < W ? columns - k * W : W;
      const typename P::T* p = x + offset + k * W * a.column_in;
      P c = carrier[k];
      for (int64_t r = 0; r < count; r++) {
        const Vi position = set_i(static_cast<int32_t>(start + r));
        const auto v = a.column_in == 1 ? get_n(p + r * stride, n) : gather(p + r * stride, a.column_in, n);
        c.step_first(v, position, n);
      }
      carrier[k] = c;
    }
  });
  double lanes[kColumns];
  for (int k = 0; k < blocks; k++) carrier[k].lanes(lanes + k * W);
  for (int k = 0; k < columns; k++) to[k] = lanes[k];
}

struct Unit {
  int64_t in, out;
  int columns;
};
JEPA_INLINE Unit unit_of(const Attributes& a, int64_t unit) {
  if (!a.columns && a.outer_rank == 1) return {unit * a.outer_in[0], unit * a.outer_out[0], 1};
  const int64_t block = unit % a.blocks;
  int64_t rest = unit / a.blocks;
  Unit u = {block * kColumns * a.column_in, block * kColumns * a.column_out, 1};
  if (a.columns) {
    const int64_t left = a.columns - block * kColumns;
    u.columns = static_cast<int>(left < kColumns ? left : kColumns);
  }
  for (int axis = a.outer_rank - 1; axis >= 0; axis--) {
    const int64_t index = rest % a.outer[axis];
    rest /= a.outer[axis];
    u.in += index * a.outer_in[axis];
    u.out += index * a.outer_out[axis];
  }
  return u;
}

JEPA_INLINE void store_outputs(const Attributes& a, const View& out, const Unit& u, const double* total) {
  for (int k = 0; k < u.columns; k++) {
    const int64_t at = u.out + k * a.column_out;
    if (out.dtype == DType::float32) {
      out.as<float>()[at] = static_cast<float>(total[k]);
    } else {
      out.as<int32_t>()[at] = static_cast<int32_t>(total[k]);
    }
  }
}

// Summands [from, to) of a unit.
template <class P>
JEPA_INLINE void reduce_part(const Attributes& a, const typename P::T* x, const Unit& u, int64_t from, int64_t to,
                             double* total) {
  if (a.columns) {
    reduce_columns<P>(a, x + u.in, u.columns, from, to, total);
  } else if (a.rank == 1 && a.stride[0] == 1 && a.reduced < 8 * W) {
    total[0] = reduce_short_row<P>(x + u.in, to);
  } else {
    total[0] = reduce_row<P>(a, x + u.in, from, to);
  }
}

template <class P>
void reduce_units(const Call& call, int64_t begin, int64_t end) {
  const auto& a = *static_cast<const Attributes*>(call.attributes);
  const auto* x = reinterpret_cast<const typename P::T*>(call.in[0].data);
  double total[kColumns];
  for (int64_t unit = begin; unit < end; unit++) {
    const Unit u = unit_of(a, unit);
    reduce_part<P>(a, x, u, 0, a.reduced, total);
    store_outputs(a, call.out[0], u, total);
  }
}

// Partial results of chunk `chunk` of units [begin, end).
template <class P>
void reduce_chunk(const Call& call, int64_t chunk, int64_t begin, int64_t end) {
  const auto& a = *static_cast<const Attributes*>(call.attributes);
  const auto* x = reinterpret_cast<const typename P::T*>(call.in[0].data);
  auto* workspace = reinterpret_cast<double*>(call.workspace);
  const int64_t from = chunk * a.chunk, to = from + a.chunk < a.reduced ? from + a.chunk : a.reduced;
  for (int64_t unit = begin; unit < end; unit++)
    reduce_part<P>(a, x, unit_of(a, unit), from, to, workspace + (unit * a.chunks + chunk) * kColumns);
}

template <class P>
void join_chunks(const Call& call, int64_t begin, int64_t end) {
  const auto& a = *static_cast<const Attributes*>(call.attributes);
  double total[kColumns];
  for (int64_t unit = begin; unit < end; unit++) {
    const Unit u = unit_of(a, unit);
    const double* partial = reinterpret_cast<const double*>(call.workspace) + unit * a.chunks * kColumns;
    for (int k = 0; k < u.columns; k++) {
      total[k] = partial[k];
      for (int64_t c = 1; c < a.chunks; c++) total[k] = P::join(total[k], partial[c * kColumns + k]);
    }
    store_outputs(a, call.out[0], u, total);
  }
}

struct Tiles {
  template <class P>
  static void run(const Call& call, int phase, int64_t begin, int64_t end) {
    const auto& a = *static_cast<const Attributes*>(call.attributes);
    if (phase == 1) return join_chunks<P>(call, begin, end);
    if (a.chunks == 1) {
      const int64_t last = end * a.units_per_tile;
      return reduce_units<P>(call, begin * a.units_per_tile, last < a.units ? last : a.units);
    }
    for (int64_t tile = begin; tile < end; tile++) {
      if (a.rows_first) {
        reduce_chunk<P>(call, tile, 0, a.units);
      } else {
        reduce_chunk<P>(call, tile % a.chunks, tile / a.chunks, tile / a.chunks + 1);
      }
    }
  }
};

struct Rows {
  template <class P>
  static void run(const Call& call, int, int64_t begin, int64_t end) {
    const auto& a = *static_cast<const Attributes*>(call.attributes);
    if (a.chunks == 1) return reduce_units<P>(call, begin * a.row_units, end * a.row_units);
    for (int64_t row = begin; row < end; row += a.chunk) reduce_chunk<P>(call, row / a.chunk, 0, a.units);
  }
};

template <class Part>
void run_kind(const Call& call, int phase, int64_t begin, int64_t end) {
  const auto& a = *static_cast<const Attributes*>(call.attributes);
  const bool i = a.integers;
  switch (a.kind) {
    case Kind::sum:
      return i ? Part::template run<IntegerSum<false>>(call, phase, begin, end)
               : Part::template run<Sum<false>>(call, phase, begin, end);
    case Kind::sum_square:
      return i ? Part::template run<IntegerSum<true>>(call, phase, begin, end)
               : Part::template run<Sum<true>>(call, phase, begin, end);
    case Kind::max:
      return i ? Part::template run<IntegerExtreme<false>>(call, phase, begin, end)
               : Part::template run<Extreme<false>>(call, phase, begin, end);
    case Kind::min:
      return i ? Part::template run<IntegerExtreme<true>>(call, phase, begin, end)
               : Part::template run<Extreme<true>>(call, phase, begin, end);
    case Kind::argmax:
      return i ? Part::template run<Position<int32_t, Vi, false>>(call, phase, begin, end)
               : Part::template run<Position<float, Vf, false>>(call, phase, begin, end);
    case Kind::argmin:
      return i ? Part::template run<Position<int32_t, Vi, true>>(call, phase, begin, end)
               : Part::template run<Position<float, Vf, true>>(call, phase, begin, end);
  }
}

void run(const Call& call, int phase, int64_t begin, int64_t end, char*) { run_kind<Tiles>(call, phase, begin, end); }

void run_rows(const Call& call, int64_t begin, int64_t end, char*) { run_kind<Rows>(call, 0, begin, end); }

}  // namespace

JEPA_ROW_KERNEL(reduce, run, run_rows)
