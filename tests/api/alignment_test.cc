// Every pointer is aligned to 16 bytes, or to what was asked for; what is asked for in vain is
// refused as documented.

#include <errno.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <random>
#include <vector>

#include "tests/support/block.h"

namespace mymalloc::test {
namespace {

constexpr size_t kMaxAlign = 16;
constexpr size_t kLargestAlignment = 16 * kMiB;
constexpr size_t kHighestPower = SIZE_MAX / 2 + 1;

size_t PageSize() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

// All functions that take an alignment, with one signature.
using Aligned = void* (*)(size_t alignment, size_t size);

void* ByPosixMemalign(size_t alignment, size_t size) {
  void* block = nullptr;
  return posix_memalign(&block, alignment, size) == 0 ? block : nullptr;
}

class AlignedTest : public ::testing::TestWithParam<Aligned> {};

INSTANTIATE_TEST_SUITE_P(All, AlignedTest,
                         ::testing::Values(static_cast<Aligned>(aligned_alloc),
                                           static_cast<Aligned>(memalign), ByPosixMemalign));

TEST(Alignment, EverySmallSize) {
  for (size_t size = 0; size <= 70000; ++size) {
    void* plain = malloc(size);
    void* zeroed = calloc(size, 1);
    ASSERT_TRUE(plain != nullptr && IsAligned(plain, kMaxAlign)) << size;
    ASSERT_TRUE(zeroed != nullptr && IsAligned(zeroed, kMaxAlign)) << size;
    plain = realloc(plain, size / 2 + 1);
    ASSERT_TRUE(plain != nullptr && IsAligned(plain, kMaxAlign)) << size;
    free(plain);
    free(zeroed);
  }
}

TEST(Alignment, RandomLargeSizes) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 2000; ++i) {
    const size_t size = random() % (64 * kMiB);
    void* block = malloc(size);
    ASSERT_TRUE(block != nullptr && IsAligned(block, kMaxAlign)) << size;
    free(block);
  }
}

TEST_P(AlignedTest, EveryPowerOfTwoHoldsItsContents) {
  struct Block {
    void* start;
    size_t size;
  };
  std::vector<Block> blocks;
  for (size_t alignment = 16; alignment <= kLargestAlignment; alignment *= 2) {
    for (const size_t size :
         {size_t{0}, size_t{1}, size_t{100}, alignment, alignment + 1, size_t{70000}}) {
      void* start = GetParam()(alignment, size);
      ASSERT_NE(start, nullptr) << alignment << " " << size;
      ASSERT_TRUE(IsAligned(start, alignment)) << alignment << " " << size;
      ASSERT_GE(malloc_usable_size(start), size);
      FillPattern(start, size, blocks.size());
      blocks.push_back({start, size});
    }
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    EXPECT_TRUE(MatchesPattern(blocks[i].start, blocks[i].size, i)) << blocks[i].size;
    free(blocks[i].start);
  }
}

TEST_P(AlignedTest, ReallocKeepsTheContents) {
  for (size_t alignment = 16; alignment <= kMiB; alignment *= 4) {
    for (const size_t size : {size_t{10}, size_t{3000}, size_t{200000}}) {
      void* block = GetParam()(alignment, size);
      ASSERT_NE(block, nullptr);
      FillPattern(block, size, alignment);
      block = realloc(block, size * 5);
      ASSERT_NE(block, nullptr);
      EXPECT_TRUE(MatchesPattern(block, size, alignment)) << alignment << " " << size;
      free(block);
    }
  }
}

TEST_P(AlignedTest, ManyAlignedBlocksDoNotOverlap) {
  constexpr size_t kCount = 2000;
  for (const size_t alignment : {size_t{32}, size_t{64}, size_t{256}, size_t{4096}}) {
    std::vector<void*> blocks;
    for (size_t i = 0; i < kCount; ++i) {
      void* block = GetParam()(alignment, 1 + i % 300);
      ASSERT_TRUE(block != nullptr && IsAligned(block, alignment));
      FillPattern(block, malloc_usable_size(block), i);
      blocks.push_back(block);
    }
    for (size_t i = 0; i < kCount; ++i) {
      ASSERT_TRUE(MatchesPattern(blocks[i], malloc_usable_size(blocks[i]), i)) << alignment;
      free(blocks[i]);
    }
  }
}

TEST(PosixMemalign, RefusesImpossibleAlignmentsByItsResult) {
  int marker = 0;
  for (const size_t alignment : {size_t{0}, size_t{1}, size_t{2}, size_t{4}, size_t{12}, size_t{24},
                                 size_t{48}, size_t{4097}, SIZE_MAX}) {
    void* block = &marker;
    errno = 12345;
    EXPECT_EQ(posix_memalign(&block, Opaque(alignment), 100), EINVAL) << alignment;
    EXPECT_EQ(errno, 12345);
    EXPECT_EQ(block, &marker) << "changed although it failed";
  }
}

