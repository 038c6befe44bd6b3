#include "mymalloc/process/registry.h"

#include <pthread.h>

#include <set>
#include <thread>
#include <vector>

#include "mymalloc/front/front.h"
#include "mymalloc/process/freeze.h"
#include "tests/heap/engine.h"

namespace mymalloc {
namespace {

using RegistryTest = test::EngineTest;

HeapId IdOfNewThread() {
  HeapId id = Tag::kNobody;
  std::thread([&] {
    EXPECT_FALSE(HasOwnHeap());
    Free(Allocate(10));
    EXPECT_TRUE(HasOwnHeap());
    id = CurrentHeap()->id();
  }).join();
  return id;
}

TEST_F(RegistryTest, AThreadGetsAHeapAtItsFirstAllocation) {
  EXPECT_TRUE(HasOwnHeap());
  const HeapId other = IdOfNewThread();
  EXPECT_NE(other, Tag::kNobody);
  EXPECT_NE(other, CurrentHeap()->id());
  EXPECT_NE(other, g_registry.SharedHeap()->id());
  EXPECT_EQ(g_heaps[other]->id(), other);
}

// The first test to need more than one: heaps are as many as threads at once, and the shared one.
TEST_F(RegistryTest, ThreadsOneAfterTheOtherNeedOneHeap) {
  for (int i = 0; i < 3; ++i) IdOfNewThread();
  EXPECT_LE(g_registry.HighestId(), HeapId{3});
}

TEST_F(RegistryTest, TheNextThreadTakesOverAParkedHeap) {
  const HeapId first = IdOfNewThread();
  EXPECT_TRUE(g_heaps[first]->parked());
  const HeapId highest = g_registry.HighestId();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(IdOfNewThread(), first);
  EXPECT_EQ(g_registry.HighestId(), highest);
}

TEST_F(RegistryTest, ThreadsAtOnceHaveHeapsOfTheirOwn) {
  constexpr int kThreads = 8;
  std::vector<std::thread> threads;
  std::atomic<int> ready{0};
  HeapId ids[kThreads];
  for (HeapId& id : ids) {
    threads.emplace_back([&] {
      void* const block = Allocate(100);
      id = CurrentHeap()->id();
      ++ready;
      while (ready < kThreads) std::this_thread::yield();
      EXPECT_FALSE(CurrentHeap()->parked());
      Free(block);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::set<HeapId>(ids, ids + kThreads).size(), size_t{kThreads});
  EXPECT_EQ(std::set<HeapId>(ids, ids + kThreads).count(CurrentHeap()->id()), 0u);
}

TEST_F(RegistryTest, BlocksOutliveTheirThread) {
  std::vector<void*> blocks(2000);
  HeapId id = Tag::kNobody;
  std::thread([&] {
    for (void*& block : blocks) block = memset(Allocate(100), 7, 100);
    id = CurrentHeap()->id();
  }).join();
  EXPECT_STREQ(VerifyHeap(), nullptr);
  for (void* block : blocks) {
    ASSERT_EQ(static_cast<char*>(block)[99], 7);
    ASSERT_EQ(UsableSize(block, "test"), UsableOf(ClassOf(100)));
    Free(block);
  }
  EXPECT_STREQ(VerifyHeap(), nullptr);
  // Into a parked heap: collected by whoever takes it over, or by the janitor.
  std::thread([&] {
    std::set<void*> again;
    for (size_t i = 0; i < blocks.size(); ++i) again.insert(Allocate(100));
    EXPECT_EQ(CurrentHeap()->id(), id);
    for (void* block : again) Free(block);
  }).join();
}

TEST_F(RegistryTest, TheJanitorGivesBackWhatAParkedHeapHolds) {
  HeapId id = Tag::kNobody;
  std::vector<void*> blocks(3000);
  std::thread([&] {
    for (void*& block : blocks) block = Allocate(500);
    id = CurrentHeap()->id();
  }).join();
  for (void* block : blocks) Free(block);
  GiveAllBack();
  size_t pages = 0;
  g_page_map.ForEach([&](Interval, Owner owner) {
    if (owner.page() != nullptr && owner.page()->heap() == id) ++pages;
  });
  // What is on top of a magazine is its owner's alone: at most a block of each class used stays.
  EXPECT_LE(pages, 4u);
}

pthread_key_t g_late_key;

// A destructor of thread-specific data that runs after the heap was parked.
void AllocateLate(void* rounds) {
  if (rounds != reinterpret_cast<void*>(1)) {
    pthread_setspecific(g_late_key, static_cast<char*>(rounds) - 1);
    return;
  }
  EXPECT_FALSE(HasOwnHeap());
  void* const small = Allocate(64);
  void* const large = Allocate(5 * kMiB);
  ASSERT_NE(small, nullptr);
  ASSERT_NE(large, nullptr);
  EXPECT_EQ(Tag::Of(test::Address(small)).heap(), g_registry.SharedHeap()->id());
  EXPECT_FALSE(HasOwnHeap());
  Free(large);
  Free(small);
}

TEST_F(RegistryTest, AThreadThatExitsMayStillAllocate) {
  ASSERT_EQ(pthread_key_create(&g_late_key, AllocateLate), 0);
  const HeapId highest = g_registry.HighestId();
  for (int i = 0; i < 50; ++i) {
    std::thread([] {
      Free(Allocate(10));
      pthread_setspecific(g_late_key, reinterpret_cast<void*>(3));
    }).join();
  }
  EXPECT_LE(g_registry.HighestId(), highest + 1);
  EXPECT_STREQ(VerifyHeap(), nullptr);
  pthread_key_delete(g_late_key);
}

TEST_F(RegistryTest, WhileFrozenOthersWaitAndTheFreezerGoesOn) {
  std::atomic<bool> done{false};
  std::thread other;
  {
    const Frozen frozen;
    Free(Allocate(3 * kMiB));  // takes locks
    other = std::thread([&] {
      Free(Allocate(3 * kMiB));
      done = true;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_FALSE(done);
  }
  other.join();
  EXPECT_TRUE(done);
}

}  // namespace
}  // namespace mymalloc
