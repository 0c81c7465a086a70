#include "runtime/row_groups.h"

#include <algorithm>
#include <unordered_map>

namespace jepa {
namespace {

// What a block touches at a time, about: larger ones leave a second-level cache of 1 MiB, smaller ones read weights too often.
constexpr int64_t kBlockBytes = 640 << 10;
constexpr int64_t kLeastBlockBytes = 8 << 10;  // below, the calls of a block cost more than they do
constexpr int64_t kLeastBlocks = 8, kGoodBlocks = 16;
constexpr int64_t kShares = 4;  // blocks are a multiple of it, so that two or four threads have the same to do
// Of what a group with products touches, one part in so many must not leave the cache.
constexpr int64_t kLeastLocal = 8;
constexpr uint32_t kMaxNodes = 64;
// Operands that every block reads whole, such as weights, should stay in the third-level cache meanwhile.
constexpr int64_t kMaxWholeBytes = 8 << 20;

// How the nodes of a group touch one buffer.
struct Track {
  int accesses = 0;
  bool written = false;
  bool by_rows = true;
  Band band = {};
  uint32_t first = 0, last = 0;  // nodes that touch it

  void add(uint32_t node, bool write, bool row, const Band& b) {
    if (accesses == 0) first = node;
    last = node;
    written = written || write;
    by_rows = by_rows && row && (accesses == 0 || b.stride == band.stride);
    if (accesses++ == 0) {
      band = b;
    } else {
      band.low = std::min(band.low, b.low);
      band.high = std::max(band.high, b.high);
    }
    by_rows = by_rows && band.high - band.low <= band.stride;
  }
  bool safe() const { return !written || by_rows || accesses == 1; }
};

bool goes_by_rows(uint64_t mask, size_t operand) { return operand < 64 && mask >> operand & 1; }

template <class Visit>
void for_each_access(const Program& program, const ProgramNode& node, int64_t rows, Visit visit) {
  const RowWise& how = node.prepared.rows;
  for (const bool write : {false, true}) {
    const std::vector<uint32_t>& list = write ? node.out : node.in;
    for (size_t k = 0; k < list.size(); k++) {
      const ProgramView& view = program.views[list[k]];
      Band band = {};
      const bool row = goes_by_rows(write ? how.outputs : how.inputs, k) && band_of(view, rows, &band);
      visit(view, write, row, band);
    }
  }
}

class Grouping {
 public:
  explicit Grouping(Program* program) : program_(*program) {}

  // What comes before `hoisted` seldom runs.
  void run() { scan(program_.hoisted, static_cast<uint32_t>(program_.nodes.size())); }

 private:
  using Tracks = std::unordered_map<uint32_t, Track>;

  void scan(uint32_t begin, uint32_t end) {
    first_ = begin;
    for (uint32_t n = begin; n < end; n++) {
      if (n == program_.commit_start) close(n);
      if (join(n)) continue;
      close(n);
      first_ = n;
      if (!join(n)) first_ = n + 1;
    }
    close(end);
  }

  bool join(uint32_t n) {
    const Prepared& prepared = program_.nodes[n].prepared;
    const int64_t count = prepared.rows.count;
    if (count < kLeastBlocks || n - first_ >= kMaxNodes || (is_product(n) && !products_)) return false;
    // The fault of a group must tell whose it is.
    if (prepared.can_fail)
      for (uint32_t k = first_; k < n; k++)
        if (program_.nodes[k].prepared.can_fail) return false;
    if (n == first_ || count % rows_ == 0) {
      Tracks tracks = n == first_ ? Tracks() : tracks_;
      const int64_t rows = n == first_ ? count : rows_;
      return add(n, rows, &tracks) && accept(rows, n + 1, std::move(tracks));
    }
    if (rows_ % count != 0) return false;
    Tracks tracks;  // fewer, longer rows for all
    for (uint32_t k = first_; k <= n; k++)
      if (!add(k, count, &tracks)) return false;
    return accept(count, n + 1, std::move(tracks));
  }

  bool add(uint32_t n, int64_t rows, Tracks* tracks) const {
    bool safe = true;
    for_each_access(program_, program_.nodes[n], rows,
                    [&](const ProgramView& view, bool write, bool row, const Band& band) {
                      Track& track = (*tracks)[view.buffer];
                      track.add(n, write, row, band);
                      safe = safe && track.safe();
                    });
    return safe;
  }

  bool accept(int64_t rows, uint32_t end, Tracks tracks) {
    RowGroup group = {first_, end, rows, 0, 0, 0};
    if (!cut(tracks, &group)) return false;
    rows_ = rows;
    tracks_ = std::move(tracks);
    return true;
  }

