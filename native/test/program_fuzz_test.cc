// Mutated programs: what the parser refuses it refuses with a sentence; what it accepts runs without touching memory that is
// not its own. JEPA_FUZZ_ROUNDS sets the mutations of each program, JEPA_FUZZ_SEED where they begin.
#include "test/corpus.h"

using namespace jepa;
using namespace jepa::test;

namespace {

constexpr int64_t kMostBytes = 64 << 20;
constexpr double kMostWork = 5e7;

int number_from(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text && std::atoi(text) > 0 ? std::atoi(text) : otherwise;
}

template <class T>
T interesting(Numbers* numbers) {
  static const int64_t values[] = {0,
                                   1,
                                   2,
                                   3,
                                   4,
                                   5,
                                   7,
                                   8,
                                   15,
                                   16,
                                   17,
                                   31,
                                   32,
                                   64,
                                   255,
                                   256,
                                   -1,
                                   -2,
                                   INT32_MAX,
                                   INT32_MIN,
                                   int64_t{1} << 32,
                                   int64_t{1} << 45,
                                   INT64_MAX,
                                   INT64_MIN};
  return static_cast<T>(values[numbers->below(sizeof values / sizeof *values)]);
}

// Changes one number of width T at a multiple of 4, where all of the format's wide fields are.
template <class T>
void change_number(std::vector<uint8_t>* bytes, Numbers* numbers) {
  if (bytes->size() < 2 * sizeof(T)) return;
  const auto place = [&] {
    return static_cast<size_t>(numbers->below(static_cast<int>((bytes->size() - sizeof(T)) / 4))) * 4;
  };
  uint8_t* at = bytes->data() + place();
  T value;
  std::memcpy(&value, at, sizeof value);
  switch (numbers->below(3)) {
    case 0:
      value = interesting<T>(numbers);
      break;
    case 1:
      value = static_cast<T>(value + static_cast<T>(numbers->below(17)) - 8);
      break;
    default:
      std::memcpy(&value, bytes->data() + place(), sizeof value);
  }
  std::memcpy(at, &value, sizeof value);
}

void mutate(std::vector<uint8_t>* bytes, Numbers* numbers) {
  for (int changes = 1 + numbers->below(3); changes > 0 && !bytes->empty(); changes--) {
    const auto at = static_cast<size_t>(numbers->below(static_cast<int>(bytes->size())));
    switch (numbers->below(8)) {
      case 0:
        (*bytes)[at] ^= static_cast<uint8_t>(1 << numbers->below(8));
        break;
      case 1:
        (*bytes)[at] = static_cast<uint8_t>(numbers->next());
        break;
      case 2:
        if (numbers->below(8) == 0) bytes->resize(at);
        break;
      case 3:
      case 4:
        change_number<uint64_t>(bytes, numbers);
        break;
      default:
        change_number<uint32_t>(bytes, numbers);
    }
  }
}

struct Count {
  int refused = 0, large = 0, run = 0;
};

void try_one(const std::vector<uint8_t>& bytes, Device* device, uint64_t seed, Count* count) {
  const std::vector<uint8_t> exact(bytes.begin(), bytes.end());
  auto program = std::make_shared<jepa::Program>();
  std::string problem;
  if (!parse(exact.data(), exact.size(), program.get(), &problem)) {
    count->refused++;
    expect(!problem.rfind("[program] ", 0), "refused without a sentence: '%s'", problem.c_str());
    return;
  }
  spread(program.get());  // before the look at its size: what is never whole is so now
  if (runner::bytes_of(*program) > kMostBytes || runner::cost_of(*program) > kMostWork) {
    count->large++;
    return;
  }
  runner::Session session(program, seed);
  if (!session.prepare(device, &problem)) {
    count->large++;
    return;
  }
  Guards guards(*program, device, '\x5a');
  session.run(device);
  count->run++;
  expect(guards.whole(), "seed %llu: writes outside its temporaries", static_cast<unsigned long long>(seed));
  // Once more in the memory that the plan gives it, blocks of rows in that of each thread: sanitizers look on.
  auto planned = std::make_shared<jepa::Program>();
  parse(exact.data(), exact.size(), planned.get(), &problem);
  runner::Session again(planned, seed);
  if (again.prepare(device, &problem)) again.run(device);
}

}  // namespace

int main() {
  flush_denormals();
  const int rounds = number_from("JEPA_FUZZ_ROUNDS", 300);
  const uint64_t first = static_cast<uint64_t>(number_from("JEPA_FUZZ_SEED", 1));
  std::vector<std::unique_ptr<Device>> devices;
  for (const Target* target : available_targets()) devices.emplace_back(new Device(target, 2, 0));
  for (const std::string& path : corpus()) {
    std::vector<uint8_t> original;
    expect(runner::read_file(path, &original), "cannot read %s", path.c_str());
    Count count;
    for (int round = 0; round < rounds; round++) {
      const uint64_t seed = first * 1000003 + static_cast<uint64_t>(round);
      Numbers numbers(seed);
      std::vector<uint8_t> bytes = original;
      mutate(&bytes, &numbers);
      try_one(bytes, devices[static_cast<size_t>(round) % devices.size()].get(), seed, &count);
    }
    std::printf("%s: %d refused, %d too large, %d run\n", std::filesystem::path(path).filename().c_str(), count.refused,
                count.large, count.run);
    expect(count.refused > 0 && count.run > 0, "nothing was refused, or nothing run");
  }
  return finish("program fuzz");
}
