#include "mymalloc/report/verify.h"

#include "mymalloc/misuse/sampled_blocks.h"
#include "mymalloc/page/page_glance.h"
#include "mymalloc/process/freeze.h"
#include "mymalloc/process/registry.h"
#include "mymalloc/report/inspector.h"
#include "mymalloc/supply/totals.h"

namespace mymalloc {
namespace {

// A set of blocks, known by their number and a sum that another set has by chance only.
struct BlockSet {
  size_t count = 0;
  uint64_t sum = 0;

  void Add(uintptr_t block) {
    ++count;
    sum += (block ^ block >> 29) * 0x9e3779b97f4a7c15 >> 7;
  }
};

class HeapVerifier {
 public:
  const char* Run() {
    CheckTrees();
    if (wrong_ == nullptr) CheckRanges();
    if (wrong_ == nullptr) CheckOwners();
    for (HeapId id = kFirstHeap; id <= g_registry.HighestId() && wrong_ == nullptr; ++id) {
      CheckHeap(*g_heaps[id]);
    }
    if (wrong_ == nullptr) CheckTotals();
    return wrong_;
  }

 private:
  // Records the first failure only.
  bool Expect(bool condition, const char* what) {
    if (!condition && wrong_ == nullptr) wrong_ = what;
    return condition;
  }

  void CheckTrees();
  void CheckRanges();
  void CheckJoined(const FreeRanges& ranges);
  template <typename Tree>
  void CheckApart(const FreeRanges& ranges, const Tree& others, const char* what);

  void CheckOwners();
  void CheckLarge(Interval range, const LargeBlock& large);
  void CheckPage(Interval range, const PageHeader& page);
  void CheckSlots(const PageHeader& page);
  void CheckTaken(const PageHeader& page, SlotIndex slot);
  void CheckRun(const PageHeader& page, SlotRun run);

  void CheckHeap(const Heap& heap);
  void CheckList(const Heap& heap, const Inspector::PageList& list, SizeClass c);
  void CheckRunLists(const Heap& heap, SizeClass c);
  void CheckMagazine(const Heap& heap, const Magazine& m);
  void CheckEntry(const Heap& heap, SizeClass c, uintptr_t entry);
  void CheckGather(const Heap& heap);
  void CheckQuarantine(const Heap& heap);
  void CheckRemoteList(const Heap& heap, RemoteWord word);
  // A free block that somebody holds: a slot that the bitmap calls taken, and nobody else's.
  void CheckHeld(const PageHeader& page, SlotIndex slot);

  void CheckTotals();

