// jepa_run program… [--threads n] [--target name] [--runs n] [--seed n]: runs programs and prints a hash of what each
// leaves.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "runner/runner.h"

namespace {

using namespace jepa;

struct Options {
  std::vector<std::string> programs;
  std::string target;
  int threads = default_threads(), runs = 1;
  uint64_t seed = 1;
};

bool read_options(int count, char** words, Options* options) {
  for (int i = 1; i < count; i++) {
    const std::string word = words[i];
    if (word.rfind("--", 0) != 0) {
      options->programs.push_back(word);
      continue;
    }
    if (++i == count) return false;
    const int number = std::atoi(words[i]);
    if (word == "--target") {
      options->target = words[i];
    } else if (word == "--threads" && number >= 1 && number <= 256) {
      options->threads = number;
    } else if (word == "--runs" && number >= 1) {
      options->runs = number;
    } else if (word == "--seed") {
      options->seed = std::strtoull(words[i], nullptr, 10);
    } else {
      return false;
    }
  }
  return !options->programs.empty();
}

int run_on(const Target* target, const Options& options) {
  Device device(target, options.threads);
  int failures = 0;
  for (const std::string& path : options.programs) {
    std::string problem;
    const std::shared_ptr<Program> program = runner::load(path, &problem);
    runner::Session session(program ? program : std::make_shared<Program>(), options.seed);
    if (!program || !session.prepare(&device, &problem)) {
      std::fprintf(stderr, "%s: %s\n", path.c_str(), problem.c_str());
      failures++;
      continue;
    }
    RunResult result;
    for (int i = 0; i < options.runs && result.outcome == Outcome::done; i++) result = session.run(&device);
    std::printf("%016llx  %s  %d threads  %s  %s\n", static_cast<unsigned long long>(session.hash()), target->name,
                options.threads, runner::name_of(result.outcome), path.c_str());
  }
  return failures;
}

}  // namespace

int main(int count, char** words) {
  Options options;
  if (!read_options(count, words, &options)) {
    std::fprintf(stderr, "usage: jepa_run program… [--threads n] [--target name] [--runs n] [--seed n]\n");
    return 2;
  }
  flush_denormals();
  int failures = 0, targets = 0;
  for (const Target* target : available_targets()) {
    if (!options.target.empty() && options.target != target->name) continue;
    targets++;
    failures += run_on(target, options);
  }
  if (targets == 0) std::fprintf(stderr, "expected a target of this machine, got '%s'\n", options.target.c_str());
  return failures || targets == 0 ? 1 : 0;
}
