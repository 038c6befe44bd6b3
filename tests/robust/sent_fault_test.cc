// A SIGSEGV that somebody sent: it does what it would do without the library, though the hardened
// mode and sampled blocks need a handler of it.

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "tests/support/block.h"

namespace mymalloc::test {
namespace {

void Send() { raise(SIGSEGV); }

void SendToProcess() { kill(getpid(), SIGSEGV); }

void SendWhileBlocked() {
  sigset_t fault;
  sigemptyset(&fault);
  sigaddset(&fault, SIGSEGV);
  pthread_sigmask(SIG_BLOCK, &fault, nullptr);
  raise(SIGSEGV);
  pthread_sigmask(SIG_UNBLOCK, &fault, nullptr);
}

void SendOnAnotherThread() {
  pthread_t thread;
  pthread_create(
      &thread, nullptr, [](void*) -> void* { return raise(SIGSEGV), nullptr; }, nullptr);
  pthread_join(thread, nullptr);
}

void Queue() { sigqueue(getpid(), SIGSEGV, sigval{}); }

void StoreToNowhere() { *Opaque(reinterpret_cast<volatile char*>(16)) = 1; }

// No canonical address: the processor does not say which it was.
void StoreToNoAddress() { *Opaque(reinterpret_cast<volatile char*>(uintptr_t{1} << 63)) = 1; }

// Of one that goes on.
constexpr int kSurvived = 77;

int StatusOfChild(void (*work)()) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    work();
    _exit(kSurvived);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

void ExpectFault(void (*work)()) {
  const int status = StatusOfChild(work);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) << "status " << status;
}

TEST(SentFault, EndsTheProcess) {
  ExpectFault(Send);
  ExpectFault(SendToProcess);
  ExpectFault(SendWhileBlocked);
  ExpectFault(SendOnAnotherThread);
  ExpectFault(Queue);
}

TEST(SentFault, ARealOneDoesToo) {
  ExpectFault(StoreToNowhere);
  ExpectFault(StoreToNoAddress);
}

// These run in a program that was started with SIGSEGV ignored: the last test starts it.
TEST(IgnoredFault, DISABLED_IsIgnoredEachTime) {
  raise(SIGSEGV);
  raise(SIGSEGV);
  kill(getpid(), SIGSEGV);
}

TEST(IgnoredFault, DISABLED_InterruptsNoSystemCall) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  std::thread sender([&ends, reader = pthread_self()] {
    usleep(200000);
    pthread_kill(reader, SIGSEGV);
    usleep(200000);
    EXPECT_EQ(write(ends[1], "x", 1), 1);
  });
  char byte = 0;
  EXPECT_EQ(read(ends[0], &byte, 1), 1);
  sender.join();
  close(ends[0]);
  close(ends[1]);
}

TEST(IgnoredFault, DISABLED_ARealOneIsNot) {
  ExpectFault(StoreToNowhere);
  ExpectFault(StoreToNoAddress);
}

TEST(SentFault, IsIgnoredIfTheProgramWasStartedSo) {
  EXPECT_EQ(StatusOfChild([] {
              signal(SIGSEGV, SIG_IGN);
              unsetenv("TEST_PREMATURE_EXIT_FILE");  // it is this program's
              execl("/proc/self/exe", "sent_fault_test", "--gtest_filter=IgnoredFault.*",
                    "--gtest_also_run_disabled_tests", nullptr);
            }),
            0);
}

}  // namespace
}  // namespace mymalloc::test
