// Signal handlers that interrupt the allocator at any instruction. Most do what POSIX lets them do:
// nothing with malloc, but they use memory that came from it. signal_step_test has those that
// allocate, one instruction after the other; here they come in storms.

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "tests/support/block.h"
#include "tests/support/check.h"
#include "tests/support/checked_block.h"
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
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (std::chrono::steady_clock::now() < end) usleep(100000);  // a signal cuts it short
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

// What a handler keeps from one signal to the next, of each thread.
thread_local CheckedBlock* kept = nullptr;

void Exchange(int) {
  const int saved_errno = errno;
  const uint64_t count = signals.fetch_add(1);
  FreeChecked(kept);
  kept = NewChecked(SpreadSize(count * 7919, 400), count);
  errno = saved_errno;
}

// Three threads allocate, and are sent signals as fast as they take them.
void StormOfAllocatingHandlers() {
  struct sigaction action = {};
  action.sa_handler = Exchange;
  action.sa_flags = SA_RESTART;
  MYMALLOC_CHECK(sigaction(SIGUSR1, &action, nullptr) == 0);
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (uint64_t i = 0; i < 3; ++i) {
    threads.emplace_back([&done, i] {
      CheckedList blocks;
      for (uint64_t n = i; !done; ++n) {
        blocks.Push(NewChecked(SpreadSize(n * 7919, 400), n));
        if (n % 100 == 99) blocks.FreeAll();
      }
      blocks.FreeAll();
    });
  }
  for (int i = 0; i < 60000; ++i)
    pthread_kill(threads[static_cast<size_t>(i) % 3].native_handle(), SIGUSR1);
  done = true;
  for (std::thread& thread : threads) thread.join();
}

// It may wait for ever for a lock that the interrupted thread holds; that ends the child, and is no
// failure. A block that is not intact is one.
TEST(Signals, HandlersThatAllocateCorruptNothing) {
  int ended = 0;
  for (int i = 0; i < 3; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(10);
      StormOfAllocatingHandlers();
      _exit(0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ended += status == 0 ? 1 : 0;
    EXPECT_TRUE(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)) << status;
  }
  EXPECT_GE(ended, 1);
}

// The misuses that a handler may do to the block below, whatever it interrupted.
void* victim = nullptr;

void FreeALiteral(int) { free(Opaque(const_cast<char*>("literal"))); }
void FreeInside(int) { free(static_cast<char*>(victim) + 16); }
void FreeAfterAnUnderrun(int) {
  static_cast<volatile char*>(victim)[-1] ^= 1;
  free(victim);
}

// A block that is sampled, if blocks are: only of those is the usable size the odd one asked for.
void* NewVictim() {
  constexpr size_t kSize = 41;
  for (int i = 0; i < 1000; ++i) {
    void* block = malloc(kSize);
    if (malloc_usable_size(block) == kSize) return block;
    free(block);
  }
  return malloc(kSize);
}

// Allocates and frees until the signal comes, of sizes that keep to one part of the allocator.
[[noreturn]] void WorkUntilMisuse(void (*misuse)(int), size_t most, suseconds_t microseconds) {
  const int quiet = open("/dev/null", O_WRONLY);
  dup2(quiet, STDERR_FILENO);
  alarm(10);
  victim = microseconds % 2 == 0 ? NewVictim() : malloc(40);
  signal(SIGALRM, SIG_DFL);
  signal(SIGPROF, misuse);
  const itimerval timer = {{0, 0}, {0, microseconds}};
  setitimer(ITIMER_PROF, &timer, nullptr);
  void* blocks[64] = {};
  for (uint64_t i = static_cast<uint64_t>(microseconds);; ++i) {
    void*& block = blocks[i * 7919 % 64];
    free(block);
    block = malloc(SpreadSize(i * 104729, most));
  }
}

// A handler may find the allocator's locks held by the very thread that it interrupted. That must
// not keep a misuse from being reported.
TEST(Signals, AMisuseInAHandlerIsReportedWhateverItInterrupts) {
  suseconds_t i = 0;
  for (const auto misuse : {FreeALiteral, FreeInside, FreeAfterAnUnderrun}) {
    for (const size_t most : {size_t{600}, size_t{30000}, size_t{3000000}}) {
      for (int n = 0; n < 12; ++n) {
        const pid_t child = fork();
        if (child == 0) WorkUntilMisuse(misuse, most, 500 + 317 * i % 4000);
        ++i;
        int status = 0;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) << status << ", " << most;
      }
    }
  }
}

}  // namespace
}  // namespace mymalloc::test
