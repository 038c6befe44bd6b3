#include "mymalloc/report/statistics.h"

#include <unistd.h>

#include "mymalloc/base/printer.h"
#include "mymalloc/large/large.h"
#include "mymalloc/misuse/sampled_blocks.h"
#include "mymalloc/os/memory.h"
#include "mymalloc/os/metadata.h"
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
      remote.slots += page.stride() >= kLeastRunStride ? tag.slots().value() : 1;
      ++remote.blocks;
    }
  }
  return remote;
}

class Counter {
 public:
  // `heaps`: see CountHeap.
  Counter(HeapStatistics* heaps, HeapId highest) : heaps_(heaps), highest_(highest) {}

  Statistics Count();

 private:
  void CountPage(const PageHeader& page);
  void CountLarge(Interval range, Owner owner);
  void CountHeld(const Heap& heap);
  void CountUnowned();
  // What threads hold is free, though the bitmaps call it taken.
  void AddHeld(HeapId owner, SizeClass c, unsigned blocks) {
    s_.live.Subtract(blocks, StrideOf(c));
    AddFree(&s_.fast, &HeapStatistics::fast, owner, c, blocks);
  }
  void AddRest(HeapId owner, SizeClass c, unsigned blocks) {
    AddFree(&s_.rest, &HeapStatistics::rest, owner, c, blocks);
  }
  void AddFree(BlockCount* all, BlockCount HeapStatistics::*kind, HeapId owner, SizeClass c,
               unsigned blocks);
  HeapStatistics* Of(HeapId id) const {
    return heaps_ != nullptr && id <= highest_ ? &heaps_[id.value()] : nullptr;
  }

  HeapStatistics* const heaps_;
  const HeapId highest_;
  Statistics s_;
};

void Counter::AddFree(BlockCount* all, BlockCount HeapStatistics::*kind, HeapId owner, SizeClass c,
                      unsigned blocks) {
  all->Add(blocks, StrideOf(c));
  if (HeapStatistics* const heap = Of(owner)) {
    (heap->*kind).Add(blocks, StrideOf(c));
    heap->free[c] += blocks;
  }
}

void Counter::CountPage(const PageHeader& page) {
  ++s_.pages;
  const RemoteSlots remote = CountRemote(page);
  const unsigned taken = page.capacity - page.free_count;
  const unsigned free = CountFree(page);
  s_.live.Add(taken - remote.slots, page.stride());
  // The heap counts their tails as those of live runs until it has collected them.
  s_.live.blocks += remote.slots - remote.blocks;
  AddRest(page.heap(), page.size_class(), free + remote.slots);
  s_.given_back += (free - Min<unsigned>(free, page.dirty)) * page.stride();
  s_.metadata += page.ResidentBytes() - page.UsedBytes();
}

void Counter::CountLarge(Interval range, Owner owner) {
  if (owner.sampled()) {
    s_.large.Add(g_sampled.live(), KernelPage());
  } else if (owner.large()->IsLive()) {
    s_.large.Add(1, range.length());
  }
}

HeapId OwnerOf(uintptr_t block) {
  Interval range;
  Owner owner;
  const bool in_page = g_page_map.Find(block, &range, &owner) && owner.page() != nullptr;
  return in_page ? owner.page()->heap() : Tag::kNobody;
}

void Counter::CountHeld(const Heap& heap) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  s_.live.blocks -= heap.run_tails();
  heap.ForEachHeld([&](SizeClass c, const Entry*, unsigned n) { AddHeld(heap.id(), c, n); });
  // These are of any heap.
  heap.quarantine().ForEach(
      [&](Quarantine::Item item) { AddHeld(OwnerOf(item.block), item.size_class, 1); });
  heap.gather().ForEach([&](RemoteWord word, uint64_t mask) {
    const PageHeader& page = *word.page();
    AddHeld(page.heap(), page.size_class(), SlotBitmap::PopCount(mask));
  });
  if (HeapStatistics* const counted = Of(heap.id())) {
    counted->system = heap.system();
    counted->most_system = heap.most_system();
  }
}

void Counter::CountUnowned() {
  s_.supply_dirty = g_page_supply.DirtyBytes();
  s_.large_freed = g_large_blocks.Bytes();
  s_.pieces = g_page_supply.DirtyRanges() + g_large_blocks.Pieces();
  if (HeapStatistics* const none = Of(Tag::kNobody)) {
    none->rest = {s_.pieces, s_.UnownedBytes()};
    none->system = s_.UnownedBytes();
    none->most_system = Max(g_totals.system.most_unowned(), none->system);
  }
}

Statistics Counter::Count() {
  const Frozen frozen;
  g_page_map.ForEach([this](Interval range, Owner owner) {
    if (const PageHeader* page = owner.page()) {
      CountPage(*page);
    } else {
      CountLarge(range, owner);
    }
  });
  for (HeapId id = kFirstHeap; id <= g_registry.HighestId(); ++id) CountHeld(*g_heaps[id]);
  CountUnowned();
  s_.metadata += os::MetadataBytes();
  return s_;
}

}  // namespace

Statistics CountHeap(HeapStatistics* heaps, HeapId highest) {
  return Counter(heaps, highest).Count();
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
  const HeapId highest = g_registry.HighestId();
  const size_t bytes =
      RoundUp((size_t{highest.value()} + 1) * sizeof(HeapStatistics), KernelPage());
  // Not for the heap to hold: it would be counted. Zeroed memory is what counts nothing.
  auto* const heaps = reinterpret_cast<HeapStatistics*>(os::Map(bytes));
  if (heaps == nullptr) return ENOMEM;
  const Statistics s = CountHeap(heaps, highest);
  if (g_registry.HighestId() != highest) {  // A heap that was made meanwhile is only in the totals.
    os::Unmap(Interval::From(reinterpret_cast<uintptr_t>(heaps), bytes));
    return PrintMallocInfo(stream);
  }
  fputs("<malloc version=\"1\">\n", stream);
  for (HeapId id = Tag::kNobody; id <= highest; ++id) PrintHeap(stream, id, heaps[id.value()]);
  os::Unmap(Interval::From(reinterpret_cast<uintptr_t>(heaps), bytes));
  PrintTotal(stream, "fast", s.fast.blocks, s.fast.bytes);
  PrintTotal(stream, "rest", s.rest.blocks + s.pieces, s.rest.bytes + s.UnownedBytes());
  PrintTotal(stream, "mmap", s.large.blocks, s.large.bytes);
  PrintSystem(stream, s.FromSystem(), Max(g_totals.system.most(), s.FromSystem()));
  fputs("</malloc>\n", stream);
  return 0;
}

}  // namespace mymalloc
