#include "mymalloc/page/page.h"

#include "absl/base/attributes.h"

namespace mymalloc {

uint32_t PageHeader::Check() const {
  const uint64_t fields = (uint64_t{heap_number} << 16) | (uint64_t{class_number} << 8) | capacity;
  return static_cast<uint32_t>(g_tag_secret.Encode(page().value(), fields << 33) >> 32);
}

// The program may write meanwhile to what stands inside of a run where tags stood: that is its own
// memory, and ThreadSanitizer is not to report a race.
ABSL_ATTRIBUTE_NO_SANITIZE_THREAD SlotRun RunAt(const PageHeader& page, SlotIndex slot) {
  if (page.stride() < kLeastRunStride) return {slot, kOneSlot};
  // What stands inside of a run where tags stood does not verify: it is the program's, and was
  // zero at first.
  for (SlotIndex first = slot; first > kFirstSlot && slot - first < kMostRunSlots; --first) {
    const uintptr_t block = page.Block(first);
    const uint64_t bits = *reinterpret_cast<const volatile uint64_t*>(block - kTagBytes);
    const Tag tag = Tag::FromBits(bits, block);
    if (!tag.Verifies(block)) continue;
    if (!tag.IsRun() || tag.slot() != first || first + tag.slots() <= slot) break;
    // A run that was freed is one as long as its slots are free, here or on their way.
    const uint64_t remote = page.remote.Peek(SlotSet::WordOf(first));
    const bool comes = (remote & SlotSet::BitOf(first)) != 0;
    // Whoever asks for a report may not have the lock: read here, where no sanitizer minds.
    const auto* const words = reinterpret_cast<const volatile uint64_t*>(&page.free);
    const bool is_free = (words[SlotSet::WordOf(slot)] & SlotSet::BitOf(slot)) != 0;
    if (!tag.live() && !comes && !is_free) break;
    return {first, tag.slots()};
  }
  return {slot, kOneSlot};
}

PageHeader* FormatPage(PageAddress page, SizeClass c, HeapId heap, size_t touched) {
  PageHeader* header = HeaderOf(page);
  const size_t stride = StrideOf(c);
  const size_t begin = reinterpret_cast<uintptr_t>(header) - page;
  const size_t end = begin + sizeof(PageHeader);
  // Slot i's tag and block are [i * stride - 8, (i + 1) * stride - 8).
  const SlotIndex first_under(static_cast<unsigned>((begin + kTagBytes) / stride));
  const SlotIndex last_under(static_cast<unsigned>((end + kTagBytes - 1) / stride));

  header->free = SlotSet{};
  header->free.SetRange(kFirstSlot + kOneSlot, SlotsOf(c) - kOneSlot);
  header->free.ClearRange(first_under, last_under - first_under + kOneSlot);
  header->next = nullptr;
  header->prev = nullptr;
  header->heap_number = heap.value() & 0xffff;
  header->class_number = c.value() & 0xff;
  header->free_count = static_cast<uint8_t>(header->free.Count());
  header->longest = 0;
  header->capacity = header->free_count;
  const size_t touched_slots = touched == 0 ? 0 : (touched + kTagBytes + stride - 1) / stride;
  header->high_water = static_cast<uint16_t>(Min<size_t>(touched_slots, SlotsOf(c).value()));
  header->clean = header->free;
  header->clean.ClearRange(kFirstSlot, SlotCount(header->high_water));
  header->dirty = static_cast<uint16_t>(header->CountDirty());
  header->freed_at = 0;
  for (PageHeader::QueueLink& link : header->queue) link = {};
  header->purged = 0;
  for (unsigned w = 0; w < AtomicSlotBitmap::kWords; ++w) {
    header->remote.Collect(w);
    header->remote_link[w].store(0, std::memory_order_relaxed);
  }
  header->check = header->Check();
  if (first_under > kFirstSlot) header->WriteFence(first_under);  // slot 0 is nobody's neighbour
  // Where tags are looked at before their slots are taken, nothing else may stand there.
  if (g_tag_secret.NotesAllowed()) {
    for (SlotIndex slot = kFirstSlot + kOneSlot; slot < header->touched_end(); ++slot) {
      if (header->free.Test(slot)) header->WriteFence(slot);
    }
  }
  return header;
}

}  // namespace mymalloc
