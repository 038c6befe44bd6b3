// The slow halves of malloc and free: see front.h.

#include <errno.h>
#include <string.h>

#include "mymalloc/base/options.h"
#include "mymalloc/front/detour.h"
#include "mymalloc/front/foreign.h"
#include "mymalloc/front/front.h"
#include "mymalloc/heap/diagnose.h"
#include "mymalloc/heap/guarded.h"
#include "mymalloc/heap/janitor.h"
#include "mymalloc/heap/large.h"

namespace mymalloc {
namespace {

// The heap for slow operations of this thread. nullptr when there is not even memory for a heap.
Heap* HeapForSlowPath() {
  g_registry.EnsureHeap();
  return Registry::HasOwnHeap() ? OwnHeap() : g_registry.SharedHeap();
}

uintptr_t PopFromOwn(Heap* own, SizeClass c) {
  const Busy busy;
  return PopOnDetour(own, c);
}

uintptr_t AllocateFrom(Heap* heap, SizeClass c) {
  const Busy busy;
  return heap->AllocateSlow(c);
}

// What others hold unused could serve a request of n bytes, as far as one can tell.
bool WorthReclaiming(size_t n) { return n <= os::g_arena.UsableBytes() + g_large_cache.Bytes(); }

// Where the program has limited its address space meanwhile, nothing can be mapped, but what is
// reserved can be used. Otherwise what the kernel would not map is more than it has memory for: to
// take that from the reservation would only put off the end.
bool SupplyMayServe(size_t n) { return WorthReclaiming(n) || os::AddressSpaceIsLimited(); }

NewBlock AllocateLargeBlock(size_t n, size_t alignment) {
  g_registry.EnsureHeap();
  bool zeroed = false;
  uintptr_t block = AllocateLarge(n, alignment, &zeroed);
  if (ABSL_PREDICT_FALSE(block == 0 && WorthReclaiming(n))) {
    g_janitor.Reclaim();
    block = AllocateLarge(n, alignment, &zeroed);
  }
  if (ABSL_PREDICT_FALSE(block == 0 && SupplyMayServe(n))) {
    block = AllocateLargeFromSupply(n, alignment, &zeroed);
  }
  if (block == 0) errno = ENOMEM;
  return {reinterpret_cast<void*>(block), zeroed};
}

ABSL_ATTRIBUTE_NOINLINE void FreeOthersSlow(Heap* own, uintptr_t block, Tag tag,
                                            const char* called) {
  const Busy busy;
  if (!own->FreeRemote(block, tag)) ReportBadPointer(called, block, Look(block));
}

// A live block of a heap that is not the thread's own.
ABSL_ATTRIBUTE_ALWAYS_INLINE inline void FreeOthers(Heap* own, uintptr_t block, Tag tag,
                                                    const char* called) {
  tag.Free().WriteTo(block);
  bool gathered;
  {
    const Busy busy;
    gathered = own->FreeRemoteQuickly(block, tag);
  }
  if (ABSL_PREDICT_FALSE(!gathered)) FreeOthersSlow(own, block, tag, called);
}

// A block of one slot whose tag verified and says live, and whose fence was looked at.
void FreeSlot(uintptr_t block, Tag tag, const char* called) {
  g_registry.EnsureHeap();
  Heap* const own = OwnHeap();
  if (ABSL_PREDICT_FALSE(g_detours)) {
    const Busy busy;
    return FreeOnDetour(own, block, tag, called);
  }
  if (own != nullptr && own->id() != tag.heap()) return FreeOthers(own, block, tag, called);
  tag.Free().WriteTo(block);
  if (own == nullptr) return Heap::FreeRemoteAtOnce(block, tag);
  FreeToFullMagazine(block);
}

void FreeLive(uintptr_t block, Tag tag, const char* called) {
  if (!FenceVerifies(block, tag)) ReportOverrun(called, block, Look(block));
  FreeSlot(block, tag, called);
}

// What the tree and the tag agree to be a live run.
void FreeRun(const Finding& finding, Tag tag, const char* called) {
  PageHeader* const page = finding.page;
  const size_t stride = page->stride();
  const uintptr_t fence = finding.block + finding.slots * stride;
  if (!Tag::Of(fence).Verifies(fence)) ReportOverrun(called, finding.block, finding);
  bool split;
  {
    const Busy busy;
    split = g_heaps[page->heap]->SplitRun(page, finding.run(), tag);
  }
  if (!split) return ReportBadPointer(called, finding.block, Look(finding.block));
  for (uintptr_t block = finding.block; block < fence; block += stride) {
    FreeSlot(block, Tag::Of(block), called);
  }
}

// By its tag, a live block in a page; one of a single slot.
bool IsPageTag(Tag tag, uintptr_t block) {
  return tag.Verifies(block) && tag.live() && tag.size_class() != Tag::kLargeClass;
}
bool IsSlotTag(Tag tag, uintptr_t block) {
  return tag.Verifies(block) && tag.live() && tag.heap() != Tag::kNobody;
}

// Whether the tree agrees with a tag that verified and says live: the same page, class, heap and
// slot, and (in checked mode) a bitmap that says taken.
bool TreeAgrees(Tag tag, const Finding& finding) {
  if (finding.kind == Finding::kLarge) return tag.size_class() == Tag::kLargeClass;
  const PageHeader* const page = finding.page;
  if (tag.size_class() != page->size_class || !page->Intact()) return false;
  const bool same = tag.IsRun() ? finding.slots == tag.slots()
                                : page->heap == tag.heap() && finding.slot == tag.slot();
  return same && !(g_options.checked && IsFreeByBitmap(finding));
}

// Whether the pointer is a live block. Reports if it is none.
bool CheckLive(uintptr_t block, const char* called, const Finding& finding, Tag* tag) {
  if (finding.StartsBlock()) *tag = Tag::Of(block);
  // A large block that is free may lie in the tree all the same, whatever its tag says.
  const bool freed = finding.large != nullptr && !finding.large->IsLive();
  if (!finding.StartsBlock() || freed || !tag->Verifies(block) || !tag->live()) {
    ReportBadPointer(called, block, finding);
    return false;
  }
  if (!TreeAgrees(*tag, finding)) {
    ReportDisagreement(called, block, finding);
    return false;
  }
  return true;
}

// Everything that the tag alone does not settle.
void FreeByTree(uintptr_t block, const char* called) {
  const Finding finding = Look(block);
  if (finding.kind == Finding::kForeign && FreeForeign(block)) return;
  if (finding.kind == Finding::kGuarded) return g_guarded.Free(block, called);
  Tag tag(0);
  if (!CheckLive(block, called, finding, &tag)) return;
  if (finding.slots > 1) return FreeRun(finding, tag, called);
  if (finding.kind != Finding::kLarge) return FreeLive(block, tag, called);
  if (!FreeLarge(finding.large, block)) return ReportBadPointer(called, block, Look(block));
  g_janitor.Poll();
}

// A live block: ours, by tag or tree, or libc's.
struct LiveBlock {
  size_t usable = 0;
  LargeBlock* large = nullptr;
  bool libcs = false;
  bool guarded = false;

