#include "mymalloc/os/raw_thread.h"

#include <signal.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>

#include "gtest/gtest.h"
#include "mymalloc/base/lock.h"
#include "mymalloc/base/syscall.h"

namespace mymalloc::os {
namespace {

template <typename Condition>
bool Await(Condition&& condition) {
  for (int i = 0; i < 5000 && !condition(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return condition();
}

std::atomic<int> g_ran{0};

TEST(RawThreadTest, RunsAndEnds) {
  static std::atomic<long> tid{0};
  ASSERT_TRUE(StartRawThread(
      [](void* argument) {
        *static_cast<std::atomic<long>*>(argument) = CurrentTid();
        return 0;
      },
      &tid));
  ASSERT_TRUE(Await([] { return tid != 0; }));
  EXPECT_NE(tid, CurrentTid());
  // Its thread is of this process, and then is no more.
  EXPECT_TRUE(Await([] { return Syscall(SYS_tgkill, CurrentPid(), tid, 0) == -ESRCH; }));
}

TEST(RawThreadTest, ManyRunAtOnce) {
  constexpr int kThreads = 50;
  g_ran = 0;
  for (int i = 0; i < kThreads; ++i) {
    ASSERT_TRUE(StartRawThread(
        [](void*) {
          ++g_ran;
          return 0;
        },
        nullptr));
  }
  EXPECT_TRUE(Await([] { return g_ran == kThreads; }));
}

// The locks tell threads apart by their thread pointers.
TEST(RawThreadTest, HasAThreadPointerOfItsOwn) {
  static std::atomic<uintptr_t> pointer{0};
  ASSERT_TRUE(StartRawThread(
      [](void*) {
        pointer = ThreadPointer();
        return 0;
      },
      nullptr));
  ASSERT_TRUE(Await([] { return pointer != 0; }));
  EXPECT_NE(pointer, ThreadPointer());
}

TEST(RawThreadTest, CanWaitForLocks) {
  static Lock lock;
  static std::atomic<bool> entered{false};
  {
    LockHolder holder(lock);
    ASSERT_TRUE(StartRawThread(
        [](void*) {
          LockHolder waiting(lock);
          entered = true;
          return 0;
        },
        nullptr));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_FALSE(entered);
  }
  EXPECT_TRUE(Await([] { return entered.load(); }));
}

// A signal to the process reaches its own threads only.
TEST(RawThreadTest, TakesNoSignalsAndLeavesTheMaskAlone) {
  static std::atomic<long> tid{0};
  static std::atomic<bool> stop{false};
  static std::atomic<uint64_t> mask{0};
  ASSERT_TRUE(StartRawThread(
      [](void*) {
        uint64_t blocked = 0;
        Syscall(SYS_rt_sigprocmask, SIG_BLOCK, 0, reinterpret_cast<long>(&blocked),
                sizeof(blocked));
        mask = blocked;
        tid = CurrentTid();
        while (!stop) Syscall(SYS_sched_yield);
        return 0;
      },
      nullptr));
  ASSERT_TRUE(Await([] { return tid != 0; }));
  const uint64_t usr1 = uint64_t{1} << (SIGUSR1 - 1);
  const uint64_t term = uint64_t{1} << (SIGTERM - 1);
  EXPECT_EQ(mask & (usr1 | term), usr1 | term);
  sigset_t mine;
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, nullptr, &mine), 0);
  EXPECT_EQ(sigismember(&mine, SIGUSR1), 0);
  stop = true;
}

}  // namespace
}  // namespace mymalloc::os
