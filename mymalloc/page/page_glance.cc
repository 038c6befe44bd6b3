#include "mymalloc/page/page_glance.h"

#include "absl/base/attributes.h"

namespace mymalloc {
namespace {

// Other threads may write to it meanwhile: that is no race that ThreadSanitizer is to report.
template <typename T>
ABSL_ATTRIBUTE_NO_SANITIZE_THREAD T ReadOnce(const T& word) {
  return *static_cast<const volatile T*>(&word);
}

// The words of a bitmap.
ABSL_ATTRIBUTE_NO_SANITIZE_THREAD SlotSet Copy(const SlotSet& set) {
  const auto* const words = reinterpret_cast<const volatile uint64_t*>(&set);
  SlotSet copy;
  for (unsigned w = 0; w < SlotBitmap::kWords; ++w) {
    reinterpret_cast<uint64_t*>(&copy)[w] = words[w];
  }
  return copy;
}

SlotSet Peek(const AtomicSlotBitmap& remote) {
  SlotSet copy;
  for (unsigned w = 0; w < SlotBitmap::kWords; ++w) {
    reinterpret_cast<uint64_t*>(&copy)[w] = remote.Peek(w);
  }
  return copy;
}

// The header's fields of bits: heap, class and capacity, in one word.
struct Fields {
  uint32_t heap_number : 16;
  uint32_t class_number : 8;
  uint32_t capacity : 8;
};

ABSL_ATTRIBUTE_NO_SANITIZE_THREAD Fields FieldsOf(const PageHeader& page) {
  static_assert(offsetof(PageHeader, free_count) == offsetof(PageHeader, check) + 8,
                "between them is one word");
  const auto* const check = reinterpret_cast<const volatile uint32_t*>(&page.check);
  const uint32_t word = check[1];
  Fields fields;
  __builtin_memcpy(&fields, &word, sizeof(fields));
  return fields;
}

}  // namespace

PageGlance::PageGlance(const PageHeader& page)
    : page_(page.page()),
      header_(reinterpret_cast<uintptr_t>(&page)),
      touched_end_(ReadOnce(page.high_water)),
      free_(Copy(page.free)),
      remote_(Peek(page.remote)) {
  const Fields fields = FieldsOf(page);
  size_class_ = SizeClass(fields.class_number);
  heap_ = HeapId(fields.heap_number);
  capacity_ = fields.capacity;
  intact_ =
      ReadOnce(page.check) == PageHeader::CheckOf(page_, heap_, size_class_, fields.capacity) &&
      IsPageClass(size_class_);
}

bool PageGlance::IsPlace(SlotIndex slot) const {
  return slot != kFirstSlot && slot < slots_end() &&
         PageHeader::IsClearOf(header_, Block(slot) - kTagBytes, stride());
}

ABSL_ATTRIBUTE_NO_SANITIZE_THREAD Tag PageGlance::TagAt(SlotIndex slot) const {
  const uintptr_t block = Block(slot);
  return Tag::FromBits(*reinterpret_cast<const volatile uint64_t*>(block - kTagBytes), block);
}

bool PageGlance::IsOwn(Tag tag, SlotIndex slot) const {
  if (!tag.Verifies(Block(slot)) || tag.size_class() != size_class_ || tag.slot() != slot) {
    return false;
  }
  return tag.IsRun() || tag.heap() == heap_;
}

SlotRun PageGlance::RunAt(SlotIndex slot) const {
  if (!MayHaveRuns(size_class_)) return {slot, kOneSlot};
  // Inside of a run, where tags stood, is what the program writes, which is no tag of this slot; or
  // what it has not overwritten yet: a tag of a run that was freed, or the fence before a free
  // slot. A run that was freed is one as long as its slots are free, here or on their way.
  for (SlotIndex first = slot; first > kFirstSlot && slot - first < kMostRunSlots; --first) {
    const Tag tag = TagAt(first);
    if (!IsOwn(tag, first)) continue;
    if (!tag.live() && !IsFreeRemotely(first) && !IsFree(slot)) continue;
    if (!tag.IsRun() || first + tag.slots() <= slot) break;
    return {first, tag.slots()};
  }
  return {slot, kOneSlot};
}

}  // namespace mymalloc
