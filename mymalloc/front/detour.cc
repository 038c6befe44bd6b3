#include "mymalloc/front/detour.h"

#include "absl/base/optimization.h"
#include "mymalloc/base/options.h"
#include "mymalloc/front/asked.h"
#include "mymalloc/front/counted.h"
#include "mymalloc/front/front.h"
#include "mymalloc/heap/broken.h"
#include "mymalloc/misuse/diagnose.h"
#include "mymalloc/page/canary.h"
#include "mymalloc/page/freed_from.h"

namespace mymalloc {
namespace {

// The block is marked free and checked; it goes where it can be handed out again.
void PutBack(Heap* own, uintptr_t block, Tag tag, uintptr_t caller) {
  FreedFrom::Write(block, caller);
  if (own == nullptr) return Heap::FreeRemoteAtOnce(block, tag);
  if (own->id() != tag.heap()) {
    if (!own->FreeRemote(block, tag)) ReportBadPointer("free", block, Look(block));
    return;
  }
  if (!own->magazine(tag.size_class()).Push(block)) own->FreeSlow(block, tag.size_class());
}

// In what leaves quarantine the tag is not as it was written there.
void PutBackBroken(Heap* own, Quarantine::Item item) {
  SlotIndex slot;
  if (!FindBrokenFreeBlock(item.block, &slot)) return;
  const HeapId heap = Look(item.block).page->heap();
  const Tag tag = Tag::Make(item.block, heap, item.size_class, slot);
  tag.WriteTo(item.block);
  PutBack(own, item.block, tag, item.caller);
}

ABSL_ATTRIBUTE_NOINLINE void LeaveQuarantineSlowly(Heap* own, Quarantine::Item item) {
  if (const uintptr_t byte = Quarantine::FindWrite(item)) {
    ReportWriteAfterFree(byte, Look(item.block), item.caller);
  }
  const Tag tag = Tag::Of(item.block);
  if (!tag.Verifies(item.block) || tag.live() || tag.size_class() != item.size_class) {
    return PutBackBroken(own, item);
  }
  PutBack(own, item.block, tag, item.caller);
}

// A block of the thread's own that is as it was put there goes to the magazine at once.
inline void LeaveQuarantine(Heap* own, Quarantine::Item item) {
  const Tags tags(item.block);
  const uint64_t low = tags.LowOf(Tag::BitsOf(item.block));
  const uint64_t of_own = Tag::Low(own->id(), item.size_class, kFirstSlot);
  const uint64_t open = Tag::kSlotField | g_tag_secret.NoteField();
  if (ABSL_PREDICT_FALSE(!Tags::Says(low, of_own, open) ||
                         !Quarantine::IsFilled(item.block, UsableOf(item.size_class)))) {
    return LeaveQuarantineSlowly(own, item);
  }
  FreedFrom::Write(item.block, item.caller);
  if (ABSL_PREDICT_FALSE(!own->magazine(item.size_class).Push(item.block))) {
    own->FreeSlow(item.block, item.size_class);
  }
}

bool IsTagBefore(uintptr_t before, Tag tag) {
  const Tag found = Tag::Of(before);
  return found.Verifies(before) && tag.Follows(found);
}

// The tag behind the block was looked at by every free; this is the one of the slot before it.
ABSL_ATTRIBUTE_NOINLINE void CheckTagBefore(uintptr_t block, Tag tag, const Call& called) {
  const uintptr_t before = block - StrideOf(tag.size_class());
  const PageHeader* const page = HeaderOf(block, tag);
  const bool is_first = tag.slot() <= kFirstSlot + kOneSlot;
  if (is_first || page->CoversTagOf(before) || IsTagBefore(before, tag)) return;
  // The tags of slots that were never taken are not written.
  if (LooksFree(*page, tag.slot() - kOneSlot, /*otherwise=*/false)) return;
  const Finding finding = Look(before);
  if (finding.kind == Finding::kBlock && !IsFreeByBitmap(finding) && !IsTagBefore(before, tag)) {
    ReportBrokenNeighbour(called, block, finding);
  }
}

// Some leave at once: what each of them costs is less then.
void MakeRoom(Heap* own, SizeClass c, size_t most) {
  constexpr size_t kShare = 32;
  const size_t more = most - StrideOf(c) > most / kShare ? most / kShare : 0;
  Quarantine& quarantine = own->quarantine();
  uint64_t random = g_options.random_slots ? own->Random() : 0;
  do {
    LeaveQuarantine(own, quarantine.Take(static_cast<uint32_t>(random >> 32)));
    random *= 6364136223846793005;
  } while (!quarantine.HasRoom(c, most - more));
}

// Without quarantine.
void PutBackAtOnce(Heap* own, uintptr_t block, SizeClass c, uintptr_t caller) {
  if (g_options.zero_on_free) Quarantine::Fill(block, UsableOf(c), 0);
  PutBack(own, block, Tag::Of(block), caller);
}

// A block whose tag is marked free: into the quarantine, for which others may have to leave.
void Hold(Heap* own, uintptr_t block, SizeClass c, uintptr_t caller) {
  const size_t most = g_options.quarantine.value;
  if (own == nullptr || StrideOf(c) > most) return PutBackAtOnce(own, block, c, caller);
  // What it held is overwritten there.
  Quarantine& quarantine = own->quarantine();
  if (!quarantine.HasRoom(c, most)) MakeRoom(own, c, most);
  if (!quarantine.Put({block, c, caller})) PutBackAtOnce(own, block, c, caller);
}

constexpr size_t kAnySize = ~size_t{0};

// A block in a page of which the tree and the tag say the same.
struct Vouched {
  explicit Vouched(uintptr_t block) : tags(block) {}

