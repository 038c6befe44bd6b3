#include "mymalloc/report/statistics.h"

#include <unistd.h>

#include "mymalloc/base/options.h"
#include "mymalloc/base/printer.h"
#include "mymalloc/large/large.h"
#include "mymalloc/misuse/sampled_blocks.h"
#include "mymalloc/os/memory.h"
#include "mymalloc/os/metadata.h"
#include "mymalloc/page/page_glance.h"
#include "mymalloc/process/attach.h"
#include "mymalloc/process/freeze.h"
#include "mymalloc/process/registry.h"
#include "mymalloc/supply/page_map.h"
#include "mymalloc/supply/page_supply.h"
#include "mymalloc/supply/totals.h"

namespace mymalloc {
namespace {

// The free slots that have been used: the rest of the page is address space.
unsigned CountFree(const PageHeader& page) {
  unsigned count = 0;
  for (SlotRun run{}; page.free.NextRun(&run);) {
    if (run.first >= page.touched_end()) break;
    count += (Min(run.end(), page.touched_end()) - run.first).value();
  }
  return count;
}

// What other threads have freed of a page: a bit each, but of a run it stands for all its slots.
struct RemoteSlots {
  unsigned slots = 0;
  unsigned blocks = 0;
};

RemoteSlots CountRemote(const PageHeader& page) {
  RemoteSlots remote;
  for (unsigned w = 0; w < AtomicSlotBitmap::kWords; ++w) {
    for (uint64_t mask = page.remote.Peek(w); mask != 0; mask &= mask - 1) {
      const unsigned bit = static_cast<unsigned>(__builtin_ctzll(mask));
      const Tag tag = Tag::Of(page.Block(SlotSet::SlotOf(w, bit)));
      remote.slots += MayHaveRuns(page.size_class()) ? tag.slots().value() : 1;
      ++remote.blocks;
    }
  }
  return remote;
}

// What is counted beside the sums.
struct Details {
  PerClass<ClassStatistics, kPageClasses>* classes = nullptr;
  HeapStatistics* heaps = nullptr;
  HeapId highest{};  // a heap that was made meanwhile is only in the sums
};

// REQUIRES, all of it: Freeze.
class Counter {
 public:
  explicit Counter(const Details& details = {}) : details_(details) {}

  Statistics Count();

 private:
  void CountPage(const PageHeader& page);
  void CountLarge(Interval range, Owner owner);
  void CountHeld(const Heap& heap);
  void CountHeap(const Heap& heap);
  void CountUnowned();
  // What threads hold is free, though the bitmaps call it taken.
  void AddHeld(BlockCount* where, HeapId owner, SizeClass c, unsigned blocks);
  void AddFree(BlockCount HeapStatistics::*kind, HeapId owner, SizeClass c, unsigned blocks);
  HeapStatistics* Of(HeapId id) const {
    return details_.heaps != nullptr && id <= details_.highest ? &details_.heaps[id.value()]
                                                               : nullptr;
  }
  ClassStatistics* Of(SizeClass c) const {
    return details_.classes != nullptr ? &(*details_.classes)[c] : nullptr;
  }

