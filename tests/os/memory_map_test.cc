#include "mymalloc/os/memory_map.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

#include "gtest/gtest.h"
#include "mymalloc/base/units.h"

namespace mymalloc::os {
namespace {

uintptr_t Address(const volatile void* pointer) { return reinterpret_cast<uintptr_t>(pointer); }

class Mapped {
 public:
  explicit Mapped(int protection)
      : memory_(mmap(nullptr, kBytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {}
  ~Mapped() { munmap(memory_, kBytes); }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;

  uintptr_t begin() const { return Address(memory_); }
  static constexpr size_t kBytes = 3 * KernelPage();

 private:
  void* memory_;
};

TEST(MemoryMapTest, KnowsPermissions) {
  const struct {
    int protection;
    bool readable;
    bool writable;
  } cases[] = {
      {PROT_READ | PROT_WRITE, true, true}, {PROT_READ, true, false}, {PROT_NONE, false, false}};
  for (const auto& c : cases) {
    const Mapped mapped(c.protection);
    Mapping mapping;
    ASSERT_TRUE(FindMapping(mapped.begin() + KernelPage(), &mapping));
    EXPECT_LE(mapping.begin, mapped.begin());
    EXPECT_GE(mapping.end, mapped.begin() + Mapped::kBytes);
    EXPECT_EQ(mapping.readable, c.readable);
    EXPECT_EQ(mapping.writable, c.writable);
    EXPECT_EQ(mapping.kind, Mapping::kAnonymous);
  }
}

TEST(MemoryMapTest, KnowsKinds) {
  Mapping mapping;
  ASSERT_TRUE(FindMapping(Address(__builtin_frame_address(0)), &mapping));
  EXPECT_EQ(mapping.kind, Mapping::kStack);
  EXPECT_TRUE(mapping.writable);

  static const char in_file[] = "constant";
  ASSERT_TRUE(FindMapping(Address(in_file), &mapping));
  EXPECT_EQ(mapping.kind, Mapping::kFile);
  EXPECT_FALSE(mapping.writable);

  void* const heap = sbrk(KernelPage());
  ASSERT_NE(heap, reinterpret_cast<void*>(-1));
  ASSERT_TRUE(FindMapping(Address(heap), &mapping));
  EXPECT_EQ(mapping.kind, Mapping::kBrkHeap);
}

TEST(MemoryMapTest, FindsNothingWhereNothingIs) {
  Mapping mapping;
  EXPECT_FALSE(FindMapping(0, &mapping));
  EXPECT_FALSE(FindMapping(uintptr_t{1} << 62, &mapping));
  uintptr_t gone;
  {
    // Room on both sides, so that no other mapping is joined with it.
    const Mapped mapped(PROT_READ | PROT_WRITE);
    gone = mapped.begin() + KernelPage();
    munmap(reinterpret_cast<void*>(gone), KernelPage());
    EXPECT_FALSE(FindMapping(gone, &mapping));
    EXPECT_TRUE(FindMapping(gone - 1, &mapping));
    EXPECT_TRUE(FindMapping(gone + KernelPage(), &mapping));
  }
}

TEST(MemoryMapTest, BoundsAreExact) {
  const Mapped mapped(PROT_READ | PROT_WRITE);
  ASSERT_EQ(
      mprotect(reinterpret_cast<void*>(mapped.begin() + KernelPage()), KernelPage(), PROT_READ), 0);
  Mapping mapping;
  for (const uintptr_t offset : {KernelPage(), KernelPage() + 1, 2 * KernelPage() - 1}) {
    ASSERT_TRUE(FindMapping(mapped.begin() + offset, &mapping));
    EXPECT_EQ(mapping.begin, mapped.begin() + KernelPage());
    EXPECT_EQ(mapping.end, mapped.begin() + 2 * KernelPage());
  }
}

}  // namespace
}  // namespace mymalloc::os
