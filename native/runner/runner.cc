#include "runner/runner.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace jepa::runner {
namespace {

// splitmix64
uint64_t scramble(uint64_t z) {
  z += 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

// How a buffer is filled: by the first view that looks at it.
std::vector<DType> dtypes_of(const Program& program, BufferKind kind, size_t slots) {
  std::vector<DType> dtypes(slots, DType::uint8);
  std::vector<bool> known(slots, false);
  for (const ProgramView& v : program.views) {
    const Buffer& buffer = program.buffers[v.buffer];
    if (buffer.kind != kind || known[buffer.slot]) continue;
    known[buffer.slot] = true;
    dtypes[buffer.slot] = v.view.dtype;
  }
  return dtypes;
}

void add_to_hash(uint64_t* hash, const char* data, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i++) *hash = (*hash ^ static_cast<uint8_t>(data[i])) * 0x100000001b3ull;
}

}  // namespace

bool read_file(const std::string& path, std::vector<uint8_t>* bytes) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (!file) return false;
  uint8_t chunk[65536];
  for (size_t got; (got = std::fread(chunk, 1, sizeof chunk, file)) > 0;)
    bytes->insert(bytes->end(), chunk, chunk + got);
  const bool ok = std::ferror(file) == 0;
  std::fclose(file);
  return ok;
}

std::shared_ptr<Program> load(const std::string& path, std::string* problem) {
  std::vector<uint8_t> bytes;
  if (!read_file(path, &bytes)) {
    *problem = "cannot read " + path;
    return nullptr;
  }
  auto program = std::make_shared<Program>();
  return parse(bytes.data(), bytes.size(), program.get(), problem) ? program : nullptr;
}

int64_t bytes_of(const Program& program) {
  int64_t total =
      program.arena_bytes + program.kept_bytes + program.workspace_bytes + program.scratch_bytes + program.local_bytes;
  for (const Buffer& buffer : program.buffers)
    if (buffer.kind != BufferKind::temporary && buffer.kind != BufferKind::kept) total += buffer.bytes;
  return total;
}

double cost_of(const Program& program) {
  double total = 0;
  for (const ProgramNode& node : program.nodes) {
    const Work& work = node.prepared.work;
    total += std::max(work.flops, work.bytes);
    for (int64_t tiles : work.tiles) total += static_cast<double>(tiles);
  }
  return total;
}

Session::Session(std::shared_ptr<Program> program, uint64_t seed) : program_(std::move(program)), seed_(seed) {
  input_dtypes_ = dtypes_of(*program_, BufferKind::input, program_->input_bytes.size());
  variable_dtypes_ = dtypes_of(*program_, BufferKind::variable, program_->variable_bytes.size());
  for (size_t i = 0; i < program_->variable_bytes.size(); i++) {
    const int64_t bytes = std::max<int64_t>(program_->variable_bytes[i], 0);
    variables_.push_back(std::make_shared<Storage>(DType::uint8, bytes));
    fill(variables_[i]->block.data(), bytes, variable_dtypes_[i], false, scramble(seed_ + i));
  }
  executable_ = std::make_unique<Executable>(program_, variables_);
}

bool Session::prepare(Device* device, std::string* problem) {
  return executable_->check(problem) && executable_->prepare(device, problem);
}

RunResult Session::run(Device* device) {
  for (size_t i = 0; i < program_->input_bytes.size(); i++)
    fill(executable_->input(i), program_->input_bytes[i], input_dtypes_[i], true, scramble(~seed_ - i));
  return executable_->run(device, abort_);
}

void Session::fill(char* data, int64_t bytes, DType dtype, bool signs, uint64_t seed) const {
  const int64_t width = size_of(dtype);
  for (int64_t i = 0; i < bytes / width; i++) {
    const uint64_t bits = scramble(seed + static_cast<uint64_t>(i));
    const float unit = static_cast<float>(bits >> 40) * 0x1p-24f, real = signs ? 2 * unit - 1 : unit;
    uint32_t pattern;
    std::memcpy(&pattern, &real, 4);
    if (dtype == DType::int32) pattern = static_cast<uint32_t>(bits % 3);
    if (dtype == DType::bfloat16) pattern >>= 16;
    if (dtype == DType::float16) pattern = 0x3000u | static_cast<uint32_t>(bits & 0x7ff);
    if (dtype == DType::uint8) pattern = static_cast<uint32_t>(bits & 0xff);
    if (dtype == DType::boolean) pattern = static_cast<uint32_t>(bits & 1);
    std::memcpy(data + i * width, &pattern, static_cast<size_t>(width));
  }
}

uint64_t Session::hash() const {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (size_t i = 0; i < program_->output_bytes.size(); i++)
    add_to_hash(&hash, executable_->output(i), program_->output_bytes[i]);
  for (const auto& variable : variables_) add_to_hash(&hash, variable->block.data(), variable->block.bytes());
  return hash;
}

const char* name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::done:
      return "done";
    case Outcome::aborted:
      return "aborted";
    case Outcome::non_finite:
      return "not finite";
    case Outcome::disposed:
      return "disposed";
    default:
      return "index out of range";
  }
}

}  // namespace jepa::runner
