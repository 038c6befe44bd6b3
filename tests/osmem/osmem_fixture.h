// What the tests of libosmem.so share.

#ifndef MYMALLOC_TESTS_OSMEM_OSMEM_FIXTURE_H_
#define MYMALLOC_TESTS_OSMEM_OSMEM_FIXTURE_H_

#include <gtest/gtest.h>

#include <array>

#include "mymalloc/mymalloc.h"
#include "mymalloc/osmem.h"
#include "tests/support/block.h"

namespace mymalloc::test {

inline constexpr size_t kPage = 4096;
inline constexpr size_t kSlot = 64;
inline constexpr size_t kTag = 8;
inline constexpr size_t kLongestInHeap = MMAP_THRESHOLD - 2 * kTag;

inline mymalloc_info InfoOf(const void* address) {
  mymalloc_info info = {};
  EXPECT_EQ(mymalloc_find(address, &info), 0);
  return info;
}
inline bool IsMapped(const void* block) { return InfoOf(block).kind == MYMALLOC_LARGE; }
inline bool IsInHeap(const void* block) { return InfoOf(block).kind == MYMALLOC_RUN; }
inline bool IsLive(const void* block) { return InfoOf(block).state == MYMALLOC_LIVE; }
inline unsigned SlotsOf(const void* block) { return InfoOf(block).slots; }

inline uintptr_t PageOf(const void* block) {
  return reinterpret_cast<uintptr_t>(block) / kPage * kPage;
}
// Of a block with its tag, and the word behind it.
inline size_t MappingFor(size_t n) { return (n + 3 * kTag + kPage - 1) / kPage * kPage; }

class OsmemTest : public testing::Test {
 protected:
  OsmemTest() {
    reports_ = 0;
    mymalloc_on_misuse([](const mymalloc_misuse*, void*) { ++reports_; }, nullptr);
  }
  ~OsmemTest() override {
    EXPECT_STREQ(mymalloc_verify(), nullptr);
    mymalloc_on_misuse(nullptr, nullptr);
  }

  // Blocks of so many slots each, side by side. REQUIRES: the heap has none, or they fill it up to
  // somewhere.
  template <size_t count>
  static std::array<char*, count> SideBySide(const std::array<size_t, count>& slots) {
    std::array<char*, count> blocks;
    for (size_t i = 0; i < count; ++i) {
      blocks[i] = static_cast<char*>(os_malloc(slots[i] * kSlot - kTag));
      EXPECT_EQ(SlotsOf(blocks[i]), slots[i]);
      EXPECT_TRUE(i == 0 || blocks[i] == blocks[i - 1] + slots[i - 1] * kSlot);
      FillPattern(blocks[i], slots[i] * kSlot - kTag, i);
    }
    return blocks;
  }

  static inline int reports_ = 0;
};

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_OSMEM_OSMEM_FIXTURE_H_
