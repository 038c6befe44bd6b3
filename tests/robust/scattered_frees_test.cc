// As a table or a tree is destroyed: many short blocks are freed in any order, so that most pages
// keep a few until nearly all are gone. What is free goes back meanwhile; nobody calls malloc any
// more. In a process of its own, as the budget grows by what others do.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <random>
#include <vector>

#include "tests/support/block.h"
#include "tests/support/check.h"
#include "tests/support/checked_block.h"
#include "tests/support/memory_usage.h"

namespace mymalloc::test {
namespace {

TEST(ScatteredFrees, GoBackWhileTheyAreMade) {
  constexpr size_t kCount = 400000;
  std::minstd_rand random(1);
  std::vector<CheckedBlock*> blocks(kCount);
  for (CheckedBlock*& block : blocks) {
    block = NewChecked(kLeastChecked + random() % 480, random());
    MYMALLOC_CHECK(block != nullptr);
  }
  std::shuffle(blocks.begin(), blocks.end(), random);
  const size_t peak = ResidentBytes();
  EXPECT_GE(peak, kCount * 240);
  for (CheckedBlock* block : blocks) FreeChecked(block);
  EXPECT_LE(ResidentBytes(), peak / 4);
}

}  // namespace
}  // namespace mymalloc::test
