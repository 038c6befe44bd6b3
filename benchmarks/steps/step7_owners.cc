// Step 7: pages belong to the thread whose blocks they hold, and what is free goes back.
//
//   owners   Each thread has pages of its own, so that it fills and empties its magazines without a
//            lock. What another thread frees comes back by one atomic operation: a bit in the
//            page's remote bitmap. The first bit of a word puts that word on the owner's list.
//   memory   A page that is all free leaves its heap. Of what is spare, 4 MiB stay resident; the
//            rest goes back to the kernel.
//
// The lock is for ranges only: new pages, empty pages, large blocks.

#include <atomic>
#include <new>

#include "benchmarks/steps/magazines.h"
#include "benchmarks/steps/ranges.h"
#include "benchmarks/steps/size_classes.h"
#include "benchmarks/steps/step.h"
#include "benchmarks/steps/tags.h"
#include "bitmap/atomic_slot_bitmap.h"
#include "bitmap/slot_bitmap.h"

namespace steps {
namespace {

using mymalloc::AtomicSlotBitmap;
using mymalloc::SlotBitmap;

constexpr size_t kKeep = 4 << 20;  // Of what is spare, resident.

// A word of a page's remote bitmap, on its owner's list. Who has put the first bit into the word
// puts it there, and the owner empties no word that is not on the list: so a page stays as long as
// somebody is about to touch it.
struct Word {
  Word* next;
};

struct Heap;

struct Page {
  Heap* owner;
  unsigned size_class;
  unsigned taken;  // Also by the magazine, and by what is on its way back.
  SlotBitmap free;
  Page* next;  // Of the owner and class, with room.
  Page* last;
  AtomicSlotBitmap remote;
  Word words[AtomicSlotBitmap::kWords];
};

struct Heap {
  void Leave();
  Magazine magazines[kClasses];
  List<Page> with_room[kClasses];
  std::atomic<Word*> returned;
  Heap* next;
};

Page* PageOf(uintptr_t block, const Said& said) {
  return At<Page>(block - said.slot * SizeOf(said.size_class));
}

// ---- By the owner, without a lock ----

Page* NewPage(Heap* heap, unsigned size_class) {
  const unsigned first = FirstSlot<Page>(size_class);
  const Hold hold;
  const uintptr_t begin = TakePage(size_class);
  if (begin == 0) return nullptr;
  auto* page = new (At<void>(begin)) Page{};
  page->owner = heap;
  page->size_class = size_class;
  page->free.SetRange(first, EndOfSlots(size_class) - first);
  heap->with_room[size_class].Link(page);
  return page;
}

// An empty page goes, but the only one with room: that will be wanted again.
void ReturnSlots(Page* page, unsigned word, uint64_t bits) {
  List<Page>& with_room = page->owner->with_room[page->size_class];
  if (page->free.Empty()) with_room.Link(page);
  page->free.ReleaseMask(word, bits);
  page->taken -= SlotBitmap::PopCount(bits);
  if (page->taken != 0 || with_room.HasOne()) return;
  with_room.Unlink(page);
  const Hold hold;
  GiveRange(AddressOf(page), kKeep);
}

// What other threads have freed.
void Collect(Heap* heap) {
  Word* word = heap->returned.exchange(nullptr, std::memory_order_acquire);
  while (word != nullptr) {
    auto* page = At<Page>(AddressOf(word) & ~(kKernelPage - 1));
    const auto number = static_cast<unsigned>(word - page->words);
    word = word->next;
    ReturnSlots(page, number, page->remote.Collect(number));
  }
}

void Flush(Magazine& magazine, unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    const uintptr_t block = AddressOf(magazine.blocks[i]);
    Said said;
    ReadTag(block, &said);
    ReturnSlots(PageOf(block, said), SlotBitmap::WordOf(said.slot), SlotBitmap::BitOf(said.slot));
  }
  magazine.DropOldest(count);
}

void Heap::Leave() {
  for (Magazine& magazine : magazines) Flush(magazine, magazine.count);
  Collect(this);
}

bool Refill(Heap* heap, unsigned size_class) {
  Collect(heap);
  Page* page = heap->with_room[size_class].first;
  if (page == nullptr) page = NewPage(heap, size_class);
  if (page == nullptr) return false;
  const unsigned word = page->free.FirstWordWithBits();
  uint64_t bits = page->free.TakeLowest(word, Magazine::MostOf(size_class) / 2);
  page->taken += SlotBitmap::PopCount(bits);
  if (page->free.Empty()) heap->with_room[size_class].Unlink(page);
  Magazine& magazine = heap->magazines[size_class];
  for (; bits != 0; bits &= bits - 1) {
    const unsigned slot =
        word * SlotBitmap::kSlotsPerWord + static_cast<unsigned>(__builtin_ctzl(bits));
    const uintptr_t block = AddressOf(page) + slot * SizeOf(size_class);
    WriteTag(block, {size_class, slot, false});
    magazine.Push(At<void>(block));
  }
  return true;
}

// ---- By any thread ----

void FreeRemote(Page* page, unsigned slot) {
  const unsigned number = SlotBitmap::WordOf(slot);
  if (page->remote.Release(number, SlotBitmap::BitOf(slot)) != 0) return;
  Word* word = &page->words[number];
  std::atomic<Word*>& list = page->owner->returned;
  word->next = list.load(std::memory_order_relaxed);
  while (!list.compare_exchange_weak(word->next, word, std::memory_order_release)) {
  }
}

void* AllocateSlot(unsigned size_class) {
  Heap* heap = Heaps<Heap>::Mine();
  if (heap == nullptr) return nullptr;
  Magazine& magazine = heap->magazines[size_class];
  if (magazine.count == 0 && !Refill(heap, size_class)) return nullptr;
  void* block = magazine.Pop();
  Said said;
  if (!ReadTag(AddressOf(block), &said)) Die("malloc: the tag of a free block was overwritten\n");
  said.is_live = true;
  WriteTag(AddressOf(block), said);
  return block;
}

void FreeOwn(Heap* heap, void* block, unsigned size_class) {
  Magazine& magazine = heap->magazines[size_class];
  const unsigned most = Magazine::MostOf(size_class);
  if (magazine.count == most) Flush(magazine, most / 2);
  magazine.Push(block);
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
  if (!FindTag(block, &said)) return FreeLarge(AddressOf(block), kKeep);
  if (!said.is_live) Die("free: the block is free\n");
  said.is_live = false;
  WriteTag(AddressOf(block), said);
  Page* page = PageOf(AddressOf(block), said);
  if (page->owner == Heaps<Heap>::Mine()) {
    FreeOwn(page->owner, block, said.size_class);
  } else {
    FreeRemote(page, said.slot);
  }
}

size_t UsableSize(void* block) {
  Said said;
  if (!FindTag(block, &said)) return SizeOfLarge(AddressOf(block));
  return SizeOf(said.size_class) - kTagBytes;
}

}  // namespace steps
