// Uses every part of the allocator while memory calls fail as the environment says
// (memory_calls.h), and exits with 0 if it behaved: each request gives a block, or NULL and
// ENOMEM; every live block keeps its contents; the heap is sound after each step; and when the
// faults are over everything can be had again, counted and freed. Prints how many calls there were,
// and how many of them failed.

#include <pthread.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <utility>
#include <vector>

#include "mymalloc/base/options.h"
#include "mymalloc/base/units.h"
#include "mymalloc/large/large.h"
#include "mymalloc/misuse/sampled_blocks.h"
#include "mymalloc/mymalloc.h"
#include "mymalloc/os/metadata.h"
#include "mymalloc/process/janitor.h"
#include "mymalloc/report/inspector.h"
#include "mymalloc/report/verify.h"
#include "mymalloc/supply/page_map.h"
#include "mymalloc/supply/page_supply.h"
#include "tests/refused/memory_calls.h"
#include "tests/stress/accounts.h"
#include "tests/stress/shadow.h"
#include "tests/support/block.h"
#include "tests/support/check.h"

namespace mymalloc::test {
namespace {

using Blocks = std::vector<Shadow>;

size_t refused = 0;
bool faults_over = false;
uint64_t next_seed = 0;

bool IsSampled(const Shadow& block) {
  Interval range;
  Owner owner;
  return g_page_map.Find(block.begin(), &range, &owner) && owner.sampled();
}

void CheckSound(const char* step) {
  const char* const wrong = VerifyHeap();
  if (wrong != nullptr) CheckFailed(step, wrong);
}

// A block joins the others; no block is a refusal, and says why.
void Add(void* block, size_t size, size_t alignment, Blocks* blocks) {
  if (block != nullptr) {
    blocks->emplace_back(block, size, alignment, ++next_seed);
  } else {
    MYMALLOC_CHECK(errno == ENOMEM);
    ++refused;
  }
}

void Allocate(size_t size, Blocks* blocks) {
  errno = 0;
  Add(mymalloc_malloc(size), size, kBlockAlignment, blocks);
}

void AllocateZeroed(size_t size, Blocks* blocks) {
  errno = 0;
  void* const block = mymalloc_calloc(size, 1);
  MYMALLOC_CHECK(block == nullptr || IsZero(block, size));
  Add(block, size, kBlockAlignment, blocks);
}

void AllocateAligned(size_t alignment, size_t size, Blocks* blocks) {
  void* block = nullptr;
  const int result = mymalloc_posix_memalign(&block, alignment, size);
  MYMALLOC_CHECK((result == 0) == (block != nullptr));
  errno = result;
  Add(block, size, alignment, blocks);
}

// A block that cannot be resized is what it was.
void Resize(size_t index, size_t size, Blocks* blocks) {
  Shadow& block = (*blocks)[index];
  block.CheckContents();
  errno = 0;
  void* const moved = mymalloc_realloc(block.block(), size);
  if (moved == nullptr) {
    MYMALLOC_CHECK(errno == ENOMEM);
    ++refused;
    block.CheckContents();
  } else {
    block.CheckMovedTo(moved, size);
    block = Shadow(moved, size, kBlockAlignment, ++next_seed);
  }
}

void FreeAll(Blocks* blocks) {
  for (const Shadow& block : *blocks) {
    block.CheckContents();
    errno = 0;
    mymalloc_free(block.block());
    MYMALLOC_CHECK(errno == 0);
  }
  blocks->clear();
}

void FreeEverySecond(Blocks* blocks) {
  Blocks kept;
  Blocks freed;
  for (size_t i = 0; i < blocks->size(); ++i) (i % 2 == 0 ? kept : freed).push_back((*blocks)[i]);
  FreeAll(&freed);
  *blocks = std::move(kept);
}

// All forms of allocation, in all sizes.
void AllocateSome(Blocks* blocks) {
  for (size_t i = 0; i < 1500; ++i) Allocate(i * 37 % 700, blocks);
  for (size_t i = 0; i < 120; ++i) Allocate(1000 + i * 997 % 31000, blocks);
  for (size_t i = 0; i < 12; ++i) Allocate(40 * kKiB + i * 33333, blocks);
  for (size_t i = 0; i < 40; ++i) AllocateZeroed(100 + i * 3001, blocks);
  for (size_t i = 0; i < 60; ++i) AllocateAligned(size_t{32} << i % 8, i * 119, blocks);
  for (size_t i = 0; i < 4; ++i) AllocateAligned(kMiB >> i, 50000 + i, blocks);
}

// Two blocks grow side by side, in each other's way; then they shrink.
void ResizeSome(Blocks* blocks) {
  if (blocks->size() < 2) return;
  const size_t last = blocks->size() - 1;
  for (size_t size = 100; size < 3 * kMiB; size = size * 3 / 2) {
    Resize(last, size, blocks);
    Resize(last - 1, size + 5000, blocks);
  }
  for (size_t size = 2 * kMiB; size > 10; size /= 5) Resize(last, size, blocks);
}

template <typename Work>
void InThread(Work work) {
  std::thread(work).join();
}

// Blocks that are freed by another thread than that which had them, by threads that take over each
// other's heaps.
void UseThreads(Blocks* blocks) {
  Blocks others;
  InThread([&others] {
    for (size_t i = 0; i < 400; ++i) Allocate(i * 13 % 2000, &others);
  });
  FreeEverySecond(&others);
  InThread([&others] {
    FreeEverySecond(&others);
    for (size_t i = 0; i < 200; ++i) Allocate(i * 13 % 5000, &others);
  });
  InThread([blocks] { FreeEverySecond(blocks); });
  FreeAll(&others);
}

// A thread's last words: a destructor of thread-specific data that runs after the allocator's own
// allocates from the heap that all such threads share.
void UseLateDestructor() {
  static Shadow* left_behind = nullptr;
  static pthread_key_t key;
  static const int made = pthread_key_create(&key, [](void*) {
    errno = 0;
    void* const block = mymalloc_malloc(100);
    if (block != nullptr) left_behind = new Shadow(block, 100, kBlockAlignment, 7);
  });
  MYMALLOC_CHECK(made == 0);
  InThread([] {
    mymalloc_free(mymalloc_malloc(100));
    MYMALLOC_CHECK(pthread_setspecific(key, &key) == 0);
  });
  if (left_behind == nullptr) {
    ++refused;
    return;
  }
  MYMALLOC_CHECK(!faults_over || !IsOutsidePages(*left_behind) || IsSampled(*left_behind));
  left_behind->CheckContents();
  mymalloc_free(left_behind->block());
  delete std::exchange(left_behind, nullptr);
}

void GiveBack() {
  for (int i = 0; i < 4; ++i) g_janitor.Pass(/*all=*/false);
  CheckSound("passes");
  mymalloc_malloc_trim(0);
}

void Work(Blocks* blocks) {
  for (int round = 0; round < 2; ++round) {
    AllocateSome(blocks);
    CheckSound("allocate");
    ResizeSome(blocks);
    CheckSound("resize");
    UseThreads(blocks);
    UseLateDestructor();
    CheckSound("threads");
    GiveBack();
    CheckSound("give back");
    FreeEverySecond(blocks);
    CheckSound("free");
  }
  g_janitor.Reclaim();
  CheckSound("reclaim");
}

void CheckStatistics(const Blocks& blocks) {
  size_t slot_bytes = 0;
  size_t outside = 0;
  size_t sampled = 0;
  for (const Shadow& block : blocks) {
    if (IsOutsidePages(block)) {
      ++outside;
      if (IsSampled(block)) ++sampled;
    } else {
      slot_bytes += SlotBytes(block);
    }
  }
  const struct mallinfo2 info = mymalloc_mallinfo2();
  MYMALLOC_CHECK(info.uordblks == slot_bytes);
  MYMALLOC_CHECK(info.hblks == outside);
  MYMALLOC_CHECK(g_sampled.live() == sampled);
}

// Of blocks and free memory: what is in a page or a large block, with its guards, or held back
// after its free, or free, or was taken by the trees for their nodes when there was nothing else.
size_t KnownBytes() {
  size_t bytes = g_page_supply.FreeBytes() + Inspector::Spent(g_page_supply) +
                 Inspector::HeldBytes(g_large_blocks);
  ForEachRange([&bytes](Interval range, bool) { bytes += range.length(); });
  return bytes;
}

// Every byte that was mapped is known, but for a page before and behind each chunk, and what could
// not be unmapped.
void CheckNothingLost() {
  constexpr size_t kEdges = 64 * KernelPage();
  const size_t mapped = MappedBytes();
  const size_t known = KnownBytes();
  MYMALLOC_CHECK(known <= mapped);
  MYMALLOC_CHECK(mapped - known <= kEdges + KeptBytes());
}

// With nothing live no page is left, and what is free is not resident.
void CheckNothingLeft() {
  MYMALLOC_CHECK(g_large_blocks.Bytes() == 0);
  MYMALLOC_CHECK(g_page_supply.DirtyBytes() == 0);
}

void CheckAll(const Blocks& blocks) {
  CheckSound("after the faults");
  for (const Shadow& block : blocks) block.CheckContents();
  MYMALLOC_CHECK(AreApart(blocks));
  CheckStatistics(blocks);
  CheckNothingLost();
}

void Run() {
  Blocks blocks;
  Work(&blocks);
  const uint64_t calls = CountedCalls();
  EndFaults();
  faults_over = true;
  CheckAll(blocks);
  refused = 0;
  AllocateSome(&blocks);
  ResizeSome(&blocks);
  MYMALLOC_CHECK(refused == 0);
  UseThreads(&blocks);
  UseLateDestructor();
  CheckAll(blocks);
  FreeAll(&blocks);
  CheckAll(blocks);
  mymalloc_malloc_trim(0);
  MYMALLOC_CHECK(mymalloc_mallinfo2().keepcost == 0);
  CheckAll(blocks);
  CheckNothingLeft();
  printf("%llu calls, %llu failed\n", static_cast<unsigned long long>(calls),
         static_cast<unsigned long long>(FailedCalls()));
}

}  // namespace
}  // namespace mymalloc::test

int main() { mymalloc::test::Run(); }
