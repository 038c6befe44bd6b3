#include "mymalloc/heap/heap.h"

#include "mymalloc/base/options.h"
#include "mymalloc/heap/janitor.h"
#include "mymalloc/heap/page_map.h"
#include "mymalloc/heap/page_supply.h"
#include "mymalloc/heap/diagnose.h"

namespace mymalloc {
namespace {

// All-free pages that a heap keeps, by what of them may be resident: so that a program that fills
// and empties some pages in turn does not go to the page supply each time.
constexpr size_t kKeptEmptyBytes = kMiB;

unsigned TakeHighestBit(uint64_t* mask) {
  const unsigned bit = 63 - static_cast<unsigned>(__builtin_clzll(*mask));
  *mask ^= uint64_t{1} << bit;
  return bit;
}

// Brings the valid entries down to the bottom. REQUIRES: the heap's lock, by the owner.
void Compact(Magazine& m) {
  const uint32_t stolen = m.stolen;
  if (stolen == 0) return;
  const uint32_t count = m.count.load(std::memory_order_relaxed);
  for (uint32_t i = stolen; i < count; ++i) {
    m.slot[i - stolen].store(m.slot[i].load(std::memory_order_relaxed), std::memory_order_relaxed);
  }
  m.count.store(count - stolen, std::memory_order_relaxed);
  m.floor.store(0, std::memory_order_relaxed);
  m.stolen = 0;
}

// Slow start: a thread that allocates once takes one block, not 64.
void DoubleLimit(Magazine& m, SizeClass c) {
  m.limit = Min(Max(2 * m.limit, 1u), DepthOf(c));
}

}  // namespace

Heap* g_heaps[kMaxHeaps];

void Heap::Init(HeapId id) {
  id_ = id;
  owner_bits_ = g_options.checked ? 0 : Tag::OwnerBits(id);
}

uintptr_t Heap::AllocateSlow(SizeClass c) {
  LockHolder holder(lock_);
  ++slow_calls_;
  Magazine& m = magazines_[c];
  Compact(m);
  if (m.count.load(std::memory_order_relaxed) == 0) {
    CollectRemote();
    DoubleLimit(m, c);
    Fill(c, m);
  }
  const uintptr_t entry = m.Pop();
  if (entry != 0) MarkLive(Magazine::BlockOf(entry));
  return entry;
}

void Heap::Fill(SizeClass c, Magazine& m) {
  unsigned want = m.limit;
  while (want > 0) {
    PageHeader* page = lists_[c].head;
    if (page == nullptr) {
      // A new page only when there is nothing at all.
      if (want < m.limit) return;
      page = NewPage(c);
      if (page == nullptr) return;
    }
    want -= TakeSlots(page, m, want);
  }
}

unsigned Heap::TakeSlots(PageHeader* page, Magazine& m, unsigned want) {
  if (page->AllFree()) empty_bytes_ -= page->TouchedBytes();
  const SizeClass c = page->size_class;
  const size_t stride = StrideOf(c);
  const unsigned w = page->free.FirstWordWithBits();
  uint64_t mask = page->free.TakeLowest(w, Min(want, SlotBitmap::kSlotsPerWord));
  const bool may_be_zero = page->zeroed != 0 && c > SmallClassOf(kLargestSmall);
  const unsigned high_water = page->high_water;
  const unsigned highest = w * SlotBitmap::kSlotsPerWord + 63 -
                           static_cast<unsigned>(__builtin_clzll(mask));
  if (highest >= high_water) page->high_water = static_cast<uint16_t>(highest + 1);

  uint32_t count = m.count.load(std::memory_order_relaxed);
  const uint32_t before = count;
  // The lowest block ends on top: blocks are then handed out in address order.
  while (mask != 0) {
    const unsigned slot = w * SlotBitmap::kSlotsPerWord + TakeHighestBit(&mask);
    const uintptr_t block = page->page() + slot * stride;
    Tag::Make(block, id_, c, slot).WriteTo(block);
    const bool zero = may_be_zero && slot >= high_water;
    m.slot[count++].store(block | (zero ? Magazine::kZeroed : 0), std::memory_order_relaxed);
  }
  m.count.store(count, std::memory_order_relaxed);
  page->free_count = static_cast<uint16_t>(page->free_count - (count - before));
  if (page->free_count == 0) Unlink(page);
  return count - before;
}

PageHeader* Heap::NewPage(SizeClass c) {
  const size_t bytes = PageBytesOf(c);
  const PageSupply::Grant grant = g_page_supply.Allocate(bytes);
  if (grant.begin == 0) return nullptr;
  PageHeader* page = FormatPage(grant.begin, c, id_, grant.zeroed);
  if (!g_page_map.Insert({grant.begin, grant.begin + bytes}, Owner(page))) {
    g_page_supply.Free(grant.begin, bytes);
    return nullptr;
  }
  PushFront(page);
  return page;
}

void Heap::FreeSlow(uintptr_t block, SizeClass c) {
  LockHolder holder(lock_);
  ++slow_calls_;
  Magazine& m = magazines_[c];
  Compact(m);
  if (m.Push(block)) return;
  DoubleLimit(m, c);
  if (m.Push(block)) return;
  ReturnOldest(c, (m.limit + 1) / 2);
  m.Push(block);
  FlushGather();
}

void Heap::ReturnOldest(SizeClass c, unsigned count) {
  Magazine& m = magazines_[c];
  ReturnEntries(m.slot, count);
  m.stolen = count;
  Compact(m);
}

void Heap::ReturnEntries(const std::atomic<uintptr_t>* entries, unsigned count) {
  // The headers are likely cold, and all of them are needed: ask for them together.
  PageHeader* headers[Magazine::kSlots];
  uint8_t slots[Magazine::kSlots];
  for (unsigned i = 0; i < count; ++i) {
    const uintptr_t block = Magazine::BlockOf(entries[i].load(std::memory_order_relaxed));
    const Tag tag = Tag::Of(block);
    if (ABSL_PREDICT_FALSE(!tag.Verifies(block))) {
      if (!FindBrokenFreeBlock(block, &headers[i], &slots[i])) headers[i] = nullptr;
      continue;
    }
    headers[i] = HeaderOf(block, tag);
    slots[i] = static_cast<uint8_t>(tag.slot());
    __builtin_prefetch(headers[i], 1);
  }
  // Blocks of one word next to each other go back together.
  for (unsigned i = 0; i < count;) {
    PageHeader* const page = headers[i];
    const unsigned w = SlotBitmap::WordOf(slots[i]);
    uint64_t mask = 0;
    uint64_t bit = 0;
    for (; i < count && headers[i] == page && SlotBitmap::WordOf(slots[i]) == w; ++i) {
      bit = SlotBitmap::BitOf(slots[i]);
      if ((mask & bit) != 0) break;
      mask |= bit;
    }
    if (page != nullptr) Return(page, w, mask);
  }
}

void Heap::Return(PageHeader* page, unsigned w, uint64_t mask) {
  if (ABSL_PREDICT_FALSE(!page->Intact())) {
    ReportBrokenHeader(page);
    return;
  }
  const uint64_t twice = page->free.ReleaseMask(w, mask);
  if (ABSL_PREDICT_FALSE(twice != 0)) {
    ReportFreeTwice(page, w * SlotBitmap::kSlotsPerWord +
                              static_cast<unsigned>(__builtin_ctzll(twice)));
    mask &= ~twice;
  }
  const unsigned before = page->free_count;
  page->free_count =
      static_cast<uint16_t>(before + static_cast<unsigned>(__builtin_popcountll(mask)));
  freed_bytes_ += (page->free_count - before) * page->stride();
  if (freed_bytes_ >= Janitor::kWakeBytes) {
    freed_bytes_ = 0;
    g_janitor.Wake();
  }
  page->freed_at = g_janitor.tick();
  page->holes = 1;
  if (before == 0) PushFront(page);
  if (page->AllFree()) PageBecameEmpty(page);
}

void Heap::PageBecameEmpty(PageHeader* page) {
  empty_bytes_ += page->TouchedBytes();
  if (empty_bytes_ > kKeptEmptyBytes) {
    Retire(page);
  } else {
    Unlink(page);
    PushBack(page);
  }
}

void Heap::Retire(PageHeader* page) {
  empty_bytes_ -= page->TouchedBytes();
  Unlink(page);
  g_page_map.Erase(page->page());
  g_page_supply.Free(page->page(), page->bytes());
}

void Heap::CollectRemote() {
  if (remote_.Empty()) return;
  remote_.TakeAll([this](PageHeader* page, unsigned w, uint64_t mask)
                      ABSL_NO_THREAD_SAFETY_ANALYSIS { Return(page, w, mask); });
}

bool Heap::FreeRemote(uintptr_t block, Tag tag, bool at_once) {
  PageHeader* const page = HeaderOf(block, tag);
  const RemoteWord word(page, SlotBitmap::WordOf(tag.slot()));
  const uint64_t bit = SlotBitmap::BitOf(tag.slot());
  if (!at_once && StrideOf(tag.size_class()) <= RemoteGather::kLargestStride) {
    return gather_.Add(word, bit, Send);
  }
  Send(word, bit);
  return true;
}

void Heap::Send(RemoteWord word, uint64_t mask) {
  PageHeader* const page = word.page();
  const uint64_t before = page->remote.Release(word.word(), mask);
  if (ABSL_PREDICT_FALSE((before & mask) != 0)) {
    ReportFreeTwice(page, word.word() * SlotBitmap::kSlotsPerWord +
                              static_cast<unsigned>(__builtin_ctzll(before & mask)));
  }
  // Whoever makes the word non-empty tells the owner.
  if (before == 0) g_heaps[page->heap]->remote_.Push(word);
}

void Heap::FlushGather() { gather_.FlushAll(Send); }

void Heap::Flush() {
  LockHolder holder(lock_);
  FlushGather();
  for (SizeClass c = 0; c < kSizeClasses; ++c) {
    Magazine& m = magazines_[c];
    Compact(m);
    const uint32_t count = m.count.load(std::memory_order_relaxed);
    if (count != 0) ReturnOldest(c, count);
    m.limit = 0;
  }
  CollectRemote();
}

bool Heap::InMagazine(uintptr_t block, SizeClass c) const {
  const Magazine& m = magazines_[c];
  const uint32_t count = m.count.load(std::memory_order_relaxed);
  for (uint32_t i = m.stolen; i < count; ++i) {
    if (Magazine::BlockOf(m.slot[i].load(std::memory_order_relaxed)) == block) return true;
  }
  return false;
}

void Heap::PushFront(PageHeader* page) {
  PageList& list = lists_[page->size_class];
  page->prev = nullptr;
  page->next = list.head;
  (list.head != nullptr ? list.head->prev : list.tail) = page;
  list.head = page;
}

void Heap::PushBack(PageHeader* page) {
  PageList& list = lists_[page->size_class];
  page->next = nullptr;
  page->prev = list.tail;
  (list.tail != nullptr ? list.tail->next : list.head) = page;
  list.tail = page;
}

void Heap::Unlink(PageHeader* page) {
  PageList& list = lists_[page->size_class];
  (page->prev != nullptr ? page->prev->next : list.head) = page->next;
  (page->next != nullptr ? page->next->prev : list.tail) = page->prev;
}

}  // namespace mymalloc
