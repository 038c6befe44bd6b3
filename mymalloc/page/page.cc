#include "mymalloc/page/page.h"

namespace mymalloc {

uint32_t PageHeader::CheckOf(PageAddress page, HeapId heap, SizeClass c, unsigned capacity) {
  const uint64_t fields = (uint64_t{heap.value()} << 16) | (uint64_t{c.value()} << 8) | capacity;
  return static_cast<uint32_t>(g_tag_secret.Encode(page.value(), fields << 33) >> 32);
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
