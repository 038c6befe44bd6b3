// A limit on address space that a program sets itself, after the library has begun to work: it is
// kept, what fits below it can be had, and what was freed serves again.

#include <errno.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cstdint>

#include "tests/support/block.h"
#include "tests/support/check.h"
#include "tests/support/checked_block.h"
#include "tests/support/child.h"

namespace mymalloc::test {
namespace {

constexpr rlim_t kLimit = 300 * kMiB;
constexpr size_t kSizes[] = {100, 3000, 30 * kKiB, 100 * kKiB, 5 * kMiB};

void LimitAddressSpace() {
  const rlimit limit = {kLimit, kLimit};
  MYMALLOC_CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
  void* const mapped =
      mmap(nullptr, kLimit, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  MYMALLOC_CHECK(mapped == MAP_FAILED);  // or the limit limits nothing
}

// So many bytes in blocks of one size, or fewer if there are no more; freed, and the same again.
void FillTwice(size_t size, size_t bytes) {
  for (int round = 0; round < 2; ++round) {
    CheckedList blocks;
    for (size_t i = 0; i < bytes / size; ++i) {
      CheckedBlock* const block = NewChecked(size, i);
      MYMALLOC_CHECK(block != nullptr);
      blocks.Push(block);
    }
    MYMALLOC_CHECK(blocks.AllIntact());
    blocks.FreeAll();
  }
}

TEST(LateLimit, WhatFitsBelowItCanBeHad) {
  for (const size_t size : kSizes) {
    InChild([size] {
      LimitAddressSpace();
      FillTwice(size, 100 * kMiB);
    });
  }
}

// What one size has freed serves the next.
TEST(LateLimit, SizesInTurn) {
  InChild([] {
    LimitAddressSpace();
    for (const size_t size : kSizes) FillTwice(size, 100 * kMiB);
  });
}

// The limit is there to be kept: memory ends no later than it says, and comes back.
void RunOut(size_t size) {
  for (uint64_t round = 0; round < 2; ++round) {
    CheckedList blocks;
    while (blocks.bytes() <= kLimit) {
      CheckedBlock* const block = NewChecked(size, round);
      if (block == nullptr) break;
      blocks.Push(block);
    }
    MYMALLOC_CHECK(blocks.bytes() <= kLimit);
    MYMALLOC_CHECK(blocks.bytes() >= kLimit / 2);
    MYMALLOC_CHECK(blocks.AllIntact());
    blocks.FreeAll();
  }
}

TEST(LateLimit, MemoryEndsAtTheLimit) {
  for (const size_t size : kSizes) {
    InChild([size] {
      LimitAddressSpace();
      RunOut(size);
    });
  }
}

TEST(LateLimit, MoreThanTheLimitIsRefused) {
  InChild([] {
    LimitAddressSpace();
    MYMALLOC_CHECK(malloc(Opaque(2 * kLimit)) == nullptr && errno == ENOMEM);
    MYMALLOC_CHECK(calloc(2, Opaque(kLimit)) == nullptr && errno == ENOMEM);
  });
}

TEST(LateLimit, BlocksGrow) {
  InChild([] {
    LimitAddressSpace();
    auto* block = static_cast<char*>(malloc(10));
    for (size_t size = 20; size < 50 * kMiB; size *= 2) {
      block = static_cast<char*>(realloc(block, size));
      MYMALLOC_CHECK(block != nullptr);
      block[size - 1] = 1;
    }
    free(block);
  });
}

}  // namespace
}  // namespace mymalloc::test
