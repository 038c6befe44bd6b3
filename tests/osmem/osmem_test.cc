// What osmem.h promises of os_malloc, os_calloc and os_free, of the library itself.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vector>

#include "tests/osmem/mappings.h"
#include "tests/osmem/osmem_fixture.h"

namespace mymalloc::test {
namespace {

// The program's malloc stays libc's.
TEST_F(OsmemTest, StandsBesideMalloc) {
  void* const libcs = malloc(100);
  void* const ours = os_malloc(100);
  EXPECT_EQ(InfoOf(libcs).kind, MYMALLOC_NOT_OURS);
  EXPECT_TRUE(IsLive(ours));
  free(libcs);
  os_free(ours);
}

TEST_F(OsmemTest, NoBytesAreNoBlock) {
  EXPECT_EQ(os_malloc(Opaque(size_t{0})), nullptr);
  EXPECT_EQ(os_calloc(0, 8), nullptr);
  EXPECT_EQ(os_calloc(8, 0), nullptr);
  os_free(nullptr);
  EXPECT_EQ(reports_, 0);
}

TEST_F(OsmemTest, TooManyBytesAreRefused) {
  void* const block = os_malloc(100);
  for (const size_t n : {SIZE_MAX, SIZE_MAX / 2, size_t{1} << 60}) {
    errno = 0;
    EXPECT_EQ(os_malloc(Opaque(n)), nullptr);
    EXPECT_EQ(errno, ENOMEM);
    EXPECT_EQ(os_calloc(Opaque(n), 1), nullptr);
    EXPECT_EQ(os_realloc(block, Opaque(n)), nullptr);
  }
  errno = 0;
  EXPECT_EQ(os_calloc(Opaque(SIZE_MAX / 2), 3), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  EXPECT_TRUE(IsLive(block));
  os_free(block);
}

TEST_F(OsmemTest, BlocksAreAlignedAndApart) {
  std::vector<char*> blocks;
  for (size_t n = 1; n <= 3 * MMAP_THRESHOLD; n += n / 3 + 1) {
    blocks.push_back(static_cast<char*>(os_malloc(n)));
    ASSERT_TRUE(IsAligned(blocks.back(), 16));
    FillPattern(blocks.back(), n, n);
  }
  size_t n = 1;
  for (char* const block : blocks) {
    EXPECT_TRUE(MatchesPattern(block, n, n)) << n;
    os_free(block);
    n += n / 3 + 1;
  }
}

// ---- The heap and mappings ----

TEST_F(OsmemTest, BelowTheThresholdIsTheHeap) {
  for (const size_t n : {size_t{1}, size_t{100}, size_t{4024}, size_t{4025}, kLongestInHeap}) {
    void* const block = os_malloc(n);
    EXPECT_TRUE(IsInHeap(block)) << n;
    os_free(block);
  }
}

TEST_F(OsmemTest, FromTheThresholdOnAreMappings) {
  for (const size_t n : {kLongestInHeap + 1, size_t{MMAP_THRESHOLD}, 10 * kMiB, 100 * kMiB}) {
    void* const block = os_malloc(n);
    EXPECT_TRUE(IsMapped(block)) << n;
    os_free(block);
  }
}

TEST_F(OsmemTest, AMappingIsThatBlocksAndGoesWithIt) {
  os_free(os_malloc(MMAP_THRESHOLD));  // by now the library has what it needs itself
  for (const size_t n : {size_t{MMAP_THRESHOLD}, kMiB + 1, 50 * kMiB}) {
    const size_t before = MappedBytes();
    void* const block = os_malloc(n);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(MappedBytes() - before, MappingFor(n));
    EXPECT_EQ(MappedBytes(PageOf(block), MappingFor(n)), MappingFor(n));
    os_free(block);
    EXPECT_EQ(MappedBytes(PageOf(block), MappingFor(n)), 0u);
    EXPECT_EQ(MappedBytes(), before);
  }
}

TEST_F(OsmemTest, EachHasItsOwnMapping) {
  std::array<char*, 20> blocks;
  for (char*& block : blocks) block = static_cast<char*>(os_malloc(MMAP_THRESHOLD));
  for (char* const block : blocks) {
    os_free(block);
    EXPECT_EQ(MappedBytes(PageOf(block), MappingFor(MMAP_THRESHOLD)), 0u);
    if (block != blocks.back()) memset(blocks.back(), 1, MMAP_THRESHOLD);
  }
}

TEST_F(OsmemTest, WhatIsFreeInTheHeapIsKeptAndReused) {
  for (const size_t n : {size_t{100}, size_t{4000}, size_t{50000}, kLongestInHeap}) {
    void* const block = os_malloc(n);
    os_free(block);
    EXPECT_EQ(MappedBytes(PageOf(block), kPage), kPage);
    EXPECT_FALSE(IsLive(block));
    EXPECT_EQ(os_malloc(n), block) << n;
    os_free(block);
  }
}

// ---- os_calloc ----

TEST_F(OsmemTest, CallocZeroesWhatWasUsedBefore) {
  for (const size_t n : {size_t{1}, size_t{60}, size_t{3000}, kPage, 2 * kMiB}) {
    void* const used = os_malloc(n);
    memset(used, 0xff, n);
    os_free(used);
    void* const block = os_calloc(n, 1);
    EXPECT_TRUE(IsZero(block, n)) << n;
    EXPECT_TRUE(block == used || n > kPage / 2) << n;  // or it was not used before
    os_free(block);
  }
}

TEST_F(OsmemTest, CallocsThresholdIsTheKernelsPage) {
  void* const below = os_calloc(kPage - 2 * kTag, 1);
  void* const above = os_calloc(1, kPage - 2 * kTag + 1);
  EXPECT_TRUE(IsInHeap(below));
  EXPECT_TRUE(IsMapped(above));
  os_free(below);
  os_free(above);
  EXPECT_EQ(MappedBytes(PageOf(above), kPage), 0u);
}

// ---- Misuse ----

using OsmemDeathTest = OsmemTest;

TEST_F(OsmemDeathTest, ADoubleFreeIsReported) {
  for (const size_t n : {size_t{100}, kMiB}) {
    void* const block = os_malloc(n);
    os_free(block);
    EXPECT_DEATH(os_free(Opaque(block)), "double free: os_free.*the block is free");
    EXPECT_DEATH(os_realloc(Opaque(block), 0), "double free: os_realloc.*the block is free");
  }
}

// No option makes sampled blocks of these.
TEST_F(OsmemDeathTest, NoReportAdvisesToSampleThem) {
  void* const block = os_malloc(100);
  os_free(block);
  EXPECT_DEATH(os_free(Opaque(block)), "by the pointer that malloc returned\\.\n$");
}

TEST_F(OsmemDeathTest, APointerThatIsNotItsOwnIsReported) {
  int local = 0;
  void* const libcs = malloc(100);
  char* const block = static_cast<char*>(os_malloc(1000));
  for (void* const pointer : {static_cast<void*>(&local), libcs, static_cast<void*>(block + 16),
                              static_cast<void*>(block + 2 * kSlot)}) {
    EXPECT_DEATH(os_free(Opaque(pointer)), "invalid pointer: os_free");
    EXPECT_DEATH(os_realloc(Opaque(pointer), 10), "invalid pointer: os_realloc");
  }
  free(libcs);
  os_free(block);
}

// Though what it pointed to was a block once, and its tag may stand there still.
TEST_F(OsmemDeathTest, APointerIntoALaterBlockIsReportedAsThat) {
  const auto [first, second] = SideBySide<2>({1, 1});
  os_free(first);
  os_free(second);
  ASSERT_EQ(os_malloc(2 * kSlot - kTag), first);
  EXPECT_DEATH(os_free(second), "invalid pointer: os_free");
  os_free(first);
}

TEST_F(OsmemDeathTest, AnOverrunIsReported) {
  for (const size_t n : {kSlot - kTag, 10 * kSlot - kTag, 2 * kPage + kMiB - 3 * kTag}) {
    char* const block = static_cast<char*>(os_malloc(n));
    char* const end = block + n;
    const char before = *end;
    *Opaque(end) = static_cast<char>(before ^ 1);
    EXPECT_DEATH(os_free(block), "corrupted heap: os_free") << n;
    EXPECT_DEATH(os_realloc(block, 2 * n), "corrupted heap: os_realloc") << n;
    *end = before;
    os_free(block);
  }
}

// ---- Its picture ----

TEST_F(OsmemTest, ThePictureShowsWhatIsTaken) {
  const auto [block, middle, behind] = SideBySide<3>({1, 2, 1});
  os_free(middle);
  EXPECT_EQ(os_realloc(block, 2 * kSlot - kTag), block);
  FILE* const file = tmpfile();
  ASSERT_EQ(mymalloc_print_heap(fileno(file)), 0);
  std::vector<char> text(1 << 20);
  rewind(file);
  text[fread(text.data(), 1, text.size() - 1, file)] = '\0';
  fclose(file);
  EXPECT_NE(strstr(text.data(), "slots of 64 bytes"), nullptr);
  EXPECT_NE(strstr(text.data(), "#=.#"), nullptr) << text.data();
  os_free(block);
  os_free(behind);
}

}  // namespace
}  // namespace mymalloc::test
