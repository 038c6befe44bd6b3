#include "mymalloc/front/detour.h"

#include "absl/base/optimization.h"
#include "mymalloc/base/options.h"
#include "mymalloc/front/asked.h"
#include "mymalloc/heap/broken.h"
#include "mymalloc/misuse/diagnose.h"

namespace mymalloc {
namespace {

// The block is marked free and checked; it goes where it can be handed out again.
void PutBack(Heap* own, uintptr_t block, Tag tag) {
  if (own == nullptr) return Heap::FreeRemoteAtOnce(block, tag);
  if (own->id() != tag.heap()) {
    if (!own->FreeRemote(block, tag)) ReportBadPointer("free", block, Look(block));
    return;
  }
  if (!own->magazine(tag.size_class()).Push(block)) own->FreeSlow(block, tag.size_class());
}

void LeaveQuarantine(Heap* own, Quarantine::Item item) {
  if (const uintptr_t byte = Quarantine::FindWrite(item)) {
    ReportWriteAfterFree(byte, Look(item.block));
  }
  Tag tag = Tag::Of(item.block);
  if (ABSL_PREDICT_FALSE(!tag.Verifies(item.block) || tag.live() ||
                         tag.size_class() != item.size_class)) {
    SlotIndex slot;
    if (!FindBrokenFreeBlock(item.block, &slot)) return;
    tag = Tag::Make(item.block, Look(item.block).page->heap(), item.size_class, slot);
    tag.WriteTo(item.block);
  }
  PutBack(own, item.block, tag);
}

bool IsTagBefore(uintptr_t before, Tag tag) {
  const Tag found = Tag::Of(before);
  return found.Verifies(before) && tag.Follows(found);
}

// The tag behind the block was looked at by every free; this is the one of the slot before it.
void CheckTagBefore(uintptr_t block, Tag tag, const Call& called) {
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

}  // namespace

bool FreeByTreeOnDetour(Heap* own, uintptr_t block, const Call& called) {
  const PageCache::Answer& answer = own->page_cache().Find(block);
  // Slot 0 has no tag: what would be before it may be a guard.
  const uintptr_t offset = block - answer.page;
  if (ABSL_PREDICT_FALSE(answer.page == 0 || offset < kBlockAlignment ||
                         offset % kBlockAlignment != 0)) {
    return false;
  }
  const size_t stride = StrideOf(Tag::ClassIn(answer.live_low));
  // Three lines far apart, at worst: all on their way at once.
  __builtin_prefetch(reinterpret_cast<const void*>(block - stride - kTagBytes));
  __builtin_prefetch(reinterpret_cast<const void*>(block + stride - kTagBytes));
  const Tag tag = Tag::Of(block);
  const uint64_t low = answer.live_low + tag.slot().value() * Tag::kNextSlot;
  if (ABSL_PREDICT_FALSE(!tag.Verifies(block) || tag.low() != low ||
                         tag.slot().value() * stride != offset || !FenceVerifies(block, tag) ||
                         !CanaryIntact(block, tag) || !IsRightCall(called, tag.note().kind) ||
                         g_options.checked)) {
    return false;
  }
  FreeOnDetour(own, block, tag, called);
  return true;
}

void FreeOnDetour(Heap* own, uintptr_t block, Tag tag, const Call& called) {
  if (g_options.check_neighbours) CheckTagBefore(block, tag, called);
  const Tag free_tag = tag.Free();
  free_tag.WriteTo(block);
  const size_t most = g_options.quarantine.value;
  const SizeClass c = tag.size_class();
  if (own == nullptr || StrideOf(c) > most) {
    if (g_options.zero_on_free) Quarantine::Fill(block, UsableOf(c), 0);
    return PutBack(own, block, free_tag);
  }
  // What it held is overwritten there.
  Quarantine& quarantine = own->quarantine();
  while (!quarantine.HasRoom(c, most)) {
    const uint32_t random = g_options.random_slots ? static_cast<uint32_t>(own->Random()) : 0;
    LeaveQuarantine(own, quarantine.Take(random));
  }
  if (!quarantine.Put({block, c})) PutBack(own, block, free_tag);
}

}  // namespace mymalloc
