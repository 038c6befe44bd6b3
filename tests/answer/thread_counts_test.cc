// mymalloc_count_thread, where a call does not do what its name says: of blocks of libc's, of
// blocks that are refused, and as a thread ends. Runs with on_error=ignore. What the usual calls
// count is tried in //tests/compat.

#include <gtest/gtest.h>
#include <malloc.h>
#include <stdlib.h>

#include <thread>

#include "mymalloc/mymalloc.h"
#include "tests/support/block.h"

extern "C" {
void* __libc_malloc(size_t n);
__attribute__((weak)) void free_sized(void* pointer, size_t n);  // not of every libc
}

namespace mymalloc::test {
namespace {

// What the thread has counted since.
class Since {
 public:
  uint64_t allocated() const { return counts_->allocated - before_.allocated; }
  uint64_t deallocated() const { return counts_->deallocated - before_.deallocated; }

 private:
  const mymalloc_thread_counts* const counts_ = mymalloc_count_thread();
  const mymalloc_thread_counts before_ = *counts_;
};

TEST(ThreadCounts, OfABlockOfLibcsOnlyWhatBecomesOurs) {
  void* block = __libc_malloc(1000);
  const Since since;
  block = realloc(block, 990);
  EXPECT_EQ(since.allocated(), 0u);
  block = realloc(block, 2000);
  EXPECT_EQ(since.allocated(), malloc_usable_size(block));
  EXPECT_EQ(since.deallocated(), 0u);
  free(block);
  EXPECT_EQ(since.deallocated(), since.allocated());
  void* const another = __libc_malloc(1000);
  free(another);
  EXPECT_EQ(since.deallocated(), since.allocated());
}

TEST(ThreadCounts, WhatIsRefusedIsNotFreed) {
  const Since since;
  char* const block = static_cast<char*>(malloc(100));
  free_sized(block, 5000);
  free(Opaque(block + 16));
  EXPECT_EQ(since.deallocated(), 0u);
  free_sized(Opaque(block), 100);
  EXPECT_EQ(since.deallocated(), since.allocated());
  free(block);
  EXPECT_EQ(since.deallocated(), since.allocated());
}

// Frees when the thread no longer has its heap, perhaps.
struct FreesAtTheEnd {
  void* block = nullptr;
  uint64_t* counted = nullptr;

  ~FreesAtTheEnd() {
    if (block == nullptr) return;
    const Since since;
    const size_t usable = malloc_usable_size(block);
    free(block);
    *counted = since.deallocated() == usable ? 1 : 2;
  }
};
thread_local FreesAtTheEnd t_frees;

TEST(ThreadCounts, AsTheThreadEnds) {
  uint64_t counted = 0;
  std::thread([&counted] {
    t_frees.block = malloc(100);
    t_frees.counted = &counted;
    mymalloc_count_thread();
  }).join();
  EXPECT_EQ(counted, 1u);
}

}  // namespace
}  // namespace mymalloc::test