  // Chooses the rows of a block; false if there would be too few blocks to share out, or too long rows.
  bool cut(const Tracks& tracks, RowGroup* group) const {
    int64_t whole_bytes = 0, multiple = 1, least = 1;
    std::vector<int64_t> alive(group->end - group->first);  // bytes of a row, node by node
    for (const auto& [buffer, track] : tracks) {
      if (track.by_rows) {
        for (uint32_t n = track.first; n <= track.last; n++)
          alive[n - group->first] += track.band.high - track.band.low;
      } else if (!track.written) {
        whole_bytes += program_.buffers[buffer].bytes;
      }
    }
    const int64_t row_bytes = *std::max_element(alive.begin(), alive.end());
    for (uint32_t n = group->first; n < group->end; n++) {
      const RowWise& how = program_.nodes[n].prepared.rows;
      const int64_t each = how.count / group->rows;
      int64_t block = 1;  // the least power of two whose rows begin where a partial result does
      while (block < group->rows && block * each % how.multiple != 0) block *= 2;
      multiple = std::max(multiple, block);
      least = std::max(least, blocks(how.least, each));
    }
    if (whole_bytes > kMaxWholeBytes || row_bytes > kBlockBytes) return false;
    // Long whole operands are read by every block: many rows make up for it.
    const int64_t least_bytes = std::min(kBlockBytes, std::max(kLeastBlockBytes, whole_bytes / 2));
    int64_t block = multiple;
    while ((block < least || block * row_bytes < least_bytes) && block < group->rows) block *= 2;
    while (2 * block * row_bytes <= kBlockBytes && blocks(group->rows, 2 * block) >= kGoodBlocks) block *= 2;
    const int64_t count = blocks(blocks(group->rows, block), kShares) * kShares;
    group->least_block = multiple;
    while (group->least_block < least) group->least_block *= 2;
    group->block = blocks(blocks(group->rows, count), multiple) * multiple;
    return blocks(group->rows, block) >= kLeastBlocks;
  }

  static int64_t blocks(int64_t rows, int64_t block) { return (rows + block - 1) / block; }

  void close(uint32_t end) {
    RowGroup group = {first_, end, rows_, 0, 0, 0};
    if (end >= first_ + 2 && cut(tracks_, &group)) {
      if (!worth_it(group)) {
        const uint32_t first = first_;
        tracks_.clear();
        products_ = false;
        scan(first, end);
        products_ = true;
        return;
      }
      const auto index = static_cast<int32_t>(program_.groups.size());
      for (uint32_t n = group.first; n < group.end; n++) {
        program_.nodes[n].group = index;
        if (program_.nodes[n].prepared.can_fail) group.fallible = n;
      }
      for (const auto& [number, track] : tracks_) {
        Buffer& buffer = program_.buffers[number];
        if (!is_local(number, track, end)) continue;
        buffer.local = true;
        buffer.row_stride = track.band.stride;
        buffer.low = track.band.low;
        buffer.block_bytes = (group.block - 1) * track.band.stride + track.band.high - track.band.low;
      }
      program_.groups.push_back(group);
    }
    tracks_.clear();
    first_ = end;
  }

  bool is_local(uint32_t number, const Track& track, uint32_t end) const {
    const Buffer& buffer = program_.buffers[number];
    return buffer.kind == BufferKind::temporary && track.written && track.by_rows &&
           buffer.first >= static_cast<int32_t>(first_) && buffer.last < static_cast<int32_t>(end);
  }

  // Reads whole operands for every block, so that short ones do not pay.
  bool is_product(uint32_t n) const { return program_.nodes[n].prepared.rows.least > 1; }

  // Blocks of products read their weights again and again: only if enough of what they touch never leaves the cache.
  bool worth_it(const RowGroup& group) const {
    bool products = false;
    for (uint32_t n = group.first; n < group.end; n++) products |= is_product(n);
    int64_t local = 0, all = 0;
    for (const auto& [number, track] : tracks_) {
      const int64_t bytes = track.by_rows ? track.band.high - track.band.low : 0;
      all += bytes;
      if (is_local(number, track, group.end)) local += bytes;
    }
    return !products || local >= all / kLeastLocal;
  }

  Program& program_;
  uint32_t first_ = 0;
  int64_t rows_ = 0;
  bool products_ = true;  // may join
  Tracks tracks_;
};

}  // namespace

bool band_of(const ProgramView& v, int64_t rows, Band* band) {
  const View& view = v.view;
  if (view.elements() == 0) return false;
  // Neighbouring axes that are walked as one are one.
  int64_t extent[kMaxRank + 1] = {1}, stride[kMaxRank + 1] = {0};
  int rank = 0;
  for (int axis = 0; axis < view.rank; axis++) {
    if (view.shape[axis] == 1) continue;
    if (rank > 0 && stride[rank - 1] == view.stride[axis] * view.shape[axis]) {
      extent[rank - 1] *= view.shape[axis];
      stride[rank - 1] = view.stride[axis];
    } else {
      extent[rank] = view.shape[axis];
      stride[rank++] = view.stride[axis];
    }
  }
  if (extent[0] % rows != 0) return false;
  const int64_t inside = extent[0] / rows, width = size_of(view.dtype);
  int64_t reach = (inside - 1) * stride[0];
  for (int axis = 1; axis < rank; axis++) reach += (extent[axis] - 1) * stride[axis];
  *band = {inside * stride[0] * width, v.offset, v.offset + (reach + 1) * width};
  return band->high - band->low <= band->stride;
}

void group_rows(Program* program) { Grouping(program).run(); }

bool share_rows(const Program& program, const RowGroup& group, const std::vector<int32_t>& owner, int32_t a,
                int32_t b) {
  Track track;
  for (uint32_t n = group.first; n < group.end; n++)
    for_each_access(program, program.nodes[n], group.rows,
                    [&](const ProgramView& view, bool write, bool row, const Band& band) {
                      const int32_t place = owner[view.buffer];
                      if (place == a || place == b) track.add(n, write, row, band);
                    });
  return track.by_rows;
}

}  // namespace jepa