  const Details details_;
  Statistics s_;
};

void Counter::AddHeld(BlockCount* where, HeapId owner, SizeClass c, unsigned blocks) {
  s_.live.Subtract(blocks, StrideOf(c));
  s_.fast.Add(blocks, StrideOf(c));
  where->Add(blocks, StrideOf(c));
  AddFree(&HeapStatistics::fast, owner, c, blocks);
  if (HeapStatistics* const heap = Of(owner)) heap->live.Subtract(blocks, StrideOf(c));
  if (ClassStatistics* const counted = Of(c)) {
    counted->live_blocks -= blocks;
    counted->live_slots -= blocks;
    counted->held_slots += blocks;
  }
}

void Counter::AddFree(BlockCount HeapStatistics::*kind, HeapId owner, SizeClass c,
                      unsigned blocks) {
  HeapStatistics* const heap = Of(owner);
  if (heap == nullptr) return;
  (heap->*kind).Add(blocks, StrideOf(c));
  heap->free[c] += blocks;
}

// Blocks in taken slots, of which a run has several.
unsigned CountBlocks(const PageHeader& page) {
  const PageGlance glance(page);
  unsigned blocks = 0;
  for (SlotIndex slot = kFirstSlot; slot < page.touched_end();) {
    const bool taken = glance.IsPlace(slot) && !glance.IsFree(slot);
    const SlotRun run = taken ? glance.RunAt(slot) : SlotRun{slot, kOneSlot};
    if (taken && !glance.IsFreeRemotely(run.first)) ++blocks;
    slot = Max(run.end(), slot + kOneSlot);
  }
  return blocks;
}

void Counter::CountPage(const PageHeader& page) {
  ++s_.pages;
  const RemoteSlots remote = CountRemote(page);
  const unsigned taken = page.capacity - page.free_count - remote.slots;
  const unsigned free = CountFree(page) + remote.slots;
  s_.live.Add(taken, page.stride());
  // The heap counts their tails as those of live runs until it has collected them.
  s_.live.blocks += remote.slots - remote.blocks;
  s_.rest.Add(free, page.stride());
  AddFree(&HeapStatistics::rest, page.heap(), page.size_class(), free);
  const unsigned used = free - remote.slots;
  s_.given_back += (used - Min<unsigned>(used, page.dirty)) * page.stride();
  s_.metadata += page.ResidentBytes() - page.UsedBytes();
  const SizeClass c = page.size_class();
  const bool has_runs = IsRunClass(c) || (MayHaveRuns(c) && g_policy.Runs());
  const unsigned blocks = has_runs && Of(page.size_class()) != nullptr ? CountBlocks(page) : taken;
  if (ClassStatistics* const counted = Of(page.size_class())) {
    ++counted->pages;
    counted->live_blocks += blocks;
    counted->live_slots += taken;
    counted->free_slots += free;
  }
  if (HeapStatistics* const heap = Of(page.heap())) {
    ++heap->pages;
    heap->live.blocks += blocks;
    heap->live.bytes += taken * page.stride();
  }
}

void Counter::CountLarge(Interval range, Owner owner) {
  if (owner.sampled()) {
    s_.large.Add(g_sampled.live(), KernelPage());
  } else if (owner.large()->IsLive()) {
    s_.large.Add(1, range.length());
    if (owner.large()->mapped) s_.own_mappings += range.length();
  }
}

HeapId OwnerOf(uintptr_t block) {
  Interval range;
  Owner owner;
  const bool in_page = g_page_map.Find(block, &range, &owner) && owner.page() != nullptr;
  return in_page ? owner.page()->heap() : Tag::kNobody;
}

void Counter::CountHeld(const Heap& heap) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  heap.ForEachInMagazines(
      [&](SizeClass c, const Entry*, unsigned n) { AddHeld(&s_.magazines, heap.id(), c, n); });
  heap.ForEachInSpill(
      [&](SizeClass c, const Entry*, unsigned n) { AddHeld(&s_.spill, heap.id(), c, n); });
  // These are of any heap.
  heap.quarantine().ForEach([&](Quarantine::Item item) {
    AddHeld(&s_.quarantine, OwnerOf(item.block), item.size_class, 1);
  });
  heap.gather().ForEach([&](RemoteWord word, uint64_t mask) {
    const PageHeader& page = *word.page();
    AddHeld(&s_.gathered, page.heap(), page.size_class(), SlotBitmap::PopCount(mask));
  });
}

void Counter::CountHeap(const Heap& heap) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  s_.live.blocks -= heap.run_tails();
  s_.events.allocations += heap.events().allocations;
  s_.events.frees += heap.events().frees;
  s_.events.new_pages += heap.events().new_pages;
  CountHeld(heap);
  if (HeapStatistics* const counted = Of(heap.id())) {
    counted->system = heap.system();
    counted->most_system = heap.most_system();
    counted->parked = heap.parked();
  }
}

void Counter::CountUnowned() {
  s_.supply_dirty = g_page_supply.DirtyBytes();
  s_.large_freed = g_large_blocks.Bytes();
  s_.unused = g_page_supply.FreeBytes() - s_.supply_dirty;
  s_.pieces = g_page_supply.DirtyRanges() + g_large_blocks.Pieces();
  if (HeapStatistics* const none = Of(Tag::kNobody)) {
    none->rest = {s_.pieces, s_.UnownedBytes()};
    none->system = s_.UnownedBytes();
    none->most_system = Max(g_totals.system.most_unowned(), none->system);
  }
}

Statistics Counter::Count() {
  g_page_map.ForEach([this](Interval range, Owner owner) {
    if (const PageHeader* page = owner.page()) {
      CountPage(*page);
    } else {
      CountLarge(range, owner);
    }
  });
  for (HeapId id = kFirstHeap; id <= g_registry.HighestId(); ++id) CountHeap(*g_heaps[id]);
  CountUnowned();
  s_.metadata_mapped = os::MetadataBytes();
  s_.metadata += s_.metadata_mapped;
  return s_;
}

}  // namespace

Statistics CountHeap() {
  const Frozen frozen;
  return Counter().Count();
}

