#include "mymalloc/osmem/blocks.h"

#include <errno.h>
#include <string.h>

#include "mymalloc/large/large.h"
#include "mymalloc/misuse/diagnose.h"
#include "mymalloc/osmem.h"
#include "mymalloc/process/attach.h"
#include "mymalloc/process/janitor.h"

namespace mymalloc::osmem {
namespace {

constexpr size_t TakenBy(size_t n) { return RoundUp(n, sizeof(uint64_t)) + kTagBytes; }

constexpr RunFit RunOf(size_t n) {
  const RunFit run = RunIn(kOsmemShortRuns, n);
  return run.slots <= kMostRunSlots ? run : RunIn(kOsmemLongRuns, n);
}
static_assert(RunOf(MMAP_THRESHOLD - 2 * kTagBytes).slots <= kMostRunSlots,
              "what is not mapped is a run");

// ---- Allocating ----

// Where slots begin inside of the block there may be tags of what was there before: of blocks that
// are none any more.
void ForgetTagsInside(uintptr_t block) {
  const Tag tag = Tag::Of(block);
  const size_t stride = StrideOf(tag.size_class());
  const uintptr_t end = block + tag.slots() * stride;
  for (uintptr_t slot = block + stride; slot < end; slot += stride) Tag().WriteTo(slot);
}

uintptr_t AllocateInHeap(size_t n, bool* zeroed) {
  Heap* const heap = HeapForSlowWay();
  if (heap == nullptr) return 0;
  const Busy busy;
  const uintptr_t block = heap->AllocateRun(RunOf(n), n, zeroed);
  if (block != 0 && !*zeroed) ForgetTagsInside(block);
  return block;
}

uintptr_t TryAllocate(size_t n, size_t threshold, bool* zeroed) {
  if (TakenBy(n) < threshold) return AllocateInHeap(n, zeroed);
  *zeroed = true;
  return AllocateMapped(n);
}

// ---- Resizing ----

// A block that was live, and is free now.
bool IsFreed(uintptr_t block, const Finding& found) {
  if (found.kind == Finding::kForeign) {
    FreedLarge::Record freed;
    return g_large_blocks.FindFreed(block, &freed) && freed.block == block;
  }
  if (found.kind == Finding::kLarge) return !found.large->IsLive();
  return found.kind == Finding::kBlock && IsFreeByBitmap(found);
}

bool FenceIntact(uintptr_t block, const Finding& found) {
  if (found.large != nullptr) return g_large_blocks.CanaryIntact(found.large, block);
  const uintptr_t fence = block + found.slots * found.page->stride();
  return Tag::Of(fence).Verifies(fence);
}

// Whether the block has the slots for n bytes now: all others behind it are free, or, if it grows,
// it has taken what free ones there were.
bool ResizeInHeap(uintptr_t block, const Finding& found, size_t n) {
  PageHeader* const page = found.page;
  if (!IsOsmemClass(page->size_class()) || !page->Intact()) return false;
  const size_t want = SlotsFor(page->size_class(), n);
  Heap* const heap = g_heaps[page->heap()];
  const Busy busy;
  Tag tag = Tag::Of(block);
  if (want < tag.slots().value()) {
    return heap->ResizeRun(page, block, tag, SlotCount(static_cast<unsigned>(want)));
  }
  for (; tag.slots().value() < want; tag = Tag::Of(block)) {
    if (!heap->ResizeRun(page, block, tag, tag.slots() + kOneSlot)) return false;
  }
  return true;
}

// The block where it is as one of n bytes; 0 if it has to be copied elsewhere.
uintptr_t Resize(uintptr_t block, const Finding& found, size_t n, uintptr_t caller) {
  const bool mapped = TakenBy(n) >= MMAP_THRESHOLD;
  if (mapped != (found.large != nullptr)) return 0;
  if (!mapped) return ResizeInHeap(block, found, n) ? block : 0;
  const uintptr_t resized = ResizeMapped(found.large, block, n);
  if (resized != 0 && resized != block) g_large_blocks.NoteMoved(block, found.usable, caller);
  return resized;
}

// A block that shrinks is long enough where it is, too.
void* Move(uintptr_t block, size_t usable, size_t n, const Call& called) {
  void* const pointer = reinterpret_cast<void*>(block);
  void* const fresh = Allocate(n, MMAP_THRESHOLD).pointer;
  if (fresh == nullptr) return n <= usable ? pointer : nullptr;
  memcpy(fresh, pointer, Min(n, usable));
  FreeByTree(block, called);
  return fresh;
}

}  // namespace

NewBlock Allocate(size_t n, size_t threshold) {
  bool zeroed = false;
  uintptr_t block = 0;
  if (n <= PTRDIFF_MAX) {
    EnsureHeap();
    block = TryAllocate(n, threshold, &zeroed);
    if (block == 0 && g_janitor.Reclaim()) block = TryAllocate(n, threshold, &zeroed);
    g_janitor.Poll();
  }
  if (block == 0) errno = ENOMEM;
  return {reinterpret_cast<void*>(block), zeroed};
}

void* Reallocate(uintptr_t block, size_t n, const Call& called) {
  const Finding found = Look(block);
  if (block == 0 || !found.StartsBlock() || !Tag::Of(block).Verifies(block) ||
      !Tag::Of(block).live()) {
    if (!IsFreed(block, found)) ReportBadPointer(called, block, found);
    return nullptr;
  }
  if (!FenceIntact(block, found)) ReportOverrun(called, block, found);
  if (const uintptr_t resized = n <= PTRDIFF_MAX ? Resize(block, found, n, called.caller) : 0) {
    if (n < found.usable) g_janitor.Poll(found.usable - n);
    return reinterpret_cast<void*>(resized);
  }
  return Move(block, found.usable, n, called);
}

// Not of libc's malloc, either: FreeByTree would pass it on.
void Free(uintptr_t block, const Call& called) {
  const Finding found = Look(block);
  if (found.kind == Finding::kForeign) return ReportBadPointer(called, block, found);
  FreeByTree(block, called);
}

}  // namespace mymalloc::osmem
