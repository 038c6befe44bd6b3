// realloc, and what is freed with its size.
//
//   Reallocate   large ----------> its end moves, or the kernel moves it (large/large.h)
//                in a page ------> a run takes the free slots behind it, or gives some back
//                else -----------> a new block, with some to spare if it grows; copy; free

#include <string.h>

#include "mymalloc/front/asked.h"
#include "mymalloc/front/counted.h"
#include "mymalloc/front/detour.h"
#include "mymalloc/front/front.h"
#include "mymalloc/front/live_block.h"
#include "mymalloc/large/large.h"
#include "mymalloc/misuse/diagnose.h"
#include "mymalloc/misuse/sampled_blocks.h"
#include "mymalloc/process/janitor.h"

namespace mymalloc {
namespace {

// A block that must move to grow gets this share more than it had: one that grows by a few bytes at
// a time would otherwise be copied at every class.
constexpr size_t kGrowthShare = 4;

// From here on a block that grows is given a mapping of its own, if there are few of those.
constexpr size_t kLeastMovable = kMiB;

// Moving to a smaller block pays only if it frees a good part of the old one: more than half, so
// that a buffer which is halved and doubled in turn stays where it is.
bool WorthShrinking(size_t usable, size_t n) {
  constexpr size_t kNotWorthIt = 128;
  return usable > kNotWorthIt && n < usable / 16 * 7;
}

// Memory was short once: a block may be a run for want of a page for its class, or have stayed
// though it was worth shrinking.
std::atomic<bool> g_memory_was_short{false};

// Whether the block, a run, has the slots that n bytes get.
bool IsRunOf(const LiveBlock& live, size_t n, size_t alignment) {
  const RunFit run = RunFor(n, Max(alignment, kBlockAlignment));
  if (run.slots == kNoSlots) return false;
  const auto is_that = [&live](RunFit fit) {
    return SlotRun{kFirstSlot, fit.slots}.Usable(StrideOf(fit.size_class)) == live.usable;
  };
  return is_that(run) || (!PacksWell(run.slots) && is_that(BetterPackedOf(run, n)));
}

SizeClass ClassFor(size_t n, size_t alignment) {
  return n > kLargestMedium            ? kNoClass
         : alignment > kBlockAlignment ? AlignedClassOf(n, alignment)
                                       : ClassOf(n);
}

// Whether one allocation of n bytes, so aligned (0: as any), could have made a block like this.
bool CouldBe(const LiveBlock& live, size_t n, size_t alignment) {
  const SizeClass c = ClassFor(n, alignment);
  if (live.sampled && !SamplesAreStrict()) return c == ClassFor(live.usable, alignment);
  if (n > live.usable) return false;
  if (live.sampled) return n == live.usable;
  if (live.large == nullptr && !live.run) return c != kNoClass && UsableOf(c) == live.usable;
  // A run or a large block may stand for one of a class that found no page (AllocateClassSlow).
  if (live.run) {
    if (c == kNoClass) return IsRunOf(live, n, alignment);
    return g_memory_was_short &&
           (IsRunOf(live, n, alignment) || IsRunOf(live, UsableOf(c), alignment));
  }
  const size_t requested = live.large->requested;
  return requested == Max(n, size_t{1}) || (c != kNoClass && requested == UsableOf(c));
}

// Whether a block like this could have become one of n bytes by realloc: it stayed, or moved to
// where it has some bytes to spare; a large block may stand for one of a class then, as above.
bool CouldHaveBecome(const LiveBlock& live, size_t n) {
  if (live.sampled && !SamplesAreStrict()) return n <= UsableOf(ClassOf(live.usable));
  if (n > live.usable) return false;
  if (!WorthShrinking(live.usable, n) || g_memory_was_short) return true;
  const size_t most = n + n / kGrowthShare;
  return live.large != nullptr &&
         live.large->requested <= (most <= kLargestMedium ? UsableOf(ClassOf(most)) : most);
}

void ReportWrong(const LiveBlock& live, uintptr_t block, const Call& called, const char* name,
                 uint64_t given) {
  if (live.sampled) return g_sampled.ReportWrongSize(block, called, name, given);
  ReportWrongSize(called, block, Look(block), name, given);
}

// Whether the block, in a page, is n bytes long now, or longer by not much.
bool ResizeInPage(uintptr_t block, size_t n) {
  constexpr unsigned kShrinkShare = 4;  // a tail that is less of the block stays
  const Tag tag = Tag::Of(block);
  const size_t stride = StrideOf(tag.size_class());
  const bool run = IsRunClass(tag.size_class());
  if (!run && (stride < kLeastRunStride || n > kLargestMedium || !g_policy.Runs())) return false;
  PageHeader* const page = HeaderOf(block, tag);
  // What is broken is reported when the block is freed.
  if (!page->Intact()) return false;
  const size_t needed = SlotsFor(tag.size_class(), Max(n, size_t{1}));
  const SlotCount want(
      static_cast<unsigned>(Min<size_t>(needed, (kMostRunSlots + kOneSlot).value())));
  const SlotCount slots = tag.slots();
  if (want <= slots && (slots - want).value() * kShrinkShare < slots.value()) return true;
  const SlotIndex behind = tag.slot() + slots;
  if (want > slots &&
      (behind == page->slots_end() || !LooksFree(*page, behind, /*otherwise=*/true))) {
    return false;
  }
  const Busy busy;
  return g_heaps[page->heap()]->ResizeRun(page, block, tag, want);
}

// Whether a block in a page can serve for n bytes where it is.
bool StaysInPage(uintptr_t block, size_t usable, size_t n) {
  if (n > usable) return ResizeInPage(block, n);
  // What fits into a slot is worth a copy.
  if (n <= kLargestMedium) return !WorthShrinking(usable, n);
  return ResizeInPage(block, n) || !WorthShrinking(usable, n);
}

// How it was asked for. What is no block of ours has no kind that could be wrong.
Kind KindOf(const LiveBlock& live, uintptr_t block) {
  if (live.large != nullptr) return live.large->kind;
  return live.InPage() ? Tag::Of(block).note().kind : Kind::kMalloc;
}

// Reports what is wrong with the block; the call goes on, and does not find it again.
void CheckNoted(const LiveBlock& live, uintptr_t block, Kind kind, const Call& called) {
  if (live.large == nullptr && !live.InPage()) return;
  const bool intact = live.large != nullptr ? g_large_blocks.CanaryIntact(live.large, block)
                                            : CanaryIntact(block, Tag::Of(block));
  if (!intact) {
    ReportOverrun(called, block, Look(block));
    if (live.large != nullptr) {
      ResizeLarge(live.large, block, live.usable - live.slack);
    } else {
      NoteAsked(block, live.usable, live.usable - live.slack, kind);
    }
  }
  if (!IsRightCall(called, kind)) ReportMismatch(called, block, Look(block), kind);
}

// Whether the block is one of n bytes now, where it is or where the kernel has moved it.
bool ResizedNoted(const LiveBlock& live, uintptr_t* block, size_t n, Kind kind, uintptr_t caller) {
  // A sampled block is as long as it was made: one of another length goes elsewhere.
  const bool stays =
      live.sampled ? n == live.usable : n <= live.usable && !WorthShrinking(live.usable, n);
  if (live.large != nullptr && (stays || n > kLargestMedium)) {
    const uintptr_t moved = ResizeLarge(live.large, *block, n);
    if (moved == 0) return false;
    if (moved != *block) g_large_blocks.NoteMoved(*block, live.usable - live.slack, caller);
    if (n < live.usable) g_janitor.Poll(live.usable - n);
    *block = moved;
    return true;
  }
  if (stays && live.InPage()) NoteAsked(*block, live.usable, n, kind);
  return stays;
}

// A block of n bytes with some room to grow.
void* AllocateAmple(size_t n, size_t ample, Kind kind) {
  void* const fresh = ample > n ? Allocate(ample, kind) : nullptr;
  if (fresh == nullptr) return Allocate(n, kind);
  LiveBlock live;
  uintptr_t block = reinterpret_cast<uintptr_t>(fresh);
  if (!FindLive(block, "realloc", &live)) return fresh;
  if (ResizedNoted(live, &block, n, kind, 0)) return reinterpret_cast<void*>(block);
  if (!live.sampled) return fresh;
  Free(fresh, {"realloc", kind});
  return Allocate(n, kind);
}

// Where blocks know what was asked for: no more than that is copied, and each new size is noted.
void* ReallocateNoted(uintptr_t block, const LiveBlock& live, size_t n, const Call& called,
                      uintptr_t caller) {
  const Kind kind = KindOf(live, block);
  CheckNoted(live, block, kind, called);
  if (ResizedNoted(live, &block, n, kind, caller)) return reinterpret_cast<void*>(block);
  const size_t ample = n > live.usable ? live.usable + live.usable / kGrowthShare : 0;
  void* const fresh = AllocateAmple(n, ample, kind);
  void* const pointer = reinterpret_cast<void*>(block);
  if (fresh == nullptr) {
    if (n > live.usable) return nullptr;
    NoteMemoryWasShort();
    if (live.InPage()) NoteAsked(block, live.usable, n, kind);
    if (live.large != nullptr) ResizeLarge(live.large, block, n);
    return pointer;
  }
  memcpy(fresh, pointer, Min(n, live.usable - live.slack));
  Free(pointer, {called, kind, caller});
  return fresh;
}

// Whether the block may be freed with that size and alignment; if not, it is reported.
ABSL_ATTRIBUTE_NOINLINE bool IsRightlyKnown(uintptr_t block, size_t n, size_t alignment, bool exact,
                                            const Call& called) {
  LiveBlock live;
  if (!FindLive(block, called, &live)) return false;
  if (live.libcs) return true;
  if (!IsPowerOfTwo(alignment) || block % alignment != 0) {
    ReportWrong(live, block, called, "alignment", alignment);
    return false;
  }
  if (!(exact ? CouldBe(live, n, alignment) : CouldHaveBecome(live, n))) {
    ReportWrong(live, block, called, "size", n);
    return false;
  }
  return true;
}

}  // namespace

void NoteMemoryWasShort() { g_memory_was_short.store(true, std::memory_order_relaxed); }

void FreeKnownSlow(void* pointer, size_t n, size_t alignment, bool exact,
                   const Call& called) noexcept {
  const uintptr_t block = reinterpret_cast<uintptr_t>(pointer);
  if (block == 0) return;
  const Call from = {called.name, called.frees, MYMALLOC_CALLER_OF(called)};
  const bool detour = g_detours && exact && alignment == 1 && !IsCounted();
  if (detour && TryFreeDetoured(block, n, from)) return;
  if (IsRightlyKnown(block, n, alignment, exact, from)) Free(pointer, from);
}

void* Reallocate(void* pointer, size_t n, const Call& called) {
  const uintptr_t caller = MYMALLOC_CALLER_OF(called);
  const uintptr_t block = reinterpret_cast<uintptr_t>(pointer);
  LiveBlock live;
  if (ABSL_PREDICT_FALSE(!FindLive(block, called, &live))) return nullptr;
  if (ABSL_PREDICT_FALSE(g_reallocs_ask_more.load(std::memory_order_relaxed))) {
    if (IsCounted()) {
      return ReallocateCounted(pointer, live, n, {called.name, called.frees, caller});
    }
    if (g_policy.Notes()) return ReallocateNoted(block, live, n, called, caller);
  }
  if (live.large != nullptr && n > kLargestMedium) {
    if (!g_large_blocks.CanaryIntact(live.large, block)) ReportOverrun(called, block, Look(block));
    if (const uintptr_t moved = ResizeLarge(live.large, block, n)) {
      if (moved != block) g_large_blocks.NoteMoved(block, live.usable, caller);
      if (n < live.usable) g_janitor.Poll(live.usable - n);
      return reinterpret_cast<void*>(moved);
    }
  } else if (live.InPage() ? StaysInPage(block, live.usable, n)
                           : n <= live.usable && !WorthShrinking(live.usable, n)) {
    return pointer;
  }
  void* fresh = nullptr;
  if (n > live.usable) {
    const size_t ample = Max(n, live.usable + live.usable / kGrowthShare);
    if (ample >= kLeastMovable && g_policy.Runs()) {
      fresh = reinterpret_cast<void*>(AllocateMovable(ample));
    }
    if (fresh == nullptr) fresh = Allocate(ample);
  }
  if (fresh == nullptr) fresh = Allocate(n);
  if (fresh == nullptr) {
    if (n > live.usable) return nullptr;
    NoteMemoryWasShort();
    return pointer;
  }
  memcpy(fresh, pointer, Min(n, live.usable));
  Free(pointer, {called, called.frees, caller});
  return fresh;
}

size_t UsableSize(void* pointer, const Call& called) {
  LiveBlock live;
  if (!FindLive(reinterpret_cast<uintptr_t>(pointer), called, &live)) return 0;
  return live.usable - live.slack;
}

}  // namespace mymalloc
