// malloc's slow ways, and what is longer than a magazine has.
//
//   AllocateSlow   the thread is counted? ----> once more, and count it (counted.h)
//                  sampled? ------------------> a block between guard pages (sampled_blocks.h)
//                  options ask for more? -----> the thread's magazine after all (detour.h)
//                  a slot's size -------------> the heap's slow way: spill, bitmaps, a new page
//                       no memory |
//                                 v
//                  longer -> AllocateLong ----> a run of slots of the heap's; else a range or a
//                                               mapping of its own (large/large.h)
//                       no memory |
//                                 v
//                                 all that is free goes back to the system, and once more; ENOMEM

#include <errno.h>

#include "mymalloc/front/asked.h"
#include "mymalloc/front/counted.h"
#include "mymalloc/front/detour.h"
#include "mymalloc/front/front.h"
#include "mymalloc/front/live_block.h"
#include "mymalloc/large/large.h"
#include "mymalloc/misuse/sampled_blocks.h"
#include "mymalloc/process/attach.h"
#include "mymalloc/process/janitor.h"

namespace mymalloc {
namespace {

uintptr_t AllocateFrom(Heap* heap, SizeClass c) {
  const Busy busy;
  return heap->AllocateSlow(c);
}

// A run of slots, or a range of its own.
uintptr_t TryAllocateLong(size_t n, size_t alignment, Kind kind, bool* zeroed) {
  const RunFit fit = g_policy.Runs() ? RunFor(n, alignment) : RunFit{};
  Heap* const heap = fit.slots != kNoSlots ? HeapForSlowWay() : nullptr;
  if (heap != nullptr) {
    const Busy busy;
    if (const uintptr_t block = heap->AllocateRun(fit, n, zeroed)) return block;
  }
  return AllocateLarge(n, alignment, zeroed, kind);
}

NewBlock AllocateLong(size_t n, size_t alignment, Kind kind) {
  EnsureHeap();
  bool zeroed = false;
  uintptr_t block = TryAllocateLong(n, alignment, kind, &zeroed);
  if (ABSL_PREDICT_FALSE(block == 0) && g_janitor.Reclaim()) {
    block = TryAllocateLong(n, alignment, kind, &zeroed);
  }
  if (block == 0) errno = ENOMEM;
  g_janitor.Poll();
  return {reinterpret_cast<void*>(block), zeroed};
}

// A block of the class for n bytes.
NewBlock FromEntry(uintptr_t entry, SizeClass c, size_t n, Kind kind) {
  const uintptr_t block = BlockOf(entry);
  if (ABSL_PREDICT_FALSE(g_policy.Notes())) NoteAsked(block, UsableOf(c), n, kind);
  return {reinterpret_cast<void*>(block), entry != block};
}

NewBlock AllocateClassSlow(SizeClass c, size_t n, Kind kind) {
  Heap* const heap = HeapForSlowWay();
  const uintptr_t entry = heap != nullptr ? AllocateFrom(heap, c) : 0;
  g_janitor.Poll();
  // Where there is no room for a page of 256 slots there may be room for one block.
  if (ABSL_PREDICT_FALSE(entry == 0)) {
    NoteMemoryWasShort();
    return AllocateLong(UsableOf(c), kBlockAlignment, kind);
  }
  return FromEntry(entry, c, n, kind);
}

ABSL_ATTRIBUTE_NOINLINE void* SampledIfDue(Heap* own, size_t n, size_t alignment, Kind kind) {
  if (!own->TakeSample(SampledBlocks::Fits(n, alignment))) return nullptr;
  const Busy busy;
  return reinterpret_cast<void*>(g_sampled.Allocate(n, alignment, kind, own->Random()));
}

// Cleared, if one is due; nullptr if not. What is longer than a magazine has is counted here, and
// as a page at most: what could not be sampled itself is no reason to sample many others.
inline void* SampledBlock(SizeClass c, size_t n, size_t alignment, Kind kind) {
  EnsureHeap();
  Heap* const own = OwnHeap();
  if (own == nullptr) return nullptr;
  if (ABSL_PREDICT_FALSE(g_detours && CountsEachAllocation(g_options.sample))) {
    own->CountAllocated(1);
  } else if (c == kNoClass) {
    own->CountAllocated(g_options.sample.bytes ? Min(n, KernelPage()) : 1);
  }
  return ABSL_PREDICT_TRUE(!own->SampleIsDue()) ? nullptr : SampledIfDue(own, n, alignment, kind);
}

// An entry of the thread's own magazine; 0 if there is none.
ABSL_ATTRIBUTE_ALWAYS_INLINE inline uintptr_t PopFromOwn(SizeClass c) {
  Heap* const own = OwnHeap();
  return ABSL_PREDICT_TRUE(own != nullptr) ? Pop(own->magazine(c)) : 0;
}

// Where options ask for the detour, magazines are asked here.
NewBlock AllocateClass(SizeClass c, size_t n, Kind kind) {
  if (g_detours) {
    const uintptr_t entry = PopFromOwn(c);
    const uintptr_t block = BlockOf(entry);
    if (ABSL_PREDICT_TRUE(entry != 0)) {
      return {reinterpret_cast<void*>(MarkOnDetour(block, c, n, kind)), entry != block};
    }
  }
  return AllocateClassSlow(c, n, kind);
}

ABSL_ATTRIBUTE_NOINLINE void* AllocateSmallSlower(SizeClass c, size_t n, Kind kind) {
  if (void* const sampled = SampledBlock(c, n, kBlockAlignment, kind)) return sampled;
  return AllocateClass(c, n, kind).pointer;
}

}  // namespace

void* AllocateSmallSlow(size_t n, Kind kind) {
  if (IsCounted()) return AllocateCounted(n, kind).pointer;
  const SizeClass c = SmallClassOf(n);
  // On the detour this is the short way, unless each allocation is counted.
  if (g_detours && !CountsEachAllocation(g_options.sample)) {
    const uintptr_t block = PopFromOwn(c);
    if (ABSL_PREDICT_TRUE(block != 0)) {
      return reinterpret_cast<void*>(MarkOnDetour(block, c, n, kind));
    }
  }
  return AllocateSmallSlower(c, n, kind);
}

NewBlock AllocateSlow(size_t n, Kind kind) {
  if (IsCounted()) return AllocateCounted(n, kind);
  const SizeClass c = n <= kLargestMedium ? ClassOf(n) : kNoClass;
  // The first call of all sets the process up here.
  if (void* const sampled = SampledBlock(c, n, kBlockAlignment, kind)) {
    return {sampled, /*zeroed=*/true};
  }
  if (c == kNoClass) return AllocateLong(n, kBlockAlignment, kind);
  return AllocateClass(c, n, kind);
}

void* AllocateAligned(size_t alignment, size_t n, Kind kind) {
  if (alignment <= kBlockAlignment) return Allocate(n, kind);
  const SizeClass c = n <= kLargestMedium ? AlignedClassOf(n, alignment) : kNoClass;
  const uintptr_t block = c != kNoClass ? BlockOf(Pop(CurrentHeap()->magazine(c))) : 0;
  if (block != 0) {
    MarkLive(block);
    return reinterpret_cast<void*>(block);
  }
  if (IsCounted()) return AllocateAlignedCounted(alignment, n, kind);
  if (void* const sampled = SampledBlock(c, n, alignment, kind)) return sampled;
  if (c == kNoClass) return AllocateLong(n, alignment, kind).pointer;
  const NewBlock fresh = AllocateClass(c, n, kind);
  if (reinterpret_cast<uintptr_t>(fresh.pointer) % alignment == 0) return fresh.pointer;
  // A run or a large block, for want of a page, is aligned to 16 only.
  FreeSlow(fresh.pointer, {"free", kind});
  return AllocateLong(n, alignment, kind).pointer;
}

}  // namespace mymalloc
