// The same double free wherever a program may be when it happens.

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "mymalloc/mymalloc.h"
#include "tests/misuse/programs/case.h"

// It is there when the library is.
#pragma weak mymalloc_on_misuse

namespace {

void FreeTwice() {
  char* const p = Block(malloc(kSmall));
  free(p);
  free(Give(p));
}

void HandleByFreeingTwice(int) { FreeTwice(); }

void OnSignal(int signal, void (*handler)(int), int flags) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  REQUIRE(sigaction(signal, &action, nullptr) == 0);
}

CASE(in_main) { FreeTwice(); }
CASE(errno_stays) {
  errno = 1234;
  FreeTwice();
  REQUIRE(errno == 1234);
}
CASE(in_a_signal_handler) {
  OnSignal(SIGUSR1, HandleByFreeingTwice, 0);
  raise(SIGUSR1);
}
CASE(on_a_signal_stack) {
  // As small as the system says that one may be, on this processor.
  stack_t stack = {};
  stack.ss_size = 16 * 1024;
  stack.ss_sp = malloc(stack.ss_size);
  REQUIRE(sigaltstack(&stack, nullptr) == 0);
  OnSignal(SIGUSR1, HandleByFreeingTwice, SA_ONSTACK);
  raise(SIGUSR1);
}
CASE(with_abort_blocked) {
  sigset_t all;
  sigfillset(&all);
  REQUIRE(pthread_sigmask(SIG_BLOCK, &all, nullptr) == 0);
  FreeTwice();
}
CASE(with_abort_ignored) {
  OnSignal(SIGABRT, SIG_IGN, 0);
  FreeTwice();
}
CASE(with_an_abort_handler_that_returns) {
  OnSignal(
      SIGABRT, [](int) {}, 0);
  FreeTwice();
}
CASE(with_an_abort_handler_that_allocates) {
  OnSignal(
      SIGABRT, [](int) { free(malloc(kSmall)); }, 0);
  FreeTwice();
}

// More than a thread has at hand, and than the hardened mode keeps from it.
void AllocateALot() {
  enum { kBlocks = 20000 };
  static void* blocks[kBlocks];
  for (void*& block : blocks) block = malloc(kSmall);
  for (void* block : blocks) free(block);
}
CASE(with_an_abort_handler_that_needs_another_thread) {
  OnSignal(
      SIGABRT, [](int) { OnAnotherThread([](void*) { AllocateALot(); }, nullptr); }, 0);
  FreeTwice();
}
CASE(with_a_callback_that_allocates) {
  mymalloc_on_misuse([](const mymalloc_misuse*, void*) { AllocateALot(); }, nullptr);
  FreeTwice();
}

CASE(in_atexit) { REQUIRE(atexit(FreeTwice) == 0); }

struct Destroyed {
  bool armed = false;
  ~Destroyed() {
    if (armed) FreeTwice();
  }
};
Destroyed g_destroyed;
thread_local Destroyed t_destroyed;

CASE(in_a_destructor_at_exit) { g_destroyed.armed = true; }
CASE(in_a_thread_local_destructor_at_exit) { t_destroyed.armed = true; }
CASE(in_a_thread_local_destructor) {
  OnAnotherThread([](void*) { t_destroyed.armed = true; }, nullptr);
}
CASE(in_a_thread_specific_destructor) {
  static pthread_key_t key;
  REQUIRE(pthread_key_create(&key, [](void*) { FreeTwice(); }) == 0);
  OnAnotherThread([](void*) { pthread_setspecific(key, &key); }, nullptr);
}
// After the allocator has taken the thread's heap away: it comes back in each round of destructors.
CASE(in_the_last_round_of_destructors) {
  static pthread_key_t key;
  static int rounds = 0;
  REQUIRE(pthread_key_create(&key, [](void*) {
            if (++rounds == PTHREAD_DESTRUCTOR_ITERATIONS) return FreeTwice();
            pthread_setspecific(key, &key);
          }) == 0);
  OnAnotherThread([](void*) { pthread_setspecific(key, &key); }, nullptr);
}

// Ends as its child does.
void EndLikeChild(pid_t child) {
  int status = 0;
  REQUIRE(child > 0 && waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status)) {
    OnSignal(WTERMSIG(status), SIG_DFL, 0);
    raise(WTERMSIG(status));
  }
  REQUIRE(status == 0);
}

CASE(in_a_forked_child) {
  const pid_t child = fork();
  if (child == 0) {
    FreeTwice();
    _exit(0);
  }
  EndLikeChild(child);
}
CASE(of_a_block_freed_before_the_fork) {
  char* const p = Block(malloc(kSmall));
  free(p);
  const pid_t child = fork();
  if (child == 0) {
    free(Give(p));
    _exit(0);
  }
  EndLikeChild(child);
}
CASE(in_a_child_forked_from_a_thread) {
  OnAnotherThread([](void*) { in_a_forked_child(); }, nullptr);
}

CASE(on_another_thread) {
  OnAnotherThread([](void*) { FreeTwice(); }, nullptr);
}
CASE(on_a_thread_with_the_smallest_stack) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, static_cast<size_t>(PTHREAD_STACK_MIN));
  pthread_t thread;
  REQUIRE(pthread_create(
              &thread, &attributes,
              [](void*) -> void* {
                FreeTwice();
                return nullptr;
              },
              nullptr) == 0);
  pthread_join(thread, nullptr);
}
CASE(under_a_lock_of_the_programs_own) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&mutex);
  FreeTwice();
  pthread_mutex_unlock(&mutex);
}
CASE(while_an_exception_is_handled) {
  try {
    throw 1;
  } catch (int) {
    FreeTwice();
  }
}

// Before main: which case it is stands on the command line.
__attribute__((constructor(101))) void BeforeMain(int argc, char** argv) {
  if (argc > 1 && strcmp(argv[1], "before_main") == 0) FreeTwice();
}
CASE(before_main) {}

}  // namespace
