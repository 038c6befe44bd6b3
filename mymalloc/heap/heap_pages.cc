// A heap's pages: where they come from, on which list they are, what of them is free and resident,
// and when they go.

#include "absl/base/optimization.h"
#include "mymalloc/base/options.h"
#include "mymalloc/heap/heap.h"
#include "mymalloc/os/memory.h"
#include "mymalloc/supply/page_map.h"
#include "mymalloc/supply/page_supply.h"
#include "mymalloc/supply/retired_pages.h"
#include "mymalloc/supply/tick.h"
#include "mymalloc/supply/totals.h"

namespace mymalloc {
namespace {

// A heap keeps all-free pages, so that a program that fills and empties some pages in turn does not
// go to the page supply each time: of slots until half of what may be free at all may be resident
// there, of runs, which all long blocks can use, until all of it may.
constexpr size_t KeptShare(SizeClass c) { return IsRunClass(c) ? 1 : 2; }
// When that is too much, as much goes as makes room for this share of it, or so many pages.
constexpr size_t kSlackShare = 4;
constexpr unsigned kMostRetiredAtOnce = 8;

// How much longer than a page that is wanted one may be that goes for it; how large a heap must be
// for that.
constexpr size_t kMostTimes = 16;
constexpr size_t kLeastToRetireFor = 16 * kMiB;

// A class that has many pages gets some at once, as a share of those, at most so many.
constexpr unsigned kPagesShare = 8;
constexpr unsigned kMostPagesAtOnce = 4;
constexpr size_t kLongestAtOnce = PageBytesOf(kShortRuns);

// A page fault for each kernel page costs more than a call of the kernel for several. That is for
// slots that are written to as they are handed out, each kernel page of them: by their tags.
bool IsPopulated(SizeClass c) { return StrideOf(c) <= KernelPage() && !g_options.random_slots; }

// How much of a class is made resident before it is needed, where it has so many bytes.
size_t AheadOf(size_t bytes) {
  constexpr size_t kMost = 64 * kKiB;
  constexpr size_t kShare = 32;
  return g_budget.IsShort() ? 0 : Min(kMost, bytes / kShare);
}

// So many bytes of new pages, whole ones.
void PopulateSome(PageSupply::Grant* grants, unsigned count, size_t bytes, size_t ahead) {
  for (unsigned i = 0; i < count && ahead >= bytes; ++i) {
    const Interval page = Interval::From(grants[i].begin, bytes);
    if (grants[i].touched >= bytes || !os::Populate(page)) continue;
    grants[i].touched = bytes;
    ahead -= bytes;
  }
}

}  // namespace

// A negative difference wraps around.
void Heap::CountSystem(size_t difference) {
  system_ += difference;
  most_system_ = Max(most_system_, system_);
  g_totals.system.AddToPages(difference);
}

void Heap::RaiseHighWater(PageHeader* page, SlotIndex slot) {
  if (slot <= page->touched_end()) return;
  const size_t before = page->UsedBytes();
  page->high_water = static_cast<uint16_t>(slot.value());
  CountSystem(page->UsedBytes() - before);
}

// ---- Accounts ----

void Heap::SettleAccounts() {
  if ((unsettled_free_ | unsettled_live_ | unsettled_long_) == 0) return;
  g_budget.Tell(unsettled_free_, unsettled_live_, unsettled_long_);
  unsettled_free_ = 0;
  unsettled_live_ = 0;
  unsettled_long_ = 0;
}

void Heap::AccountLong(const PageHeader* page, int64_t bytes) {
  if (IsRunClass(page->size_class())) unsettled_long_ += bytes;
}

void Heap::Account(int64_t free, int64_t live) {
  unsettled_free_ += free;
  unsettled_live_ += live;
  const int64_t most = Budget::StepOf(system_);
  const auto outside = [most](int64_t n) { return n >= most || n <= -most; };
  if (ABSL_PREDICT_FALSE(outside(unsettled_free_) || outside(unsettled_live_))) SettleAccounts();
}

// A negative difference wraps around.
void Heap::AddDirty(size_t difference) {
  const size_t sum = dirty_bytes_.load(std::memory_order_relaxed) + difference;
  dirty_bytes_.store(sum, std::memory_order_relaxed);
}

// What of a page the budget counts as free: nothing while it is mostly taken. What is free there
// will be wanted again, or it goes back when it has been free for long.
size_t Heap::CountedOf(const PageHeader* page, unsigned free, unsigned dirty) {
  return page->IsSparse(free) ? dirty * page->stride() : 0;
}

// The slots, up to `end`, still count as free; so many of them were clean.
void Heap::CountTaken(PageHeader* page, SlotCount slots, SlotCount clean, SlotIndex end) {
  const size_t stride = page->stride();
  const unsigned before = page->dirty;
  const unsigned free = page->free_count - slots.value();
  const unsigned dirty = before - (slots - clean).value();
  page->dirty = static_cast<uint16_t>(dirty);
  AddDirty(-((slots - clean) * stride));
  if (page->purged != 0 && end <= page->touched_end()) g_budget.NoteWanted(clean * stride);
  Account(static_cast<int64_t>(CountedOf(page, free, dirty)) -
              static_cast<int64_t>(CountedOf(page, free + slots.value(), before)),
          static_cast<int64_t>(slots * stride));
  AccountLong(page, static_cast<int64_t>(slots * stride));
}

// The slots count as free already.
void Heap::CountFreed(PageHeader* page, SlotCount slots) {
  const size_t bytes = slots * page->stride();
  const unsigned before = page->dirty;
  const unsigned free = page->free_count;
  page->dirty = static_cast<uint16_t>(before + slots.value());
  AddDirty(bytes);
  page->freed_at = CurrentTick() & PageHeader::kTickMask;
  int64_t counted = 0;
  if (ABSL_PREDICT_FALSE(page->IsSparse(free))) {
    counted = static_cast<int64_t>(page->dirty * page->stride()) -
              static_cast<int64_t>(CountedOf(page, free - slots.value(), before));
  }
  Account(counted, -static_cast<int64_t>(bytes));
  AccountLong(page, -static_cast<int64_t>(bytes));
  Enqueue(page);
}

// Some free slots have been given back, or cannot be: so many are left.
void Heap::SetDirty(PageHeader* page, unsigned dirty) {
  const unsigned before = page->dirty;
  page->dirty = static_cast<uint16_t>(dirty);
  Account(static_cast<int64_t>(CountedOf(page, page->free_count, dirty)) -
              static_cast<int64_t>(CountedOf(page, page->free_count, before)),
          0);
  AddDirty(-((size_t{before} - dirty) * page->stride()));
}

// Where it will be found when it is to be given back from.
void Heap::Enqueue(PageHeader* page) {
  dirty_.Push(page);
  if (page->IsSparse(page->free_count)) sparse_.Push(page);
}

// For the next step to go on with.
void Heap::EnqueueFirst(PageHeader* page) {
  if (dirty_.PushFirst(page)) ++left_to_decay_;
  if (page->IsSparse(page->free_count)) sparse_.PushFirst(page);
}

// ---- Becoming resident ----

// So many of the slots [first, end) are about to be written to, and may not be resident. Those
// behind them that are made resident with them are then free slots as any that have been used;
// there are none where memory has been given back, or it would soon be given back again.
void Heap::Populate(PageHeader* page, SlotIndex first, SlotIndex end, SlotCount slots) {
  const SizeClass c = page->size_class();
  // What lies between them may be shared with a child of fork, and would be copied.
  if (!IsPopulated(c) || end - first > slots + slots) return;
  const size_t others = (pages_[c] - 1) * page->bytes();
  const size_t bytes = page->purged != 0 ? 0 : AheadOf(others + page->TouchedBytes());
  const size_t ahead = bytes / page->stride();
  const size_t most = Min<size_t>(page->slots().value(), end.value() + ahead);
  SlotIndex done = end;
  while (done.value() < most && page->clean.Test(done)) ++done;
  const Interval memory = {RoundDown(page->Block(first) - kTagBytes, KernelPage()),
                           RoundUp(page->Block(done), KernelPage())};
  if (memory.length() < 2 * KernelPage() || !os::Populate(memory) || done == end) return;
  page->clean.ClearRange(end, done - end);
  RaiseHighWater(page, done);
  SetDirty(page, page->dirty + (done - end).value());
  page->freed_at = CurrentTick() & PageHeader::kTickMask;
  Enqueue(page);
}

// ---- Coming and going ----

unsigned Heap::PagesAtOnce(SizeClass c) const {
  if (g_budget.IsShort() || PageBytesOf(c) > kLongestAtOnce) return 1;
  return Max(1U, Min(pages_[c] / kPagesShare, kMostPagesAtOnce));
}

// Before a page is made of memory that nobody has touched: what other classes have left all free
// does as well, and is there. What is cut up for it they lack later, and a piece of it may serve
// nobody: so not in a small heap, where the budget's least is much.
void Heap::RetireFor(SizeClass c) {
  const size_t bytes = PageBytesOf(c);
  if (system_ < kLeastToRetireFor || empty_bytes_[0] + empty_bytes_[1] < bytes) return;
  if (g_page_supply.HasDirty(bytes)) return;
  RetiredPages retired;
  if (!RetireLongerThan(bytes, &retired)) RetireShorterThan(bytes, &retired);
}

// Whether there are any. Some of the class that has the shortest such pages, for a few pages to
// come.
bool Heap::RetireLongerThan(size_t bytes, RetiredPages* retired) {
  unsigned gone = 0;
  for (const SizeClass c : EachPageClass()) {
    if (PageBytesOf(c) > kMostTimes * bytes) continue;
    for (; gone < kMostRetiredAtOnce; ++gone) {
      PageHeader* const page = EmptyPageOf(c);
      if (page == nullptr || page->DirtyBytes() < bytes) break;
      Retire(page, retired);
    }
    if (gone != 0) return true;
  }
  return false;
}

// Some, which may lie side by side.
void Heap::RetireShorterThan(size_t bytes, RetiredPages* retired) {
  size_t gone = 0;
  for (const SizeClass c : EachPageClass()) {
    if (PageBytesOf(c) < bytes / kMostTimes || PageBytesOf(c) >= bytes) continue;
    while (gone < bytes) {
      PageHeader* const page = EmptyPageOf(c);
      if (page == nullptr) break;
      gone += page->DirtyBytes();
      Retire(page, retired);
    }
  }
}

// The first of some; the others are on the class's list. nullptr if the system has no memory.
PageHeader* Heap::NewPage(SizeClass c) {
  const size_t bytes = PageBytesOf(c);
  RetireFor(c);
  PageSupply::Grant grants[kMostPagesAtOnce];
  Interval pages[kMostPagesAtOnce];
  size_t touched[kMostPagesAtOnce];
  const unsigned count = g_page_supply.AllocatePages(bytes, PagesAtOnce(c), grants);
  if (IsPopulated(c)) PopulateSome(grants, count, bytes, AheadOf(pages_[c] * bytes));
  for (unsigned i = 0; i < count; ++i) {
    FormatPage(PageAddress(grants[i].begin), c, id_, grants[i].touched);
    pages[i] = Interval::From(grants[i].begin, bytes);
    touched[i] = bytes;
  }
  const unsigned known = count == 0 ? 0 : g_page_map.InsertPages(pages, count);
  if (known < count) g_page_supply.FreePages(pages + known, touched + known, count - known);
  pages_[c] += known;
  events_.new_pages += known;
  if (known == 0) return nullptr;
  for (unsigned i = 0; i < known; ++i) Adopt(HeaderOf(PageAddress(pages[i].begin)));
  return HeaderOf(PageAddress(pages[0].begin));
}

void Heap::Adopt(PageHeader* page) {
  page->freed_at = CurrentTick() & PageHeader::kTickMask;
  EmptyBytes(page->size_class()) += page->DirtyBytes();
  AddDirty(page->DirtyBytes());
  Account(static_cast<int64_t>(page->DirtyBytes()), 0);
  dirty_.Push(page);  // also where nothing is: it goes if nobody uses it
  if (page->dirty != 0) sparse_.Push(page);
  CountSystem(page->UsedBytes());
  page->longest = static_cast<uint8_t>(kMostRunSlots.value());
  PushBack(page);
}

void Heap::PageBecameEmpty(PageHeader* page) {
  const SizeClass c = page->size_class();
  EmptyBytes(c) += page->DirtyBytes();
  Unlink(page);
  PushBack(page);
  const size_t most = g_budget.Most() / KeptShare(c);
  if (EmptyBytes(c) > most) RetireSome(c, most - most / kSlackShare);
}

// Of a class that has an all-free page; until that is its only page with room.
void Heap::RetireSome(SizeClass c, size_t to_keep) {
  RetiredPages retired;
  for (unsigned i = 0; i < kMostRetiredAtOnce && EmptyBytes(c) > to_keep; ++i) {
    PageHeader* const page = EmptyPageOf(c);
    if (page == nullptr || page->prev == nullptr) return;
    Retire(page, &retired);
  }
}

void Heap::Retire(PageHeader* page, RetiredPages* retired) {
  EmptyBytes(page->size_class()) -= page->DirtyBytes();
  retired->Add(page);
  SetDirty(page, 0);
  Unlink(page);
  CountSystem(-page->UsedBytes());  // The supply counts them again.
  dirty_.Remove(page);
  sparse_.Remove(page);
  --pages_[page->size_class()];
}

// ---- Lists ----

// One that is all free, if there is any: they are at the end of their list.
PageHeader* Heap::EmptyPageOf(SizeClass c) const {
  const PageList& list =
      IsRunClass(c) ? runs_[c - kFirstRunClass].lists[kMostRunSlots.value()] : lists_[c];
  return list.tail != nullptr && list.tail->AllFree() ? list.tail : nullptr;
}

Heap::PageList& Heap::ListOf(const PageHeader* page) {
  const SizeClass c = page->size_class();
  return IsRunClass(c) ? runs_[c - kFirstRunClass].lists[page->longest] : lists_[c];
}

void Heap::NoteList(const PageHeader* page) {
  const SizeClass c = page->size_class();
  if (!IsRunClass(c) || page->longest == 0) return;
  RunLists& lists = runs_[c - kFirstRunClass];
  const uint64_t bit = uint64_t{1} << (page->longest - 1);
  lists.any = lists.lists[page->longest].head != nullptr ? lists.any | bit : lists.any & ~bit;
}

void Heap::PushFront(PageHeader* page) {
  PageList& list = ListOf(page);
  page->prev = nullptr;
  page->next = list.head;
  (list.head != nullptr ? list.head->prev : list.tail) = page;
  list.head = page;
  NoteList(page);
}

void Heap::PushBack(PageHeader* page) {
  PageList& list = ListOf(page);
  page->next = nullptr;
  page->prev = list.tail;
  (list.tail != nullptr ? list.tail->next : list.head) = page;
  list.tail = page;
  NoteList(page);
}

void Heap::Unlink(PageHeader* page) {
  PageList& list = ListOf(page);
  (page->prev != nullptr ? page->prev->next : list.head) = page->next;
  (page->next != nullptr ? page->next->prev : list.tail) = page->prev;
  NoteList(page);
}

}  // namespace mymalloc
