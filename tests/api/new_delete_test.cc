// Every replaceable operator new and delete, the new_handler, bad_alloc.

#include <gtest/gtest.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <functional>
#include <new>
#include <vector>

#include "tests/support/block.h"

namespace mymalloc::test {
namespace {

constexpr std::align_val_t kAlignment{256};

using New = std::function<void*(size_t)>;
using Delete = std::function<void(void*, size_t)>;

struct Forms {
  const char* name;
  size_t alignment;
  std::vector<New> allocate;
  std::vector<Delete> release;
};

const std::vector<New> kThrowing = {
    [](size_t size) { return ::operator new(size); },
    [](size_t size) { return ::operator new[](size); },
    [](size_t size) { return ::operator new(size, kAlignment); },
    [](size_t size) { return ::operator new[](size, kAlignment); },
};

const std::vector<New> kNothrow = {
    [](size_t size) { return ::operator new(size, std::nothrow); },
    [](size_t size) { return ::operator new[](size, std::nothrow); },
    [](size_t size) { return ::operator new(size, kAlignment, std::nothrow); },
    [](size_t size) { return ::operator new[](size, kAlignment, std::nothrow); },
};

// Forms of one group may be combined at will.
const std::vector<Forms> kGroups = {
    {"single",
     16,
     {kThrowing[0], kNothrow[0]},
     {[](void* block, size_t) { ::operator delete(block); },
      [](void* block, size_t size) { ::operator delete(block, size); },
      [](void* block, size_t) { ::operator delete(block, std::nothrow); }}},
    {"array",
     16,
     {kThrowing[1], kNothrow[1]},
     {[](void* block, size_t) { ::operator delete[](block); },
      [](void* block, size_t size) { ::operator delete[](block, size); },
      [](void* block, size_t) { ::operator delete[](block, std::nothrow); }}},
    {"aligned single",
     static_cast<size_t>(kAlignment),
     {kThrowing[2], kNothrow[2]},
     {[](void* block, size_t) { ::operator delete(block, kAlignment); },
      [](void* block, size_t size) { ::operator delete(block, size, kAlignment); },
      [](void* block, size_t) { ::operator delete(block, kAlignment, std::nothrow); }}},
    {"aligned array",
     static_cast<size_t>(kAlignment),
     {kThrowing[3], kNothrow[3]},
     {[](void* block, size_t) { ::operator delete[](block, kAlignment); },
      [](void* block, size_t size) { ::operator delete[](block, size, kAlignment); },
      [](void* block, size_t) { ::operator delete[](block, kAlignment, std::nothrow); }}},
};

size_t BytesInUse() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST(NewDelete, EveryCombinationAllocatesAndFrees) {
  const size_t before = BytesInUse();
  for (const Forms& group : kGroups) {
    for (const New& allocate : group.allocate) {
      for (const Delete& release : group.release) {
        for (size_t size = 0; size < 3 * kMiB; size += size / 2 + 1) {
          void* block = allocate(size);
          ASSERT_NE(block, nullptr) << group.name;
          EXPECT_TRUE(IsAligned(block, group.alignment)) << group.name << " " << size;
          EXPECT_GE(malloc_usable_size(block), size) << group.name;
          FillPattern(block, size, size);
          EXPECT_TRUE(MatchesPattern(block, size, size));
          release(block, size);
        }
      }
    }
  }
  EXPECT_LT(BytesInUse(), before + 64 * kKiB);
}

TEST(NewDelete, DeletingNullDoesNothing) {
  for (const Forms& group : kGroups) {
    for (const Delete& release : group.release) release(nullptr, 0);
  }
}

TEST(NewDelete, EveryAlignment) {
  for (size_t alignment = 1; alignment <= 4 * kMiB; alignment *= 2) {
    for (const size_t size : {size_t{1}, size_t{100}, size_t{100000}}) {
      const std::align_val_t value{alignment};
      void* block = ::operator new(size, value);
      EXPECT_TRUE(IsAligned(block, alignment)) << alignment;
      FillPattern(block, size, alignment);
      EXPECT_TRUE(MatchesPattern(block, size, alignment));
      ::operator delete(block, size, value);
    }
  }
}

TEST(NewDelete, ExpressionsOfOveralignedTypes) {
  struct alignas(128) Wide {
    char bytes[200];
  };
  std::vector<Wide*> blocks;
  for (int i = 0; i < 1000; ++i) {
    blocks.push_back(new Wide);
    ASSERT_TRUE(IsAligned(blocks.back(), alignof(Wide)));
    FillPattern(blocks.back(), sizeof(Wide), static_cast<uint64_t>(i));
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    EXPECT_TRUE(MatchesPattern(blocks[i], sizeof(Wide), i));
    delete blocks[i];
  }
  delete[] new Wide[100];
}

TEST(OutOfMemory, ThrowingFormsThrowBadAlloc) {
  for (const size_t size : {size_t{PTRDIFF_MAX} + 1, SIZE_MAX - 8, SIZE_MAX, size_t{1} << 62}) {
    for (const New& allocate : kThrowing) {
      EXPECT_THROW(allocate(Opaque(size)), std::bad_alloc) << size;
    }
  }
}

TEST(OutOfMemory, NothrowFormsReturnNull) {
  for (const size_t size : {size_t{PTRDIFF_MAX} + 1, SIZE_MAX - 8, SIZE_MAX, size_t{1} << 62}) {
    for (const New& allocate : kNothrow) EXPECT_EQ(allocate(Opaque(size)), nullptr) << size;
  }
}

// What the handlers below have seen and are to do.
int handler_calls = 0;
rlim_t limit_before = 0;
struct Refusal {};

void SetAddressSpaceLimit(rlim_t bytes) {
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_AS, &limit), 0);
  limit.rlim_cur = bytes;
  ASSERT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
}

