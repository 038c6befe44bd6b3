// Step 5: a tree knows whose an address is, and a tag whether the block is sound.
//
//   ranges.h   an interval tree of all pages and large blocks. Whatever pointer free is given, the
//              tree says what it points into, and nothing at that address is read before. A second
//              tree has what is free, so that a page may be as long as its slots need.
//   tags.h     before each block, what free needs to know, under a key. What overwrites that does
//              not know the key.
//
// So free finds a pointer that is none of ours, one into the middle of a block, a second free, and
// that the bytes before the block were overwritten.

#include "benchmarks/steps/ranges.h"
#include "benchmarks/steps/size_classes.h"
#include "benchmarks/steps/step.h"
#include "benchmarks/steps/tags.h"
#include "bitmap/slot_bitmap.h"

namespace steps {
namespace {

using mymalloc::SlotBitmap;

// At the start of the page. The slots that it covers are taken for good, as is the one behind it
// whose end is the first block's tag.
struct Page {
  unsigned size_class;
  unsigned taken;  // Of the other slots.
  SlotBitmap free;
  Page* next;  // Of the class, with room.
  Page* last;
};

List<Page> g_with_room[kClasses];

Page* NewPage(unsigned size_class) {
  const unsigned first = FirstSlot<Page>(size_class);
  const uintptr_t begin = TakePage(size_class);
  if (begin == 0) return nullptr;
  auto* page = At<Page>(begin);
  *page = {size_class, 0, SlotBitmap{}, nullptr, nullptr};
  page->free.SetRange(first, EndOfSlots(size_class) - first);
  g_with_room[page->size_class].Link(page);
  return page;
}

void* TakeSlot(Page* page) {
  const unsigned word = page->free.FirstWordWithBits();
  const uint64_t bit = page->free.TakeLowest(word, 1);
  const unsigned slot =
      word * SlotBitmap::kSlotsPerWord + static_cast<unsigned>(__builtin_ctzl(bit));
  ++page->taken;
  if (page->free.Empty()) g_with_room[page->size_class].Unlink(page);
  const uintptr_t block = AddressOf(page) + slot * SizeOf(page->size_class);
  WriteTag(block, {page->size_class, slot, true});
  return At<void>(block);
}

// An empty page goes, but the only one with room: that will be wanted again.
void FreeSlot(Page* page, unsigned slot) {
  if (page->free.Empty()) g_with_room[page->size_class].Link(page);
  page->free.Release(slot);
  if (--page->taken != 0 || g_with_room[page->size_class].HasOne()) return;
  g_with_room[page->size_class].Unlink(page);
  GiveRange(AddressOf(page));
}

void* AllocateSlot(unsigned size_class) {
  const Hold hold;
  Page* page = g_with_room[size_class].first;
  if (page == nullptr) page = NewPage(size_class);
  return page == nullptr ? nullptr : TakeSlot(page);
}

// What the tree says of an address must be what the tag says of the block.
unsigned CheckedSlot(const Page* page, uintptr_t block) {
  const size_t offset = block - AddressOf(page);
  const size_t slot = offset / SizeOf(page->size_class);
  if (slot < FirstSlot<Page>(page->size_class) || offset % SizeOf(page->size_class) != 0) {
    Die("free: the pointer is into the middle of a block\n");
  }
  const auto number = static_cast<unsigned>(slot);
  if (page->free.Test(number)) Die("free: the block is free\n");
  Said said;
  if (!ReadTag(block, &said)) Die("free: the tag before the block was overwritten\n");
  return number;
}

}  // namespace

void* Allocate(size_t size) {
  if (size + kTagBytes > kLargest) return AllocateLarge(kAlignment, size);
  return AllocateSlot(ClassOf(size + kTagBytes));
}

void* AllocateAligned(size_t alignment, size_t size) {
  const unsigned size_class = ClassFor(alignment, size);
  return size_class == kClasses ? AllocateLarge(alignment, size) : AllocateSlot(size_class);
}

void Free(void* block) {
  const uintptr_t address = AddressOf(block);
  const Hold hold;
  const auto owned = g_owned.Stab(address);
  if (!owned) Die("free: the pointer is into nothing of ours\n");
  if (owned.value == 0) {
    auto* page = At<Page>(owned.range.begin);
    FreeSlot(page, CheckedSlot(page, address));
  } else if (owned.value == address) {
    GiveRange(owned.range.begin);
  } else {
    Die("free: the pointer is into the middle of a large block\n");
  }
}

size_t UsableSize(void* block) {
  const uintptr_t address = AddressOf(block);
  const Hold hold;
  const auto owned = g_owned.Stab(address);
  if (!owned) Die("the pointer is into nothing of ours\n");
  if (owned.value != 0) return owned.range.end - address;
  return SizeOf(At<Page>(owned.range.begin)->size_class) - kTagBytes;
}

}  // namespace steps
