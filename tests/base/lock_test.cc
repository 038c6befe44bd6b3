#include "mymalloc/base/lock.h"

#include <time.h>

#include <chrono>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace mymalloc {
namespace {

// Whether the lock can be had; it is given back at once.
bool IsFree(Lock& lock) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  bool acquired = false;
  std::thread([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    acquired = lock.TryAcquire();
    if (acquired) lock.Release();
  }).join();
  return acquired;
}

TEST(LockTest, IsHeldByOneUntilTheEndOfTheScope) {
  Lock lock;
  EXPECT_TRUE(IsFree(lock));
  {
    LockHolder holder(lock);
    EXPECT_FALSE(IsFree(lock));
  }
  EXPECT_TRUE(IsFree(lock));
}

// More threads than processors, so that all ways of waiting are gone through.
TEST(LockTest, KeepsThreadsApart) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 20000;
  Lock lock;
  uint64_t a = 0;
  uint64_t b = 0;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        LockHolder holder(lock);
        ASSERT_EQ(a, b);
        ++a;
        if (round % 1000 == 0) std::this_thread::yield();
        ++b;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(a, uint64_t{kThreads} * kRounds);
}

// Waits for the lock, has it once, and says so.
std::thread Waiter(Lock& lock, std::atomic<bool>& acquired) {
  return std::thread([&] {
    LockHolder holder(lock);
    acquired = true;
  });
}

TEST(LockTest, AWaiterGetsItEvenFromASleepingHolder) {
  Lock lock;
  std::atomic<bool> acquired{false};
  lock.Acquire();
  std::thread waiter = Waiter(lock, acquired);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(acquired);
  lock.Release();
  waiter.join();
  EXPECT_TRUE(acquired);
}

TEST(LockTest, AWaiterIsLetIn) {
  constexpr auto kPatience = std::chrono::seconds(20);
  Lock lock;
  std::atomic<bool> acquired{false};
  lock.Acquire();
  std::thread waiter = Waiter(lock, acquired);
  // Before it waits it need not be.
  for (const auto end = std::chrono::steady_clock::now() + kPatience;
       !acquired && std::chrono::steady_clock::now() < end;) {
    lock.LetOthersIn();
  }
  EXPECT_TRUE(acquired);
  EXPECT_FALSE(IsFree(lock)) << "it is the caller's again";
  lock.Release();
  waiter.join();
}

// What all threads of this process have used of the processors.
std::chrono::nanoseconds ProcessTime() {
  timespec used;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

// However many wait, the processors are the holder's: hundreds that look again every now and then
// keep it, and everything else on the machine, from getting on.
TEST(LockTest, WaitersCostNothing) {
  constexpr int kThreads = 300;
  Lock lock;
  std::vector<std::thread> waiters;
  {
    LockHolder holder(lock);
    for (int i = 0; i < kThreads; ++i) waiters.emplace_back([&lock] { LockHolder waiter(lock); });
    std::this_thread::sleep_for(std::chrono::milliseconds(300));  // until they do nothing but wait
    const auto before = ProcessTime();
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    EXPECT_LT(ProcessTime() - before, std::chrono::milliseconds(50));
  }
  for (std::thread& waiter : waiters) waiter.join();
}

// Takes and releases a lock that its own thread holds.
void PassThrough(Lock& lock) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  lock.Acquire();
  lock.Release();
}

TEST(LockTest, TheForkingThreadPassesThroughAndOthersDoNot) {
  Lock lock;
  {
    LockHolder holder(lock);
    Lock::BeginFork();
    PassThrough(lock);
    EXPECT_FALSE(IsFree(lock));
    Lock::EndFork();
  }
  EXPECT_TRUE(IsFree(lock));
}

}  // namespace
}  // namespace mymalloc
