// Forks of every kind, at every time: beside threads that hold libc's own locks, from a signal
// handler that interrupted malloc, past libc's handlers, and children that share the parent's
// memory.

#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

#include "tests/robust/expect.h"
#include "tests/support/block.h"
#include "tests/support/check.h"
#include "tests/support/checked_block.h"
#include "tests/support/child.h"

namespace mymalloc::test {
namespace {

// Small blocks with their contents looked at, and long ones of which the first byte is touched.
void AllocateALot(uint64_t seed, CheckedList* blocks) {
  void* longs[4] = {};
  uint64_t random = seed;
  for (size_t i = 0; i < 32; ++i) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    blocks->Push(NewChecked(SpreadSize(random >> 13, 3000), random));
    if (i % 3 == 0) FreeChecked(blocks->Pop());
    if (i % 4 != 0) continue;
    void*& block = longs[i / 4 % 4];
    free(block);
    block = malloc(SpreadSize(random >> 23, 4 * kMiB));
    MYMALLOC_CHECK(block != nullptr);
    *static_cast<char*>(block) = 1;
  }
  for (void* const block : longs) free(block);
}

void AllocateAndFreeALot(uint64_t seed) {
  CheckedList blocks;
  AllocateALot(seed, &blocks);
  MYMALLOC_CHECK(blocks.AllIntact());
  blocks.FreeAll();
}

// Says when a case has gone on for long enough, on a slow machine.
class Patience {
 public:
  bool over() const { return std::chrono::steady_clock::now() > end_; }

 private:
  const std::chrono::steady_clock::time_point end_ =
      std::chrono::steady_clock::now() + std::chrono::seconds(6);
};

// Threads that are in stdio whenever the fork comes: with a FILE's lock held while its buffer
// grows, and with the lock of the list of all FILEs.
class ThreadsInStdio {
 public:
  ThreadsInStdio() {
    threads_.emplace_back([this] { ReadLines(); });
    threads_.emplace_back([this] {
      while (!done_) fflush(nullptr);
    });
    threads_.emplace_back([this] { OpenAndClose(); });
  }
  ThreadsInStdio(const ThreadsInStdio&) = delete;
  ThreadsInStdio& operator=(const ThreadsInStdio&) = delete;
  ~ThreadsInStdio() {
    done_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

  uint64_t rounds() const { return rounds_; }

 private:
  void ReadLines() {
    FILE* const file = tmpfile();
    MYMALLOC_CHECK(file != nullptr);
    for (size_t length = 10; length < 10000; length *= 2) {
      for (size_t i = 0; i < length; ++i) fputc('x', file);
      fputc('\n', file);
    }
    while (!done_) {
      rewind(file);
      char* line = nullptr;
      size_t capacity = 0;
      while (getline(&line, &capacity, file) > 0) ++rounds_;
      free(line);
    }
    fclose(file);
  }
  void OpenAndClose() {
    while (!done_) {
      FILE* const file = fopen("/dev/null", "w");
      MYMALLOC_CHECK(file != nullptr);
      fprintf(file, "a line\n");
      fclose(file);
    }
  }

  std::atomic<bool> done_{false};
  std::atomic<uint64_t> rounds_{0};
  std::vector<std::thread> threads_;
};

constexpr int kMostForks = 2000;
constexpr int kLeastForks = 20;

void BesideStdio() {
  const ThreadsInStdio threads;
  const Patience patience;
  int forks = 0;
  for (; forks < kMostForks && !patience.over(); ++forks) {
    InChild([] { AllocateAndFreeALot(1); });
  }
  Expect(forks >= kLeastForks && threads.rounds() > 0, "%d forks beside %zu lines", forks,
         static_cast<size_t>(threads.rounds()));
}

volatile pid_t newest_child = 0;
volatile bool is_child = false;

// Only while the last child has been waited for.
void ForkInHandler(int) {
  const int error = errno;
  if (!is_child && newest_child == 0) {
    const pid_t child = fork();
    if (child == 0) is_child = true;
    if (child > 0) newest_child = child;
  }
  errno = error;
}

void BlockAlarm(int how) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGALRM);
  MYMALLOC_CHECK(sigprocmask(how, &set, nullptr) == 0);
}

