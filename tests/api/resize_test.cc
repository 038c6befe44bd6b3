// malloc_usable_size tells the truth, and realloc keeps what it is given.

#include <gtest/gtest.h>
#include <malloc.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <vector>

#include "tests/support/block.h"
#include "tests/support/memory_usage.h"

namespace mymalloc::test {
namespace {

const size_t kSizes[] = {1,     15,    16,    17,     24,     100,  1000,     4095,     4096,
                         10000, 32768, 70000, 131072, 200000, kMiB, 5 * kMiB, 64 * kMiB};

TEST(UsableSize, OfNullIsZero) { EXPECT_EQ(malloc_usable_size(nullptr), 0u); }

TEST(UsableSize, IsAtLeastWhatWasAskedAndNotWasteful) {
  for (size_t size = 1; size <= 300000; size += 1 + size / 500) {
    void* block = malloc(size);
    ASSERT_NE(block, nullptr);
    const size_t usable = malloc_usable_size(block);
    EXPECT_GE(usable, size);
    EXPECT_LE(usable, size + size / 2 + 4096) << size;
    free(block);
  }
}

// All of the usable bytes belong to the block: neighbours do not share any.
TEST(UsableSize, AllOfItCanBeWritten) {
  std::mt19937_64 random(3);
  std::vector<void*> blocks;
  for (size_t i = 0; i < 30000; ++i) {
    void* block = malloc(random() % (i % 50 == 0 ? 100000 : 600));
    ASSERT_NE(block, nullptr);
    FillPattern(block, malloc_usable_size(block), i);
    blocks.push_back(block);
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    ASSERT_TRUE(MatchesPattern(blocks[i], malloc_usable_size(blocks[i]), i)) << i;
  }
  // Freed in an order of its own, each looked at again: freeing one changes no other.
  std::vector<size_t> order(blocks.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), random);
  for (const size_t i : order) {
    ASSERT_TRUE(MatchesPattern(blocks[i], malloc_usable_size(blocks[i]), i)) << i;
    free(blocks[i]);
  }
}

TEST(UsableSize, ReallocKeepsWhatWasWrittenBeyondTheRequest) {
  for (size_t size = 1; size < 100000; size += size / 3 + 1) {
    void* block = malloc(size);
    ASSERT_NE(block, nullptr);
    const size_t usable = malloc_usable_size(block);
    FillPattern(block, usable, size);
    block = realloc(block, 3 * usable);
    ASSERT_NE(block, nullptr);
    EXPECT_TRUE(MatchesPattern(block, usable, size)) << size;
    free(block);
  }
}

TEST(Realloc, KeepsTheContentsOverEveryPairOfSizes) {
  for (const size_t from : kSizes) {
    for (const size_t to : kSizes) {
      void* block = malloc(from);
      ASSERT_NE(block, nullptr);
      FillPattern(block, from, from ^ to);
      void* guard = malloc(from);  // Often the neighbour: growth in place must not run over it.
      ASSERT_NE(guard, nullptr);
      FillPattern(guard, std::min(from, kMiB), to);
      block = realloc(block, to);
      ASSERT_NE(block, nullptr);
      ASSERT_GE(malloc_usable_size(block), to);
      EXPECT_TRUE(MatchesPattern(block, std::min(from, to), from ^ to)) << from << " to " << to;
      FillPattern(block, to, to);
      EXPECT_TRUE(MatchesPattern(guard, std::min(from, kMiB), to)) << from << " to " << to;
      free(guard);
      free(block);
    }
  }
}

TEST(Realloc, GrowsAndShrinksStepByStep) {
  size_t size = 16;
  void* block = malloc(size);
  ASSERT_NE(block, nullptr);
  FillPattern(block, size, 0);
  std::vector<size_t> steps;
  for (size_t next = 24; next < 20 * kMiB; next += next / 10 + 8) steps.push_back(next);
  for (size_t i = steps.size(); i-- > 0;) steps.push_back(steps[i]);
  for (const size_t next : steps) {
    block = realloc(block, next);
    ASSERT_NE(block, nullptr);
    ASSERT_TRUE(MatchesPattern(block, std::min(size, next), 0)) << size << " to " << next;
    if (next > size) FillPattern(block, next, 0);
    size = next;
  }
  free(block);
}

// A buffer that is halved and doubled in turn is not copied each time.
TEST(Realloc, ABlockThatIsHalvedStaysWhereItIs) {
  for (size_t size = 64; size <= 32 * kKiB; size *= 2) {
    void* const block = malloc(size);
    ASSERT_EQ(realloc(block, size / 2), block) << size;
    ASSERT_EQ(realloc(block, size), block) << size;
    free(block);
  }
}

TEST(Realloc, EveryByteOfGrowthUpTo64KiB) {
  char* block = nullptr;
  for (size_t size = 1; size <= 64 * kKiB; ++size) {
    block = static_cast<char*>(realloc(block, size));
    ASSERT_NE(block, nullptr);
    block[size - 1] = static_cast<char>(size * 31);
  }
  for (size_t size = 1; size <= 64 * kKiB; ++size) {
    ASSERT_EQ(block[size - 1], static_cast<char>(size * 31)) << size;
  }
  free(block);
}

TEST(Realloc, ShrinkingALargeBlockGivesItsMemoryBack) {
  void* block = malloc(64 * kMiB);
  ASSERT_NE(block, nullptr);
  FillPattern(block, 64 * kMiB, 1);
  const size_t resident = ResidentBytes();
  block = realloc(block, kMiB);
  ASSERT_NE(block, nullptr);
  EXPECT_LE(malloc_usable_size(block), 2 * kMiB);
  const size_t expected = resident - 62 * kMiB;
  EXPECT_LE(AwaitResidentAtMost(expected, std::chrono::seconds(10)), expected);
  EXPECT_TRUE(MatchesPattern(block, kMiB, 1));
  free(block);
}

// Random blocks, random resizing: each keeps its own.
TEST(Realloc, RandomWalk) {
  struct Block {
    void* start = nullptr;
    size_t size = 0;
    uint64_t seed = 0;
  };
  std::mt19937_64 random(4);
  std::vector<Block> blocks(200);
  for (uint64_t step = 0; step < 50000; ++step) {
    Block& block = blocks[random() % blocks.size()];
    const size_t next = 1 + random() % (step % 100 == 0 ? 4 * kMiB : 20000);
    block.start = realloc(block.start, next);
    ASSERT_NE(block.start, nullptr);
    ASSERT_TRUE(MatchesPattern(block.start, std::min(block.size, next), block.seed)) << step;
    block.size = next;
    block.seed = step;
    FillPattern(block.start, block.size, block.seed);
  }
  for (const Block& block : blocks) free(block.start);
}

}  // namespace
}  // namespace mymalloc::test
