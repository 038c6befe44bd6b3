// What was freed goes back to the system soon: what is much, as it is freed; the rest, as long as
// the program calls malloc or free now and then.

#include <gtest/gtest.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <iterator>
#include <random>
#include <thread>
#include <vector>

#include "tests/support/block.h"
#include "tests/support/check.h"
#include "tests/support/checked_block.h"
#include "tests/support/memory_usage.h"

namespace mymalloc::test {
namespace {

constexpr size_t kTotal = 400 * kMiB;
constexpr size_t kThreads = 8;
constexpr std::chrono::milliseconds kPatience{2000};

struct SizeRange {
  size_t least;
  size_t most;
};

// Each range gets as many bytes as the others.
constexpr SizeRange kRanges[] = {{32, 256}, {256, 4096}, {4096, 65536}, {65536, 1048576}};

void Fill(size_t bytes, uint64_t seed, CheckedList* blocks) {
  for (size_t range = 0; range < std::size(kRanges); ++range) {
    const auto [least, most] = kRanges[range];
    for (uint64_t i = seed; blocks->bytes() < bytes * (range + 1) / std::size(kRanges); ++i) {
      CheckedBlock* block = NewChecked(least + i * 7919 % (most - least), i);
      MYMALLOC_CHECK(block != nullptr);
      blocks->Push(block);
    }
  }
}

// Threads that fill, free when told, and then stay alive and idle.
class IdleThreads {
 public:
  // Thread i frees the blocks of thread i + shift.
  explicit IdleThreads(size_t shift) {
    for (size_t i = 0; i < kThreads; ++i) {
      threads_.emplace_back([this, i, shift] {
        Fill(kTotal / kThreads, i, &lists_[i]);
        Arrive(0);
        Arrive(1);
        lists_[(i + shift) % kThreads].FreeAll();
        Arrive(2);
        Arrive(3);
      });
    }
  }
  IdleThreads(const IdleThreads&) = delete;
  IdleThreads& operator=(const IdleThreads&) = delete;
  ~IdleThreads() {
    for (std::thread& thread : threads_) thread.join();
  }

  // Waits until all threads have come to the step, or lets them pass it.
  void Arrive(size_t step) {
    ++arrived_[step];
    while (arrived_[step] < kThreads + 1) usleep(1000);
  }

 private:
  std::array<CheckedList, kThreads> lists_;
  std::array<std::atomic<size_t>, 4> arrived_{};
  std::vector<std::thread> threads_;
};

bool IsHardened() { return getenv("MYMALLOC_HARDEN") != nullptr; }

// In hardened mode the last of the long blocks that were freed.
size_t HeldBackBytes() { return IsHardened() ? 16 * kMiB : 0; }

void ExpectThreadsGiveMemoryBack(size_t shift) {
  IdleThreads threads(shift);
  threads.Arrive(0);
  const size_t peak = ResidentBytes();
  EXPECT_GE(peak, kTotal);
  threads.Arrive(1);
  threads.Arrive(2);
  // Nobody calls malloc any more: what is within the budget, and what threads hold, may stay.
  const size_t most = peak / 20 * 3 + HeldBackBytes();
  const size_t now = AwaitResidentAtMost(most, kPatience);
  threads.Arrive(3);
  EXPECT_LE(now, most);
}

TEST(MemoryReturn, ThreadsThatFreedTheirOwn) { ExpectThreadsGiveMemoryBack(0); }

TEST(MemoryReturn, ThreadsThatFreedEachOthers) { ExpectThreadsGiveMemoryBack(1); }

// Each thread frees some of the main thread's blocks, in random order, and sleeps: the few that it
// has gathered for the main thread lie in nearly all pages.
class Sleepers {
 public:
  static constexpr size_t kBlockBytes = 100;
  static constexpr size_t kBlocks = 100 * kMiB / kBlockBytes;

