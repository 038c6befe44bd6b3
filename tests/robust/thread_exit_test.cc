// Threads that allocate and free while they end: destructors of thread-specific data in all of
// their rounds, destructors of thread_local objects, cancellation.

#include <gtest/gtest.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/block.h"
#include "tests/support/check.h"
#include "tests/support/checked_block.h"

namespace mymalloc::test {
namespace {

constexpr int kThreads = 1000;

std::atomic<int> destructor_rounds{0};
std::array<pthread_key_t, 4> keys;

struct Specific {
  pthread_key_t key;
  int rounds;
  CheckedList blocks;
};

// Frees what the last round has left and, while the C library lets it, asks for another round.
void DestroySpecific(void* value) {
  auto* specific = static_cast<Specific*>(value);
  ++destructor_rounds;
  specific->blocks.FreeAll();
  for (uint64_t i = 0; i < 20; ++i)
    specific->blocks.Push(NewChecked(SpreadSize(i * 7919, 50000), i));
  if (++specific->rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
    MYMALLOC_CHECK(pthread_setspecific(specific->key, specific) == 0);
    return;
  }
  specific->blocks.FreeAll();
  free(specific);
}

void SetSpecific() {
  for (const pthread_key_t key : keys) {
    void* memory = malloc(sizeof(Specific));
    MYMALLOC_CHECK(memory != nullptr);
    MYMALLOC_CHECK(pthread_setspecific(key, new (memory) Specific{key, 0, {}}) == 0);
  }
}

size_t BytesInUse() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

class ThreadExitTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    for (pthread_key_t& key : keys) ASSERT_EQ(pthread_key_create(&key, DestroySpecific), 0);
  }
};

TEST_F(ThreadExitTest, SpecificDataDestructorsInEveryRound) {
  std::thread(SetSpecific).join();
  destructor_rounds = 0;
  const size_t before = BytesInUse();
  for (int i = 0; i < kThreads; ++i) std::thread(SetSpecific).join();
  const size_t after = BytesInUse();
  EXPECT_EQ(destructor_rounds.load(),
            kThreads * static_cast<int>(keys.size()) * PTHREAD_DESTRUCTOR_ITERATIONS);
  EXPECT_LE(after, before + 16 * kKiB);
}

// The first thing that such a thread ever does with the allocator is done by a destructor.
TEST_F(ThreadExitTest, FirstMallocInADestructor) {
  for (int i = 0; i < kThreads; ++i) {
    auto* specific = new (malloc(sizeof(Specific))) Specific{keys[0], 0, {}};
    std::thread([specific] { pthread_setspecific(keys[0], specific); }).join();
  }
}

struct Collector {
  ~Collector() {
    words.push_back(std::string(1000, 'd'));
    blocks.Push(NewChecked(70000, 1));
    blocks.FreeAll();
  }
  std::vector<std::string> words;
  CheckedList blocks;
};

thread_local Collector first_collector;
thread_local Collector second_collector;

TEST_F(ThreadExitTest, ThreadLocalObjects) {
  const auto work = [] {
    for (int i = 0; i < 100; ++i) first_collector.words.push_back(std::string(200, 'a'));
    second_collector.words = first_collector.words;
    second_collector.blocks.Push(NewChecked(3000, 2));
    SetSpecific();
  };
  std::thread(work).join();
  const size_t before = BytesInUse();
  for (int i = 0; i < kThreads; ++i) std::thread(work).join();
  EXPECT_LE(BytesInUse(), before + 16 * kKiB);
}

// What one thread's destructors free belongs to another, and the other way round.
TEST_F(ThreadExitTest, DestructorsFreeOtherThreadsBlocks) {
  const size_t before = BytesInUse();
  for (int i = 0; i < kThreads; ++i) {
    auto* specific = new (malloc(sizeof(Specific))) Specific{keys[1], 0, {}};
    for (uint64_t k = 0; k < 30; ++k)
      specific->blocks.Push(NewChecked(SpreadSize(k * 31, 9000), k));
    std::thread([specific] { pthread_setspecific(keys[1], specific); }).join();
  }
  EXPECT_LE(BytesInUse(), before + 64 * kKiB);
}

void CleanUp(void* blocks) { static_cast<CheckedList*>(blocks)->FreeAll(); }

void* AllocateUntilCancelled(void*) {
  CheckedList blocks;
  pthread_cleanup_push(CleanUp, &blocks);
  SetSpecific();
  for (uint64_t i = 0;; ++i) {
    blocks.Push(NewChecked(SpreadSize(i * 7919, 4000), i));
    if (i % 50 == 49) blocks.FreeAll();
    pthread_testcancel();
  }
  pthread_cleanup_pop(1);
  return nullptr;
}

TEST_F(ThreadExitTest, CancelledThreadsLeaveTheAllocatorInOrder) {
  for (int i = 0; i < 300; ++i) {
    pthread_t thread;
    ASSERT_EQ(pthread_create(&thread, nullptr, AllocateUntilCancelled, nullptr), 0);
    usleep(200);
    ASSERT_EQ(pthread_cancel(thread), 0);
    void* result = nullptr;
    ASSERT_EQ(pthread_join(thread, &result), 0);
    EXPECT_EQ(result, PTHREAD_CANCELED);
    FreeChecked(NewChecked(4000, 1));
  }
}

}  // namespace
}  // namespace mymalloc::test
