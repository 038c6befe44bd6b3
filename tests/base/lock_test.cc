#include "mymalloc/base/lock.h"

#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace mymalloc {
namespace {

TEST(LockTest, IsHeldByOne) {
  Lock lock;
  ASSERT_TRUE(lock.TryAcquire());
  std::thread([&] { EXPECT_FALSE(lock.TryAcquire()); }).join();
  lock.Release();
  std::thread([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    ASSERT_TRUE(lock.TryAcquire());
    lock.Release();
  }).join();
}

TEST(LockTest, HolderReleasesAtTheEndOfItsScope) {
  Lock lock;
  { LockHolder holder(lock); }
  ASSERT_TRUE(lock.TryAcquire());
  lock.Release();
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

TEST(LockTest, AWaiterGetsItEvenFromASleepingHolder) {
  Lock lock;
  std::atomic<bool> acquired{false};
  lock.Acquire();
  std::thread waiter([&] {
    LockHolder holder(lock);
    acquired = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(acquired);
  lock.Release();
  waiter.join();
  EXPECT_TRUE(acquired);
}

TEST(LockTest, TheForkingThreadPassesThroughAndOthersDoNot) {
  Lock lock;
  lock.Acquire();
  Lock::BeginFork();
  {
    LockHolder holder(lock);  // held by this thread already: passes
  }
  std::thread([&] { EXPECT_FALSE(lock.TryAcquire()); }).join();
  Lock::EndFork();
  lock.Release();
  std::thread([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    EXPECT_TRUE(lock.TryAcquire());
    lock.Release();
  }).join();
}

}  // namespace
}  // namespace mymalloc
