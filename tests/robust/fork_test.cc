// fork while other threads allocate: the child must find an allocator in order, with no lock held
// by a thread that it does not have.

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "tests/support/block.h"
#include "tests/support/check.h"
#include "tests/support/checked_block.h"
#include "tests/support/child.h"
#include "tests/support/churn.h"

namespace mymalloc::test {
namespace {

constexpr int kForkers = 2;

// Allocates, fills, checks, frees.
void UseTheAllocator(uint64_t seed, int count) {
  std::mt19937_64 random(seed);
  CheckedList blocks;
  for (int i = 0; i < count; ++i) {
    CheckedBlock* block = NewChecked(SpreadSize(random(), 20000), random());
    MYMALLOC_CHECK(block != nullptr);
    blocks.Push(block);
  }
  blocks.FreeEverySecond();
  blocks.FreeAll();
}

void ForkWhileOtherThreadsAllocate(int forks) {
  Churn churn(2, 4000);
  std::vector<std::thread> forkers;
  for (int forker = 0; forker < kForkers; ++forker) {
    forkers.emplace_back([&churn, forker, forks] {
      for (int i = 0; i < forks / kForkers; ++i) {
        const auto seed = static_cast<uint64_t>(i * kForkers + forker);
        CheckedBlock* mine = NewChecked(SpreadSize(seed, 50000), seed);
        InChild([&churn, mine, seed] {
          FreeChecked(mine);
          for (size_t k = 0; k < 8; ++k) FreeChecked(churn.TakeBlock(seed + k));
          UseTheAllocator(seed, 20);
        });
        FreeChecked(mine);
      }
    });
  }
  for (std::thread& forker : forkers) forker.join();
  EXPECT_GT(churn.rounds(), static_cast<uint64_t>(forks)) << "the other threads hardly ran";
}

TEST(Fork, ThreeThousandTimesWhileOtherThreadsAllocate) { ForkWhileOtherThreadsAllocate(3000); }
TEST(Fork, AThousandTimesWhileOtherThreadsAllocate) { ForkWhileOtherThreadsAllocate(1000); }

// The child's new threads may take over what the lost ones had, who were interrupted anywhere.
TEST(Fork, ChildrenStartThreads) {
  Churn churn(2);
  for (uint64_t i = 0; i < 400; ++i) {
    InChild([i] { std::thread([i] { UseTheAllocator(i, 100); }).join(); });
  }
}

TEST(Fork, ChildrenForkAgain) {
  Churn churn(2);
  for (uint64_t i = 0; i < 50; ++i) {
    InChild([i] {
      std::thread first([i] { UseTheAllocator(i, 100); });
      std::thread second([i] { UseTheAllocator(i + 1, 100); });
      first.join();
      InChild([i] {
        UseTheAllocator(i, 100);
        std::thread([i] { UseTheAllocator(i, 100); }).join();
      });
      second.join();
    });
  }
}

// Blocks of threads that the child does not have can be freed and counted there.
TEST(Fork, ChildFreesWhatLostThreadsHeld) {
  constexpr int kThreads = 4;
  std::atomic<int> ready{0};
  std::atomic<bool> done{false};
  CheckedList lists[kThreads];
  std::vector<std::thread> threads;
  for (CheckedList& list : lists) {
    threads.emplace_back([&list, &ready, &done] {
      for (uint64_t i = 0; i < 5000; ++i) list.Push(NewChecked(SpreadSize(i * 7919, 3000), i));
      ++ready;
      while (!done) usleep(1000);
    });
  }
  while (ready < kThreads) usleep(1000);
  for (int i = 0; i < 20; ++i) {
    InChild([&lists] {
      for (CheckedList& list : lists) list.FreeAll();
      UseTheAllocator(1, 1000);
    });
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  for (CheckedList& list : lists) list.FreeAll();
}

}  // namespace
}  // namespace mymalloc::test
