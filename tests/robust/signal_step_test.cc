// A signal handler that calls malloc and free, at every instruction of malloc and free.
//
// POSIX does not let a handler do that, and it may wait for ever for a lock that the code it
// interrupted holds, as with libc's own malloc. But it must not corrupt: no block may be handed out
// twice, or be written to. Where malloc and free take no lock, it must not wait either.
//
// The processor's trap flag makes it exact: after each instruction of the operation there is a
// SIGTRAP. Each run, in a process of its own, counts them and acts at one.

#include <gtest/gtest.h>
#include <malloc.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
#include <x86intrin.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <tuple>

#include "tests/support/block.h"

namespace mymalloc::test {
namespace {

constexpr unsigned long long kTrapFlag = 0x100;
constexpr size_t kSize = 1000;  // of a class that nothing else here uses
constexpr size_t kMostBlocks = 1000;
constexpr size_t kMany = 16;

// Live blocks, each with a pattern of its own. No allocation but the blocks.
class Blocks {
 public:
  void Allocate() { Add(malloc(kSize)); }
  void Add(void* block) {
    if (block == nullptr || count_ == kMostBlocks) _exit(70);
    FillPattern(block, kSize, reinterpret_cast<uintptr_t>(block) + this->seed_);
    blocks_[count_++] = block;
  }
  void Free() { free(Take()); }
  void* Take() {
    void* const block = blocks_[--count_];
    if (!IsIntact(block)) damaged_ = true;
    return block;
  }
  bool AllIntact() const {
    return !damaged_ && std::all_of(blocks_, blocks_ + count_,
                                    [this](const void* block) { return IsIntact(block); });
  }
  size_t count() const { return count_; }
  void* const* begin() const { return blocks_; }
  void* const* end() const { return blocks_ + count_; }
  explicit constexpr Blocks(uint64_t seed) : seed_(seed) {}

 private:
  bool IsIntact(const void* block) const {
    return MatchesPattern(block, kSize, reinterpret_cast<uintptr_t>(block) + seed_);
  }

