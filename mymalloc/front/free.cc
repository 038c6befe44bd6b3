// free's slow ways. Who frees what, with what front.h has in line:
//
//   Free -------- no tag can be read ---------------------> FreeSlow -----> FreeByTree
//     |           no live tag of this heap's -------------> FreeNotOwn
//     | own                                                   | no live tag --> FreeByTree
//     v                                                       | a run --------> FreeRun
//   FreeOwn ----- the fence is not the next slot's tag        | another's ----> FreeOthers
//     |             -> FreeUnfenced: a run's, or an overrun   | else ---------> FreeLive
//     v
//   the magazine, or if it is full FreeToFullMagazine
//
// - FreeByTree: the tree decides. FreeLive, FreeRun, a large or sampled block, libc's; or a report.
// - FreeLive looks at the fence, then FreeSlot: into the thread's heap, another's, or the detour.
// - FreeRun: into its heap's bitmap, or another's remote one.
// - FreeOthers: gathered, one atomic for many; FreeOthersSlow when its turn has come.
//
// Where the caller knows the size: FreeOfSize (front.h), FreeNotOwnOfSize, FreeKnownSlow
// (resize.cc).

#include "mymalloc/base/options.h"
#include "mymalloc/front/asked.h"
#include "mymalloc/front/counted.h"
#include "mymalloc/front/detour.h"
#include "mymalloc/front/foreign.h"
#include "mymalloc/front/front.h"
#include "mymalloc/front/live_block.h"
#include "mymalloc/large/large.h"
#include "mymalloc/misuse/diagnose.h"
#include "mymalloc/misuse/sampled_blocks.h"
#include "mymalloc/process/attach.h"
#include "mymalloc/process/janitor.h"