  const char* wrong_ = nullptr;
  // From the pages: slots that are taken though their tags say free, and so must be held somewhere;
  // remote words with bits; pages with a free slot.
  BlockSet held_slots_;
  size_t remote_words_ = 0;
  size_t pages_with_room_ = 0;
  size_t run_tails_ = 0;  // less what the heaps say
  // From the large blocks.
  size_t live_large_ = 0;
  size_t live_large_bytes_ = 0;
  // From the heaps: the same.
  BlockSet held_;
  size_t listed_words_ = 0;
  size_t listed_pages_ = 0;
  size_t empty_bytes_ = 0;  // of all heaps, less what the pages say
  size_t dirty_bytes_ = 0;  // the same
};

// The page that an address lies in, by the tree.
const PageHeader* PageAt(uintptr_t address) {
  const auto entry = Inspector::Pages(g_page_map).Stab(address);
  return entry ? Owner(entry.value).page() : nullptr;
}

bool InRemote(const PageHeader& page, SlotIndex slot) {
  return (page.remote.Peek(SlotSet::WordOf(slot)) & SlotSet::BitOf(slot)) != 0;
}

void HeapVerifier::CheckTrees() {
  const char* const found[] = {g_page_map.Verify(), g_page_supply.Verify(), g_sampled.Verify()};
  for (const char* wrong : found) {
    if (wrong_ == nullptr) wrong_ = wrong;
  }
}

void HeapVerifier::CheckRanges() {
  const FreeRanges& dirty = Inspector::Dirty(g_page_supply);
  const FreeRanges& all = Inspector::All(g_page_supply);
  CheckJoined(dirty);
  CheckJoined(all);
  for (const auto& entry : dirty.tree()) {
    const auto around = all.tree().Stab(entry.range.begin);
    Expect(around && around.range.end >= entry.range.end, "a dirty range is not free");
  }
  const auto& owners = Inspector::Pages(g_page_map);
  CheckApart(all, owners, "a free range is in use");
}

void HeapVerifier::CheckJoined(const FreeRanges& ranges) {
  size_t bytes = 0;
  uintptr_t last_end = 0;
  for (const auto& entry : ranges.tree()) {
    Expect(entry.range.begin != last_end, "free ranges touch and were not joined");
    Expect((entry.range.begin | entry.range.end) % kPageUnit == 0, "a free range has odd bounds");
    last_end = entry.range.end;
    bytes += entry.range.length();
  }
  Expect(bytes == ranges.bytes(), "free ranges have other bytes than their sum says");
}

template <typename Tree>
void HeapVerifier::CheckApart(const FreeRanges& ranges, const Tree& others, const char* what) {
  for (const auto& entry : ranges.tree()) {
    Expect(others.Overlap(entry.range, [](const auto&) { return false; }), what);
  }
}

void HeapVerifier::CheckOwners() {
  for (const auto& entry : Inspector::Pages(g_page_map)) {
    const Owner owner(entry.value);
    if (const LargeBlock* large = owner.large()) {
      CheckLarge(entry.range, *large);
    } else if (!owner.sampled()) {
      CheckPage(entry.range, *owner.page());
    }
    if (wrong_ != nullptr) return;
  }
}

void HeapVerifier::CheckLarge(Interval range, const LargeBlock& large) {
  const bool sound = range == large.range() && large.block < large.end &&
                     large.block > large.begin && large.block % kBlockAlignment == 0;
  if (!Expect(sound, "a large block's record is not that of its range")) return;
  const Tag tag = Tag::Of(large.block);
  Expect(tag.Verifies(large.block), "a large block's tag is broken");
  Expect(tag.size_class() == Tag::kLargeClass && tag.heap() == Tag::kNobody,
         "a large block's tag is another's");
  const bool live = large.IsLive();
  Expect(tag.live() == live, "a large block's tag and its record do not agree whether it is live");
  live_large_ += live ? 1 : 0;
  live_large_bytes_ += live ? range.length() : 0;
}

void HeapVerifier::CheckPage(Interval range, const PageHeader& page) {
  const bool sound = &page == HeaderOf(PageAddress(range.begin)) &&
                     IsPageClass(page.size_class()) && range.length() == page.bytes() &&
                     page.heap() != Tag::kNobody && page.heap() <= g_registry.HighestId();
  if (!Expect(sound, "a page's header is not that of its range") ||
      !Expect(page.Intact(), "a page's header is broken")) {
    return;
  }
  CheckSlots(page);
  Expect(page.free_count == page.free.Count(), "a page's free count is not the bitmap's");
  Expect(page.touched_end() <= page.slots_end(), "a page's high water is past its end");
  if (page.free_count != 0) ++pages_with_room_;
  Expect(page.dirty == page.CountDirty() && page.dirty + page.clean.Count() == page.free_count,
         "a page's dirty count is wrong");
  dirty_bytes_ -= page.DirtyBytes();
  if (page.free_count == page.capacity) empty_bytes_ -= page.DirtyBytes();
  for (unsigned w = 0; w < AtomicSlotBitmap::kWords; ++w) {
    const uint64_t remote = page.remote.Peek(w);
    Expect((remote & page.free.Word(w)) == 0, "a slot is free both in the bitmap and remotely");
    if (remote != 0) ++remote_words_;
  }
}

void HeapVerifier::CheckSlots(const PageHeader& page) {
  const uintptr_t header = reinterpret_cast<uintptr_t>(&page);
  unsigned capacity = 0;
  SlotIndex run_end = kFirstSlot;
  for (const SlotIndex slot : Each<SlotIndex>(kFirstSlot, SlotIndex{kSlotsPerPage})) {
    const uintptr_t block = page.Block(slot);
    const bool beyond = slot >= page.slots_end();
    const bool clear = block - kTagBytes >= header + sizeof(PageHeader) ||
                       block + page.stride() - kTagBytes <= header;
    const bool free = page.free.Test(slot);
    if (slot == kFirstSlot || !clear || beyond) {
      Expect(!free, "a slot that must not be handed out is free");
      continue;
    }
    ++capacity;
    if (free || slot < run_end) continue;
    const SlotRun run = RunAt(page, slot);
    run_end = run.end();
    const Tag tag = Tag::Of(page.Block(run.first));
    const bool verifies = tag.Verifies(page.Block(run.first));  // else it says anything
    const bool is_run = verifies && tag.IsRun();
    is_run ? CheckRun(page, run) : CheckTaken(page, slot);
  }
  Expect(page.capacity == capacity, "a page's capacity is not the number of its slots");
}

void HeapVerifier::CheckTaken(const PageHeader& page, SlotIndex slot) {
  Expect(slot < page.touched_end(), "a slot above the high water was handed out");
  const uintptr_t block = page.Block(slot);
  const Tag tag = Tag::Of(block);
  const bool remote = InRemote(page, slot);
  if (remote) held_.Add(block);
  if (!Expect(tag.Verifies(block), "a block's tag is broken")) return;
  Expect(tag.heap() == page.heap() && tag.size_class() == page.size_class() && tag.slot() == slot,
         "a block's tag is another's");
  Expect(!remote || !tag.live(), "a block that was freed remotely is live");
  // The next slot's tag, if that is taken too, is checked with it.
  const uintptr_t fence = block + page.stride();
  if (slot + kOneSlot == page.slots_end() || page.free.Test(slot + kOneSlot)) {
    Expect(Tag::Of(fence).Verifies(fence), "a block's fence is broken");
  }
  if (!tag.live()) held_slots_.Add(block);
}

void HeapVerifier::CheckRun(const PageHeader& page, SlotRun run) {
  const SlotIndex end = run.end();
  Expect(end <= page.touched_end(), "a run goes on above the high water");
  for (const SlotIndex slot : Each<SlotIndex>(run.first, end)) {
    const bool remote = slot != run.first && InRemote(page, slot);
    Expect(!page.free.Test(slot) && !remote, "a slot of a run is free");
  }
  const Tag tag = Tag::Of(page.Block(run.first));
  Expect(tag.size_class() == page.size_class(), "a run's tag is another's");
  // Nobody holds one that is free: it waits for its owner.
  const bool remote = InRemote(page, run.first);
  Expect(!remote || !tag.live(), "a run that was freed remotely is live");
  Expect(remote || tag.live(), "a free run is lost");
  Expect(Tag::Of(page.Block(end)).Verifies(page.Block(end)), "a run's fence is broken");
  run_tails_ += run.slots.value() - 1;
}

void HeapVerifier::CheckHeap(const Heap& heap) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  empty_bytes_ += Inspector::EmptyBytes(heap);
  for (SizeClass c = kSmallestClass; c < kFirstRunClass && wrong_ == nullptr; ++c) {
    CheckList(heap, Inspector::List(heap, c), c);
    CheckMagazine(heap, heap.magazine(c));
  }
  for (SizeClass c = kFirstRunClass; IsPageClass(c) && wrong_ == nullptr; ++c)
    CheckRunLists(heap, c);
  dirty_bytes_ += Inspector::DirtyBytes(heap);
  run_tails_ -= heap.run_tails();
  if (wrong_ != nullptr) return;
  heap.ForEachHeld([&](SizeClass c, const Entry* entries, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      CheckEntry(heap, c, entries[i].load(std::memory_order_relaxed));
    }
  });
  if (wrong_ == nullptr) CheckQuarantine(heap);
  if (wrong_ == nullptr) CheckGather(heap);
  for (const RemoteWord first : Inspector::FirstRemote(heap)) {
    if (wrong_ == nullptr) CheckRemoteList(heap, first);
  }
}

