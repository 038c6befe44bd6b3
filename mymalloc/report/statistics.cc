#include "mymalloc/report/statistics.h"

#include <unistd.h>

#include "mymalloc/base/printer.h"
#include "mymalloc/heap/guarded.h"
#include "mymalloc/heap/large.h"
#include "mymalloc/heap/page_map.h"
#include "mymalloc/heap/page_supply.h"
#include "mymalloc/heap/registry.h"
#include "mymalloc/heap/totals.h"
#include "mymalloc/os/memory.h"
#include "mymalloc/os/metadata.h"

namespace mymalloc {
namespace {

// The free slots that have been used: the rest of the page is address space.
unsigned CountFree(const PageHeader& page) {
  unsigned count = 0;
  for (unsigned first = 0, n = 0; page.free.NextRun(first + n, &first, &n);) {
    if (first >= page.high_water) break;
    count += Min<unsigned>(first + n, page.high_water) - first;
  }
  return count;
}

void CountPage(const PageHeader& page, Statistics* s) {
  ++s->pages;
  const size_t stride = page.stride();
  s->page_bytes += page.ResidentBytes();
  unsigned remote = 0;
  for (unsigned w = 0; w < AtomicSlotBitmap::kWords; ++w)
    remote += SlotBitmap::PopCount(page.remote.Peek(w));
  const unsigned taken = page.capacity - page.free_count;
  s->live.Add(taken - remote, stride);
  s->free.Add(CountFree(page) + remote, stride);
}

// What lies in magazines, the quarantine and gathered frees is free, though the bitmaps call it
// taken.
void CountHeld(const Heap& heap, Statistics* s) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  heap.ForEachHeld([s](SizeClass c, const Entry*, unsigned n) {
    s->in_magazines.Add(n, StrideOf(c));
    s->live.Subtract(n, StrideOf(c));
    s->free.Add(n, StrideOf(c));
  });
  heap.quarantine().ForEach([s](Quarantine::Item item) {
    s->live.Subtract(1, StrideOf(item.size_class));
    s->free.Add(1, StrideOf(item.size_class));
  });
  heap.gather().ForEach([s](RemoteWord word, uint64_t mask) {
    const size_t stride = word.page()->stride();
    s->live.Subtract(SlotBitmap::PopCount(mask), stride);
    s->free.Add(SlotBitmap::PopCount(mask), stride);
  });
}

void VisitFree(const PageHeader& page, FreeBlocksVisitor visit, void* context) {
  const unsigned free = CountFree(page);
  if (free != 0) visit(context, page.heap, page.size_class, free);
}

}  // namespace

Statistics CountHeap(FreeBlocksVisitor visit, void* context) {
  Statistics s;
  const Frozen frozen;
  g_page_map.ForEach([&](Interval range, Owner owner) {
    if (const PageHeader* page = owner.page()) {
      CountPage(*page, &s);
      if (visit != nullptr) VisitFree(*page, visit, context);
    } else if (owner.guarded()) {
      s.large.Add(g_guarded.live(), g_guarded.live() * kOsPage);
    } else if (owner.large()->live.load(std::memory_order_relaxed)) {
      s.large.Add(1, range.length());
    }
  });
  for (HeapId id = 1; id <= g_registry.HighestId(); ++id) CountHeld(*g_heaps[id], &s);
  s.live.blocks -= g_totals.run_tails.now();
  s.supply_dirty = g_page_supply.DirtyBytes();
  s.large_cached = g_large_cache.Bytes();
  s.metadata = os::MetadataBytes();
  return s;
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
  out.Text("\nfree blocks      = ").Decimal(s.free.blocks);
  out.Text("\nin magazines     = ").Decimal(s.in_magazines.blocks);
  out.Text("\npages            = ").Decimal(s.pages);
  out.Text("\nfree page bytes  = ").Decimal(s.supply_dirty);
  out.Text("\ncached mmap bytes= ").Decimal(s.large_cached);
  out.Text("\nmetadata bytes   = ").Decimal(s.metadata).Text("\n");
  out.WriteTo(STDERR_FILENO);
}

namespace {

// Free blocks by heap and class.
struct FreeTable {
  uint32_t* counts = nullptr;
  HeapId heaps = 0;

  size_t Bytes() const {
    return RoundUp(size_t{heaps + 1} * kSizeClasses * sizeof(*counts), kOsPage);
  }
  uint32_t& At(HeapId heap, SizeClass c) const { return counts[size_t{heap} * kSizeClasses + c]; }
  static void Add(void* table, HeapId heap, SizeClass c, size_t blocks) {
    FreeTable& self = *static_cast<FreeTable*>(table);
    if (heap <= self.heaps) self.At(heap, c) += static_cast<uint32_t>(blocks);
  }
};

void PrintTotal(FILE* stream, const char* type, size_t count, size_t size) {
  fprintf(stream, "<total type=\"%s\" count=\"%zu\" size=\"%zu\"/>\n", type, count, size);
}

void PrintSystem(FILE* stream, size_t current, size_t max) {
  fprintf(stream, "<system type=\"current\" size=\"%zu\"/>\n", current);
  fprintf(stream, "<system type=\"max\" size=\"%zu\"/>\n", max);
  fprintf(stream, "<aspace type=\"total\" size=\"%zu\"/>\n", current);
  fprintf(stream, "<aspace type=\"mprotect\" size=\"%zu\"/>\n", current);
}

void PrintHeap(FILE* stream, HeapId heap, FreeTable& table) {
  fprintf(stream, "<heap nr=\"%u\">\n<sizes>\n", heap - 1);
  BlockCount free;
  for (SizeClass c = 0; c < kSizeClasses; ++c) {
    const size_t count = table.At(heap, c);
    if (count == 0) continue;
    const size_t stride = StrideOf(c);
    fprintf(stream, "  <size from=\"%zu\" to=\"%zu\" total=\"%zu\" count=\"%zu\"/>\n", stride,
            stride, stride * count, count);
    free.Add(count, stride);
  }
  fputs("</sizes>\n", stream);
  PrintTotal(stream, "fast", 0, 0);
  PrintTotal(stream, "rest", free.blocks, free.bytes);
  PrintSystem(stream, free.bytes, free.bytes);
  fputs("</heap>\n", stream);
}

}  // namespace

int PrintMallocInfo(FILE* stream) {
  FreeTable table;
  table.heaps = g_registry.HighestId();
  table.counts = reinterpret_cast<uint32_t*>(os::Map(table.Bytes()));
  if (table.counts == nullptr) return ENOMEM;
  const Statistics s = CountHeap(&FreeTable::Add, &table);
  fputs("<malloc version=\"1\">\n", stream);
  for (HeapId heap = 1; heap <= table.heaps; ++heap) PrintHeap(stream, heap, table);
  PrintTotal(stream, "fast", s.in_magazines.blocks, s.in_magazines.bytes);
  PrintTotal(stream, "rest", s.free.blocks - s.in_magazines.blocks,
             s.free.bytes - s.in_magazines.bytes + s.supply_dirty);
  PrintTotal(stream, "mmap", s.large.blocks, s.large.bytes);
  PrintSystem(stream, s.FromSystem(), g_totals.system.most());
  fputs("</malloc>\n", stream);
  os::Unmap(reinterpret_cast<uintptr_t>(table.counts), table.Bytes());
  return 0;
}

}  // namespace mymalloc
