// Memory of inputs and outputs: blocks come back, within bounds, from several threads; programs read and write where they are told
// to, run by run.
#include "runtime/block_pool.h"

#include <thread>

#include "test/program_bytes.h"

using namespace jepa;
using namespace jepa::test;

namespace {

constexpr int64_t kMegabyte = 1 << 20;

void blocks_come_back() {
  BlockPool pool(8 * kMegabyte);
  const char* first;
  {
    Lease lease = pool.take(kMegabyte);
    first = lease.data();
    expect(first && pool.free_bytes() == 0, "a block on loan counts as free");
    Lease other = pool.take(kMegabyte);
    expect(other.data() != first, "one block on loan twice");
    Lease moved = std::move(other);
    expect(!other.data() && moved.data(), "a moved lease keeps its block");
  }
  expect(pool.free_bytes() == 2 * kMegabyte, "%lld bytes came back", static_cast<long long>(pool.free_bytes()));
  Lease again = pool.take(kMegabyte - 1000), second = pool.take(kMegabyte);
  expect((again.data() == first || second.data() == first) && pool.free_bytes() == 0, "blocks are not used again");
  expect(pool.take(kMegabyte / 2).data() != nullptr, "another size");
  expect(pool.free_bytes() == kMegabyte / 2, "another size does not come back");
  expect(!pool.take(0).data() && !pool.take(-1).data(), "a block of nothing");
}

void bounded() {
  BlockPool pool(4 * kMegabyte);
  std::vector<Lease> leases;
  for (int i = 1; i <= 6; i++) leases.push_back(pool.take(kMegabyte));
  const char* last = leases.back().data();
  leases.clear();
  expect(pool.free_bytes() == 4 * kMegabyte, "%lld bytes are kept", static_cast<long long>(pool.free_bytes()));
  expect(pool.take(kMegabyte).data() == last, "the last block back is not the first out");
  pool.take(16 * kMegabyte);
  expect(pool.free_bytes() == 0, "what is larger than the bound is kept, or others beside it");
}

void makes_room() {
  BlockPool pool(4 * kMegabyte);
  pool.take(kMegabyte);
  expect(pool.free_bytes() == kMegabyte, "a block waits");
  expect(!pool.take(int64_t{1} << 60).data() && pool.free_bytes() == 0,
         "what waits is given up before the system has refused for good");
}

void from_many_threads() {
  BlockPool pool(4 * kMegabyte);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++)
    threads.emplace_back([&pool, t] {
      for (int i = 0; i < 300; i++) {
        const int64_t bytes = (64 << 10) << (i + t) % 4;
        Lease lease = pool.take(bytes);
        std::memset(lease.data(), t, static_cast<size_t>(bytes));
        std::this_thread::yield();
        for (int64_t k = 0; k < bytes; k += 4096)
          if (lease.data()[k] != t) return void(expect(false, "two threads have one block"));
      }
    });
  for (std::thread& thread : threads) thread.join();
  expect(pool.free_bytes() <= 4 * kMegabyte, "more than the bound is kept");
}

constexpr uint64_t kRows = 600, kWidth = 48;

// Layer norm and a negation in blocks of rows, and a sum over all of it: outputs of 115 KB, 115 KB and 4 bytes.
std::shared_ptr<jepa::Program> made(uint32_t flags) {
  ProgramBytes p;
  p.flags = flags;
  const uint32_t x = p.floats(BufferKind::input, {kRows, kWidth}), weight = p.floats(BufferKind::input, {kWidth}, 1);
  const uint32_t y = p.floats(BufferKind::output, {kRows, kWidth});
  const uint32_t mean = p.floats(BufferKind::temporary, {kRows}), rstd = p.floats(BufferKind::temporary, {kRows});
  p.node("layer_norm", {x, weight}, {y, mean, rstd}, Bytes().add(1e-5f).add(1u));
  const uint32_t minus = p.floats(BufferKind::output, {kRows, kWidth}, 1);
  p.node("elementwise", {y}, {minus}, negation());
  p.node("reduce", {minus}, {p.floats(BufferKind::output, {1, 1}, 2)}, Bytes().add(0u).add(3u));
  std::string problem;
  auto program = parsed(p.bytes(), &problem);
  if (!program) std::printf("%s\n", problem.c_str()), std::abort();
  return program;
}

