#include "tests/interleave/explorer.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_set.h"

namespace mymalloc::interleave {
namespace {

constexpr uint64_t kMostExecutions = 3'000'000;

class Explorer {
 public:
  Explorer(const Program& program, bool give_up) : program_(program), give_up_(give_up) {}

  Result Run() {
    do {
      RunOnce();
      if (!result_.violation.empty()) break;
    } while (NextPath() && result_.schedules + result_.given_up < kMostExecutions);
    result_.complete = result_.violation.empty() && path_.empty();
    return result_;
  }

 private:
  // A point with a choice.
  struct Node {
    std::vector<Machine::Step> steps;
    size_t chosen;
  };

  void RunOnce();
  // Chooses at depth `depth`; false to give the execution up.
  bool Choose(size_t depth, Machine::Step* step);
  bool NextPath();
  void End();
  void Violation(const std::string& what) { result_.violation = what + "\n" + machine_->Trace(); }

  const Program& program_;
  const bool give_up_;
  const std::unique_ptr<Machine> machine_ = std::make_unique<Machine>();
  std::vector<Machine::Step> enabled_;
  std::vector<Node> path_;
  absl::flat_hash_set<uint64_t> seen_;
  Result result_;
};

void Explorer::RunOnce() {
  machine_->Begin(program_);
  size_t depth = 0;
  while (machine_->failure().empty()) {
    machine_->Enabled(&enabled_);
    if (enabled_.empty()) return End();
    Machine::Step step = enabled_[0];
    if (enabled_.size() > 1 && !Choose(depth++, &step)) {
      ++result_.given_up;
      return;
    }
    machine_->Do(step);
  }
  Violation(machine_->failure());
}

bool Explorer::Choose(size_t depth, Machine::Step* step) {
  if (depth == path_.size()) {
    if (give_up_ && !seen_.insert(machine_->Signature()).second) return false;
    ++result_.states;
    path_.push_back({enabled_, 0});
  }
  const Node& node = path_[depth];
  if (node.steps != enabled_) {
    fprintf(stderr, "the program does not behave the same each time\n");
    abort();
  }
  *step = node.steps[node.chosen];
  return true;
}

void Explorer::End() {
  if (!machine_->AllEnded()) return Violation("the threads wait for each other for ever");
  if (give_up_ && !seen_.insert(machine_->Signature()).second) {
    ++result_.given_up;
    return;
  }
  ++result_.schedules;
  machine_->Check();
  if (!machine_->failure().empty()) Violation(machine_->failure());
}

bool Explorer::NextPath() {
  while (!path_.empty() && path_.back().chosen + 1 == path_.back().steps.size()) path_.pop_back();
  if (path_.empty()) return false;
  ++path_.back().chosen;
  return true;
}

}  // namespace

Result Explore(const Program& program, bool give_up) {
  const auto begin = std::chrono::steady_clock::now();
  Result result = Explorer(program, give_up).Run();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  result.seconds = taken.count();
  return result;
}

void Result::Add(const Result& other) {
  schedules += other.schedules;
  given_up += other.given_up;
  states += other.states;
  seconds += other.seconds;
  complete &= other.complete;
  if (violation.empty()) violation = other.violation;
}

void Result::Print(const char* name) const {
  const char* const end = !violation.empty() ? "; stopped at a violation"
                          : complete         ? ""
                                             : "; not all";
  printf("%-45s %7ju schedules, %7ju given up, %7ju states, %5.2f s%s\n", name,
         static_cast<uintmax_t>(schedules), static_cast<uintmax_t>(given_up),
         static_cast<uintmax_t>(states), seconds, end);
  fflush(stdout);
}

}  // namespace mymalloc::interleave
