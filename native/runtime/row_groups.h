// Nodes that run together, block of rows by block of rows: layer norm, product, activation, product and residual of some
// tokens while they lie in L2, in one fork-join. The program's bytes do not say so: groups are found here, from operands.
//
// Neighbouring nodes form a group if they cut into the same number of rows and, of every buffer that one of them writes,
// all of them touch row r only within a band of its own. Then rows of different blocks never meet, whatever the order.
#pragma once
#include "runtime/program.h"

namespace jepa {

// Row r of a view lies in bytes [low + r·stride, high + r·stride) of its buffer, high − low ≤ stride.
struct Band {
  int64_t stride, low, high;
};

// False if the view does not cut into that many rows, one behind the other.
bool band_of(const ProgramView& view, int64_t rows, Band* band);

// Fills Program::groups, ProgramNode::group and the bands of buffers that live in one group only.
void group_rows(Program* program);

// Whether all nodes of a group may touch these two buffers as if they were one: row by row, in one band.
bool share_rows(const Program& program, const RowGroup& group, const std::vector<int32_t>& owner, int32_t a, int32_t b);

}  // namespace jepa