// Mallocs all the time, so that most signals come in the middle of one; parent and child go on from
// there.
void FromAHandler() {
  struct sigaction action = {};
  action.sa_handler = ForkInHandler;
  action.sa_flags = SA_RESTART;
  MYMALLOC_CHECK(sigaction(SIGALRM, &action, nullptr) == 0);
  const itimerval timer = {{0, 1000}, {0, 1000}};
  MYMALLOC_CHECK(setitimer(ITIMER_REAL, &timer, nullptr) == 0);
  const Patience patience;
  int forks = 0;
  int rounds_of_child = 0;
  for (uint64_t seed = 1; is_child || (forks < kMostForks && !patience.over()); ++seed) {
    AllocateAndFreeALot(seed);
    if (is_child && ++rounds_of_child == 20) _exit(0);
    if (is_child || newest_child == 0) continue;
    BlockAlarm(SIG_BLOCK);
    AwaitChild(newest_child);
    newest_child = 0;
    BlockAlarm(SIG_UNBLOCK);
    ++forks;
  }
  BlockAlarm(SIG_BLOCK);
  if (newest_child != 0) AwaitChild(newest_child);
  Expect(forks >= kLeastForks, "%d forks in a handler", forks);
}

// A child that libc's handlers, and so the library's, have not been asked about.
template <typename Fork>
void PastTheHandlers(Fork fork_somehow) {
  CheckedList kept;
  for (uint64_t seed = 0; seed < 50; ++seed) AllocateALot(seed, &kept);
  const Patience patience;
  int forks = 0;
  for (; forks < kMostForks / 2 && !patience.over(); ++forks) {
    const pid_t child = fork_somehow();
    MYMALLOC_CHECK(child >= 0);
    if (child == 0) kept.FreeAll();
    for (uint64_t seed = 0; seed < 5; ++seed) AllocateAndFreeALot(seed);
    if (child == 0) _exit(0);
    AwaitChild(child);
  }
  Expect(forks >= kLeastForks && kept.AllIntact(), "%d children", forks);
  kept.FreeAll();
}

void ByClone() {
  PastTheHandlers([] { return static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); });
}

void ByUnderscoreFork() {
  auto* const function = LibcName<pid_t()>("_Fork");
  if (function == nullptr) _exit(77);  // glibc before 2.34
  PastTheHandlers(function);
}

// A function of its own: what the child changes of its caller's variables, it changes for good.
[[gnu::noinline]] void FreeInVforkChild(CheckedList* blocks, useconds_t linger) {
  const pid_t child = vfork();
  if (child == 0) {
    blocks->FreeAll();
    usleep(linger);
    _exit(0);
  }
  AwaitChild(child);
}

// What a vfork child frees, it frees in the parent's memory, and what it begins there must not end
// with it. Each time in a process that has freed nothing so far, and has a lot to give back when
// the child ends.
template <size_t kSize>
void VforkChildrenThatFree() {
  const Patience patience;
  int forks = 0;
  for (; forks < 16 && !patience.over(); ++forks) {
    InChild([forks] {
      CheckedList blocks;
      while (blocks.bytes() < 48 * kMiB) blocks.Push(NewChecked(kSize, 1));
      FreeInVforkChild(&blocks, static_cast<useconds_t>(forks % 8 * 4000));
      MYMALLOC_CHECK(blocks.bytes() == 0);
      for (uint64_t i = 0; i < 20; ++i) AllocateAndFreeALot(i);
      malloc_trim(0);
      InChild([] { AllocateAndFreeALot(1); });
    });
  }
  Expect(forks >= 1, "%d vfork children that freed", forks);
}

// A library that was loaded before ours has handlers that allocate (early_atfork_library.cc).
void EarlyHandlers() {
  auto* const calls = LibcName<int()>("EarlyAtforkCalls");
  MYMALLOC_CHECK(calls != nullptr);
  std::atomic<bool> done{false};
  std::thread other([&done] {
    for (uint64_t seed = 1; !done; ++seed) AllocateAndFreeALot(seed);
  });
  const Patience patience;
  int forks = 0;
  for (; forks < kMostForks / 4 && !patience.over(); ++forks) {
    InChild([] { AllocateAndFreeALot(1); });
  }
  done = true;
  other.join();
  Expect(forks >= kLeastForks && calls() == 2 * forks, "%d calls of the handlers for %d forks",
         calls(), forks);
}

constexpr NamedCase kCases[] = {
    {"beside_stdio", BesideStdio},
    {"from_a_handler", FromAHandler},
    {"clone", ByClone},
    {"_Fork", ByUnderscoreFork},
    {"vfork_5k", VforkChildrenThatFree<5000>},
    {"vfork_200k", VforkChildrenThatFree<200 * kKiB>},
    {"early_handlers", EarlyHandlers},
};

}  // namespace
}  // namespace mymalloc::test

int main(int argc, char** argv) {
  return mymalloc::test::RunNamedCase(mymalloc::test::kCases, argc, argv);
}