Census::Census(Patience patience) {
  if (patience != Patience::kNone) EnsureHeap();
  // Once more if there is a heap that was not there before.
  do {
    if (taken_) os::Unmap(memory_);
    highest_ = g_registry.HighestId();
    const size_t heaps = highest_.value() * sizeof(HeapStatistics);
    const size_t bytes = RoundUp(sizeof(Paper) + heaps, KernelPage());
    memory_ = Interval::From(os::Map(bytes), bytes);
    paper_ = reinterpret_cast<Paper*>(memory_.begin);
    taken_ = paper_ != nullptr && Take(patience);
  } while (taken_ && g_registry.HighestId() != highest_);
}

Census::~Census() {
  if (paper_ != nullptr) os::Unmap(memory_);
}

bool Census::Take(Patience patience) {
  if (patience == Patience::kWaits) {
    Freeze();
  } else if (!(patience == Patience::kMoment ? FreezeSoon() : TryFreeze())) {
    return false;
  }
  paper_->all = Counter({&paper_->classes, paper_->heaps, highest_}).Count();
  Unfreeze();
  return true;
}

void PrintMallocStats() {
  const Statistics s = CountHeap();
  Printer out;
  out.Text("Arena 0:\nsystem bytes     = ").Decimal(s.FromSystem());
  out.Text("\nin use bytes     = ").Decimal(s.live.bytes);
  out.Text("\nTotal (incl. mmap):\nsystem bytes     = ").Decimal(s.FromSystem() + s.large.bytes);
  out.Text("\nin use bytes     = ").Decimal(s.live.bytes + s.large.bytes);
  out.Text("\nmax mmap regions = ").Decimal(g_totals.large_blocks.most());
  out.Text("\nmax mmap bytes   = ").Decimal(g_totals.large_bytes.most());
  out.Text("\nmymalloc:\nlive blocks      = ").Decimal(s.live.blocks + s.large.blocks);
  out.Text("\nfree blocks      = ").Decimal(s.FreeBlocks() + s.pieces);
  out.Text("\nheld by threads  = ").Decimal(s.fast.blocks);
  out.Text("\npages            = ").Decimal(s.pages);
  out.Text("\nfree page bytes  = ").Decimal(s.supply_dirty);
  out.Text("\nfreed mmap bytes = ").Decimal(s.large_freed);
  out.Text("\nmetadata bytes   = ").Decimal(s.metadata).Text("\n");
  out.WriteTo(STDERR_FILENO);
}

namespace {

void PrintTotal(FILE* stream, const char* type, size_t count, size_t size) {
  fprintf(stream, "<total type=\"%s\" count=\"%zu\" size=\"%zu\"/>\n", type, count, size);
}

void PrintSystem(FILE* stream, size_t current, size_t max) {
  fprintf(stream, "<system type=\"current\" size=\"%zu\"/>\n", current);
  fprintf(stream, "<system type=\"max\" size=\"%zu\"/>\n", max);
  fprintf(stream, "<aspace type=\"total\" size=\"%zu\"/>\n", current);
  fprintf(stream, "<aspace type=\"mprotect\" size=\"%zu\"/>\n", current);
}

void PrintHeap(FILE* stream, HeapId id, const HeapStatistics& heap) {
  fprintf(stream, "<heap nr=\"%u\">\n<sizes>\n", id.value());
  for (const SizeClass c : EachPageClass()) {
    const size_t count = heap.free[c];
    if (count == 0) continue;
    const size_t stride = StrideOf(c);
    fprintf(stream, "  <size from=\"%zu\" to=\"%zu\" total=\"%zu\" count=\"%zu\"/>\n", stride,
            stride, stride * count, count);
  }
  fputs("</sizes>\n", stream);
  PrintTotal(stream, "fast", heap.fast.blocks, heap.fast.bytes);
  PrintTotal(stream, "rest", heap.rest.blocks, heap.rest.bytes);
  PrintSystem(stream, heap.system, heap.most_system);
  fputs("</heap>\n", stream);
}

}  // namespace

int PrintMallocInfo(FILE* stream) {
  const Census census;
  if (!census.taken()) return ENOMEM;
  fputs("<malloc version=\"1\">\n", stream);
  for (HeapId id = Tag::kNobody; id <= census.highest(); ++id) PrintHeap(stream, id, census.Of(id));
  const Statistics& s = census.all();
  PrintTotal(stream, "fast", s.fast.blocks, s.fast.bytes);
  PrintTotal(stream, "rest", s.rest.blocks + s.pieces, s.rest.bytes + s.UnownedBytes());
  PrintTotal(stream, "mmap", s.large.blocks, s.large.bytes);
  PrintSystem(stream, s.FromSystem(), Max(g_totals.system.most(), s.FromSystem()));
  fputs("</malloc>\n", stream);
  return 0;
}

}  // namespace mymalloc