  bool InPage() const { return large == nullptr && !libcs && !guarded; }
};

// False, after a report, if the pointer is none.
bool FindLiveByTree(uintptr_t block, const char* called, LiveBlock* result) {
  const Finding finding = Look(block);
  if (finding.kind == Finding::kForeign) {
    result->usable = LibcBlockSize(block);
    if (result->usable != 0) return result->libcs = true;
  }
  if (finding.kind == Finding::kGuarded) {
    result->guarded = true;
    return g_guarded.FindLive(block, called, &result->usable);
  }
  Tag tag(0);
  if (!CheckLive(block, called, finding, &tag)) return false;
  result->usable = finding.usable;
  result->large = finding.large;
  return true;
}

ABSL_ATTRIBUTE_ALWAYS_INLINE inline bool FindLive(uintptr_t block, const char* called,
                                                  LiveBlock* result) {
  if (ABSL_PREDICT_TRUE(os::HasReadableTag(block))) {
    const Tag tag = Tag::Of(block);
    if (ABSL_PREDICT_TRUE(IsPageTag(tag, block))) {
      result->usable = SlotRun{0, tag.slots()}.Usable(StrideOf(tag.size_class()));
      return true;
    }
  }
  return FindLiveByTree(block, called, result);
}

// A block that must move to grow gets this share more than it had: one that grows by a few bytes at
// a time would otherwise be copied at every class.
constexpr size_t kGrowthShare = 4;

// Moving to a smaller block pays only if it frees a good part of the old one: more than half, so
// that a buffer which is halved and doubled in turn stays where it is.
bool WorthShrinking(size_t usable, size_t n) {
  constexpr size_t kNotWorthIt = 128;
  return usable > kNotWorthIt && n < usable / 16 * 7;
}

}  // namespace

namespace {

NewBlock AllocateClassSlow(SizeClass c) {
  Heap* const heap = HeapForSlowPath();
  if (ABSL_PREDICT_FALSE(g_detours) && Registry::HasOwnHeap()) {
    if (const uintptr_t popped = PopFromOwn(heap, c)) {
      return {reinterpret_cast<void*>(BlockOf(popped)), popped != BlockOf(popped)};
    }
  }
  const uintptr_t entry = heap != nullptr ? AllocateFrom(heap, c) : 0;
  g_janitor.Poll();
  const uintptr_t block = BlockOf(entry);
  // Where there is no room for a page of 256 slots there may be room for one block.
  if (ABSL_PREDICT_FALSE(block == 0)) return AllocateLargeBlock(UsableOf(c), kGranule);
  return {reinterpret_cast<void*>(block), entry != block};
}

void* SampledBlock(size_t n, size_t alignment) {
  g_registry.EnsureHeap();
  if (ABSL_PREDICT_TRUE(!g_detours || g_options.sample == 0)) return nullptr;
  Heap* const own = OwnHeap();
  const Busy busy;
  return SampleOnDetour(own, n, alignment);
}

}  // namespace

void* AllocateSmallSlow(size_t n) {
  if (void* const sampled = SampledBlock(n, kGranule)) return sampled;
  return AllocateClassSlow(SmallClassOf(n)).pointer;
}

NewBlock AllocateSlow(size_t n) {
  // From then on the limit below is known.
  if (void* const sampled = SampledBlock(n, kGranule)) return {sampled, /*zeroed=*/true};
  if (n > g_largest_slot_request) return AllocateLargeBlock(n, kGranule);
  return AllocateClassSlow(ClassOf(n));
}

void* AllocateAligned(size_t alignment, size_t n) {
  if (alignment <= kGranule) return Allocate(n);
  if (void* const sampled = SampledBlock(n, alignment)) return sampled;
  const SizeClass c = n <= g_largest_slot_request ? AlignedClassOf(n, alignment) : kNoClass;
  if (c == kNoClass || UsableOf(c) > g_largest_slot_request) {
    return AllocateLargeBlock(n, alignment).pointer;
  }
  const uintptr_t block = BlockOf(Pop(CurrentHeap()->magazine(c)));
  if (block != 0) {
    MarkLive(block);
    return reinterpret_cast<void*>(block);
  }
  const NewBlock fresh = AllocateClassSlow(c);
  if (reinterpret_cast<uintptr_t>(fresh.pointer) % alignment == 0) return fresh.pointer;
  // A block of its own, for want of a page, is aligned to 16 only.
  FreeSlow(fresh.pointer);
  return AllocateLargeBlock(n, alignment).pointer;
}

void FreeOverrun(uintptr_t block, Tag tag, const char* called) { FreeLive(block, tag, called); }

void FreeToFullMagazine(uintptr_t block) {
  {
    Heap* const heap = OwnHeap();
    const Busy busy;
    heap->FreeSlow(block, Tag::Of(block).size_class());
  }
  g_janitor.Poll();
}

void FreeNotOwn(uintptr_t block, Tag tag, const char* called) {
  if (ABSL_PREDICT_FALSE(!IsSlotTag(tag, block))) return FreeByTree(block, called);
  Heap* const heap = CurrentHeap();
  if (ABSL_PREDICT_FALSE(heap->id() == 0 || heap->id() == tag.heap() ||
                         !FenceVerifies(block, tag))) {
    return FreeLive(block, tag, called);
  }
  FreeOthers(heap, block, tag, called);
}

void FreeSlow(void* pointer, const char* called) {
  const uintptr_t block = reinterpret_cast<uintptr_t>(pointer);
  if (block == 0) return;
  if (Heap* const own = g_detours ? OwnHeap() : nullptr) {
    const Busy busy;
    if (FreeByTreeOnDetour(own, block, called)) return;
  }
  FreeByTree(block, called);
}

namespace {

// Whether one allocation of n bytes, so aligned (0: as any), could have made a block like this.
bool CouldBe(const LiveBlock& live, size_t n, size_t alignment) {
  if (n > live.usable) return false;
  if (live.guarded) return n == live.usable;
  SizeClass c = n > g_largest_slot_request ? kNoClass
                : alignment > kGranule     ? AlignedClassOf(n, alignment)
                                           : ClassOf(n);
  if (c != kNoClass && UsableOf(c) > g_largest_slot_request) c = kNoClass;
  if (live.large == nullptr) return c != kNoClass && UsableOf(c) == live.usable;
  // A large block may stand for one of a class that found no page (AllocateClassSlow).
  const size_t requested = live.large->requested;
  return requested == Max(n, size_t{1}) || (c != kNoClass && requested == UsableOf(c));
}

// A block stayed though it was worth shrinking, for want of memory: any shorter size may be right.
std::atomic<bool> g_shrinking_failed{false};

// Whether a block like this could have become one of n bytes by realloc: it stayed, or moved to
// where it has some bytes to spare; a large block may stand for one of a class then, as above.
bool CouldHaveBecome(const LiveBlock& live, size_t n) {
  if (n > live.usable) return false;
  if (!WorthShrinking(live.usable, n) || g_shrinking_failed) return true;
  const size_t most = n + n / kGrowthShare;
  return live.large != nullptr &&
         live.large->requested <= (most <= kLargestMedium ? UsableOf(ClassOf(most)) : most);
}

// Whether the block, in a page, could be made n bytes long by the slots behind it.
bool GrowInPage(uintptr_t block, size_t n) {
  const Tag tag = Tag::Of(block);
  const size_t stride = StrideOf(tag.size_class());
  if (stride < kLeastRunStride || n > g_largest_slot_request) return false;
  SlotRun run = {tag.slot(), 1};
  if (tag.IsRun()) run = Look(block).run();
  PageHeader* const page = HeaderOf(block - run.first * stride);
  // What is broken is reported when the block is freed.
  if (run.slots != tag.slots() || !page->Intact()) return false;
  const unsigned behind = run.first + run.slots;
  if (behind == kSlotsPerPage || !LooksFree(*page, behind, /*otherwise=*/true)) return false;
  const unsigned want = static_cast<unsigned>((n + kTagBytes + stride - 1) / stride);
  const Busy busy;
  return g_heaps[page->heap]->GrowRun(page, run, want);
}

}  // namespace

void FreeKnownSlow(void* pointer, size_t n, size_t alignment, bool exact, const char* called) {
  const uintptr_t block = reinterpret_cast<uintptr_t>(pointer);
  if (block == 0) return;
  LiveBlock live;
  if (!FindLive(block, called, &live)) return;
  if (live.libcs) return Free(pointer, called);
  if (!IsPowerOfTwo(alignment) || block % alignment != 0) {
    return ReportWrongSize(called, block, Look(block), "alignment", alignment);
  }
  if (!(exact ? CouldBe(live, n, alignment) : CouldHaveBecome(live, n))) {
    return ReportWrongSize(called, block, Look(block), "size", n);
  }
  Free(pointer, called);
}

void* Reallocate(void* pointer, size_t n, const char* called) {
  const uintptr_t block = reinterpret_cast<uintptr_t>(pointer);
  LiveBlock live;
  if (ABSL_PREDICT_FALSE(!FindLive(block, called, &live))) return nullptr;
  if (live.large != nullptr && n > g_largest_slot_request) {
    if (const uintptr_t moved = ResizeLarge(live.large, block, n))
      return reinterpret_cast<void*>(moved);
  } else if (n <= live.usable ? !WorthShrinking(live.usable, n)
                              : live.InPage() && GrowInPage(block, n)) {
    return pointer;
  }
  void* fresh =
      n > live.usable ? Allocate(Max(n, live.usable + live.usable / kGrowthShare)) : nullptr;
  if (fresh == nullptr) fresh = Allocate(n);
  if (fresh == nullptr) {
    if (n > live.usable) return nullptr;
    g_shrinking_failed = true;
    return pointer;
  }
  memcpy(fresh, pointer, Min(n, live.usable));
  Free(pointer, called);
  return fresh;
}

size_t UsableSize(void* pointer, const char* called) {
  LiveBlock live;
  return FindLive(reinterpret_cast<uintptr_t>(pointer), called, &live) ? live.usable : 0;
}

}  // namespace mymalloc