  uint64_t seed_;
  void* blocks_[kMostBlocks] = {};
  size_t count_ = 0;
  bool damaged_ = false;
};

Blocks program_blocks(1);
Blocks handler_blocks(2);

// What the handler does, with blocks of the class that it interrupted.
struct Action {
  const char* name;
  void (*act)();
};

void Keep() { handler_blocks.Allocate(); }
void KeepTwo() {
  handler_blocks.Allocate();
  handler_blocks.Allocate();
}
void FreeOne() { handler_blocks.Free(); }
void Exchange() {
  handler_blocks.Free();
  handler_blocks.Allocate();
  handler_blocks.Allocate();
}
// Leaves as many free blocks as it found, in another order.
void Reorder() {
  void* const first = malloc(kSize);
  void* const second = malloc(kSize);
  FillPattern(first, kSize, 3);
  FillPattern(second, kSize, 4);
  free(first);
  free(second);
}

constexpr Action kActions[] = {{"keep", Keep},
                               {"keep_two", KeepTwo},
                               {"free", FreeOne},
                               {"exchange", Exchange},
                               {"reorder", Reorder}};

// What is interrupted: it fills `blocks` with what it allocates, or frees what is in it.
struct Operation {
  const char* name;
  bool waits;            // may wait for a lock
  unsigned long stride;  // of the instructions that are tried
  void (*prepare)();
  void (*run)(void** blocks);
  size_t allocates;
  size_t frees;
};

void AllocateMany() {
  for (size_t i = 0; i < kMany; ++i) program_blocks.Allocate();
}
// Magazines that are neither empty nor full.
void WarmUp() {
  AllocateMany();
  for (size_t i = 0; i < kMany; ++i) program_blocks.Free();
  for (size_t i = 0; i < kMany; ++i) program_blocks.Allocate();
  for (size_t i = 0; i < 5; ++i) program_blocks.Free();
}
void Nothing() {}

void RunMalloc(void** blocks) { blocks[0] = malloc(kSize); }
void RunFree(void** blocks) { free(blocks[0]); }
void RunMallocs(void** blocks) {
  for (size_t i = 0; i < kMany; ++i) blocks[i] = malloc(kSize);
}
void RunFrees(void** blocks) {
  for (size_t i = 0; i < kMany; ++i) free(blocks[i]);
}

constexpr Operation kOperations[] = {
    {"malloc", false, 1, WarmUp, RunMalloc, 1, 0},
    {"free", false, 1, WarmUp, RunFree, 0, 1},
    {"mallocs", true, 37, Nothing, RunMallocs, kMany, 0},
    {"frees", true, 37, AllocateMany, RunFrees, 0, kMany},
};

volatile unsigned long steps = 0;
unsigned long step_to_act_at = 0;
void (*action)() = nullptr;
uintptr_t acted_at = 0;

void HandleTrap(int, siginfo_t*, void* context) {
  if (++steps != step_to_act_at) return;
  auto* const interrupted = static_cast<ucontext_t*>(context);
  acted_at = static_cast<uintptr_t>(interrupted->uc_mcontext.gregs[REG_RIP]);
  interrupted->uc_mcontext.gregs[REG_EFL] &= ~static_cast<greg_t>(kTrapFlag);
  action();
}

void RunStepped(const Operation& operation, void** blocks) {
  struct sigaction trap = {};
  trap.sa_sigaction = HandleTrap;
  trap.sa_flags = SA_SIGINFO;
  sigaction(SIGTRAP, &trap, nullptr);
  __writeeflags(__readeflags() | kTrapFlag);
  operation.run(blocks);
  __writeeflags(__readeflags() & ~kTrapFlag);
}

enum Result { kFine, kNoSuchStep, kTwice, kDamaged, kWaits, kKilled, kResults };
constexpr const char* kResultNames[kResults] = {"fine",    "no such step", "twice",
                                                "damaged", "waits",        "killed"};

bool AnyTwice() {
  static void* all[2 * kMostBlocks];
  void** end = std::copy(program_blocks.begin(), program_blocks.end(), all);
  end = std::copy(handler_blocks.begin(), handler_blocks.end(), end);
  std::sort(all, end);
  return std::adjacent_find(all, end) != end;
}

// In the child. Afterwards as many blocks are allocated as any magazine could have kept.
Result TryHere(const Operation& operation) {
  for (int i = 0; i < 4; ++i) handler_blocks.Allocate();
  operation.prepare();
  static void* blocks[kMany];
  for (size_t i = 0; i < operation.frees; ++i) blocks[i] = program_blocks.Take();
  RunStepped(operation, blocks);
  if (steps < step_to_act_at) return kNoSuchStep;
  for (size_t i = 0; i < operation.allocates; ++i) program_blocks.Add(blocks[i]);
  for (int i = 0; i < 300; ++i) program_blocks.Allocate();
  if (AnyTwice()) return kTwice;
  if (!program_blocks.AllIntact() || !handler_blocks.AllIntact()) return kDamaged;
  while (program_blocks.count() != 0) program_blocks.Free();
  while (handler_blocks.count() != 0) handler_blocks.Free();
  return kFine;
}

struct Report {
  Result result;
  uintptr_t acted_at;
};

Report Try(const Operation& operation, const Action& how, unsigned long step) {
  int pipe_ends[2];
  if (pipe(pipe_ends) != 0) abort();
  const pid_t child = fork();
  if (child == 0) {
    const itimerval patience = {{}, {operation.waits ? 0 : 10, 200000}};
    setitimer(ITIMER_REAL, &patience, nullptr);
    step_to_act_at = step;
    action = how.act;
    Report report{TryHere(operation), acted_at};
    if (write(pipe_ends[1], &report, sizeof(report)) < 0) _exit(71);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  close(pipe_ends[1]);
  Report report{kKilled, 0};
  if (WIFSIGNALED(status)) {
    report.result = WTERMSIG(status) == SIGALRM ? kWaits : kKilled;
  } else if (read(pipe_ends[0], &report, sizeof(report)) != sizeof(report)) {
    report.result = kKilled;
  }
  close(pipe_ends[0]);
  return report;
}

std::string Place(uintptr_t address) {
  Dl_info info{};
  if (address == 0 || dladdr(reinterpret_cast<void*>(address), &info) == 0) return "?";
  const char* const file = info.dli_fname == nullptr ? "?" : info.dli_fname;
  return std::string(file) + "+" +
         std::to_string(address - reinterpret_cast<uintptr_t>(info.dli_fbase)) + " (" +
         (info.dli_sname == nullptr ? "?" : info.dli_sname) + ")";
}

using Parameter = std::tuple<Operation, Action>;

class SignalStepTest : public ::testing::TestWithParam<Parameter> {};

std::string NameOf(const ::testing::TestParamInfo<Parameter>& instance) {
  const auto& [operation, how] = instance.param;
  return std::string(operation.name) + "_interrupted_by_" + how.name;
}

INSTANTIATE_TEST_SUITE_P(AllocatingHandler, SignalStepTest,
                         ::testing::Combine(::testing::ValuesIn(kOperations),
                                            ::testing::ValuesIn(kActions)),
                         NameOf);

TEST_P(SignalStepTest, CorruptsNothing) {
  const auto& [operation, how] = GetParam();
  size_t counts[kResults] = {};
  unsigned long step = 1;
  for (;; step += operation.stride) {
    const Report report = Try(operation, how, step);
    ++counts[report.result];
    if (report.result == kNoSuchStep) break;
    const bool allowed = report.result == kFine || (report.result == kWaits && operation.waits);
    EXPECT_TRUE(allowed) << kResultNames[report.result] << ", interrupted at instruction " << step
                         << ", " << Place(report.acted_at);
  }
  EXPECT_GT(step, 10u);
  EXPECT_GE(counts[kFine], (step / operation.stride) / 3) << "hardly any run got through";
  for (size_t i = 0; i < kResults; ++i) RecordProperty(kResultNames[i], std::to_string(counts[i]));
}

}  // namespace
}  // namespace mymalloc::test