void HeapVerifier::CheckList(const Heap& heap, const Inspector::PageList& list, SizeClass c) {
  const PageHeader* before = nullptr;
  for (const PageHeader* page = list.head; page != nullptr; page = page->next) {
    const uintptr_t address = reinterpret_cast<uintptr_t>(page);
    if (!Expect(PageAt(address) == page, "a list holds what is no page") ||
        !Expect(page->prev == before, "a list's links disagree")) {
      return;
    }
    Expect(page->heap() == heap.id() && page->size_class() == c, "a page is in another's list");
    Expect(page->free_count != 0, "a page without a free slot is in a list");
    Expect(before == nullptr || page->AllFree() || !before->AllFree(),
           "an empty page stands before one that is not");
    ++listed_pages_;
    before = page;
  }
  Expect(list.tail == before, "a list's last page is another");
}

void HeapVerifier::CheckRunLists(const Heap& heap, SizeClass c) {
  for (unsigned longest = 1; longest <= kMostRunSlots.value() && wrong_ == nullptr; ++longest) {
    const Inspector::PageList& list = Inspector::List(heap, c, longest);
    CheckList(heap, list, c);
    if (wrong_ != nullptr) return;  // it may have no end
    Expect((list.head != nullptr) == Inspector::HasRuns(heap, c, longest),
           "a list of pages with runs is empty, or not, and it is said otherwise");
    for (const PageHeader* page = list.head; page != nullptr; page = page->next) {
      unsigned most = 0;
      unsigned now = 0;
      for (const SlotIndex slot : page->EachSlot()) {
        now = page->free.Test(slot) ? now + 1 : 0;
        most = Max(most, now);
      }
      most = Min(most, kMostRunSlots.value());
      Expect(most == longest && page->longest == longest, "a page's longest run is another");
    }
  }
}

