// A process that has as many mappings as the kernel allows (vm.max_map_count): mmap fails, and so
// does every munmap and mprotect that would split a mapping.

#include <errno.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/block.h"
#include "tests/support/check.h"
#include "tests/support/checked_block.h"
#include "tests/support/memory_usage.h"

namespace mymalloc::test {
namespace {

constexpr size_t kMostTestable = 300000;

size_t MaxMapCount() {
  std::ifstream file("/proc/sys/vm/max_map_count");
  size_t count = 0;
  file >> count;
  return count;
}

// Takes all mappings that there are, but some: every second page of a region is readable.
class MappingHog {
 public:
  explicit MappingHog(size_t leave) : size_(2 * MaxMapCount() * PageSize()) {
    start_ = static_cast<char*>(
        mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    MYMALLOC_CHECK(start_ != MAP_FAILED);
    size_t taken = 0;
    while (Protect(taken, PROT_READ)) ++taken;
    MYMALLOC_CHECK(errno == ENOMEM);
    // Each readable page had made two mappings more of one.
    for (size_t i = 0; i < leave / 2 && i < taken; ++i) Protect(taken - 1 - i, PROT_NONE);
  }
  MappingHog(const MappingHog&) = delete;
  MappingHog& operator=(const MappingHog&) = delete;
  ~MappingHog() { munmap(start_, size_); }

 private:
  static size_t PageSize() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

  bool Protect(size_t index, int protection) {
    const size_t offset = (2 * index + 1) * PageSize();
    return offset < size_ && mprotect(start_ + offset, PageSize(), protection) == 0;
  }

  const size_t size_;
  char* start_;
};

const size_t kSizes[] = {100, 3000, 40000, 200000, kMiB, 8 * kMiB};

// Allocates `count` blocks of each size, or as many as there are, and returns how many there were.
size_t Allocate(size_t count, CheckedList* blocks) {
  size_t got = 0;
  for (const size_t size : kSizes) {
    for (size_t i = 0; i < count; ++i) {
      CheckedBlock* block = NewChecked(size, i);
      if (block == nullptr) continue;
      blocks->Push(block);
      ++got;
    }
  }
  return got;
}

class MapCountTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (MaxMapCount() > kMostTestable) GTEST_SKIP() << "vm.max_map_count is too large to reach";
  }
};

TEST_F(MapCountTest, GoesOnWithNoMappingLeft) {
  for (int cycle = 0; cycle < 3; ++cycle) {
    CheckedList before;
    ASSERT_EQ(Allocate(20, &before), 20 * std::size(kSizes));
    CheckedList during;
    {
      const MappingHog hog(0);
      Allocate(10, &during);  // Each a block, or NULL and ENOMEM.
      during.FreeEverySecond();
      before.FreeEverySecond();
      Allocate(10, &during);
      MYMALLOC_CHECK(before.AllIntact());
      MYMALLOC_CHECK(during.AllIntact());
      before.FreeAll();
    }
    CheckedList after;
    EXPECT_EQ(Allocate(20, &after), 20 * std::size(kSizes)) << "all is well again";
    during.FreeAll();
    after.FreeAll();
  }
}

// What was freed is there to be had again even if nothing can be mapped.
TEST_F(MapCountTest, ReusesSmallBlocksWithNoMappingLeft) {
  CheckedList blocks;
  for (uint64_t i = 0; i < 20000; ++i) blocks.Push(NewChecked(200, i));
  const MappingHog hog(0);
  for (int round = 0; round < 5; ++round) {
    blocks.FreeEverySecond();
    for (uint64_t i = 0; i < 5000; ++i) {
      CheckedBlock* block = NewChecked(200, i);
      MYMALLOC_CHECK(block != nullptr);
      blocks.Push(block);
    }
    MYMALLOC_CHECK(blocks.AllIntact());
  }
  blocks.FreeAll();
}

// Every second of many large blocks is freed: each hole would cost a mapping, and in the end none
// is left to pay with. The memory must go back all the same, or at least be had again.
TEST_F(MapCountTest, FreesThatWouldSplitMappings) {
  constexpr size_t kCount = 6000;
  constexpr size_t kSize = 260 * kKiB;
  const size_t resident = ResidentBytes();
  for (int cycle = 0; cycle < 2; ++cycle) {
    const MappingHog hog(2000);
    std::vector<char*> blocks(kCount);
    size_t got = 0;
    for (char*& block : blocks) {
      block = static_cast<char*>(malloc(kSize));
      if (block == nullptr) continue;
      memset(block, 1, 100);
      block[kSize - 1] = 1;
      ++got;
    }
    EXPECT_GE(got, size_t{500});
    for (size_t i = 0; i < kCount; i += 2) free(blocks[i]);
    for (size_t i = 1; i < kCount; i += 2) {
      const bool intact = blocks[i] == nullptr || blocks[i][99] + blocks[i][kSize - 1] == 2;
      EXPECT_TRUE(intact) << i;
      free(blocks[i]);
    }
  }
  malloc_trim(0);
  const size_t most = resident + 16 * kMiB;
  EXPECT_LE(AwaitResidentAtMost(most, std::chrono::seconds(2)), most);
}

// More large blocks than there could be mappings, were each one or two of them: guard pages and the
// quarantine must not use up what the program needs.
TEST_F(MapCountTest, ThereMayBeMoreLargeBlocksThanMappings) {
  constexpr size_t kSize = 40000;
  std::vector<void*> blocks(MaxMapCount());
  const auto fill = [&blocks] {
    size_t missing = 0;
    for (void*& block : blocks) {
      if (block == nullptr) block = malloc(kSize);
      if (block == nullptr) ++missing;
    }
    return missing;
  };
  EXPECT_EQ(fill(), 0u);
  std::thread([] { free(malloc(100)); }).join();
  for (size_t i = 0; i < blocks.size(); i += 2) free(std::exchange(blocks[i], nullptr));
  EXPECT_EQ(fill(), 0u);
  std::thread([] { free(malloc(100)); }).join();
  for (void* const block : blocks) free(block);
}

TEST_F(MapCountTest, GivesMemoryBackWithNoMappingLeft) {
  malloc_trim(0);
  const size_t before = ResidentBytes();
  CheckedList blocks;
  Allocate(30, &blocks);
  const MappingHog hog(0);
  const size_t hogged = ResidentBytes();
  const size_t most = hogged - (hogged - before) / 2;
  blocks.FreeAll();
  malloc_trim(0);
  EXPECT_LE(AwaitResidentAtMost(most, std::chrono::seconds(2)), most);
}

}  // namespace
}  // namespace mymalloc::test
