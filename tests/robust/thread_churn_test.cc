// Threads that come and go leave nothing behind.

#include <gtest/gtest.h>
#include <malloc.h>
#include <pthread.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <vector>

#include "tests/support/block.h"
#include "tests/support/check.h"
#include "tests/support/checked_block.h"
#include "tests/support/memory_usage.h"

namespace mymalloc::test {
namespace {

constexpr size_t kAtOnce = 8;

// What one thread leaves for another, born later, to free.
std::array<CheckedList, kAtOnce> legacies;

void* Work(void* argument) {
  auto* legacy = static_cast<CheckedList*>(argument);
  legacy->FreeAll();
  CheckedList blocks;
  for (uint64_t i = 0; i < 40; ++i) {
    CheckedBlock* block = NewChecked(SpreadSize(i * 0x9e3779b97f4a7c15, 20000), i);
    MYMALLOC_CHECK(block != nullptr);
    blocks.Push(block);
  }
  for (int i = 0; i < 3; ++i) legacy->Push(blocks.Pop());
  blocks.FreeAll();
  return nullptr;
}

// Threads by the pthread functions: std::thread would allocate for each.
void RunThreads(size_t count) {
  std::array<pthread_t, kAtOnce> threads;
  for (size_t batch = 0; batch < count / kAtOnce; ++batch) {
    for (size_t i = 0; i < kAtOnce; ++i) {
      CheckedList* legacy = &legacies[(batch + i) % kAtOnce];
      MYMALLOC_CHECK(pthread_create(&threads[i], nullptr, Work, legacy) == 0);
    }
    for (const pthread_t thread : threads) MYMALLOC_CHECK(pthread_join(thread, nullptr) == 0);
  }
  for (CheckedList& legacy : legacies) legacy.FreeAll();
}

TEST(ThreadChurn, TwentyThousandThreadsLeaveNothing) {
  RunThreads(1000);
  const size_t resident = ResidentBytes();
  const size_t mappings = MappingCount();
  const struct mallinfo2 before = mallinfo2();
  RunThreads(20000);
  const struct mallinfo2 after = mallinfo2();
  // Half a KiB from each thread would be more. (With random slots it takes many threads until all
  // slots have been used.)
  EXPECT_LE(ResidentBytes(), resident + 8 * kMiB);
  EXPECT_LE(MappingCount(), mappings + 256);
  EXPECT_LE(after.uordblks + after.hblkhd, before.uordblks + before.hblkhd + 4 * kKiB);
  // A page for each class in each of their heaps; what of these has gone back is counted, too.
  EXPECT_LE(after.arena, before.arena + 64 * kMiB);
}

// Many heaps at once, then none: what they held does not stay.
TEST(ThreadChurn, ManyAtOnceGiveTheirMemoryBack) {
  constexpr int kThreads = 300;
  constexpr size_t kEach = kMiB;
  const size_t before = ResidentBytes();
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([] {
      CheckedList blocks;
      for (uint64_t seed = 0; blocks.bytes() < kEach; ++seed) {
        blocks.Push(NewChecked(SpreadSize(seed * 7919, 10000), seed));
      }
      blocks.FreeAll();
    });
  }
  for (std::thread& thread : threads) thread.join();
  malloc_trim(0);
  EXPECT_LE(AwaitResidentAtMost(before + 32 * kMiB, std::chrono::seconds(2)), before + 32 * kMiB);
}

}  // namespace
}  // namespace mymalloc::test
