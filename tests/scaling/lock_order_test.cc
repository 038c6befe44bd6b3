// The order of the locks (mymalloc/base/lock_order.h), in the build of the library that counts
// them: it ends a process that waits for one out of order. Clang sees that within a function; here
// are the ways through many.

#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/resource.h>

#include <cstdint>
#include <cstdlib>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "mymalloc/base/lock.h"
#include "mymalloc/misuse/sampled_blocks.h"
#include "mymalloc/os/metadata.h"
#include "mymalloc/process/freeze.h"
#include "mymalloc/process/janitor.h"
#include "mymalloc/process/registry.h"
#include "mymalloc/report/verify.h"
#include "mymalloc/supply/page_map.h"
#include "mymalloc/supply/page_supply.h"
#include "tests/support/block.h"
#include "tests/support/check.h"
#include "tests/support/checked_block.h"
#include "tests/support/child.h"
#include "tests/support/churn.h"

namespace mymalloc::test {
namespace {

// Clang does not look: else it would not compile what is to be tried.
void TakeBoth(Lock& first, Lock& second) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  first.Acquire();
  second.Acquire();
  second.Release();
  first.Release();
}

void HoldAndTry(Lock& held, Lock& tried) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  held.Acquire();
  if (tried.TryAcquire()) tried.Release();
  held.Release();
}

Lock& HeapLock(unsigned i) { return g_heaps[HeapId(i + 1)]->lock(); }

TEST(LockOrderDeathTest, OfNeighbours) {
  TakeBoth(g_page_supply.lock(), g_page_map.lock());
  EXPECT_DEATH(TakeBoth(g_page_map.lock(), g_page_supply.lock()),
               "lock order: waits for 'page supply' with 'page map' held");
}

TEST(LockOrderDeathTest, OfTheFirstAndTheLast) {
  TakeBoth(g_janitor.pass_lock(), os::MetadataLock());
  EXPECT_DEATH(TakeBoth(os::MetadataLock(), g_janitor.pass_lock()),
               "waits for 'janitor pass' with 'metadata' held");
}

// A heap's lock bears no name of its own, as its memory is zero before.
TEST(LockOrderDeathTest, OfHeaps) {
  TakeBoth(g_registry.lock(), HeapLock(0));
  TakeBoth(HeapLock(0), g_sampled.lock());
  EXPECT_DEATH(TakeBoth(HeapLock(0), g_registry.lock()), "waits for 'registry' with 'heap' held");
  EXPECT_DEATH(TakeBoth(g_sampled.lock(), HeapLock(0)), "waits for 'heap' with 'sampled' held");
}

TEST(LockOrderDeathTest, TwoHeapsAreForWhoHoldsTheRegistry) {
  EXPECT_DEATH(TakeBoth(HeapLock(0), HeapLock(1)), "waits for 'heap' with 'heap' held");
  LockHolder holder(g_registry.lock());
  TakeBoth(HeapLock(0), HeapLock(1));
}

TEST(LockOrderDeathTest, NoneIsTakenTwice) {
  EXPECT_DEATH(TakeBoth(g_page_map.lock(), g_page_map.lock()), "'page map' with 'page map' held");
}

TEST(LockOrderDeathTest, ToTryIsAllowed) { HoldAndTry(g_page_map.lock(), g_page_supply.lock()); }

TEST(LockOrderDeathTest, WhoForksPassesThroughAll) {
  const Frozen frozen;
  TakeBoth(g_page_map.lock(), g_page_supply.lock());
}

// Of all lengths, also such that are moved.
void Grow() {
  constexpr size_t kLargest = 80 << 20;
  auto block = static_cast<char*>(malloc(1));
  for (size_t size = 16; size < kLargest; size += size / 3) {
    block = static_cast<char*>(realloc(block, size));
    MYMALLOC_CHECK(block != nullptr);
    block[size - 1] = 1;
  }
  free(realloc(block, 3 << 20));
}

void FillAndEmpty(uint64_t seed) {
  CheckedList blocks;
  for (uint64_t i = 0; i < 3000; ++i) {
    blocks.Push(NewChecked(SpreadSize(seed + i * 0x9e3779b97f4a7c15, 100000), i));
  }
  blocks.FreeEverySecond();
  malloc_trim(0);
  blocks.FreeAll();
}

// Until the system refuses: what is free then goes back.
void RunOutOfMemory() {
  const rlimit limit = {1 << 30, 1 << 30};
  MYMALLOC_CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
  std::vector<void*> blocks;
  blocks.reserve(1000);
  while (blocks.size() < 1000) {
    void* const block = malloc(5 << 20);
    if (block == nullptr) break;
    blocks.push_back(block);
  }
  MYMALLOC_CHECK(blocks.size() < 1000);
  for (void* block : blocks) free(block);
}

// It is reported, and the process goes on.
void Misuse(size_t size) {
  auto block = static_cast<volatile char*>(malloc(size));
  const uintptr_t address = reinterpret_cast<uintptr_t>(block);
  free(reinterpret_cast<void*>(address));
  free(reinterpret_cast<void*>(address));
  free(reinterpret_cast<void*>(address + 8));
}

TEST(LockOrder, OfTheVerifier) {
  std::thread(FillAndEmpty, 1).join();
  EXPECT_STREQ(VerifyHeap(), nullptr);
}

TEST(LockOrder, WhileThreadsAllocateFreeForkAndEnd) {
  Churn churn(2, 300000);
  for (uint64_t i = 0; i < 20; ++i) {
    std::thread grower(Grow);
    std::thread filler(FillAndEmpty, i);
    InChild([i] {
      FillAndEmpty(i);
      std::thread(Grow).join();
    });
    mallinfo2();
    grower.join();
    filler.join();
  }
}

TEST(LockOrder, WhereThereIsNoMemory) {
  Churn churn(1);
  InChild(RunOutOfMemory);
}

TEST(LockOrder, OfMisuses) {
  for (const size_t size : {100u, 5000u, 100000u, 3000000u, 40000000u}) {
    InChild([size] { Misuse(size); });
  }
}

}  // namespace
}  // namespace mymalloc::test