  Sleepers() : blocks_(kBlocks) {
    for (void*& block : blocks_) memset(block = malloc(kBlockBytes), 1, kBlockBytes);
    std::shuffle(blocks_.begin(), blocks_.end(), std::mt19937_64(1));
    for (size_t i = 0; i < kThreads; ++i) {
      threads_.emplace_back([this, i] {
        for (size_t b = i; b < kBlocks; b += kThreads) free(blocks_[b]);
        ++done_;
        while (!over_) usleep(1000);
      });
    }
    while (done_ < kThreads) usleep(1000);
  }
  Sleepers(const Sleepers&) = delete;
  Sleepers& operator=(const Sleepers&) = delete;
  ~Sleepers() {
    over_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  std::vector<void*> blocks_;
  std::vector<std::thread> threads_;
  std::atomic<size_t> done_{0};
  std::atomic<bool> over_{false};
};
constexpr size_t kListBytes = Sleepers::kBlocks * sizeof(void*);

TEST(MemoryReturn, WhatSleepersHaveGatheredForOthers) {
  if (IsHardened()) GTEST_SKIP() << "blocks in quarantine lie in as many pages";
  malloc_trim(0);
  const size_t before = ResidentBytes();
  const Sleepers sleepers;
  const size_t most = before + kListBytes + 10 * kMiB;
  for (int i = 0; i < 1000 && ResidentBytes() > most; ++i) {
    free(Opaque(malloc(40000)));
    usleep(10000);
  }
  EXPECT_LE(ResidentBytes(), most);
}

TEST(MemoryReturn, WhatSleepersHaveGatheredForOthersAtOnceWhenTrimmed) {
  if (IsHardened()) GTEST_SKIP() << "blocks in quarantine lie in as many pages";
  malloc_trim(0);
  const size_t before = ResidentBytes();
  const Sleepers sleepers;
  malloc_trim(0);
  EXPECT_LE(ResidentBytes(), before + kListBytes + 10 * kMiB);
}

TEST(MemoryReturn, OneThreadAfterOneMoreMalloc) {
  CheckedList blocks;
  Fill(kTotal, 0, &blocks);
  const size_t peak = ResidentBytes();
  EXPECT_GE(peak, kTotal);
  blocks.FreeAll();
  const size_t most = peak / 10 + HeldBackBytes();
  AwaitResidentAtMost(most, kPatience);
  free(malloc(100));
  EXPECT_LE(ResidentBytes(), most);
}

// Much is freed at once, by few calls, and the program goes on with short blocks that are at hand.
TEST(MemoryReturn, LongBlocksWhileTheProgramGoesOn) {
  constexpr size_t kLong = 30 * kMiB;
  std::vector<CheckedBlock*> blocks;
  for (uint64_t i = 0; i < 12; ++i) blocks.push_back(NewChecked(kLong, i));
  const size_t peak = ResidentBytes();
  EXPECT_GE(peak, 12 * kLong);
  for (CheckedBlock* block : blocks) FreeChecked(block);
  for (size_t i = 0; i < 600; ++i) free(Opaque(malloc(100 + i * 37 % 3000)));
  EXPECT_LE(ResidentBytes(), peak / 5 + HeldBackBytes());
}

TEST(MemoryReturn, LongBlocksThatReallocShrinks) {
  constexpr size_t kLong = 30 * kMiB;
  malloc_trim(0);
  const size_t before = ResidentBytes();
  std::vector<char*> blocks;
  for (int i = 0; i < 12; ++i) {
    blocks.push_back(static_cast<char*>(malloc(kLong)));
    memset(blocks.back(), 1, kLong);
  }
  for (char*& block : blocks) block = static_cast<char*>(realloc(block, kLong / 10));
  for (size_t i = 0; i < 600; ++i) free(Opaque(malloc(100 + i * 37 % 3000)));
  EXPECT_LE(ResidentBytes() - before, 12 * kLong / 10 + 60 * kMiB + HeldBackBytes());
  for (char* block : blocks) free(block);
}

// A program that goes on, with other and short blocks.
void WorkFor(std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
    std::array<void*, 500> some;
    for (void*& block : some) block = malloc(50);
    for (void* block : some) free(block);
    usleep(10000);
  }
}

void ExpectLargeBlocksGoBack(size_t count, size_t bytes) {
  WorkFor(std::chrono::milliseconds(50));
  malloc_trim(0);  // what the tests before it left
  const size_t before = ResidentBytes();
  std::vector<CheckedBlock*> blocks;
  for (uint64_t i = 0; i < count; ++i) blocks.push_back(NewChecked(bytes, i));
  EXPECT_GE(ResidentBytes(), before + kMiB);
  for (CheckedBlock* block : blocks) FreeChecked(block);
  for (int i = 0; i < 20 && ResidentBytes() > before + kMiB / 4; ++i) WorkFor(kPatience / 8);
  EXPECT_LE(ResidentBytes(), before + kMiB / 4);
}

// Short enough to be kept whole for another like it.
TEST(MemoryReturn, OneLargeBlock) { ExpectLargeBlocksGoBack(1, 3 * kMiB / 2); }

// In hardened mode, short enough to stay as they are while they are held back.
TEST(MemoryReturn, SeveralLargeBlocks) { ExpectLargeBlocksGoBack(16, 100 * kKiB); }

}  // namespace
}  // namespace mymalloc::test
