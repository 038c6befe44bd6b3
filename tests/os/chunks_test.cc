#include "mymalloc/os/chunks.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "gtest/gtest.h"
#include "mymalloc/os/memory.h"
#include "tests/os/chunks.h"
#include "tests/support/block.h"
#include "tests/support/memory_usage.h"
#include "tests/support/residency.h"

namespace mymalloc::os {
namespace {

using test::IsReadable;

void* Pointer(uintptr_t address) { return reinterpret_cast<void*>(address); }

// Whether the table calls the whole chunk one of ours.
bool InTable(const Chunk& chunk) {
  for (uintptr_t p = chunk.begin; p < chunk.end(); p += KernelPage()) {
    if (!InChunk(p)) return false;
  }
  return true;
}

TEST_F(ChunksTest, NothingIsMappedAtFirst) {
  EXPECT_EQ(chunks_.mapped(), 0u);
  EXPECT_FALSE(chunks_.scarce());
  for (const uintptr_t p : {uintptr_t{0}, uintptr_t{16}, uintptr_t{0x7fffffff0000}}) {
    EXPECT_FALSE(HasReadableTag(p));
    EXPECT_FALSE(InChunk(p));
  }
}

TEST_F(ChunksTest, TheNextGranuleIsFoundFromAnywhere) {
  EXPECT_EQ(Chunks::NextGranule(0), 0u);
  const Chunk chunk = MapChunk(chunks_, 100 * kMiB);
  ASSERT_NE(chunk.begin, 0u);
  EXPECT_EQ(Chunks::NextGranule(0), chunk.begin);
  EXPECT_EQ(Chunks::NextGranule(chunk.begin), chunk.begin);
  EXPECT_EQ(Chunks::NextGranule(chunk.begin + 1), chunk.begin + kChunkGranule);
  EXPECT_EQ(Chunks::NextGranule(chunk.end() - kChunkGranule), chunk.end() - kChunkGranule);
  for (const uintptr_t p : {chunk.end() - 1, chunk.end(), ~uintptr_t{0} - kChunkGranule}) {
    EXPECT_EQ(Chunks::NextGranule(p), 0u);
  }
}

TEST_F(ChunksTest, AChunkIsZeroWholeGranulesAndLongEnough) {
  size_t mapped = 0;
  for (const size_t bytes : {KernelPage(), 3 * KernelPage(), 2 * kMiB, 100 * kMiB, KernelPage()}) {
    const Chunk chunk = MapChunk(chunks_, bytes);
    ASSERT_NE(chunk.begin, 0u);
    ASSERT_GE(chunk.bytes, bytes);
    EXPECT_EQ(chunk.begin % kChunkGranule, 0u);
    EXPECT_EQ(chunk.bytes % kChunkGranule, 0u);
    EXPECT_EQ(*static_cast<char*>(Pointer(chunk.begin)), 0);
    memset(Pointer(chunk.begin), 1, KernelPage());
    EXPECT_EQ(*static_cast<char*>(Pointer(chunk.end() - 1)), 0);
    EXPECT_TRUE(InTable(chunk));
    mapped += chunk.bytes;
    EXPECT_EQ(chunks_.mapped(), mapped);
  }
}

// The first chunks are short, and a process that has much makes few system calls.
TEST_F(ChunksTest, ChunksGrowWithWhatIsMapped) {
  EXPECT_EQ(MapChunk(chunks_, KernelPage()).bytes, 16 * kMiB);
  const Chunk huge = MapChunk(chunks_, kGiB);
  EXPECT_EQ(huge.bytes, kGiB);
  EXPECT_EQ(MapChunk(chunks_, KernelPage()).bytes, 64 * kMiB);
}

TEST_F(ChunksTest, KnowsWhatCanBeRead) {
  const Chunk chunk = MapChunk(chunks_, kMiB);
  const uintptr_t begin = chunk.begin;
  const uintptr_t end = chunk.end();
  // The tag of a pointer to the very start lies before it.
  EXPECT_TRUE(HasReadableTag(begin));
  EXPECT_EQ(*static_cast<uint64_t*>(Pointer(begin - 8)), 0u);
  EXPECT_TRUE(HasReadableTag(end - kBlockAlignment));
  EXPECT_FALSE(HasReadableTag(end));
  EXPECT_FALSE(HasReadableTag(begin - kBlockAlignment));
  EXPECT_FALSE(InChunk(begin - 1));
  EXPECT_FALSE(InChunk(end));
  for (uintptr_t off = 1; off < kBlockAlignment; ++off) {
    EXPECT_FALSE(HasReadableTag(begin + off)) << off;
    EXPECT_FALSE(HasReadableTag(end - off)) << off;
    EXPECT_TRUE(InChunk(begin + off)) << off;
  }
  for (const uintptr_t p : {uintptr_t{0}, uintptr_t{16}, ~uintptr_t{15}, uintptr_t{1} << 63}) {
    EXPECT_FALSE(HasReadableTag(p)) << p;
    EXPECT_FALSE(InChunk(p)) << p;
  }
}

// Then free asks the tree about every pointer; that it lies in a chunk is known all the same.
TEST_F(ChunksTest, TagsAreReadableOnlyIfThatIsAskedFor) {
  Chunks guarded;
  guarded.Init(/*scarce=*/false, /*tags_readable=*/false);
  const Chunk chunk = MapChunk(guarded, kMiB);
  ASSERT_NE(chunk.begin, 0u);
  EXPECT_FALSE(HasReadableTag(chunk.begin + KernelPage()));
  EXPECT_TRUE(InTable(chunk));
}

TEST_F(ChunksTest, WhereSpaceIsScarceChunksAreShort) {
  Chunks chunks;
  chunks.Init(/*scarce=*/true, /*tags_readable=*/true);
  EXPECT_TRUE(chunks.scarce());
  size_t total = 0;
  for (int i = 0; i < 40; ++i) {
    const Chunk chunk = MapChunk(chunks, kMiB);
    ASSERT_NE(chunk.begin, 0u);
    ASSERT_GE(chunk.bytes, kMiB);
    ASSERT_LE(chunk.bytes, 16 * kMiB);
    memset(Pointer(chunk.begin), 1, chunk.bytes);
    EXPECT_TRUE(InTable(chunk));
    total += chunk.bytes;
  }
  EXPECT_EQ(chunks.mapped(), total);
}

TEST_F(ChunksTest, RefusesTheImpossible) {
  size_t granted = 0;
  EXPECT_EQ(chunks_.Map(size_t{1} << 60, &granted), 0u);
  EXPECT_EQ(chunks_.mapped(), 0u);
  EXPECT_NE(chunks_.Map(KernelPage(), &granted), 0u);
}

// ---- Giving back ----

TEST_F(ChunksTest, UnmapsTheWholeGranulesOfARange) {
  const Chunk chunk = MapChunk(chunks_, 16 * kMiB);
  ASSERT_EQ(chunk.bytes, 4 * kChunkGranule);
  const Interval gone = chunks_.Unmap({chunk.begin + KernelPage(), chunk.end() - KernelPage()});
  EXPECT_EQ(gone.begin, chunk.begin + kChunkGranule);
  EXPECT_EQ(gone.end, chunk.end() - kChunkGranule);
  EXPECT_EQ(chunks_.mapped(), 2 * kChunkGranule);
  for (uintptr_t p = gone.begin; p < gone.end; p += kChunkGranule / 2) {
    EXPECT_FALSE(InChunk(p));
    EXPECT_FALSE(HasReadableTag(p));
    EXPECT_FALSE(IsReadable(p));
  }
  // What lies beside it is as before, and so is the word before the granule behind.
  EXPECT_TRUE(HasReadableTag(gone.begin - kBlockAlignment));
  EXPECT_TRUE(HasReadableTag(gone.end));
  EXPECT_TRUE(IsReadable(gone.end - size_t{8}));
  EXPECT_TRUE(IsReadable(chunk.end() - 1));
}

// A mapping for each longest chunk, and sixteen more; but from an end of a run all can go.
TEST_F(ChunksTest, WhatMakesTooManyMappingsStays) {
  const Chunk chunk = MapChunk(chunks_, 200 * kChunkGranule);
  const size_t most = 16 + chunk.bytes / (64 * kMiB);
  size_t unmapped = 0;
  for (size_t i = 1; i < 199; i += 2) {
    const uintptr_t middle = chunk.begin + i * kChunkGranule;
    unmapped += !chunks_.Unmap(Interval::From(middle, kChunkGranule)).empty();
  }
  EXPECT_LE(unmapped, most);
  EXPECT_GE(unmapped, 16u);
  const uintptr_t last = chunk.end() - kChunkGranule;
  EXPECT_FALSE(chunks_.Unmap(Interval::From(last, kChunkGranule)).empty());
  EXPECT_FALSE(chunks_.Unmap(Interval::From(chunk.begin, kChunkGranule)).empty());
  // And so the whole of it, piece by piece.
  for (uintptr_t at = chunk.begin; at < chunk.end(); at += kChunkGranule) {
    chunks_.Unmap(Interval::From(at, kChunkGranule));
  }
  EXPECT_EQ(chunks_.mapped(), 0u);
}

TEST_F(ChunksTest, ARangeWithoutAWholeGranuleStays) {
  const Chunk chunk = MapChunk(chunks_, 16 * kMiB);
  const uintptr_t granule = chunk.begin + kChunkGranule;
  const Interval gone =
      chunks_.Unmap({chunk.begin + KernelPage(), granule + kChunkGranule - KernelPage()});
  EXPECT_EQ(gone.begin, gone.end);
  EXPECT_EQ(chunks_.mapped(), chunk.bytes);
  EXPECT_TRUE(InTable(chunk));
}

// Wherever the kernel puts it: what the table says holds for each chunk as they come and go.
TEST_F(ChunksTest, ChunksComeAndGo) {
  std::vector<Chunk> live;
  for (int i = 0; i < 200; ++i) {
    if (live.size() < 4 || i % 3 != 0) {
      live.push_back(MapChunk(chunks_, kMiB));
      ASSERT_NE(live.back().begin, 0u);
      EXPECT_TRUE(IsReadable(live.back().begin - 1));
    } else {
      const size_t victim = static_cast<size_t>(i) % live.size();
      const Chunk chunk = live[victim];
      live.erase(live.begin() + static_cast<long>(victim));
      const Interval gone = chunks_.Unmap({chunk.begin, chunk.end()});
      ASSERT_EQ(gone.begin, chunk.begin);
      ASSERT_EQ(gone.end, chunk.end());
      EXPECT_FALSE(InChunk(chunk.begin));
    }
    size_t mapped = 0;
    for (const Chunk& chunk : live) {
      ASSERT_TRUE(InTable(chunk));
      ASSERT_TRUE(HasReadableTag(chunk.begin));
      ASSERT_TRUE(IsReadable(chunk.begin - 1));
      mapped += chunk.bytes;
    }
    ASSERT_EQ(chunks_.mapped(), mapped);
  }
}

// Outside the window it can be used as well, only not told by the table.
TEST_F(ChunksTest, AChunkOutsideTheWindowIsNotInTheTable) {
  const Chunk first = MapChunk(chunks_, kMiB);
  g_chunk_window = first.begin + kChunkGranule * kChunkGranules;  // as if they were far apart
  const Chunk chunk = MapChunk(chunks_, kMiB);
  ASSERT_NE(chunk.begin, 0u);
  EXPECT_FALSE(InChunk(chunk.begin));
  EXPECT_FALSE(HasReadableTag(chunk.begin + KernelPage()));
  EXPECT_TRUE(test::IsZero(Pointer(chunk.begin), kMiB));
  EXPECT_EQ(chunks_.mapped(), first.bytes + chunk.bytes);
}

// ---- Limits: in a process of its own, for they cannot be undone ----

void LimitThenMapAll(bool scarce) {
  const rlimit limit = {512 * kMiB, 512 * kMiB};
  if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(2);
  if (!AddressSpaceIsScarce()) _exit(3);
  Chunks chunks;
  chunks.Init(scarce, /*tags_readable=*/true);
  while (MapChunk(chunks, kMiB).begin != 0) {
  }
  const bool most = chunks.mapped() >= 400 * kMiB && chunks.mapped() <= 512 * kMiB;
  _exit(most ? 0 : 4);
}

TEST(ChunksDeathTest, UnderALimitMostOfItCanBeUsed) {
#if defined(MYMALLOC_SANITIZED)
  GTEST_SKIP() << "the sanitizers' shadow is beyond any limit";
#endif
  EXPECT_EXIT(LimitThenMapAll(/*scarce=*/true), testing::ExitedWithCode(0), "");
  // One that comes when the process runs already.
  EXPECT_EXIT(LimitThenMapAll(/*scarce=*/false), testing::ExitedWithCode(0), "");
}

// What is mapped so near the limit must be as good as any other chunk: in the table, and so to be
// unmapped again. It comes beside another chunk, and where that is not possible.
void LimitThenMapOneMore(bool beside_the_last) {
  Chunks chunks;
  chunks.Init(/*scarce=*/false, /*tags_readable=*/true);
  const Chunk first = MapChunk(chunks, kMiB);
  if (first.begin == 0) _exit(2);
  if (!beside_the_last) Reserve(kMiB, first.begin - KernelPage() - kMiB);
  const size_t limit = test::VirtualBytes() + first.bytes + kMiB;
  const rlimit both = {limit, limit};
  if (setrlimit(RLIMIT_AS, &both) != 0) _exit(3);
  const Chunk chunk = MapChunk(chunks, kMiB);
  if (chunk.bytes != first.bytes || !InTable(chunk) || !IsReadable(chunk.begin - 1)) _exit(4);
  const Interval gone = chunks.Unmap({chunk.begin, chunk.end()});
  _exit(gone.begin == chunk.begin && gone.end == chunk.end() ? 0 : 5);
}

TEST(ChunksDeathTest, AtTheLimitAChunkIsWholeGranules) {
#if defined(MYMALLOC_SANITIZED)
  GTEST_SKIP() << "the sanitizers' shadow is beyond any limit";
#endif
  EXPECT_EXIT(LimitThenMapOneMore(/*beside_the_last=*/true), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(LimitThenMapOneMore(/*beside_the_last=*/false), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace mymalloc::os
