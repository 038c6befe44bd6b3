// Step 4: pages of slots, with a bitmap of what is free.
//
// A page holds up to 256 slots of one class. What its blocks need to know stands once, in the
// page's header, not before each block: and one bit a slot says whether it is free. Pages lie at
// multiples of 256 KiB, so the address of a block, less its last 18 bits, is that of its page. A
// page whose slots are all free again serves any class.
//
// A large block is a mapping with such a header, so that free can tell.

#include "benchmarks/steps/size_classes.h"
#include "benchmarks/steps/step.h"
#include "bitmap/slot_bitmap.h"

namespace steps {
namespace {

using mymalloc::SlotBitmap;

constexpr size_t kPage = 256 << 10;
constexpr size_t kFromKernel = 64 * kPage;  // So much at once.
constexpr uint32_t kLarge = kClasses;       // Not a class.

struct Page {
  uint32_t size_class;
  uint32_t taken;  // Slots.
  size_t length;   // Of a large block: from the header on.
  SlotBitmap free;
  Page* next;  // In one list: those of the class that have room, or those that nobody uses.
  Page* last;
};
constexpr size_t kHeader = RoundUp(sizeof(Page), kAlignment);

List<Page> g_with_room[kClasses];
List<Page> g_unused;
uintptr_t g_fresh = 0;  // Where the next page is cut,
uintptr_t g_end = 0;    // as long as there is room.

// A block that begins at a multiple of kPage belongs to the page before.
Page* PageOf(const void* block) { return At<Page>((AddressOf(block) - 1) & ~(kPage - 1)); }

unsigned SlotsOf(unsigned size_class) {
  const size_t fit = (kPage - kHeader) / SizeOf(size_class);
  return fit < SlotBitmap::kSlots ? static_cast<unsigned>(fit) : SlotBitmap::kSlots;
}

// Slots begin at multiples of their size, if that is a power of two: aligned blocks need no more.
// There is room for as many as before: kPage is such a multiple, too.
uintptr_t FirstSlot(const Page* page) {
  const size_t size = SizeOf(page->size_class);
  return AddressOf(page) + (IsPowerOfTwo(size) ? RoundUp(kHeader, size) : kHeader);
}

// A mapping that begins at a multiple of kPage: the kernel knows no such wish.
uintptr_t MapPages(size_t bytes) {
  const uintptr_t mapped = AddressOf(Map(bytes + kPage));
  if (mapped == 0) return 0;
  const uintptr_t begin = RoundUp(mapped, kPage);
  if (begin != mapped) munmap(At<void>(mapped), begin - mapped);
  const uintptr_t spare = mapped + kPage - begin;
  if (spare != 0) munmap(At<void>(begin + bytes), spare);
  return begin;
}

Page* TakePage() {
  if (Page* page = g_unused.first) {
    g_unused.Unlink(page);
    return page;
  }
  if (g_fresh == g_end) {
    g_fresh = MapPages(kFromKernel);
    g_end = g_fresh == 0 ? 0 : g_fresh + kFromKernel;
    if (g_fresh == 0) return nullptr;
  }
  g_fresh += kPage;
  return At<Page>(g_fresh - kPage);
}

Page* NewPage(unsigned size_class) {
  Page* page = TakePage();
  if (page == nullptr) return nullptr;
  page->size_class = size_class;
  page->taken = 0;
  page->free = SlotBitmap{};
  page->free.SetRange(0, SlotsOf(size_class));
  g_with_room[size_class].Link(page);
  return page;
}

void* TakeSlot(Page* page) {
  const unsigned word = page->free.FirstWordWithBits();
  const auto bit = static_cast<unsigned>(__builtin_ctzl(page->free.TakeLowest(word, 1)));
  ++page->taken;
  if (page->free.Empty()) g_with_room[page->size_class].Unlink(page);
  const size_t slot = word * SlotBitmap::kSlotsPerWord + bit;
  return At<void>(FirstSlot(page) + slot * SizeOf(page->size_class));
}

void* AllocateLarge(size_t alignment, size_t size) {
  const size_t bytes = RoundUp(kHeader + alignment + size, kKernelPage);
  const uintptr_t begin = MapPages(bytes);
  if (begin == 0) return nullptr;
  const uintptr_t block = RoundUp(begin + kHeader, alignment);
  Page* page = PageOf(At<void>(block));
  if (AddressOf(page) != begin) munmap(At<void>(begin), AddressOf(page) - begin);
  page->size_class = kLarge;
  page->length = begin + bytes - AddressOf(page);
  return At<void>(block);
}

void* AllocateSlot(unsigned size_class) {
  const Hold hold;
  Page* page = g_with_room[size_class].first;
  if (page == nullptr) page = NewPage(size_class);
  return page == nullptr ? nullptr : TakeSlot(page);
}

}  // namespace

void* Allocate(size_t size) {
  if (size > kLargest) return AllocateLarge(kAlignment, size);
  return AllocateSlot(ClassOf(size == 0 ? 1 : size));
}

// The classes that are powers of two are aligned.
void* AllocateAligned(size_t alignment, size_t size) {
  size_t power = alignment;
  while (power < size) power *= 2;
  return power > kLargest ? AllocateLarge(alignment, size) : AllocateSlot(ClassOf(power));
}

void Free(void* block) {
  Page* page = PageOf(block);
  if (page->size_class == kLarge) {
    munmap(page, page->length);
    return;
  }
  const Hold hold;
  const size_t slot = (AddressOf(block) - FirstSlot(page)) / SizeOf(page->size_class);
  if (page->free.Empty()) g_with_room[page->size_class].Link(page);
  if (page->free.Release(static_cast<unsigned>(slot))) Die("free: the block is free\n");
  if (--page->taken != 0) return;
  g_with_room[page->size_class].Unlink(page);
  g_unused.Link(page);
}

size_t UsableSize(void* block) {
  const Page* page = PageOf(block);
  if (page->size_class != kLarge) return SizeOf(page->size_class);
  return AddressOf(page) + page->length - AddressOf(block);
}

}  // namespace steps