void MakeRoomAtTheThirdCall() {
  if (++handler_calls == 3) SetAddressSpaceLimit(limit_before);
}

void GiveUpAtTheFifthCall() {
  if (++handler_calls == 5) std::set_new_handler(nullptr);
}

void ThrowBadAlloc() {
  ++handler_calls;
  throw std::bad_alloc();
}

void ThrowRefusal() {
  ++handler_calls;
  throw Refusal();
}

class NewHandlerTest : public ::testing::Test {
 protected:
  static constexpr size_t kImpossible = size_t{1} << 62;

  void SetUp() override { handler_calls = 0; }
  void TearDown() override { std::set_new_handler(nullptr); }
};

TEST_F(NewHandlerTest, IsCalledUntilThereIsRoom) {
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_AS, &limit), 0);
  limit_before = limit.rlim_cur;
  for (const std::vector<New>& forms : {kThrowing, kNothrow}) {
    for (const New& allocate : forms) {
      handler_calls = 0;
      std::set_new_handler(MakeRoomAtTheThirdCall);
      SetAddressSpaceLimit(kMiB);
      void* block = allocate(2048 * kMiB);
      SetAddressSpaceLimit(limit_before);
      EXPECT_NE(block, nullptr);
      EXPECT_EQ(handler_calls, 3);
      free(block);
    }
  }
}

TEST_F(NewHandlerTest, MayGiveUp) {
  for (const New& allocate : kThrowing) {
    handler_calls = 0;
    std::set_new_handler(GiveUpAtTheFifthCall);
    EXPECT_THROW(allocate(kImpossible), std::bad_alloc);
    EXPECT_EQ(handler_calls, 5);
  }
}

TEST_F(NewHandlerTest, MayThrow) {
  std::set_new_handler(ThrowRefusal);
  for (const New& allocate : kThrowing) EXPECT_THROW(allocate(kImpossible), Refusal);
  EXPECT_EQ(handler_calls, static_cast<int>(kThrowing.size()));
}

// [new.delete.single]: the nothrow forms end as if they caught what the throwing ones throw.
TEST_F(NewHandlerTest, ThatThrowsMakesNothrowFormsReturnNull) {
  std::set_new_handler(ThrowBadAlloc);
  for (const New& allocate : kNothrow) EXPECT_EQ(allocate(kImpossible), nullptr);
  EXPECT_EQ(handler_calls, static_cast<int>(kNothrow.size()));
}

}  // namespace
}  // namespace mymalloc::test
