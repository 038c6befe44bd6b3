// malloc's slow ways, and what is longer than a magazine has.
//
//   AllocateSlow   sampled? ------------------> a block between guard pages (detour.h)
//                  a slot's size -------------> the heap's slow way: spill, bitmaps, a new page
//                       no memory |
//                                 v
//                  longer -> AllocateLong ----> a run of slots of the heap's; else a range or a
//                                               mapping of its own (large/large.h)
//                       no memory |
//                                 v
//                                 all that is free goes back to the system, and once more; ENOMEM

#include <errno.h>

#include "mymalloc/front/detour.h"
#include "mymalloc/front/front.h"
#include "mymalloc/front/live_block.h"
#include "mymalloc/large/large.h"
#include "mymalloc/process/attach.h"
#include "mymalloc/process/janitor.h"
#include "mymalloc/process/registry.h"

namespace mymalloc {
namespace {

// The heap for slow operations of this thread. nullptr when there is not even memory for a heap.
Heap* HeapForSlowWay() {
  EnsureHeap();
  return HasOwnHeap() ? OwnHeap() : g_registry.SharedHeap();
}

uintptr_t PopFromOwn(Heap* own, SizeClass c) {
  const Busy busy;
  return PopOnDetour(own, c);
}

uintptr_t AllocateFrom(Heap* heap, SizeClass c) {
  const Busy busy;
  return heap->AllocateSlow(c);
}

// A run of slots, or a range of its own.
uintptr_t TryAllocateLong(size_t n, size_t alignment, bool* zeroed) {
  const RunFit fit = g_policy.Runs() ? RunFor(n, alignment) : RunFit{};
  Heap* const heap = fit.slots != kNoSlots ? HeapForSlowWay() : nullptr;
  if (heap != nullptr) {
    const Busy busy;
    if (const uintptr_t block = heap->AllocateRun(fit, n, zeroed)) return block;
  }
  return AllocateLarge(n, alignment, zeroed);
}

NewBlock AllocateLong(size_t n, size_t alignment) {
  EnsureHeap();
  bool zeroed = false;
  uintptr_t block = TryAllocateLong(n, alignment, &zeroed);
  if (ABSL_PREDICT_FALSE(block == 0) && g_janitor.Reclaim()) {
    block = TryAllocateLong(n, alignment, &zeroed);
  }
  if (block == 0) errno = ENOMEM;
  g_janitor.Poll();
  return {reinterpret_cast<void*>(block), zeroed};
}

NewBlock AllocateClassSlow(SizeClass c) {
  Heap* const heap = HeapForSlowWay();
  if (ABSL_PREDICT_FALSE(g_detours) && HasOwnHeap()) {
    if (const uintptr_t popped = PopFromOwn(heap, c)) {
      return {reinterpret_cast<void*>(BlockOf(popped)), popped != BlockOf(popped)};
    }
  }
  const uintptr_t entry = heap != nullptr ? AllocateFrom(heap, c) : 0;
  g_janitor.Poll();
  const uintptr_t block = BlockOf(entry);
  // Where there is no room for a page of 256 slots there may be room for one block.
  if (ABSL_PREDICT_FALSE(block == 0)) {
    NoteMemoryWasShort();
    return AllocateLong(UsableOf(c), kBlockAlignment);
  }
  return {reinterpret_cast<void*>(block), entry != block};
}

void* SampledBlock(size_t n, size_t alignment) {
  EnsureHeap();
  if (ABSL_PREDICT_TRUE(!g_detours || g_options.sample == 0)) return nullptr;
  Heap* const own = OwnHeap();
  const Busy busy;
  return SampleOnDetour(own, n, alignment);
}

}  // namespace

void* AllocateSmallSlow(size_t n) {
  if (void* const sampled = SampledBlock(n, kBlockAlignment)) return sampled;
  return AllocateClassSlow(SmallClassOf(n)).pointer;
}

NewBlock AllocateSlow(size_t n) {
  // The first call of all sets the process up here.
  if (void* const sampled = SampledBlock(n, kBlockAlignment)) return {sampled, /*zeroed=*/true};
  if (n > kLargestMedium) return AllocateLong(n, kBlockAlignment);
  return AllocateClassSlow(ClassOf(n));
}

void* AllocateAligned(size_t alignment, size_t n) {
  if (alignment <= kBlockAlignment) return Allocate(n);
  if (void* const sampled = SampledBlock(n, alignment)) return sampled;
  const SizeClass c = n <= kLargestMedium ? AlignedClassOf(n, alignment) : kNoClass;
  if (c == kNoClass) return AllocateLong(n, alignment).pointer;
  const uintptr_t block = BlockOf(Pop(CurrentHeap()->magazine(c)));
  if (block != 0) {
    MarkLive(block);
    return reinterpret_cast<void*>(block);
  }
  const NewBlock fresh = AllocateClassSlow(c);
  if (reinterpret_cast<uintptr_t>(fresh.pointer) % alignment == 0) return fresh.pointer;
  // A run or a large block, for want of a page, is aligned to 16 only.
  FreeSlow(fresh.pointer);
  return AllocateLong(n, alignment).pointer;
}

}  // namespace mymalloc
