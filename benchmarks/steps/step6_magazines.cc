// Step 6: each thread has a stack of free blocks for each class: a magazine.
//
// malloc pops, free pushes, and neither takes the lock or looks at a bitmap. An empty magazine is
// filled from a page's bitmap, 32 blocks under one lock; of a full one the older half goes back.
// The tree is asked only when the tag does not verify: to say what is wrong, or that it is a large
// block.
//
// Pages belong to nobody. A thread pushes what it frees on its own magazine, whoever allocated it.

#include "benchmarks/steps/magazines.h"
#include "benchmarks/steps/ranges.h"
#include "benchmarks/steps/size_classes.h"
#include "benchmarks/steps/step.h"
#include "benchmarks/steps/tags.h"
#include "bitmap/slot_bitmap.h"

namespace steps {
namespace {

using mymalloc::SlotBitmap;

struct Page {
  unsigned size_class;
  unsigned taken;  // Also by magazines.
  SlotBitmap free;
  Page* next;  // Of the class, with room.
  Page* last;
};

struct Heap {
  void Leave();
  Magazine magazines[kClasses];
  Heap* next;
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

// An empty page goes, but the only one with room: that will be wanted again.
void ReturnSlot(Page* page, unsigned slot) {
  if (page->free.Empty()) g_with_room[page->size_class].Link(page);
  page->free.Release(slot);
  if (--page->taken != 0 || g_with_room[page->size_class].HasOne()) return;
  g_with_room[page->size_class].Unlink(page);
  GiveRange(AddressOf(page));
}

// The `count` oldest go back to their pages.
void Flush(Magazine& magazine, unsigned count) {
  const Hold hold;
  for (unsigned i = 0; i < count; ++i) {
    const uintptr_t block = AddressOf(magazine.blocks[i]);
    Said said;
    ReadTag(block, &said);
    ReturnSlot(At<Page>(block - said.slot * SizeOf(said.size_class)), said.slot);
  }
  magazine.DropOldest(count);
}

// Up to half a magazine from one word of one page's bitmap.
bool Refill(Magazine& magazine, unsigned size_class) {
  const Hold hold;
  Page* page = g_with_room[size_class].first;
  if (page == nullptr) page = NewPage(size_class);
  if (page == nullptr) return false;
  const unsigned word = page->free.FirstWordWithBits();
  uint64_t bits = page->free.TakeLowest(word, Magazine::MostOf(size_class) / 2);
  page->taken += SlotBitmap::PopCount(bits);
  if (page->free.Empty()) g_with_room[page->size_class].Unlink(page);
  for (; bits != 0; bits &= bits - 1) {
    const unsigned slot =
        word * SlotBitmap::kSlotsPerWord + static_cast<unsigned>(__builtin_ctzl(bits));
    const uintptr_t block = AddressOf(page) + slot * SizeOf(size_class);
    WriteTag(block, {size_class, slot, false});
    magazine.Push(At<void>(block));
  }
  return true;
}

void Heap::Leave() {
  for (Magazine& magazine : magazines) Flush(magazine, magazine.count);
}

void* AllocateSlot(unsigned size_class) {
  Heap* heap = Heaps<Heap>::Mine();
  if (heap == nullptr) return nullptr;
  Magazine& magazine = heap->magazines[size_class];
  if (magazine.count == 0 && !Refill(magazine, size_class)) return nullptr;
  void* block = magazine.Pop();
  Said said;
  if (!ReadTag(AddressOf(block), &said)) Die("malloc: the tag of a free block was overwritten\n");
  said.is_live = true;
  WriteTag(AddressOf(block), said);
  return block;
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
  Said said;
  if (!FindTag(block, &said)) return FreeLarge(AddressOf(block));
  if (!said.is_live) Die("free: the block is free\n");
  said.is_live = false;
  WriteTag(AddressOf(block), said);
  Heap* heap = Heaps<Heap>::Mine();
  if (heap == nullptr) return;  // No memory for one: the block is lost.
  Magazine& magazine = heap->magazines[said.size_class];
  const unsigned most = Magazine::MostOf(said.size_class);
  if (magazine.count == most) Flush(magazine, most / 2);
  magazine.Push(block);
}

size_t UsableSize(void* block) {
  Said said;
  if (!FindTag(block, &said)) return SizeOfLarge(AddressOf(block));
  return SizeOf(said.size_class) - kTagBytes;
}

}  // namespace steps
