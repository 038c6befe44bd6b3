// The mymalloc_ names of libmymalloc.so, beside the libc's own allocator: the library is opened,
// not preloaded, by a program that must be able to use both. Linked: prefixed_host_test.

#include <dlfcn.h>
#include <errno.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/support/block.h"
#include "tests/support/library.h"

namespace mymalloc::test {
namespace {

class PrefixedTest : public ::testing::Test {
 protected:
  void SetUp() override {
    library_ = dlopen(LibraryUnderTest().c_str(), RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library_, nullptr) << dlerror();
    malloc_ = Find<void*(size_t)>("malloc");
    free_ = Find<void(void*)>("free");
    usable_size_ = Find<size_t(void*)>("malloc_usable_size");
    mallinfo2_ = Find<struct mallinfo2()>("mallinfo2");
    ASSERT_FALSE(HasFailure());
  }

  // The prefixed twin of a libc function.
  template <typename Function>
  Function* Find(const std::string& name) {
    auto* function = reinterpret_cast<Function*>(dlsym(library_, ("mymalloc_" + name).c_str()));
    if (function == nullptr) ADD_FAILURE() << "mymalloc_" << name << " is missing";
    return function;
  }

  size_t BytesInUse() const {
    const struct mallinfo2 info = mallinfo2_();
    return info.uordblks + info.hblkhd;
  }

  void* library_ = nullptr;
  void* (*malloc_)(size_t) = nullptr;
  void (*free_)(void*) = nullptr;
  size_t (*usable_size_)(void*) = nullptr;
  struct mallinfo2 (*mallinfo2_)() = nullptr;
};

TEST_F(PrefixedTest, IsAnAllocatorOfItsOwn) {
  ASSERT_NE(reinterpret_cast<void*>(malloc_), reinterpret_cast<void*>(&malloc));
  std::vector<std::pair<void*, void*>> blocks;
  for (size_t i = 0; i < 5000; ++i) {
    const size_t size = 1 + i * 7 % 5000;
    blocks.emplace_back(malloc_(size), malloc(size));
    FillPattern(blocks.back().first, size, i);
    FillPattern(blocks.back().second, size, i + 1);
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    const size_t size = 1 + i * 7 % 5000;
    ASSERT_TRUE(MatchesPattern(blocks[i].first, size, i));
    ASSERT_TRUE(MatchesPattern(blocks[i].second, size, i + 1));
    ASSERT_GE(usable_size_(blocks[i].first), size);
    free_(blocks[i].first);
    free(blocks[i].second);
  }
}

TEST_F(PrefixedTest, ReportsItsOwnHeapOnly) {
  const size_t before = BytesInUse();
  void* libc_block = malloc(10 * kMiB);
  EXPECT_LT(BytesInUse(), before + kMiB);
  void* block = malloc_(10 * kMiB);
  EXPECT_GE(BytesInUse(), before + 10 * kMiB);
  free(libc_block);
  free_(block);
  EXPECT_LT(BytesInUse(), before + kMiB);
}

TEST_F(PrefixedTest, EveryAllocatingNameWorks) {
  std::vector<void*> blocks = {
      Find<void*(size_t, size_t)>("calloc")(10, 100),
      Find<void*(void*, size_t)>("realloc")(nullptr, 1000),
      Find<void*(void*, size_t, size_t)>("reallocarray")(nullptr, 10, 100),
      Find<void*(size_t, size_t)>("aligned_alloc")(64, 1000),
      Find<void*(size_t, size_t)>("memalign")(4096, 1000),
      Find<void*(size_t)>("valloc")(1000),
      Find<void*(size_t)>("pvalloc")(1000),
      nullptr,
  };
  ASSERT_EQ(Find<int(void**, size_t, size_t)>("posix_memalign")(&blocks.back(), 256, 1000), 0);
  for (size_t i = 0; i < blocks.size(); ++i) {
    ASSERT_NE(blocks[i], nullptr) << i;
    ASSERT_GE(usable_size_(blocks[i]), 1000u) << i;
    FillPattern(blocks[i], 1000, i);
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    EXPECT_TRUE(MatchesPattern(blocks[i], 1000, i)) << i;
    blocks[i] = Find<void*(void*, size_t)>("realloc")(blocks[i], 3000);
    EXPECT_TRUE(MatchesPattern(blocks[i], 1000, i)) << i;
  }
  Find<void(void*)>("cfree")(blocks[0]);
  Find<void(void*, size_t)>("free_sized")(blocks[1], 3000);
  Find<void(void*, size_t, size_t)>("free_aligned_sized")(blocks[2], 16, 3000);
  for (size_t i = 3; i < blocks.size(); ++i) free_(blocks[i]);
}

TEST_F(PrefixedTest, EveryControllingNameWorks) {
  EXPECT_EQ(Find<int(int, int)>("mallopt")(M_MMAP_THRESHOLD, 1 << 20), 1);
  const int trimmed = Find<int(size_t)>("malloc_trim")(0);
  EXPECT_TRUE(trimmed == 0 || trimmed == 1);
  const struct mallinfo info = Find<struct mallinfo()>("mallinfo")();
  EXPECT_GE(info.uordblks, 0);
  Find<void()>("malloc_stats")();
  FILE* sink = fopen("/dev/null", "w");
  ASSERT_NE(sink, nullptr);
  EXPECT_EQ(Find<int(int, FILE*)>("malloc_info")(0, sink), 0);
  fclose(sink);
}

TEST_F(PrefixedTest, FailsWithErrno) {
  errno = 0;
  EXPECT_EQ(malloc_(Opaque(SIZE_MAX)), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  errno = 0;
  EXPECT_EQ(Find<void*(size_t, size_t)>("aligned_alloc")(3, 100), nullptr);
  EXPECT_EQ(errno, EINVAL);
  errno = 0;
  EXPECT_EQ(Find<void*(size_t, size_t)>("memalign")(SIZE_MAX / 2 + 1, 1), nullptr);
  EXPECT_EQ(errno, ENOMEM);
}

TEST_F(PrefixedTest, WorksFromManyThreads) {
  const size_t before = BytesInUse();
  std::vector<std::thread> threads;
  for (uint64_t seed = 0; seed < 8; ++seed) {
    threads.emplace_back([this, seed] {
      std::vector<void*> blocks;
      for (size_t i = 0; i < 20000; ++i) {
        blocks.push_back(malloc_(200));
        FillPattern(blocks.back(), 200, seed);
        if (i % 3 == 0) {
          EXPECT_TRUE(MatchesPattern(blocks[i / 3], 200, seed));
          free_(blocks[i / 3]);
          blocks[i / 3] = malloc_(200);
          FillPattern(blocks[i / 3], 200, seed);
        }
      }
      for (void* block : blocks) free_(block);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LT(BytesInUse(), before + 256 * kKiB);
}

}  // namespace
}  // namespace mymalloc::test
