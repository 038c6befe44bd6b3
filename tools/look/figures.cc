#include "tools/look/figures.h"

#include "mymalloc/base/units.h"

namespace mymalloc::look {
namespace {

// Slots of a page by what becomes of their memory.
struct PageCount {
  uint64_t live_slots = 0;
  uint64_t live_blocks = 0;
  uint64_t cached = 0;
  uint64_t quarantined = 0;
  uint64_t dirty = 0;
  uint64_t clean = 0;
};

uint64_t PopCount(uint64_t word) { return static_cast<uint64_t>(__builtin_popcountll(word)); }

PageCount CountPage(const Page& page) {
  PageCount count;
  for (unsigned w = 0; w < SlotBitmap::kWords; ++w) {
    const uint64_t live = page.LiveWord(w);
    count.live_blocks += PopCount(live);
    count.live_slots += PopCount(live | page.tails[w]);
    count.cached += PopCount(page.cached[w]);
    count.quarantined += PopCount(page.quarantined[w]);
    count.dirty += PopCount(page.free[w] & ~page.clean[w]);
    count.clean += PopCount(page.free[w] & page.clean[w]);
  }
  return count;
}

void Add(const Page& page, const PageCount& count, PageFigures* figures) {
  const uint64_t stride = page.stride;
  ++figures->pages;
  figures->bytes += page.range.length();
  figures->live.Add(count.live_blocks, count.live_slots * stride);
  figures->cached.Add(count.cached, count.cached * stride);
  figures->quarantined.Add(count.quarantined, count.quarantined * stride);
  figures->dirty.Add(count.dirty, count.dirty * stride);
  figures->clean.Add(count.clean, count.clean * stride);
}

}  // namespace

Figures CountFigures(const HeapModel& model) {
  Figures figures;
  for (const Page& page : model.pages) {
    const PageCount count = CountPage(page);
    Add(page, count, &figures.pages);
    Add(page, count, &figures.classes[page.size_class]);
    Add(page, count, &figures.heaps[page.heap]);
  }
  for (const Large& large : model.large) {
    if (large.live) figures.large.Add(1, large.range.length());
  }
  for (const Large& large : model.held_large) figures.held_large.Add(1, large.range.length());
  for (const SampledBlock& block : model.sampled) {
    if (block.live) figures.sampled.Add(1, KernelPage());
  }
  for (const FreeRange& range : model.free_ranges) {
    (range.dirty ? figures.free_dirty : figures.free_clean) += range.range.length();
    ++figures.free_ranges;
  }
  for (const Interval& range : model.metadata) figures.metadata += range.length();
  for (const HeapSummary& heap : model.heaps) figures.heaps[heap.id];
  for (const Amount* amount : {&figures.pages.live, &figures.large, &figures.sampled}) {
    figures.live.Add(amount->blocks, amount->bytes);
  }
  return figures;
}

}  // namespace mymalloc::look