void programs_use_what_they_are_given(Device* device, uint32_t flags) {
  const size_t bytes = kRows * kWidth * 4;
  std::string problem;
  Executable own(made(flags), {}), by_run(made(flags), {});
  expect(own.prepare(device, &problem) && by_run.prepare(device, &problem, true), "%s", problem.c_str());
  expect(by_run.input_by_run(0) && !by_run.input_by_run(1) && by_run.output_by_run(0) && by_run.output_by_run(1) &&
             !by_run.output_by_run(2),
         "what is large and written as a whole");
  expect(!by_run.input(0) && !by_run.output(0) && by_run.output(2), "memory that nobody will use");
  for (int run = 0; run < 3; run++) {
    std::vector<float> x(kRows * kWidth), y(x.size()), minus(x.size());
    for (size_t i = 0; i < x.size(); i++) x[i] = static_cast<float>((i * (7 + static_cast<size_t>(run))) % 101);
    std::memcpy(own.input(0), x.data(), bytes);
    for (Executable* each : {&own, &by_run})
      for (size_t i = 0; i < kWidth; i++) reinterpret_cast<float*>(each->input(1))[i] = 1 + static_cast<float>(i);
    if (run == 2) expect(device->reserve(64 * kMegabyte, 0, 0), "a larger arena");  // all addresses are made anew
    by_run.use_input(0, reinterpret_cast<char*>(x.data()));
    by_run.use_output(0, reinterpret_cast<char*>(y.data()));
    by_run.use_output(1, reinterpret_cast<char*>(minus.data()));
    const std::atomic<bool> abort{false};
    expect(own.run(device, abort).outcome == Outcome::done && by_run.run(device, abort).outcome == Outcome::done,
           "a run failed");
    expect(!std::memcmp(own.output(0), y.data(), bytes) && !std::memcmp(own.output(1), minus.data(), bytes) &&
               !std::memcmp(own.output(2), by_run.output(2), 4) && y[0] != 0,
           "run %d with flags %u: other bits in memory of its own", run, flags);
  }
}

// Bytes that no node writes, or that are read before all are written, must not show what another run left there.
void not_by_run(Device* device) {
  for (const bool late : {false, true}) {
    ProgramBytes p;
    const uint32_t half = p.floats(BufferKind::input, {1024}), all = p.floats(BufferKind::input, {2048}, 1);
    const uint32_t buffer = p.buffer(BufferKind::output, 8192);
    p.node("copy", {half}, {p.view(buffer, DType::float32, {1024})});
    const uint32_t whole = p.view(buffer, DType::float32, {2048});
    if (late) p.node("copy", {whole}, {p.floats(BufferKind::output, {2048}, 1)}).node("copy", {all}, {whole});
    std::string problem;
    const auto program = parsed(p.bytes(), &problem);
    if (!expect(program != nullptr, "%s", problem.c_str())) return;
    Executable executable(program, {});
    expect(!executable.output_by_run(0), "an output that holds what nobody wrote, %d", late);
    expect(!late || executable.output_by_run(1), "an output that is written as a whole");
    expect(executable.prepare(device, &problem, true) && executable.output(0), "%s", problem.c_str());
  }
}

}  // namespace

int main() {
  blocks_come_back();
  bounded();
  makes_room();
  from_many_threads();
  for (const uint32_t flags : {0u, 1u})
    for (const int threads : {1, 3}) {
      Device device(available_targets().back(), threads, 0);
      programs_use_what_they_are_given(&device, flags);
      not_by_run(&device);
    }
  return finish("block_pool");
}
