// Memory that blocks of one size had, and blocks of another have now: where tags stood there is no
// block, so a pointer to such a place is refused, whatever is left there. Runs with
// on_error=ignore: a bad call is dropped, and the heap is as it was.

#include <algorithm>
#include <cstdlib>
#include <random>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace {

// More than a heap keeps of pages that are all free: they come to others.
constexpr size_t kTogether = 8 << 20;
constexpr int kTries = 3000;

std::vector<char*> Allocate(size_t size) {
  std::vector<char*> blocks(kTogether / size);
  for (char*& block : blocks) block = static_cast<char*>(malloc(size));
  return blocks;
}

void FreeAll(const std::vector<char*>& blocks) {
  for (char* const block : blocks) free(block);
}

// Whether one of the blocks, sorted and so long each, has an address of [begin, begin + size).
bool AnyOverlaps(const std::vector<char*>& blocks, size_t length, const char* begin, size_t size) {
  const auto after = std::upper_bound(blocks.begin(), blocks.end(), begin);
  if (after != blocks.end() && *after < begin + size) return true;
  return after != blocks.begin() && begin < after[-1] + length;
}

class RecycledMemory : public testing::TestWithParam<std::pair<size_t, size_t>> {};

TEST_P(RecycledMemory, NoTagLeftInItIsTakenForABlock) {
  const auto [before, now] = GetParam();
  std::mt19937 random(20261128);
  for (int round = 0; round < 2; ++round) {
    FreeAll(Allocate(before));
    std::vector<char*> live = Allocate(now);
    std::sort(live.begin(), live.end());
    for (int i = 0; i < kTries; ++i) {
      free(live[random() % live.size()] + 16 * (1 + random() % ((now - 1) / 16)));
    }
    // Nothing of it was freed: who gets blocks now gets other memory.
    const std::vector<char*> others = Allocate(before);
    for (char* const other : others) ASSERT_FALSE(AnyOverlaps(live, now, other, before));
    FreeAll(others);
    FreeAll(live);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, RecycledMemory,
    testing::Values(std::pair<size_t, size_t>{24, 1000}, std::pair<size_t, size_t>{24, 5000},
                    std::pair<size_t, size_t>{100, 5000}, std::pair<size_t, size_t>{100, 40000},
                    std::pair<size_t, size_t>{1000, 300000}, std::pair<size_t, size_t>{5000, 40000},
                    std::pair<size_t, size_t>{40000, 300000}));

}  // namespace
