// malloc, calloc, realloc, reallocarray, free: sizes at both ends, overflow, errno, contents.

#include <errno.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <random>
#include <set>
#include <vector>

#include "tests/support/block.h"

namespace mymalloc::test {
namespace {

// Calls allocate() and expects NULL and ENOMEM.
template <typename Allocate>
void ExpectOutOfMemory(Allocate allocate) {
  errno = 0;
  void* block = allocate();
  const int error = errno;
  EXPECT_EQ(block, nullptr);
  EXPECT_EQ(error, ENOMEM);
  free(block);
}

const size_t kImpossibleSizes[] = {size_t{PTRDIFF_MAX} + 1,
                                   size_t{PTRDIFF_MAX} + 4096,
                                   SIZE_MAX - 4096,
                                   SIZE_MAX - 16,
                                   SIZE_MAX - 1,
                                   SIZE_MAX};

TEST(Malloc, ZeroSizesGiveUniquePointersThatCanBeFreed) {
  constexpr int kCount = 1000;
  std::set<void*> blocks;
  for (int i = 0; i < kCount; ++i) {
    blocks.insert(malloc(Opaque(size_t{0})));
    blocks.insert(calloc(0, 8));
    blocks.insert(calloc(8, 0));
    blocks.insert(realloc(nullptr, 0));
    blocks.insert(reallocarray(nullptr, 0, 8));
  }
  EXPECT_EQ(blocks.size(), size_t{5 * kCount});
  EXPECT_EQ(blocks.count(nullptr), 0u);
  for (void* block : blocks) free(block);
}

TEST(Malloc, SizesAbovePtrdiffMaxAreRefused) {
  for (const size_t impossible : kImpossibleSizes) {
    const size_t size = Opaque(impossible);
    ExpectOutOfMemory([size] { return malloc(size); });
    ExpectOutOfMemory([size] { return calloc(1, size); });
    ExpectOutOfMemory([size] { return calloc(size, 1); });
    ExpectOutOfMemory([size] { return realloc(nullptr, size); });
    ExpectOutOfMemory([size] { return reallocarray(nullptr, 1, size); });
  }
}

TEST(Malloc, MoreThanTheAddressSpaceIsRefused) {
  const size_t size = Opaque(size_t{1} << 62);
  ExpectOutOfMemory([size] { return malloc(size); });
  ExpectOutOfMemory([size] { return calloc(2, size / 2); });
  ExpectOutOfMemory([size] { return realloc(nullptr, size); });
}

// As long as the kernel says how much is too much, that is too much here.
TEST(Malloc, WhatTheKernelWouldNotMapIsRefused) {
  constexpr size_t kGiB = 1024 * kMiB;
  for (size_t size = 16 * kGiB; size <= 2048 * kGiB; size *= 2) {
    void* const mapped =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped != MAP_FAILED) {
      munmap(mapped, size);
      continue;
    }
    ExpectOutOfMemory([size] { return malloc(Opaque(size)); });
    ExpectOutOfMemory([size] { return realloc(nullptr, Opaque(size)); });
    if (HasFailure()) return;  // the next would write to all of it
    ExpectOutOfMemory([size] { return calloc(1, Opaque(size)); });
  }
}

TEST(Malloc, ProductsThatOverflowAreRefused) {
  const size_t half = Opaque(size_t{1} << 32);
  const size_t third = Opaque(SIZE_MAX / 3 + 2);
  ExpectOutOfMemory([half] { return calloc(half, half); });
  ExpectOutOfMemory([third] { return calloc(third, 3); });
  ExpectOutOfMemory([third] { return calloc(3, third); });
  ExpectOutOfMemory([half] { return reallocarray(nullptr, half, half); });
  ExpectOutOfMemory([third] { return reallocarray(nullptr, third, 3); });
}

TEST(Malloc, FreePreservesErrno) {
  free(nullptr);
  for (size_t size = 1; size <= 256 * kMiB; size *= 2) {
    void* block = malloc(size);
    ASSERT_NE(block, nullptr);
    errno = 12345;
    free(block);
    EXPECT_EQ(errno, 12345) << size;
    errno = 0;
    free(nullptr);
    EXPECT_EQ(errno, 0);
  }
}

TEST(Malloc, SuccessLeavesErrnoAlone) {
  for (size_t size = 1; size <= 256 * kMiB; size *= 2) {
    errno = 12345;
    void* block = malloc(size);
    EXPECT_EQ(errno, 12345) << size;
    free(block);
  }
}

TEST(Malloc, NeighboursKeepTheirContents) {
  std::mt19937_64 random(1);
  std::vector<std::pair<void*, size_t>> blocks;
  for (size_t i = 0; i < 20000; ++i) {
    const size_t size = random() % (i % 100 == 0 ? 200000 : 2000);
    void* block = malloc(size);
    ASSERT_NE(block, nullptr);
    FillPattern(block, size, i);
    blocks.emplace_back(block, size);
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    ASSERT_TRUE(MatchesPattern(blocks[i].first, blocks[i].second, i)) << i;
    free(blocks[i].first);
  }
}

TEST(Calloc, IsZeroAfterDirtyReuse) {
  for (size_t size = 1; size <= 16 * kMiB; size += size / 3 + 1) {
    for (int round = 0; round < 4; ++round) {
      void* dirty[4];
      for (void*& block : dirty) {
        block = malloc(size);
        ASSERT_NE(block, nullptr);
        memset(block, 0xa5, malloc_usable_size(block));
      }
      for (void* block : dirty) free(block);
      void* clean[4];
      for (void*& block : clean) {
        block = calloc(1, size);
        ASSERT_NE(block, nullptr);
        ASSERT_TRUE(IsZero(block, size)) << size;
      }
      for (void* block : clean) free(block);
    }
  }
}

TEST(Calloc, CountsTheElements) {
  for (const size_t element : {size_t{1}, size_t{3}, size_t{24}, size_t{1000}}) {
    for (const size_t count : {size_t{1}, size_t{7}, size_t{100}, size_t{5000}}) {
      void* block = calloc(count, element);
      ASSERT_NE(block, nullptr);
      EXPECT_GE(malloc_usable_size(block), count * element);
      EXPECT_TRUE(IsZero(block, count * element));
      free(block);
    }
  }
}

TEST(Realloc, ToZeroFreesAndReturnsNull) {
  const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  constexpr size_t kSize = 1000;
  for (int i = 0; i < 10000; ++i) {
    void* block = malloc(kSize);
    ASSERT_NE(block, nullptr);
    void* none = realloc(block, Opaque(size_t{0}));
    ASSERT_EQ(none, nullptr);
    void* array = malloc(kSize);
    none = reallocarray(array, 0, 8);
    ASSERT_EQ(none, nullptr);
  }
  const size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
  EXPECT_LT(after, before + 10 * kSize);
}

TEST(Realloc, FailureKeepsTheOldBlock) {
  for (const size_t size : {size_t{40}, size_t{5000}, size_t{300000}, 8 * kMiB}) {
    void* block = malloc(size);
    ASSERT_NE(block, nullptr);
    FillPattern(block, size, 7);
    ExpectOutOfMemory([block] { return realloc(Opaque(block), Opaque(SIZE_MAX - 64)); });
    ExpectOutOfMemory([block] { return realloc(Opaque(block), Opaque(size_t{1} << 60)); });
    ExpectOutOfMemory([block] { return reallocarray(Opaque(block), Opaque(SIZE_MAX / 2), 4); });
    EXPECT_TRUE(MatchesPattern(block, size, 7)) << size;
    free(block);
  }
}

TEST(Reallocarray, Multiplies) {
  auto* block = static_cast<char*>(reallocarray(nullptr, 100, 30));
  ASSERT_NE(block, nullptr);
  EXPECT_GE(malloc_usable_size(block), 3000u);
  FillPattern(block, 3000, 3);
  block = static_cast<char*>(reallocarray(block, 1000, 30));
  ASSERT_NE(block, nullptr);
  EXPECT_GE(malloc_usable_size(block), 30000u);
  EXPECT_TRUE(MatchesPattern(block, 3000, 3));
  free(block);
}

// The C23 functions and cfree are not declared by every libc; under the library they must be there.
TEST(OtherFrees, AreThereAndFree) {
  auto* cfree_function = LibcName<void(void*)>("cfree");
  auto* free_sized_function = LibcName<void(void*, size_t)>("free_sized");
  auto* free_aligned_sized_function = LibcName<void(void*, size_t, size_t)>("free_aligned_sized");
  ASSERT_NE(cfree_function, nullptr);
  ASSERT_NE(free_sized_function, nullptr);
  ASSERT_NE(free_aligned_sized_function, nullptr);
  const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  for (size_t size = 1; size <= kMiB; size += size / 2 + 1) {
    for (int i = 0; i < 50; ++i) {
      cfree_function(malloc(size));
      free_sized_function(malloc(size), size);
      free_sized_function(calloc(size, 1), size);
      free_aligned_sized_function(aligned_alloc(64, size), 64, size);
      free_aligned_sized_function(aligned_alloc(4096, size), 4096, size);
    }
  }
  const size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
  EXPECT_LT(after, before + 64 * kKiB);
  cfree_function(nullptr);
  free_sized_function(nullptr, 8);
  free_aligned_sized_function(nullptr, 8, 8);
}

}  // namespace
}  // namespace mymalloc::test
