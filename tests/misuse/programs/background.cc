// What nobody's call finds: the tags of free blocks that are looked at when memory is given back.

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>

#include "tests/misuse/programs/case.h"

namespace {

// Those that were freed first, which the thread's own calls do not meet soon.
void BreakFreeBlocks() {
  constexpr int kBlocks = 100000;
  constexpr int kBroken = 5000;
  static char* blocks[kBlocks];
  for (char*& block : blocks) block = static_cast<char*>(malloc(kSmall));
  for (char* block : blocks) free(block);
  for (int i = 0; i < kBroken; ++i) Spoil(blocks[i] - 8, 8);
}

// Calls that have nothing to do with those, over some time.
void WorkFor(int seconds) {
  for (int i = 0; i < seconds * 50; ++i) {
    usleep(20000);
    static void* blocks[200];
    for (void*& block : blocks) block = malloc(kMedium);
    for (void* block : blocks) free(block);
  }
}

// Until it is ended.
void WaitForTheEnd() {
  WorkFor(40);
  _exit(5);
}

void BreakAndWait() {
  BreakFreeBlocks();
  WaitForTheEnd();
}

thread_local int t_handled = 0;
pid_t g_worker = getpid();  // the thread that is to find it

void Say(const char* text) { REQUIRE(write(STDOUT_FILENO, text, strlen(text)) > 0); }

// What only a sound thread can do, and what takes the allocator's locks: with sizes whose free
// blocks are as they were.
void UseLibc() {
  REQUIRE(gettid() == g_worker);
  errno = 1234;
  ++t_handled;
  for (const size_t size : {size_t{200}, size_t{kMedium}, size_t{100 * 1024}}) {
    static void* blocks[1000];
    for (void*& block : blocks) REQUIRE((block = malloc(size)) != nullptr);
    for (void* block : blocks) free(block);
  }
  REQUIRE(errno == 1234 && t_handled == 1);
  Say("handled\n");
}

void HandleAndEnd(int) {
  UseLibc();
  signal(SIGABRT, SIG_DFL);
  raise(SIGABRT);  // when this has returned
}
void HandleAndReturn(int) { UseLibc(); }

void BlockAbort() {
  sigset_t abort;
  sigemptyset(&abort);
  sigaddset(&abort, SIGABRT);
  REQUIRE(sigprocmask(SIG_BLOCK, &abort, nullptr) == 0);
}

CASE(without_a_handler) { BreakAndWait(); }
CASE(with_a_handler) {
  signal(SIGABRT, HandleAndEnd);
  BreakAndWait();
}
CASE(with_a_handler_that_returns) {
  signal(SIGABRT, HandleAndReturn);
  BreakAndWait();
}
CASE(with_abort_blocked) {
  signal(SIGABRT, HandleAndEnd);
  BlockAbort();
  BreakAndWait();
}
CASE(with_abort_ignored) {
  signal(SIGABRT, SIG_IGN);
  BreakAndWait();
}
CASE(in_malloc_trim) {
  signal(SIGABRT, HandleAndEnd);
  BreakFreeBlocks();
  malloc_trim(0);
}
CASE(that_goes_on) {
  BreakFreeBlocks();
  WorkFor(1);
}

void* WorkUntilTheEnd(void*) {
  g_worker = gettid();
  WaitForTheEnd();
  return nullptr;
}
CASE(by_another_thread) {
  signal(SIGABRT, HandleAndEnd);
  BreakFreeBlocks();
  pthread_t worker;
  REQUIRE(pthread_create(&worker, nullptr, WorkUntilTheEnd, nullptr) == 0);
  pthread_join(worker, nullptr);
}

}  // namespace
