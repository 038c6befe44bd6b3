#include "mymalloc/page/page.h"

#include "absl/base/attributes.h"

namespace mymalloc {

uint32_t PageHeader::Check() const {
  const uint64_t fields = (uint64_t{heap} << 16) | (uint64_t{size_class} << 8) | capacity;
  const uint64_t product =
      ((page() ^ g_tag_secret.a) + (fields << TagSecret::kLowShift)) * g_tag_secret.b;
  return static_cast<uint32_t>(product >> 32);
}

// What stands inside of a run where tags stood may be written to meanwhile: the program has no part
// in this, and need not be told of a race with it.
ABSL_ATTRIBUTE_NO_SANITIZE_THREAD SlotRun RunAt(const PageHeader& page, unsigned slot) {
  if (page.stride() < kLeastRunStride) return {slot, 1};
  // What stands inside of a run where tags stood does not verify: it is the program's, and was
  // zero at first.
  for (unsigned first = slot; first > 0 && slot - first < kMostRunSlots; --first) {
    const uintptr_t block = page.Block(first);
    const Tag tag(*reinterpret_cast<const volatile uint64_t*>(block - kTagBytes));
    if (!tag.Verifies(block)) continue;
    if (!tag.live() || !tag.IsRun() || first + tag.slots() <= slot) break;
    return {first, tag.slots()};
  }
  return {slot, 1};
}

PageHeader* FormatPage(uintptr_t page, SizeClass c, HeapId heap, bool zeroed) {
  PageHeader* header = HeaderOf(page);
  const size_t stride = StrideOf(c);
  const size_t begin = reinterpret_cast<uintptr_t>(header) - page;
  const size_t end = begin + sizeof(PageHeader);
  // Slot i's tag and block are [i * stride - 8, (i + 1) * stride - 8).
  const unsigned first_under = static_cast<unsigned>((begin + kTagBytes) / stride);
  const unsigned last_under = static_cast<unsigned>((end + kTagBytes - 1) / stride);

  header->free = SlotBitmap{};
  header->free.SetRange(1, kSlotsPerPage - 1);
  header->free.ClearRange(first_under, last_under - first_under + 1);
  header->next = nullptr;
  header->prev = nullptr;
  header->heap = heap & 0xffff;
  header->size_class = c & 0xff;
  header->free_count = static_cast<uint16_t>(header->free.Count());
  header->capacity = header->free_count & 0xff;
  // Used memory may be resident all over.
  header->high_water = zeroed ? 0 : kSlotsPerPage;
  header->freed_at = 0;
  header->zeroed = zeroed;
  header->holes = !zeroed;
  for (unsigned w = 0; w < AtomicSlotBitmap::kWords; ++w) {
    header->remote.Collect(w);
    header->remote_link[w].store(0, std::memory_order_relaxed);
  }
  header->check = header->Check();
  if (first_under > 0) header->WriteFence(first_under);  // slot 0 is nobody's neighbour
  return header;
}

}  // namespace mymalloc
