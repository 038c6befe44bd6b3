// Checked mode: the tag alone is not believed. The tags here are made with the secret, so that they
// verify: only the tree knows better.

#include <csignal>

#include "gtest/gtest.h"
#include "mymalloc/base/options.h"
#include "mymalloc/front/front.h"

namespace mymalloc {
namespace {

constexpr char kNotItsTag[] = "the tag before the block is not the one that belongs there";

void FreeWithTag(void* block, HeapId heap, SizeClass c, SlotIndex slot) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(block);
  Tag::Make(address, heap, c, slot).Live().WriteTo(address);
  Free(block);
}

TEST(CheckedDeathTest, ATagThatTheTreeContradictsIsFound) {
  void* const block = Allocate(100);
  ASSERT_TRUE(g_options.checked || g_options.check_tree);
  const Tag tag = Tag::Of(reinterpret_cast<uintptr_t>(block));
  const auto died = testing::KilledBySignal(SIGABRT);
  EXPECT_EXIT(FreeWithTag(block, tag.heap(), tag.size_class(), tag.slot() + kOneSlot), died,
              kNotItsTag);
  EXPECT_EXIT(FreeWithTag(block, tag.heap(), tag.size_class() + 1, tag.slot()), died, kNotItsTag);
  EXPECT_EXIT(FreeWithTag(block, tag.heap() - 1, tag.size_class(), tag.slot()), died, kNotItsTag);
  Free(block);
}

TEST(CheckedDeathTest, ATagInsideABlockIsNone) {
  char* const block = static_cast<char*>(Allocate(1000));
  EXPECT_EXIT(FreeWithTag(block + 64, HeapId{2}, SizeClass{1}, SlotIndex{1}),
              testing::KilledBySignal(SIGABRT), "invalid pointer(.|\n)*offset 64");
  Free(block);
}

TEST(CheckedTest, WhatAgreesPasses) {
  for (size_t n = 0; n < 5 * kMiB; n += 1 + n / 2) {
    void* const block = Allocate(n);
    ASSERT_NE(block, nullptr);
    EXPECT_GE(UsableSize(block, "test"), n);
    Free(block);
  }
}

}  // namespace
}  // namespace mymalloc
