// Signal handlers that interrupt the allocator at any instruction. They do what POSIX lets them do:
// nothing with malloc, but they use memory that came from it.

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>

#include "tests/support/block.h"
#include "tests/support/check.h"
#include "tests/support/churn.h"

namespace mymalloc::test {
namespace {

constexpr size_t kOwnBytes = 4000;

void* own_memory = nullptr;
std::atomic<uint64_t> signals{0};
std::atomic_flag busy = ATOMIC_FLAG_INIT;

void Handle(int) {
  if (busy.test_and_set()) return;
  const uint64_t count = signals.fetch_add(1);
  MYMALLOC_CHECK(MatchesPattern(own_memory, kOwnBytes, count));
  FillPattern(own_memory, kOwnBytes, count + 1);
  busy.clear();
}

// Has the handler called every `microseconds` of processor time, in whichever thread runs.
class Interrupter {
 public:
  explicit Interrupter(int flags, suseconds_t microseconds = 1000) {
    own_memory = malloc(kOwnBytes);
    signals = 0;
    FillPattern(own_memory, kOwnBytes, 0);
    struct sigaction action = {};
    action.sa_handler = Handle;
    action.sa_flags = flags;
    MYMALLOC_CHECK(sigaction(SIGPROF, &action, nullptr) == 0);
    SetTimer(microseconds);
  }
  Interrupter(const Interrupter&) = delete;
  Interrupter& operator=(const Interrupter&) = delete;
  ~Interrupter() {
    SetTimer(0);
    signal(SIGPROF, SIG_IGN);
    while (busy.test_and_set()) usleep(100);
    busy.clear();
    free(own_memory);
  }

 private:
  static void SetTimer(suseconds_t microseconds) {
    const itimerval timer = {{0, microseconds}, {0, microseconds}};
    MYMALLOC_CHECK(setitimer(ITIMER_PROF, &timer, nullptr) == 0);
  }
};

TEST(Signals, InterruptManyThreads) {
  const Interrupter interrupter(SA_RESTART);
  const Churn churn(3);
  sleep(2);
  EXPECT_GT(signals.load(), 100u);
  EXPECT_GT(churn.rounds(), 10000u);
}

TEST(Signals, OnAStackOfTheirOwn) {
  stack_t stack = {};
  stack.ss_size = 64 * kKiB;
  stack.ss_sp = malloc(stack.ss_size);
  ASSERT_EQ(sigaltstack(&stack, nullptr), 0);
  {
    const Interrupter interrupter(SA_RESTART | SA_ONSTACK);
    CheckedList blocks;
    for (uint64_t i = 0; signals < 200; ++i) {
      blocks.Push(NewChecked(SpreadSize(i * 7919, 50000), i));
      if (i % 1000 == 999) blocks.FreeAll();
    }
    blocks.FreeAll();
  }
  stack.ss_flags = SS_DISABLE;
  ASSERT_EQ(sigaltstack(&stack, nullptr), 0);
  free(stack.ss_sp);
}

}  // namespace
}  // namespace mymalloc::test
