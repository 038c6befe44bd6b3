#include "mymalloc/os/memory.h"

#include <errno.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "gtest/gtest.h"
#include "mymalloc/base/units.h"
#include "tests/support/block.h"
#include "tests/support/residency.h"

namespace mymalloc::os {
namespace {

using test::IsZero;
using test::ResidentPages;

void* Pointer(uintptr_t address) { return reinterpret_cast<void*>(address); }

constexpr size_t kBytes = 16 * KernelPage();

TEST(MemoryTest, MappedMemoryIsZeroAndWritable) {
  const uintptr_t begin = Map(kBytes);
  ASSERT_NE(begin, 0u);
  EXPECT_EQ(begin % KernelPage(), 0u);
  EXPECT_TRUE(IsZero(Pointer(begin), kBytes));
  memset(Pointer(begin), 1, kBytes);
  EXPECT_TRUE(Unmap(Interval::From(begin, kBytes)));
}

TEST(MemoryTest, RefusalIsZeroAndLeavesErrnoAlone) {
  errno = 1234;
  EXPECT_EQ(Map(size_t{1} << 60), 0u);
  EXPECT_EQ(Reserve(size_t{1} << 60), 0u);
  EXPECT_FALSE(Commit(Interval::From(0, KernelPage())));
  EXPECT_FALSE(Unmap(Interval::From(1, KernelPage())));
  EXPECT_FALSE(Purge(Interval::From(1, KernelPage())));
  EXPECT_EQ(Remap(Interval::From(1, KernelPage()), 2 * KernelPage(), true), 0u);
  EXPECT_EQ(errno, 1234);
}

TEST(MemoryDeathTest, ReservedMemoryCannotBeTouched) {
  const uintptr_t begin = Reserve(kBytes);
  ASSERT_NE(begin, 0u);
  EXPECT_DEATH(*static_cast<volatile char*>(Pointer(begin)) = 1, "");
  ASSERT_TRUE(Commit(Interval::From(begin + KernelPage(), KernelPage())));
  EXPECT_TRUE(IsZero(Pointer(begin + KernelPage()), KernelPage()));
  *static_cast<volatile char*>(Pointer(begin + KernelPage())) = 1;
  EXPECT_DEATH(*static_cast<volatile char*>(Pointer(begin + 2 * KernelPage())) = 1, "");
  Unmap(Interval::From(begin, kBytes));
}

TEST(MemoryTest, PurgedMemoryIsGoneAndReadsAsZero) {
  const uintptr_t begin = Map(kBytes);
  memset(Pointer(begin), 1, kBytes);
  EXPECT_EQ(ResidentPages(begin, kBytes), kBytes / KernelPage());
  ASSERT_TRUE(Purge(Interval::From(begin + KernelPage(), 4 * KernelPage())));
  EXPECT_EQ(ResidentPages(begin, kBytes), kBytes / KernelPage() - 4);
  EXPECT_TRUE(IsZero(Pointer(begin + KernelPage()), 4 * KernelPage()));
  EXPECT_EQ(*static_cast<char*>(Pointer(begin)), 1);
  EXPECT_EQ(*static_cast<char*>(Pointer(begin + 5 * KernelPage())), 1);
  Unmap(Interval::From(begin, kBytes));
}

TEST(MemoryTest, PopulatedMemoryIsThereAndKeepsWhatItHolds) {
  const uintptr_t begin = Map(kBytes);
  AllowHugePages(Interval::From(begin, kBytes), false);
  *static_cast<char*>(Pointer(begin + 2 * KernelPage())) = 1;
  if (!Populate(Interval::From(begin + KernelPage(), 4 * KernelPage())))
    GTEST_SKIP() << "before Linux 5.14";
  EXPECT_EQ(ResidentPages(begin, kBytes), 4u);
  EXPECT_EQ(*static_cast<char*>(Pointer(begin + 2 * KernelPage())), 1);
  EXPECT_TRUE(IsZero(Pointer(begin + 3 * KernelPage()), 2 * KernelPage()));
  Unmap(Interval::From(begin, kBytes));
}

TEST(MemoryTest, LockedMemoryIsNotPurged) {
  const uintptr_t begin = Map(KernelPage());
  if (!test::SetLocked(begin, KernelPage(), true)) GTEST_SKIP() << "memory cannot be locked here";
  memset(Pointer(begin), 1, KernelPage());
  EXPECT_FALSE(Purge(Interval::From(begin, KernelPage())));
  EXPECT_EQ(*static_cast<char*>(Pointer(begin)), 1);
  test::SetLocked(begin, KernelPage(), false);
  Unmap(Interval::From(begin, KernelPage()));
}

TEST(MemoryTest, RemapKeepsTheContents) {
  const uintptr_t begin = Map(kBytes);
  test::FillPattern(Pointer(begin), kBytes, 1);
  const uintptr_t grown = Remap(Interval::From(begin, kBytes), 64 * kBytes, /*may_move=*/true);
  ASSERT_NE(grown, 0u);
  EXPECT_TRUE(test::MatchesPattern(Pointer(grown), kBytes, 1));
  EXPECT_TRUE(IsZero(Pointer(grown + kBytes), 63 * kBytes));
  Unmap(Interval::From(grown, 64 * kBytes));
}

TEST(MemoryTest, RemapInPlaceNeedsRoomBehind) {
  const uintptr_t begin = Map(2 * kBytes);
  memset(Pointer(begin), 7, kBytes);
  EXPECT_EQ(Remap(Interval::From(begin, kBytes), kBytes + KernelPage(), /*may_move=*/false), 0u);
  ASSERT_TRUE(Unmap(Interval::From(begin + kBytes, kBytes)));
  EXPECT_EQ(Remap(Interval::From(begin, kBytes), 2 * kBytes, /*may_move=*/false), begin);
  EXPECT_EQ(*static_cast<char*>(Pointer(begin + kBytes - 1)), 7);
  EXPECT_TRUE(IsZero(Pointer(begin + kBytes), kBytes));
  Unmap(Interval::From(begin, 2 * kBytes));
}

TEST(MemoryTest, TimeGoesOn) {
  const uint64_t before = NowMillis();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const uint64_t after = NowMillis();
  EXPECT_GE(after, before + 40);
  EXPECT_LT(after, before + 60000);
}

}  // namespace
}  // namespace mymalloc::os
