// mymalloc_find and mymalloc_check_range: every kind of address in every state, in a signal
// handler, and while other threads take away what is asked for.

#include <gtest/gtest.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "mymalloc/mymalloc.h"
#include "tests/support/block.h"

namespace mymalloc::test {
namespace {

bool IsSet(const char* option) { return getenv(option) != nullptr; }
bool IsHardened() { return IsSet("MYMALLOC_HARDEN"); }
bool IsSampled() { return IsSet("MYMALLOC_SAMPLE"); }

mymalloc_info Find(const void* address) {
  mymalloc_info info;
  memset(&info, 0xaa, sizeof(info));
  EXPECT_EQ(mymalloc_find(address, &info), 0);
  return info;
}

const char* Shift(const void* pointer, ptrdiff_t n) {
  return static_cast<const char*>(pointer) + n;
}

TEST(Find, ALiveBlockBySizeAndFromAnywhereInIt) {
  for (const size_t n : std::initializer_list<size_t>{1, 16, 24, 100, 1000, 5000, 30000, 100000,
                                                      1000000, 3000000, 40000000}) {
    SCOPED_TRACE(n);
    void* const p = malloc(n);
    ASSERT_NE(p, nullptr);
    const size_t usable = malloc_usable_size(p);
    for (const size_t offset : {size_t{0}, n / 2, n - 1, usable - 1}) {
      const mymalloc_info info = Find(Shift(p, static_cast<ptrdiff_t>(offset)));
      EXPECT_EQ(info.state, MYMALLOC_LIVE);
      EXPECT_EQ(info.base, p);
      EXPECT_EQ(info.usable_size, usable);
      EXPECT_TRUE(info.asked_size == n || info.asked_size == MYMALLOC_UNKNOWN_SIZE);
      EXPECT_EQ(info.freed_at, nullptr);
      if (info.kind == MYMALLOC_SMALL || info.kind == MYMALLOC_RUN) {
        EXPECT_GE(info.heap, 1u);
        EXPECT_GE(info.slot, 1u);
        EXPECT_EQ(Shift(info.page, static_cast<ptrdiff_t>(info.slot * info.slot_size)), p);
      }
    }
    free(p);
  }
}

TEST(Find, Kinds) {
  if (IsSampled()) GTEST_SKIP() << "every block lies alone";
  const auto kind = [](size_t n) {
    void* const p = malloc(n);
    const mymalloc_info info = Find(p);
    free(p);
    return info.kind;
  };
  EXPECT_EQ(kind(100), MYMALLOC_SMALL);
  EXPECT_EQ(kind(30000), MYMALLOC_SMALL);
  EXPECT_EQ(kind(100000), IsHardened() ? MYMALLOC_LARGE : MYMALLOC_RUN);
  EXPECT_EQ(kind(3000000), MYMALLOC_LARGE);
}

TEST(Find, SizeAskedForWhereItIsKnown) {
  void* const large = malloc(3000001);
  EXPECT_EQ(Find(large).asked_size, 3000001u);
  free(large);
  void* const small = malloc(37);
  EXPECT_EQ(Find(small).asked_size, IsHardened() || IsSampled() ? 37u : MYMALLOC_UNKNOWN_SIZE);
  free(small);
}

TEST(Find, WhatIsNotOurs) {
  int local = 0;
  static int global;
  EXPECT_EQ(Find(&local).kind, MYMALLOC_NOT_OURS);
  EXPECT_EQ(Find(&global).kind, MYMALLOC_NOT_OURS);
  EXPECT_EQ(Find(nullptr).kind, MYMALLOC_NOT_OURS);
  EXPECT_EQ(Find(reinterpret_cast<const void*>(1)).kind, MYMALLOC_NOT_OURS);
  EXPECT_EQ(Find(reinterpret_cast<const void*>(~uintptr_t{0})).kind, MYMALLOC_NOT_OURS);
  EXPECT_EQ(Find(reinterpret_cast<const void*>(uintptr_t{1} << 63)).kind, MYMALLOC_NOT_OURS);
  void* const mapping = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT_EQ(Find(mapping).kind, MYMALLOC_NOT_OURS);
  EXPECT_EQ(Find(mapping).state, MYMALLOC_NO_STATE);
  EXPECT_EQ(Find(mapping).base, nullptr);
  munmap(mapping, 4096);
}

// Where nobody keeps it from use a freed block lies in the thread's magazine.
TEST(Find, AFreedBlock) {
  void* const p = malloc(100);
  const size_t usable = malloc_usable_size(p);
  free(p);
  const mymalloc_info info = Find(Shift(p, 50));
  EXPECT_EQ(info.base, p);
  EXPECT_EQ(info.usable_size, usable);
  EXPECT_EQ(info.state, IsHardened() || IsSampled() ? MYMALLOC_QUARANTINED : MYMALLOC_CACHED);
  EXPECT_EQ(info.freed_at != nullptr, IsHardened() || IsSampled());
  EXPECT_EQ(mymalloc_check_range(p, 1), MYMALLOC_OUTSIDE);
}

// What the magazines do not hold is free in its page.
TEST(Find, BlocksFreeInTheirPages) {
  if (IsSampled()) GTEST_SKIP();
  std::vector<void*> blocks(20000);
  for (void*& p : blocks) p = malloc(200);
  const mymalloc_info before = Find(blocks[10000]);
  EXPECT_EQ(before.state, MYMALLOC_LIVE);
  for (size_t i = 0; i < blocks.size(); i += 2) free(blocks[i]);
  malloc_trim(0);
  size_t free_in_page = 0;
  size_t held = 0;
  for (size_t i = 0; i < blocks.size(); i += 2) {
    const mymalloc_info info = Find(blocks[i]);
    free_in_page += info.state == MYMALLOC_FREE ? 1 : 0;
    held += info.state == MYMALLOC_CACHED || info.state == MYMALLOC_QUARANTINED ? 1 : 0;
    EXPECT_EQ(Find(blocks[i + 1]).state, MYMALLOC_LIVE);
  }
  EXPECT_EQ(free_in_page + held, blocks.size() / 2);
  EXPECT_GT(free_in_page, blocks.size() / 2 - 1000);
  for (size_t i = 1; i < blocks.size(); i += 2) free(blocks[i]);
}

TEST(Find, WhatNeverWasHandedOutAndHeaders) {
  if (IsSampled()) GTEST_SKIP();
  void* const p = malloc(12000);
  const mymalloc_info info = Find(p);
  ASSERT_EQ(info.kind, MYMALLOC_SMALL);
  EXPECT_EQ(Find(info.page).kind, MYMALLOC_METADATA);  // slot 0 is nobody's
  EXPECT_EQ(Find(info.page).state, MYMALLOC_NO_STATE);
  size_t never = 0;
  for (unsigned slot = 1; slot < 40; ++slot) {
    const mymalloc_info at = Find(Shift(info.page, static_cast<ptrdiff_t>(slot * info.slot_size)));
    never += at.page == info.page && at.state == MYMALLOC_NEVER_USED ? 1 : 0;
  }
  EXPECT_GT(never, 0u);
  free(p);
}

TEST(Find, AnotherThreadsBlock) {
  if (IsSampled()) GTEST_SKIP();
  void* p = nullptr;
  std::thread([&p] { p = malloc(500); }).join();
  void* const own = malloc(500);
  EXPECT_EQ(Find(p).state, MYMALLOC_LIVE);
  EXPECT_NE(Find(p).heap, Find(own).heap);
  free(p);
  EXPECT_NE(Find(p).state, MYMALLOC_LIVE);
  free(own);
}

TEST(Find, ARunThatAnotherThreadFreed) {
  if (IsSampled()) GTEST_SKIP();
  void* const p = malloc(200000);
  std::thread([p] {
    free(malloc(1));  // a thread without a heap remembers nothing
    free(p);
  }).join();
  const mymalloc_info info = Find(Shift(p, 100000));
  EXPECT_EQ(info.state, IsHardened() ? MYMALLOC_QUARANTINED : MYMALLOC_FREE);
  EXPECT_EQ(info.base, p);
  EXPECT_NE(info.freed_at, nullptr);
}

// The tags of freed runs are still in it, as the program has not written there yet.
TEST(Find, ARunWhereFreedRunsWere) {
  constexpr size_t kShort = 100000;
  constexpr ptrdiff_t kLong = 250000;
  std::vector<void*> runs(6);
  for (void*& run : runs) run = malloc(kShort);
  for (void* const run : runs) free(run);
  void* const p = malloc(kLong);
  EXPECT_EQ(mymalloc_check_range(p, kLong), MYMALLOC_INSIDE);
  for (ptrdiff_t at = 0; at < kLong; at += 100) {
    ASSERT_EQ(Find(Shift(p, at)).base, p) << at;
    ASSERT_EQ(Find(Shift(p, at)).state, MYMALLOC_LIVE) << at;
    ASSERT_EQ(mymalloc_check_range(Shift(p, at), 10), MYMALLOC_INSIDE) << at;
  }
  free(p);
}

TEST(Find, AFreedLargeBlock) {
  void* const p = malloc(50000000);
  free(p);
  const mymalloc_info info = Find(p);
  EXPECT_EQ(info.kind, MYMALLOC_LARGE);
  EXPECT_EQ(info.base, p);
  EXPECT_EQ(info.state, IsHardened() ? MYMALLOC_QUARANTINED : MYMALLOC_FREE);
  EXPECT_NE(info.freed_at, nullptr);
}

TEST(Find, Guards) {
  if (!IsHardened()) GTEST_SKIP() << "no guards";
  void* const p = malloc(300000);
  const size_t usable = malloc_usable_size(p);
  const uintptr_t end = (reinterpret_cast<uintptr_t>(p) + usable + 8 + 4095) / 4096 * 4096;
  const mymalloc_info behind = Find(reinterpret_cast<const void*>(end + 100));
  EXPECT_EQ(behind.kind, MYMALLOC_GUARD);
  EXPECT_EQ(behind.base, reinterpret_cast<void*>(end));
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(p) - 8) / 4096 * 4096;
  EXPECT_EQ(Find(reinterpret_cast<const void*>(begin - 1)).kind, MYMALLOC_GUARD);
  free(p);
}

TEST(Find, ASampledBlocksGuards) {
  if (!IsSampled()) GTEST_SKIP();
  void* const p = malloc(100);
  EXPECT_EQ(Find(p).kind, MYMALLOC_SAMPLED);
  EXPECT_EQ(Find(Shift(p, 4096)).kind, MYMALLOC_GUARD);
  EXPECT_EQ(Find(Shift(p, -4096)).kind, MYMALLOC_GUARD);
  free(p);
}

// A live block whose tag the block before it has overwritten.
TEST(Find, AnOverwrittenTag) {
  if (IsHardened() || IsSampled()) GTEST_SKIP() << "it would be reported as well";
  auto* const p = static_cast<unsigned char*>(Opaque(malloc(64)));
  unsigned char tag[8];
  memcpy(tag, p - 8, 8);
  memset(p - 8, 0x41, 8);
  EXPECT_EQ(Find(p).state, MYMALLOC_OVERWRITTEN);
  memcpy(p - 8, tag, 8);
  EXPECT_EQ(Find(p).state, MYMALLOC_LIVE);
  free(p);
}

TEST(CheckRange, WithinABlock) {
  char* const p = static_cast<char*>(malloc(1000));
  const size_t usable = malloc_usable_size(p);
  EXPECT_EQ(mymalloc_check_range(p, 0), MYMALLOC_INSIDE);
  EXPECT_EQ(mymalloc_check_range(p, 1000), MYMALLOC_INSIDE);
  EXPECT_EQ(mymalloc_check_range(p, usable), MYMALLOC_INSIDE);
  EXPECT_EQ(mymalloc_check_range(p, usable + 1), MYMALLOC_OUTSIDE);
  EXPECT_EQ(mymalloc_check_range(p + 10, usable - 10), MYMALLOC_INSIDE);
  EXPECT_EQ(mymalloc_check_range(p + 10, usable - 9), MYMALLOC_OUTSIDE);
  EXPECT_EQ(mymalloc_check_range(p + 10, ~size_t{0}), MYMALLOC_OUTSIDE);
  EXPECT_EQ(mymalloc_check_range(p - 1, 1), MYMALLOC_OUTSIDE);
  int local = 0;
  EXPECT_EQ(mymalloc_check_range(&local, sizeof(local)), MYMALLOC_RANGE_NOT_OURS);
  free(p);
}

// Of a large block what was asked for.
TEST(CheckRange, WhatWasAskedFor) {
  char* const p = static_cast<char*>(malloc(3000001));
  EXPECT_EQ(mymalloc_check_range(p, 3000001), MYMALLOC_INSIDE);
  EXPECT_EQ(mymalloc_check_range(p, 3000002), MYMALLOC_OUTSIDE);
  free(p);
}

std::atomic<void*> asked_in_handler{nullptr};
std::atomic<uint64_t> answers{0};
std::atomic<uint64_t> busy{0};
std::atomic<uint64_t> wrong{0};

void AskInHandler(int) {
  mymalloc_info info;
  const void* const p = asked_in_handler.load();
  if (mymalloc_find(p, &info) != 0) {
    busy.fetch_add(1);
    return;
  }
  answers.fetch_add(1);
  if (info.state != MYMALLOC_LIVE || info.base != p) wrong.fetch_add(1);
}

// Whatever the allocator is doing: mapping, unmapping, editing its trees.
TEST(Find, InASignalHandler) {
  asked_in_handler.store(malloc(400));
  struct sigaction action = {};
  action.sa_handler = AskInHandler;
  action.sa_flags = SA_RESTART;
  sigaction(SIGPROF, &action, nullptr);
  const itimerval often = {{0, 200}, {0, 200}};
  setitimer(ITIMER_PROF, &often, nullptr);
  for (int i = 0; i < 200000 && answers.load() < 500; ++i) {
    for (const size_t n : std::initializer_list<size_t>{50, 3000, 100000, 2500000, 33000000}) {
      void* const p = malloc(Opaque(n));
      static_cast<char*>(p)[n - 1] = 1;
      free(p);
    }
  }
  const itimerval never = {};
  setitimer(ITIMER_PROF, &never, nullptr);
  EXPECT_GE(answers.load(), 50u);
  EXPECT_EQ(wrong.load(), 0u);
  EXPECT_LE(busy.load(), answers.load());
  free(asked_in_handler.load());
}

// Of a block that stays everything is right at any time; of what goes away any answer will do, but
// none may fault or mix.
TEST(Find, WhileOthersTakeItAway) {
  std::atomic<bool> stop{false};
  std::atomic<void*> hints[4] = {};
  const auto churn = [&](unsigned self) {
    unsigned random = self + 1;
    std::vector<void*> blocks;
    while (!stop.load()) {
      for (int i = 0; i < 300; ++i) {
        random = random * 1664525 + 1013904223;
        const size_t n = (random >> 28) == 0 ? 3000000 : (random >> 24) % 8 == 0 ? 90000 : 20000;
        blocks.push_back(malloc(n));
        hints[random >> 30].store(blocks.back());
      }
      for (void* p : blocks) free(p);
      blocks.clear();
      // What cannot be had has all chunks unmapped that are free.
      if (malloc(Opaque(size_t{1} << 46)) != nullptr) abort();
    }
  };
  std::thread a(churn, 0);
  std::thread b(churn, 1);
  void* const own = malloc(1234);
  constexpr int kQuestions = 5000000;
  size_t asked = 0;
  for (int i = 0; i < kQuestions; ++i) {
    const char* const p = static_cast<const char*>(hints[i % 4].load());
    mymalloc_info info;
    if (mymalloc_find(p + (i * 61) % 20000, &info) == 0) {
      ++asked;
      if (info.state == MYMALLOC_LIVE && info.kind == MYMALLOC_SMALL) {
        ASSERT_EQ(Shift(info.page, static_cast<ptrdiff_t>(info.slot * info.slot_size)), info.base);
        ASSERT_LT(info.slot, 256u);
      }
    }
    if (i % 100 == 0 && mymalloc_find(own, &info) == 0) {
      ASSERT_EQ(info.state, MYMALLOC_LIVE);
      ASSERT_EQ(info.base, own);
    }
  }
  stop.store(true);
  a.join();
  b.join();
  EXPECT_GT(asked, kQuestions / 10 * 9u);
  free(own);
}

}  // namespace
}  // namespace mymalloc::test