void HeapVerifier::CheckMagazine(const Heap& heap, const Magazine& m) {
  if (!Expect(m.begin() <= m.end() && m.Valid() <= kDeepestMagazine,
              "a magazine's ends are wrong")) {
    return;
  }
  Expect(!Inspector::IsFloorRaised(m) || Inspector::HasRaisedFloors(heap),
         "a magazine's floor was left raised");
}

void HeapVerifier::CheckEntry(const Heap& heap, SizeClass c, uintptr_t entry) {
  const uintptr_t block = BlockOf(entry);
  const PageHeader* page = PageAt(block);
  const bool ours = page != nullptr && page->heap() == heap.id() && page->size_class() == c;
  if (!Expect(ours, "a heap holds another's block") || page == nullptr) return;
  Expect(entry == block || c > SmallClassOf(kLargestSmall), "a small block is marked as zeroed");
  const size_t offset = block - page->page();
  if (!Expect(offset % page->stride() == 0, "a heap holds what is no block")) return;
  CheckHeld(*page, page->SlotAt(block));
}

void HeapVerifier::CheckGather(const Heap& heap) {
  heap.gather().ForEach([&](RemoteWord word, uint64_t mask) {
    const PageHeader* const page = word.page();
    const bool known = page != nullptr && PageAt(reinterpret_cast<uintptr_t>(page)) == page;
    if (!Expect(known, "a gathered page is none") ||
        !Expect(page->heap() != heap.id(), "a heap gathers its own blocks")) {
      return;
    }
    for (; mask != 0; mask &= mask - 1) {
      const unsigned bit = static_cast<unsigned>(__builtin_ctzll(mask));
      CheckHeld(*page, SlotSet::SlotOf(word.word(), bit));
    }
  });
}

// Of any heap's blocks.
void HeapVerifier::CheckQuarantine(const Heap& heap) {
  heap.quarantine().ForEach([&](Quarantine::Item item) {
    const PageHeader* const page = PageAt(item.block);
    const bool known = page != nullptr && page->size_class() == item.size_class &&
                       (item.block - page->page()) % page->stride() == 0;
    if (!Expect(known, "what lies in quarantine is no block")) return;
    CheckHeld(*page, page->SlotAt(item.block));
    Expect(Quarantine::FindWrite(item) == 0, "a block in quarantine was written to");
  });
}

void HeapVerifier::CheckRemoteList(const Heap& heap, RemoteWord word) {
  while (word.bits() != 0) {
    const PageHeader* const page = word.page();
    const bool sound = page != nullptr && PageAt(reinterpret_cast<uintptr_t>(page)) == page &&
                       page->heap() == heap.id() && word.word() < AtomicSlotBitmap::kWords;
    if (!Expect(sound, "a heap's list of remote frees holds another's") ||
        !Expect(page->remote.Peek(word.word()) != 0, "an empty word is listed as a remote free") ||
        !Expect(++listed_words_ <= remote_words_, "a list of remote frees runs in a circle")) {
      return;
    }
    word = RemoteWord(word.link().load(std::memory_order_relaxed));
  }
}

void HeapVerifier::CheckHeld(const PageHeader& page, SlotIndex slot) {
  const uintptr_t block = page.Block(slot);
  held_.Add(block);
  Expect(!page.free.Test(slot), "a block that is held is free in the bitmap");
  Expect(!InRemote(page, slot), "a block that is held is free remotely");
  Expect(!Tag::Of(block).live(), "a free block's tag says live");
}

void HeapVerifier::CheckTotals() {
  const size_t sampled = g_sampled.live();
  Expect(g_totals.large_blocks.now() == live_large_ + sampled &&
             g_totals.large_bytes.now() == live_large_bytes_ + sampled * KernelPage(),
         "the large blocks are not as many as their count says");
  Expect(pages_with_room_ == listed_pages_, "a page with a free slot is in no list");
  Expect(remote_words_ == listed_words_, "a word of remote frees is in no list");
  Expect(held_.count <= held_slots_.count, "a free block is held in two places");
  Expect(held_.count >= held_slots_.count, "a free block is lost");
  Expect(held_.sum == held_slots_.sum, "a free block is held in two places, and another is lost");
  Expect(run_tails_ == 0, "the slots of runs are not their sum");
  Expect(empty_bytes_ == 0, "the bytes of empty pages are not their sum");
  Expect(dirty_bytes_ == 0, "the bytes of dirty slots are not their sum");
}

}  // namespace

const char* VerifyHeap() {
  const Frozen frozen;
  return HeapVerifier().Run();
}

}  // namespace mymalloc