namespace mymalloc {

void PollIfDue(Heap* own) {
  if (own == nullptr || !own->TakePollIsDue()) return;
  if (g_janitor.Poll(Budget::kStep)) own->SetPollIsDue();
}

namespace {

ABSL_ATTRIBUTE_NOINLINE void FreeOthersSlow(Heap* own, uintptr_t block, Tag tag,
                                            const Call& called) {
  bool freed;
  {
    const Busy busy;
    freed = own->FreeRemote(block, tag);
  }
  if (!freed) ReportBadPointer(called, block, Look(block));
  PollIfDue(own);
}

// A live block of a heap that is not the thread's own.
ABSL_ATTRIBUTE_ALWAYS_INLINE inline void FreeOthers(Heap* own, uintptr_t block, Tag tag,
                                                    const Call& called) {
  tag.Free().WriteTo(block);
  bool gathered;
  {
    const Busy busy;
    gathered = own->FreeRemoteQuickly(block, tag);
  }
  if (ABSL_PREDICT_FALSE(!gathered)) FreeOthersSlow(own, block, tag, called);
}

// A block of one slot whose tag verified and says live, and whose fence was looked at.
void FreeSlot(uintptr_t block, Tag tag, const Call& called) {
  EnsureHeap();
  Heap* const own = OwnHeap();
  if (ABSL_PREDICT_FALSE(g_detours)) {
    {
      const Busy busy;
      FreeOnDetour(own, block, tag, called);
    }
    return PollIfDue(own);
  }
  if (own != nullptr && own->id() != tag.heap()) return FreeOthers(own, block, tag, called);
  tag.Free().WriteTo(block);
  if (own == nullptr) return Heap::FreeRemoteAtOnce(block, tag);
  FreeToFullMagazine(block);
}

void FreeLive(uintptr_t block, Tag tag, const Call& called) {
  if (IsCounted()) return FreeCounted(block, called);
  if (!FenceVerifies(block, tag) || !CanaryIntact(block, tag)) {
    ReportOverrun(called, block, Look(block));
  }
  const Kind kind = tag.note().kind;
  if (!IsRightCall(called, kind)) ReportMismatch(called, block, Look(block), kind);
  FreeSlot(block, tag, called);
}

// A run whose tag verified and says live.
void FreeRun(PageHeader* page, uintptr_t block, Tag tag, const Call& called) {
  const uintptr_t caller = MYMALLOC_CALLER_OF(called);
  if (IsCounted()) return FreeCounted(block, {called.name, called.frees, caller});
  const size_t bytes = tag.slots() * page->stride();
  const uintptr_t fence = block + bytes;
  if (!Tag::Of(fence).Verifies(fence)) ReportOverrun(called, block, Look(block));
  EnsureHeap();
  Heap* const own = OwnHeap();
  bool freed;
  {
    const Busy busy;
    freed = own != nullptr && own->id() == page->heap()
                ? own->FreeRun(page, block, tag, caller)
                : Heap::FreeRunRemotely(own, page, block, tag, caller);
  }
  if (!freed) return ReportBadPointer(called, block, Look(block));
  g_janitor.Poll(bytes);  // by now the page may be another's
}

// Whether the tree agrees with a tag that verified and says live: the same page, class, heap and
// slot, and (in checked mode) a bitmap that says taken.
bool TreeAgrees(Tag tag, const Finding& finding) {
  if (finding.kind == Finding::kLarge) return tag.size_class() == Tag::kLargeClass;
  const PageHeader* const page = finding.page;
  if (tag.size_class() != page->size_class() || !page->Intact()) return false;
  const bool same = finding.slot == tag.slot() && finding.slots == tag.slots() &&
                    (tag.IsRun() || page->heap() == tag.heap());
  return same && !(g_options.checked && IsFreeByBitmap(finding));
}

// Whether the pointer is a live block. Reports if it is none.
bool CheckLive(uintptr_t block, const Call& called, const Finding& finding, Tag* tag) {
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

// In a handler that interrupted this thread's edit of the tree the tag must do.
bool FreeByTagAlone(uintptr_t block, const Call& called) {
  if (!os::InChunk(block) || block % kBlockAlignment != 0) return false;
  const Tag tag = Tag::Of(block);
  if (!tag.IsNotedLiveInHeap() || !IsPageClass(tag.size_class())) return false;
  PageHeader* const page = HeaderOf(block, tag);
  if (!os::InChunk(reinterpret_cast<uintptr_t>(page)) || !page->Intact()) return false;
  if (tag.IsRun()) {
    FreeRun(page, block, tag, called);
  } else {
    FreeLive(block, tag, called);
  }
  return true;
}

// A large block's end, and its kind.
void CheckLarge(const LargeBlock& large, uintptr_t block, const Call& called) {
  if (!g_large_blocks.CanaryIntact(&large, block)) ReportOverrun(called, block, Look(block));
  if (!IsRightCall(called, large.kind)) ReportMismatch(called, block, Look(block), large.kind);
}

}  // namespace

// Everything that the tag alone does not settle.
void FreeByTree(uintptr_t block, const Call& called) {
  if (block == 0) return;
  if (IsCounted()) return FreeCounted(block, {called, called.frees, MYMALLOC_CALLER_OF(called)});
  const Finding finding = Look(block);
  if (finding.kind == Finding::kForeign && FreeForeign(block)) return;
  if (finding.kind == Finding::kSampled) return g_sampled.Free(block, called);
  if (finding.kind == Finding::kUnknown && FreeByTagAlone(block, called)) return;
  Tag tag;
  if (!CheckLive(block, called, finding, &tag)) return;
  if (finding.page != nullptr && tag.IsRun()) return FreeRun(finding.page, block, tag, called);
  if (finding.kind != Finding::kLarge) return FreeLive(block, tag, called);
  CheckLarge(*finding.large, block, called);
  if (!FreeLarge(finding.large, block, MYMALLOC_CALLER_OF(called))) {
    return ReportBadPointer(called, block, Look(block));
  }
  g_janitor.Poll(finding.usable);
}

bool FindLiveByTree(uintptr_t block, const Call& called, LiveBlock* result) {
  if (g_detours && FindLiveDetoured(block, result)) return true;
  const Finding finding = Look(block);
  if (finding.kind == Finding::kForeign) {
    result->usable = LibcBlockSize(block);
    if (result->usable != 0) return result->libcs = true;
  }
  if (finding.kind == Finding::kSampled) {
    result->sampled = true;
    return g_sampled.FindLive(block, called, &result->usable);
  }
  Tag tag;
  if (!CheckLive(block, called, finding, &tag)) return false;
  result->large = finding.large;
  result->usable = finding.large != nullptr ? finding.large->length() - LargeBlock::kFenceBytes
                                            : finding.run().Usable(finding.page->stride());
  result->slack = result->usable - finding.usable;
  result->run = finding.page != nullptr && IsRunClass(finding.page->size_class());
  return true;
}

void FreeUnfenced(uintptr_t block, const Call& called) noexcept {
  const Tag tag = Tag::Of(block);
  if (!FenceVerifies(block, tag)) ReportOverrun(called, block, Look(block));
  tag.Free().WriteTo(block);
  if (!Push(OwnHeap()->magazine(tag.size_class()), block)) FreeToFullMagazine(block);
}

void FreeToFullMagazine(uintptr_t block) noexcept {
  {
    Heap* const heap = OwnHeap();
    const Busy busy;
    heap->FreeSlow(block, Tag::Of(block).size_class());
  }
  g_janitor.Poll();
}

void FreeNotOwn(uintptr_t block, Tag tag, const Call& called) noexcept {
  if (ABSL_PREDICT_FALSE(!tag.IsLiveInHeap())) return FreeByTree(block, called);
  if (tag.IsRun()) {
    PageHeader* const page = HeaderOf(block, tag);
    if (ABSL_PREDICT_FALSE(!page->Intact())) return FreeByTree(block, called);
    return FreeRun(page, block, tag, called);
  }
  Heap* const heap = CurrentHeap();
  // On the detour it may be the thread's own; else its tag would not have come here.
  if (ABSL_PREDICT_FALSE(heap->id() == Tag::kNobody ||
                         !FenceFollows(block, tag.bits(), tag.size_class(), heap->key()))) {
    return FreeLive(block, tag, {called.name, called.frees, MYMALLOC_CALLER_OF(called)});
  }
  FreeOthers(heap, block, tag, called);
}

void FreeNotOwnOfSize(uintptr_t block, Tag tag, size_t n, const Call& called) noexcept {
  if (ABSL_PREDICT_FALSE(tag.size_class() != SmallClassOf(n))) {
    return FreeKnownSlow(reinterpret_cast<void*>(block), n, 1, /*exact=*/true, called);
  }
  FreeNotOwn(block, tag, called);
}

void FreeSlow(void* pointer, const Call& called) noexcept {
  const uintptr_t block = reinterpret_cast<uintptr_t>(pointer);
  if (g_detours) return FreeDetoured(block, called);
  FreeByTree(block, called);
}

}  // namespace mymalloc
