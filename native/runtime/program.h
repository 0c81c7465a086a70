// A program: what the compiler wrote, checked. The bytes are untrusted; after `parse` every view lies inside its
// buffer, every node's operands fit its op, writes go only where they may and never where tiles of the same node would
// meet.
//
// Format, version 2, little endian:
//   u32 magic "JPRG", version, flags, buffers, views, nodes, commit_start, guards, constant_bytes
//           flags: bit 0: every node on its own, not in blocks of rows with its neighbours
//   buffer  u8 kind (0 temporary, 1 input, 2 output, 3 variable, 4 constant, 5 kept), u8[3] zero, u32 slot, u64 bytes
//           slot: number among inputs, outputs or variables; of a constant, its place in the blob divided by 64
//   view    u32 buffer, u8 dtype, u8 rank, u16 zero, u64 offset, u64 shape[rank], u64 stride[rank]   (elements)
//   node    u16 op, u8 inputs, u8 outputs, u32 attribute bytes, u32 view[inputs + outputs], attributes padded to 4
//   guard   u32 view, a float32 scalar: finite after node commit_start − 1, or nothing is assigned
//   constants, from the next multiple of 64 to the end
// Nodes run in order. Those from commit_start on may write variables, cannot be aborted and cannot fail; earlier ones
// cannot write variables. Temporaries, outputs and kept buffers are read only after a node has written into them.
//
// Nodes up to the last one that writes a kept buffer are hoisted: they run when a variable that they read has changed
// since they ran last, and kept buffers stay until then (packed weights). So they cannot fail, and read only constants,
// variables that no node of the program writes, and what other hoisted nodes computed; and no later node reads their
// temporaries, which are in the shared arena.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/op.h"

namespace jepa {

enum class BufferKind : uint8_t { temporary = 0, input = 1, output = 2, variable = 3, constant = 4, kept = 5 };
constexpr int kBufferKinds = 6;

struct Buffer {
  BufferKind kind;
  uint32_t slot;
  int64_t bytes;
  int64_t offset = 0;             // of a temporary, in the arena; of a kept one, in the program's own memory
  int32_t first = -1, last = -1;  // nodes that touch it
  // A temporary that only one group touches, row by row, is never whole: each thread has memory for a block of it, at
  // `offset` behind its scratch. Byte b of row r then lies at b − low − r·row_stride, r counted from the block's first.
  bool local = false;
  int64_t row_stride = 0, low = 0, block_bytes = 0;
};

struct ProgramView {
  uint32_t buffer;
  int64_t offset;  // bytes
  View view;
};

struct ProgramNode {
  uint16_t op;
  std::vector<uint32_t> in, out;
  Prepared prepared;
  int32_t group = -1;
  int64_t workspace = 0;  // where its own begins
};

// Nodes [first, end), each run over `block` rows before the next block (row_groups.h). With more threads than there are blocks
// for, longer ones are halved, to multiples of least_block.
struct RowGroup {
  uint32_t first, end;
  int64_t rows;
  int64_t block, least_block;
  uint32_t fallible;  // the one node that may report a fault
};

struct Program {
  std::vector<Buffer> buffers;
  std::vector<ProgramView> views;
  std::vector<ProgramNode> nodes;
  std::vector<uint32_t> guards;
  std::vector<char> constants;
  uint32_t commit_start = 0;
  bool by_rows = true;
  // Derived.
  uint32_t hoisted = 0;                      // so many nodes come first and run only when their variables have changed
  std::vector<uint32_t> hoisted_variables;   // slots that they read
  std::vector<uint32_t> assigned_variables;  // slots that any node writes
  std::vector<int64_t> input_bytes, output_bytes, variable_bytes;  // by slot
  std::vector<bool> output_whole;  // by slot: whether the first node that touches it writes all of it
  std::vector<RowGroup> groups;    // in the order of their nodes
  int64_t arena_bytes = 0, kept_bytes = 0, workspace_bytes = 0;
  int64_t scratch_bytes = 0, local_bytes = 0;  // for each thread, one behind the other
};

// Where a thread's memory for blocks begins, behind the scratch of its kernels.
inline int64_t local_offset(const Program& program) { return (program.scratch_bytes + 63) / 64 * 64; }

// Fills `program`; false and a sentence if the bytes are not a valid program.
bool parse(const uint8_t* bytes, size_t size, Program* program, std::string* problem);

// Places temporaries in one arena so that none overlap while both are in use, and kept buffers side by side. Called by
// `parse`.
void plan_memory(Program* program);

}  // namespace jepa
