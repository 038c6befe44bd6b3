// Which memory is left out of core files: what is free and not resident, where that is long.

#include <sys/mman.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "mymalloc/os/chunks.h"
#include "tests/os/chunks.h"
#include "tests/support/memory_usage.h"

namespace mymalloc::os {
namespace {

class CoresTest : public ChunksTest {};

// Whether the kernel would leave the mapping of an address out of a core file.
bool IsInCores(uintptr_t address) {
  std::ifstream mappings("/proc/self/smaps");
  bool here = false;
  for (std::string line; std::getline(mappings, line);) {
    uintptr_t begin = 0;
    uintptr_t end = 0;
    if (sscanf(line.c_str(), "%lx-%lx", &begin, &end) == 2)
      here = begin <= address && address < end;
    if (here && line.rfind("VmFlags:", 0) == 0) return line.find(" dd") == std::string::npos;
  }
  ADD_FAILURE() << "no mapping";
  return false;
}

// Of so many granules of a chunk those that are in core files, as a picture.
std::string InCores(const Chunk& chunk, size_t granules) {
  std::string picture;
  for (size_t i = 0; i < granules; ++i) {
    picture += IsInCores(chunk.begin + i * kChunkGranule + KernelPage()) ? 'X' : '.';
  }
  return picture;
}

TEST_F(CoresTest, LongRangesOfUnusedMemoryAreLeftOutOfCores) {
  const Chunk chunk = MapChunk(chunks_, 12 * kChunkGranule);
  ASSERT_NE(chunk.begin, 0u);
  const auto at = [&](size_t granule) { return chunk.begin + granule * kChunkGranule; };
  chunks_.LeaveOut({at(0) + KernelPage(), at(2) + KernelPage()});  // too short
  EXPECT_EQ(InCores(chunk, 12), "XXXXXXXXXXXX");
  chunks_.LeaveOut({at(1) + KernelPage(), at(9) + KernelPage()});
  EXPECT_EQ(InCores(chunk, 12), "XX.......XXX");
  chunks_.PutBack({at(8) + KernelPage(), at(8) + 2 * KernelPage()});
  EXPECT_EQ(InCores(chunk, 12), "XX......XXXX");
  chunks_.PutBack({at(1), at(2) + KernelPage()});
  EXPECT_EQ(InCores(chunk, 12), "XXX.....XXXX");
  chunks_.PutBack({at(5), at(5) + KernelPage()});
  EXPECT_EQ(InCores(chunk, 12), "XXX..X..XXXX");
  chunks_.PutBack({chunk.begin, chunk.end()});
  EXPECT_EQ(InCores(chunk, 12), "XXXXXXXXXXXX");
  EXPECT_TRUE(HasReadableTag(at(5) + 16));
}

TEST_F(CoresTest, RangesThatMeetAreOne) {
  const Chunk chunk = MapChunk(chunks_, 12 * kChunkGranule);
  ASSERT_NE(chunk.begin, 0u);
  const auto at = [&](size_t granule) { return chunk.begin + granule * kChunkGranule; };
  chunks_.LeaveOut({at(0), at(5)});
  chunks_.LeaveOut({at(6), at(12)});
  EXPECT_EQ(InCores(chunk, 12), ".....X......");
  chunks_.LeaveOut({at(0), at(12)});
  EXPECT_EQ(InCores(chunk, 12), "............");
  chunks_.PutBack({chunk.begin, chunk.end()});
  EXPECT_EQ(InCores(chunk, 12), "XXXXXXXXXXXX");
}

TEST_F(CoresTest, OnlySoManyRangesAreLeftOut) {
  constexpr size_t kRanges = 40;
  const Chunk chunk = MapChunk(chunks_, kRanges * 6 * kChunkGranule);
  ASSERT_NE(chunk.begin, 0u);
  const size_t before = test::MappingCount();
  for (size_t i = 0; i < kRanges; ++i) {
    const uintptr_t begin = chunk.begin + i * 6 * kChunkGranule;
    chunks_.LeaveOut({begin, begin + 5 * kChunkGranule});
  }
  EXPECT_LE(test::MappingCount(), before + 33);
  EXPECT_GE(test::MappingCount(), before + 30);
  // In the middle of one of them, when there are so many: it goes as a whole.
  chunks_.PutBack({chunk.begin + 2 * kChunkGranule, chunk.begin + 3 * kChunkGranule});
  EXPECT_EQ(InCores(chunk, 7), "XXXXXX.");
  chunks_.LeaveOut({chunk.begin, chunk.begin + 5 * kChunkGranule});
  EXPECT_EQ(InCores(chunk, 7), ".....X.");
  // What goes makes room for others.
  const Chunk other = MapChunk(chunks_, 8 * kChunkGranule);
  chunks_.LeaveOut({other.begin, other.end()});
  EXPECT_TRUE(IsInCores(other.begin));
  chunks_.Unmap({chunk.begin, chunk.end()});
  chunks_.LeaveOut({other.begin, other.end()});
  EXPECT_FALSE(IsInCores(other.begin));
}

// As many mappings as the kernel allows (vm.max_map_count), until it goes.
class ManyMappings {
 public:
  ManyMappings() {
    for (size_t i = 0; i < kPages; i += 2) {
      if (mprotect(begin_ + i * kPageUnit, kPageUnit, PROT_READ) != 0) return;
    }
  }
  ManyMappings(const ManyMappings&) = delete;
  ManyMappings& operator=(const ManyMappings&) = delete;
  ~ManyMappings() { munmap(begin_, kPages * kPageUnit); }

  static bool IsFull() {
    void* const one_more =
        mmap(nullptr, kPageUnit, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (one_more != MAP_FAILED) munmap(one_more, kPageUnit);
    return one_more == MAP_FAILED;
  }

 private:
  static constexpr size_t kPages = 140000;
  char* const begin_ = static_cast<char*>(mmap(nullptr, kPages* kPageUnit, PROT_NONE,
                                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
};

TEST_F(CoresTest, WhatIsUsedIsInCoresThoughNoMappingCanBeMade) {
  const Chunk chunk = MapChunk(chunks_, 12 * kChunkGranule);
  ASSERT_NE(chunk.begin, 0u);
  chunks_.LeaveOut({chunk.begin + kChunkGranule, chunk.end()});
  ASSERT_FALSE(IsInCores(chunk.begin + 6 * kChunkGranule));
  bool full = false;
  {
    const ManyMappings many;
    full = ManyMappings::IsFull();
    const uintptr_t used = chunk.begin + 6 * kChunkGranule;
    chunks_.PutBack({used, used + kPageUnit});
  }
  if (!full) GTEST_SKIP() << "the system allows more mappings than this test makes";
  EXPECT_EQ(InCores(chunk, 12), "XXXXXXXXXXXX");
}

}  // namespace
}  // namespace mymalloc::os