TEST(PosixMemalign, RefusesImpossibleSizesByItsResult) {
  int marker = 0;
  for (const size_t size : {size_t{PTRDIFF_MAX} + 1, SIZE_MAX - 64, SIZE_MAX, size_t{1} << 60}) {
    for (const size_t alignment : {sizeof(void*), size_t{64}, size_t{4096}, kLargestAlignment}) {
      void* block = &marker;
      errno = 12345;
      EXPECT_EQ(posix_memalign(&block, alignment, Opaque(size)), ENOMEM) << size;
      EXPECT_EQ(errno, 12345) << "POSIX: the error is the result";
      EXPECT_EQ(block, &marker) << "changed although it failed";
    }
  }
}

TEST(PosixMemalign, TakesThePointersOwnSizeAsAlignment) {
  void* block = nullptr;
  ASSERT_EQ(posix_memalign(&block, sizeof(void*), 100), 0);
  EXPECT_TRUE(IsAligned(block, kMaxAlign));
  free(block);
}

// As glibc does.
TEST(Memalign, RoundsTheAlignmentUp) {
  for (const size_t alignment : {size_t{0}, size_t{1}, size_t{3}, size_t{8}, size_t{24}, size_t{48},
                                 size_t{100}, size_t{5000}, size_t{1000000}}) {
    void* block = memalign(Opaque(alignment), 100);
    ASSERT_NE(block, nullptr) << alignment;
    size_t power = kMaxAlign;
    while (power < alignment) power *= 2;
    EXPECT_TRUE(IsAligned(block, power)) << alignment;
    free(block);
  }
}

// C17: the function fails if the alignment is none.
TEST(AlignedAlloc, RefusesAnAlignmentThatIsNoPowerOfTwo) {
  for (const size_t alignment : {size_t{0}, size_t{3}, size_t{24}, size_t{48}, size_t{4097},
                                 size_t{1000000}, kHighestPower + 1, SIZE_MAX}) {
    errno = 0;
    EXPECT_EQ(aligned_alloc(Opaque(alignment), 100), nullptr) << alignment;
    EXPECT_EQ(errno, EINVAL) << alignment;
  }
}

TEST(AlignedAlloc, TakesSmallPowersOfTwoAndAnySize) {
  for (size_t alignment = 1; alignment <= 64; alignment *= 2) {
    void* block = aligned_alloc(Opaque(alignment), 100);  // no multiple of 8 and more
    ASSERT_NE(block, nullptr) << alignment;
    EXPECT_TRUE(IsAligned(block, kMaxAlign)) << alignment;
    free(block);
  }
}

// The alignment is one, but there is no such memory.
TEST(Memalign, HasNoMemoryForTheHighestAlignments) {
  for (const Aligned function :
       {static_cast<Aligned>(memalign), static_cast<Aligned>(aligned_alloc)}) {
    for (const size_t alignment : {kHighestPower / 4, kHighestPower / 2, kHighestPower}) {
      errno = 0;
      EXPECT_EQ(function(Opaque(alignment), 1), nullptr) << alignment;
      EXPECT_EQ(errno, ENOMEM) << alignment;
    }
  }
  errno = 0;
  EXPECT_EQ(memalign(Opaque(kHighestPower / 2 + 1), 1), nullptr) << "rounded up";
  EXPECT_EQ(errno, ENOMEM);
}

TEST(Memalign, RefusesWhatCannotBe) {
  for (const Aligned function :
       {static_cast<Aligned>(memalign), static_cast<Aligned>(aligned_alloc)}) {
    errno = 0;
    EXPECT_EQ(function(Opaque(kHighestPower + 1), 100), nullptr);
    EXPECT_EQ(errno, EINVAL);
    errno = 0;
    EXPECT_EQ(function(Opaque(SIZE_MAX), 100), nullptr);
    EXPECT_EQ(errno, EINVAL);
    errno = 0;
    EXPECT_EQ(function(64, Opaque(SIZE_MAX - 32)), nullptr);
    EXPECT_EQ(errno, ENOMEM);
    errno = 0;
    EXPECT_EQ(function(Opaque(size_t{1} << 62), 100), nullptr);
    EXPECT_EQ(errno, ENOMEM);
  }
}

TEST(Valloc, AlignsToThePage) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{5000}, size_t{300000}}) {
    void* block = valloc(size);
    ASSERT_NE(block, nullptr);
    EXPECT_TRUE(IsAligned(block, PageSize()));
    EXPECT_GE(malloc_usable_size(block), size);
    free(block);
  }
  errno = 0;
  EXPECT_EQ(valloc(Opaque(SIZE_MAX)), nullptr);
  EXPECT_EQ(errno, ENOMEM);
}

TEST(Pvalloc, RoundsTheSizeUpToThePage) {
  for (const size_t size : {size_t{1}, size_t{4000}, size_t{4097}, size_t{300000}}) {
    void* block = pvalloc(size);
    ASSERT_NE(block, nullptr);
    EXPECT_TRUE(IsAligned(block, PageSize()));
    const size_t rounded = (size + PageSize() - 1) / PageSize() * PageSize();
    EXPECT_GE(malloc_usable_size(block), rounded);
    FillPattern(block, rounded, size);
    EXPECT_TRUE(MatchesPattern(block, rounded, size));
    free(block);
  }
  errno = 0;
  EXPECT_EQ(pvalloc(Opaque(SIZE_MAX - 100)), nullptr);
  EXPECT_EQ(errno, ENOMEM);
}

}  // namespace
}  // namespace mymalloc::test
