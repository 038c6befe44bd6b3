// What the option huge_pages (MYMALLOC_HUGE_PAGES) says to the kernel, read back from its flags of
// each mapping: "hg" where huge pages are asked for, "nh" where they are not wanted.

#include <gtest/gtest.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/block.h"

namespace mymalloc::test {
namespace {

constexpr size_t kHuge = 40 * kMiB;

std::string Option() { return getenv("MYMALLOC_HUGE_PAGES"); }

// The kernel's flags of the mapping that holds the block.
std::string FlagsOf(const void* block) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(block);
  std::ifstream maps("/proc/self/smaps");
  bool here = false;
  for (std::string line; std::getline(maps, line);) {
    uintptr_t begin = 0;
    uintptr_t end = 0;
    char dash = 0;
    if (std::istringstream(line) >> std::hex >> begin >> dash >> end && dash == '-') {
      here = begin <= address && address < end;
    }
    if (here && line.rfind("VmFlags:", 0) == 0) return line + ' ';
  }
  return "";
}

bool Has(const std::string& flags, const std::string& flag) {
  return flags.find(' ' + flag + ' ') != std::string::npos;
}

// A kernel without huge pages knows neither flag.
class HugePages : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled"))
      GTEST_SKIP() << "no huge pages";
  }
};

TEST_F(HugePages, OfASmallHeap) {
  void* const block = malloc(100);
  const std::string flags = FlagsOf(block);
  ASSERT_NE(flags, "");
  EXPECT_EQ(Has(flags, "hg"), Option() == "always") << flags;
  EXPECT_EQ(Has(flags, "nh"), Option() != "always") << flags;
  free(block);
}

TEST_F(HugePages, OfABlockWithAMappingOfItsOwn) {
  void* const block = malloc(kHuge);
  const std::string flags = FlagsOf(block);
  ASSERT_NE(flags, "");
  EXPECT_EQ(Has(flags, "hg"), Option() == "always") << flags;
  EXPECT_EQ(Has(flags, "nh"), Option() == "never") << flags;
  free(block);
}

size_t HugeBytes() {
  std::ifstream rollup("/proc/self/smaps_rollup");
  for (std::string line; std::getline(rollup, line);) {
    if (line.rfind("AnonHugePages:", 0) == 0) return std::stoul(line.substr(14)) * kKiB;
  }
  return 0;
}

// What was there before the heap was large is copied into huge pages, some at each slow call.
TEST_F(HugePages, OfALargeHeapThatWasSmall) {
  if (Option() == "never") GTEST_SKIP() << "that is what it is about";
  constexpr size_t kTotal = 700 * kMiB;
  constexpr size_t kBlock = 1000;
  std::vector<void*> blocks(kTotal / kBlock);
  for (void*& block : blocks) memset(block = malloc(kBlock), 7, kBlock);
  if (HugeBytes() == 0) GTEST_SKIP() << "the kernel has none to give";
  std::vector<void*> turn(2000);
  for (int i = 0; i < 600 && HugeBytes() < kTotal - kTotal / 10; ++i) {
    for (void*& block : turn) block = malloc(kBlock);
    for (void* const block : turn) free(block);
    usleep(10000);
  }
  EXPECT_GE(HugeBytes(), kTotal - kTotal / 10);
  for (void* const block : blocks) {
    ASSERT_EQ(static_cast<char*>(block)[kBlock - 1], 7);
    free(block);
  }
}

// By default it may have them while it is large and full, and not when it has shrunk.
TEST_F(HugePages, OfALargeHeapOfShortBlocks) {
  constexpr size_t kTotal = 700 * kMiB;
  constexpr size_t kBlock = 1000;
  std::vector<void*> blocks(kTotal / kBlock);
  for (void*& block : blocks) block = malloc(kBlock);
  const std::string full = FlagsOf(blocks.front());
  EXPECT_EQ(Has(full, "hg"), Option() != "never") << full;
  for (size_t i = 1; i < blocks.size(); ++i) free(blocks[i]);
  for (int i = 0; i < 50 && Has(FlagsOf(blocks.front()), "hg"); ++i) {
    for (size_t b = 1; b < 10000; ++b) blocks[b] = malloc(kBlock);
    for (size_t b = 1; b < 10000; ++b) free(blocks[b]);
    usleep(100000);
  }
  const std::string empty = FlagsOf(blocks.front());
  EXPECT_EQ(Has(empty, "hg"), Option() == "always") << empty;
  free(blocks.front());
}

}  // namespace
}  // namespace mymalloc::test
