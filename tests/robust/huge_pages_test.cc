// What the option huge_pages (MYMALLOC_HUGE_PAGES) says to the kernel, read back from its flags of
// each mapping: "hg" where huge pages are asked for, "nh" where they are not wanted.

#include <gtest/gtest.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/block.h"
#include "tests/support/memory_usage.h"

namespace mymalloc::test {
namespace {

constexpr size_t kHuge = 40 * kMiB;
constexpr size_t kTotal = 700 * kMiB;
constexpr size_t kBlock = 1000;

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

// Whether this kernel makes one of what is there (Linux 6.1), and the system lets it.
bool CanMakeHuge() {
  constexpr int kCollapse = 25;  // MADV_COLLAPSE
  std::ifstream setting("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string text;
  std::getline(setting, text);
  if (text.find("[never]") != std::string::npos) return false;
  constexpr size_t kBytes = 4 * kMiB;
  void* const range =
      mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (range == MAP_FAILED) return false;
  memset(range, 1, kBytes);
  const uintptr_t huge = (reinterpret_cast<uintptr_t>(range) + 2 * kMiB - 1) & -(2 * kMiB);
  const bool can = madvise(reinterpret_cast<void*>(huge), 2 * kMiB, kCollapse) == 0;
  munmap(range, kBytes);
  return can;
}

std::vector<char*> Filled(size_t bytes) {
  std::vector<char*> blocks(bytes / kBlock);
  for (char*& block : blocks) {
    block = static_cast<char*>(malloc(kBlock));
    memset(block, 7, kBlock);
  }
  return blocks;
}

// Slow calls, until so much is in huge pages or so many of them were made.
void MakeSlowCalls(size_t wanted, int rounds) {
  std::vector<void*> turn(2000);
  for (int i = 0; i < rounds && HugeBytes() < wanted; ++i) {
    for (void*& block : turn) block = malloc(kBlock);
    for (void* const block : turn) free(block);
    usleep(10000);
  }
}

// By default it may have them while it is large and full, and not when it has shrunk.
TEST_F(HugePages, OfALargeHeapOfShortBlocks) {
  void* const untouched = malloc(24 * kMiB);  // of that there is nothing to copy
  std::vector<char*> blocks = Filled(kTotal);
  const std::string full = FlagsOf(blocks.front());
  EXPECT_EQ(Has(full, "hg"), Option() != "never") << full;
  // What was there before it was large is copied into huge pages, some at each slow call.
  if (Option() != "never" && CanMakeHuge()) {
    MakeSlowCalls(kTotal - kTotal / 10, 600);
    EXPECT_GE(HugeBytes(), kTotal - kTotal / 10);
  }
  for (const char* const block : blocks) ASSERT_EQ(block[kBlock - 1], 7);
  for (size_t i = 1; i < blocks.size(); ++i) free(blocks[i]);
  for (int i = 0; i < 50 && Has(FlagsOf(blocks.front()), "hg"); ++i) {
    for (size_t b = 1; b < 10000; ++b) blocks[b] = static_cast<char*>(malloc(kBlock));
    for (size_t b = 1; b < 10000; ++b) free(blocks[b]);
    usleep(100000);
  }
  const std::string empty = FlagsOf(blocks.front());
  EXPECT_EQ(Has(empty, "hg"), Option() == "always") << empty;
  free(blocks.front());
  free(untouched);
}

TEST_F(HugePages, OfWhatWasFreedNoneAreKept) {
  const size_t before = ResidentBytes();
  for (char* const block : Filled(100 * kMiB)) free(block);
  malloc_trim(0);
  EXPECT_LE(ResidentBytes(), before + 10 * kMiB);
}

// The child of a fork shares what was there with its parent: to copy that would cost it as much
// again.
int FillsAfterAFork() {
  constexpr size_t kBefore = 300 * kMiB;
  const std::vector<char*> before = Filled(kBefore);
  const pid_t child = fork();
  if (child == 0) {
    const std::vector<char*> after = Filled(kTotal - kBefore);
    const bool allowed = Has(FlagsOf(after.front()), "hg");
    MakeSlowCalls(kTotal, 20);
    _exit(allowed && HugeBytes() <= kTotal - kBefore ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return status;
}

TEST_F(HugePages, OfTheChildOfAFork) {
  if (Option() != "auto") GTEST_SKIP() << "there is nothing to decide";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(_exit(FillsAfterAFork() == 0 ? 0 : 1), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace mymalloc::test
