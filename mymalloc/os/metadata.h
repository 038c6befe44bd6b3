// Memory for the allocator's own records (tree nodes, large-block records, heaps): never malloc,
// never returned to the kernel, and never beside user memory: it lies in ranges of its own, at
// random places, with guards before and behind.

#ifndef MYMALLOC_OS_METADATA_H_
#define MYMALLOC_OS_METADATA_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "mymalloc/base/lock.h"
#include "tree/interval.h"

namespace mymalloc::os {

// What each range of metadata begins with: so they can be found without the lock, and by who looks
// at the process from outside (report/layout.h).
struct alignas(64) MetadataRange {
  const MetadataRange* before;  // the range that was mapped before this one
  size_t bytes;
};
extern std::atomic<const MetadataRange*> g_metadata_ranges;  // the newest; changes under the lock

// What makes the places hard to guess; before that, they are where the kernel puts them.
void SetMetadataRandom(uint64_t random);
// A zeroed block, 64-byte aligned, for good. nullptr when the system has no memory.
void* AllocateMetadata(size_t bytes);
// Bytes mapped for metadata so far.
size_t MetadataBytes();
// The range of metadata that an address lies in, or its guard. False if in none. Takes no lock.
bool FindMetadata(uintptr_t address, Interval* range, bool* guard);
// For fork (process/freeze.h).
Lock& MetadataLock();

// Blocks of one size, with reuse. Not thread safe: it lives beside what it feeds, under its lock.
template <size_t kBytes>
class Pool {
 public:
  static_assert(kBytes % 64 == 0, "blocks keep their cache-line alignment");

  constexpr Pool() = default;

  void* Allocate() {
    if (free_ == nullptr) return AllocateMetadata(kBytes);
    FreeBlock* block = free_;
    free_ = block->next;
    --free_count_;
    return block;
  }

  void Free(void* memory) {
    FreeBlock* block = static_cast<FreeBlock*>(memory);
    block->next = free_;
    free_ = block;
    ++free_count_;
  }

  // Takes over memory that its owner can spare, for good.
  void Donate(uintptr_t begin, size_t bytes) {
    for (; bytes >= kBytes; begin += kBytes, bytes -= kBytes) Free(reinterpret_cast<void*>(begin));
  }

  // Makes sure that the next `count` allocations succeed. False when the system has no memory.
  bool Reserve(size_t count) {
    while (free_count_ < count) {
      void* const block = AllocateMetadata(kBytes);
      if (block == nullptr) return false;
      Free(block);
    }
    return true;
  }

 private:
  struct FreeBlock {
    FreeBlock* next;
  };
  FreeBlock* free_ = nullptr;
  size_t free_count_ = 0;
};

}  // namespace mymalloc::os

#endif  // MYMALLOC_OS_METADATA_H_