  Tags tags;
  uint64_t bits = 0;
  uint64_t low = 0;  // that the tag says, with its note
  SizeClass size_class{};
  size_t stride = 0;

  uint64_t slot() const { return (low & Tag::kSlotField) >> Tag::kClassBits; }
  Note note() const { return Note::FromBits(low >> TagSecret::kLowBits); }
};

// Asks the tag of a block of which the tree has said this. False if there is more to find out.
ABSL_ATTRIBUTE_ALWAYS_INLINE inline bool Vouch(const PageCache::Answer& page, uintptr_t block,
                                               Vouched* result) {
  const uintptr_t offset = block - page.page;
  // Slot 0 has no tag: what would be before it may be a guard.
  if (ABSL_PREDICT_FALSE(offset - kBlockAlignment >= page.bytes)) return false;
  result->size_class = Tag::ClassIn(page.live_low);
  result->stride = StrideOf(result->size_class);
  result->bits = Tag::BitsOf(block);
  result->low = result->tags.LowOf(result->bits);
  const uint64_t open = Tag::kSlotField | g_tag_secret.NoteField();
  return Tags::Says(result->low, page.live_low, open) && result->slot() * result->stride == offset;
}

enum class Freed {
  kNot,     // there is more to find out
  kMarked,  // it is marked free, but has still to go somewhere
  kHeld,    // it is in quarantine
};

// How far FreeSound goes: without a call, which is enough for most blocks, or all the way.
enum class Reach { kShort, kFar };

// Whether the end of a block is intact.
template <Reach reach>
ABSL_ATTRIBUTE_ALWAYS_INLINE inline bool EndIntact(uintptr_t block, size_t slack, size_t usable) {
  if (reach == Reach::kFar) return CanaryIntact(block, slack, usable);
  return slack <= Canary::kShort && Canary::ShortIntact(block, slack, usable);
}

// Frees a block of a page of which the tree has said this, if its tag, its place, the tags beside
// it, its end, its kind, and its size if it is given, are as they must be.
template <Reach reach>
ABSL_ATTRIBUTE_ALWAYS_INLINE inline Freed FreeSound(Heap* own, const PageCache::Answer& page,
                                                    uintptr_t block, size_t n, const Call& called,
                                                    uintptr_t caller) {
  Vouched found(block);
  if (ABSL_PREDICT_FALSE(!Vouch(page, block, &found))) return Freed::kNot;
  const Tags& tags = found.tags;
  const uint64_t low = found.low;
  const size_t stride = found.stride;
  const size_t usable = stride - kTagBytes;
  const Note note = found.note();
  const uint64_t away = tags.Away(stride);
  const uint64_t open = Tag::kLive | g_tag_secret.NoteField();
  if (ABSL_PREDICT_FALSE(
          (reach == Reach::kShort && usable > Quarantine::kShort) ||
          !Tags::Says(tags.LowOf(Tag::BitsOf(block + stride)) - away, low + Tag::kNextSlot, open) ||
          !EndIntact<reach>(block, note.slack, usable) || !IsRightCall(called, note.kind) ||
          (n != kAnySize && n + note.slack != usable))) {
    return Freed::kNot;
  }
  if (reach == Reach::kFar && g_options.check_neighbours) {
    CheckTagBefore(block, Tag::FromLow(found.bits, low), called);
  }
  Tag::WriteBits(block, found.bits - own->key().live_delta);
  if (reach == Reach::kFar) return Freed::kMarked;
  const Quarantine::Item item = {block, found.size_class, caller};
  const bool held = own->quarantine().TryPut(item, usable, g_options.quarantine.value);
  return ABSL_PREDICT_TRUE(held) ? Freed::kHeld : Freed::kMarked;
}

// The same of any block, by what the thread remembers of the tree.
ABSL_ATTRIBUTE_ALWAYS_INLINE inline Freed FreeShort(Heap* own, uintptr_t block, size_t n,
                                                    const Call& called, uintptr_t caller) {
  if (ABSL_PREDICT_FALSE(own == nullptr || g_options.check_neighbours || t_is_counted)) {
    return Freed::kNot;
  }
  const PageCache::Answer& page = own->page_cache().Recall(block);
  if (ABSL_PREDICT_FALSE(!PageCache::Holds(page, block))) return Freed::kNot;
  const Busy busy;
  return FreeSound<Reach::kShort>(own, page, block, n, called, caller);
}

// What FreeShort has left to do. False, and nothing has happened, if there is still more to find
// out.
ABSL_ATTRIBUTE_NOINLINE bool FreeFar(Freed freed, uintptr_t block, size_t n, const Call& called,
                                     uintptr_t caller) {
  Heap* const own = OwnHeap();
  if (own == nullptr) return false;
  {
    const Busy busy;
    if (freed == Freed::kNot) {
      const PageCache::Answer& page = own->page_cache().Find(block);
      freed = FreeSound<Reach::kFar>(own, page, block, n, called, caller);
    }
    if (freed == Freed::kMarked) Hold(own, block, Tag::Of(block).size_class(), caller);
  }
  PollIfDue(own);
  return freed != Freed::kNot;
}

ABSL_ATTRIBUTE_NOINLINE void FreeDetouredFar(Freed freed, uintptr_t block, const Call& called,
                                             uintptr_t caller) {
  const Call from = {called.name, called.frees, caller};
  if (freed == Freed::kNot && IsCounted()) return FreeCounted(block, from);
  if (!FreeFar(freed, block, kAnySize, from, caller)) FreeByTree(block, from);
}

}  // namespace

uintptr_t MarkLiveAskedSlow(uintptr_t block, size_t usable, size_t n, Kind kind) {
  const Tag tag = Tag::Of(block);
  if (tag.Verifies(block) && !tag.live()) {
    WriteAsked(tag.Live(), block, usable, n, kind);
  } else {
    MarkLive(block);  // for its free to find that it is broken
  }
  return block;
}

void FreeDetoured(uintptr_t block, const Call& called) {
  const uintptr_t caller = MYMALLOC_CALLER_OF(called);
  Heap* const own = OwnHeap();
  const Freed freed = FreeShort(own, block, kAnySize, called, caller);
  // By a jump, so that this function need not save what others may change.
  if (ABSL_PREDICT_FALSE(freed != Freed::kHeld)) {
    return FreeDetouredFar(freed, block, called, caller);
  }
  if (ABSL_PREDICT_FALSE(own->PollIsDue())) PollIfDue(own);
}

bool TryFreeDetoured(uintptr_t block, size_t n, const Call& called) {
  Heap* const own = OwnHeap();
  const Freed freed = FreeShort(own, block, n, called, called.caller);
  if (ABSL_PREDICT_FALSE(freed != Freed::kHeld)) {
    return FreeFar(freed, block, n, called, called.caller);
  }
  if (ABSL_PREDICT_FALSE(own->PollIsDue())) PollIfDue(own);
  return true;
}

bool FindLiveDetoured(uintptr_t block, LiveBlock* result) {
  Heap* const own = OwnHeap();
  Vouched found(block);
  {
    const Busy busy;
    if (own == nullptr || !Vouch(own->page_cache().Find(block), block, &found)) {
      return false;
    }
  }
  result->usable = found.stride - kTagBytes;
  result->slack = found.note().slack;
  return result->slack <= result->usable;
}

void FreeOnDetour(Heap* own, uintptr_t block, Tag tag, const Call& called) {
  if (g_options.check_neighbours) CheckTagBefore(block, tag, called);
  tag.Free().WriteTo(block);
  Hold(own, block, tag.size_class(), called.caller);
}

}  // namespace mymalloc
