// Hundreds of threads on the smallest stacks that there are: the allocator needs little of them.

#include <gtest/gtest.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "tests/support/block.h"
#include "tests/support/check.h"
#include "tests/support/checked_block.h"

namespace mymalloc::test {
namespace {

constexpr size_t kThreads = 300;

// Everything that malloc does, also what it does seldom.
void* Work(void* seed_address) {
  const auto seed = reinterpret_cast<uintptr_t>(seed_address);
  CheckedList blocks;
  for (uint64_t i = 0; i < 300; ++i) {
    blocks.Push(NewChecked(SpreadSize((seed + i) * 0x9e3779b97f4a7c15, 300000), i));
  }
  blocks.FreeEverySecond();
  void* block = aligned_alloc(4096, 10000);
  for (size_t size = 100; size < 2 * kMiB; size *= 3) block = realloc(block, size);
  free(block);
  MYMALLOC_CHECK(malloc_usable_size(block = malloc(seed % 5000)) >= seed % 5000);
  free(block);
  if (seed % 50 == 0) {
    malloc_trim(0);
    MYMALLOC_CHECK(mallinfo2().arena != 0);
  }
  blocks.FreeAll();
  return nullptr;
}

TEST(SmallStack, IsEnough) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, static_cast<size_t>(PTHREAD_STACK_MIN)), 0);
  std::vector<pthread_t> threads(kThreads);
  for (uintptr_t i = 0; i < kThreads; ++i) {
    ASSERT_EQ(pthread_create(&threads[i], &attributes, Work, reinterpret_cast<void*>(i)), 0);
  }
  for (const pthread_t thread : threads) ASSERT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
}

}  // namespace
}  // namespace mymalloc::test
