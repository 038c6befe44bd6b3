#include "tools/look/referrers.h"

#include <algorithm>

#include "mymalloc/base/units.h"

namespace mymalloc::look {
namespace {

bool MayHoldPointers(const Mapping& mapping) {
  return mapping.readable && mapping.writable && mapping.path != "[vvar]" &&
         !(mapping.shared && mapping.HasFile());
}

}  // namespace

std::vector<Interval> OwnRanges(const HeapModel& model) {
  std::vector<Interval> ranges = model.chunks;
  ranges.insert(ranges.end(), model.metadata.begin(), model.metadata.end());
  for (const Page& page : model.pages) ranges.push_back(page.range);
  for (const FreeRange& free : model.free_ranges) ranges.push_back(free.range);
  for (const Large& large : model.large) ranges.push_back(large.range);
  for (const Large& large : model.held_large) ranges.push_back(large.range);
  if (!model.sampled_range.empty()) ranges.push_back(model.sampled_range);
  std::sort(ranges.begin(), ranges.end(),
            [](const Interval& a, const Interval& b) { return a.begin < b.begin; });
  std::vector<Interval> joined;
  for (const Interval& range : ranges) {
    if (!joined.empty() && range.begin <= joined.back().end) {
      joined.back().end = std::max(joined.back().end, range.end);
    } else {
      joined.push_back(range);
    }
  }
  return joined;
}

std::vector<Interval> StaticMemory(const Target& target, const HeapModel& model) {
  const std::vector<Interval> own = OwnRanges(model);
  std::vector<Interval> rest;
  for (const Mapping& mapping : target.mappings()) {
    if (!MayHoldPointers(mapping)) continue;
    uint64_t at = mapping.range.begin;
    auto next = std::lower_bound(own.begin(), own.end(), at,
                                 [](const Interval& r, uint64_t a) { return r.end <= a; });
    for (; next != own.end() && next->begin < mapping.range.end; ++next) {
      if (next->begin > at) rest.push_back({at, next->begin});
      at = std::max(at, next->end);
    }
    if (at < mapping.range.end) rest.push_back({at, mapping.range.end});
  }
  return rest;
}

void ForEachWordIn(const Memory& memory, const Interval& range, const VisitWord& visit) {
  constexpr size_t kWords = 64 * kKiB / sizeof(uint64_t);
  std::vector<uint64_t> words(kWords);
  const uint64_t begin = RoundUp(range.begin, sizeof(uint64_t));
  for (uint64_t at = begin; at + sizeof(uint64_t) <= range.end;) {
    const size_t count = std::min<uint64_t>(kWords, (range.end - at) / sizeof(uint64_t));
    size_t got = count;
    if (!memory.Read(at, words.data(), count * sizeof(uint64_t))) {
      // What of it can be: up to the next kernel page.
      got = std::min<uint64_t>(count, (RoundUp(at + 1, KernelPage()) - at) / sizeof(uint64_t));
      if (!memory.Read(at, words.data(), got * sizeof(uint64_t))) {
        at += got * sizeof(uint64_t);
        continue;
      }
    }
    for (size_t i = 0; i < got; ++i) visit(at + i * sizeof(uint64_t), words[i]);
    at += got * sizeof(uint64_t);
  }
}

std::vector<Referrer> FindReferrers(const Target& target, const HeapModel& model,
                                    const Interval& block, size_t most) {
  std::vector<Referrer> found;
  const auto look = [&](uint64_t address, uint64_t word) {
    if (block.Contains(word) && !block.Contains(address) && found.size() < most) {
      found.push_back({address, word});
    }
  };
  const Memory& memory = target.memory();
  for (const Interval& range : StaticMemory(target, model)) ForEachWordIn(memory, range, look);
  for (const Page& page : model.pages) {
    ForEachWordIn(memory, page.range, [&](uint64_t address, uint64_t word) {
      if (!block.Contains(word)) return;
      auto slot = static_cast<unsigned>((address - page.range.begin) / page.stride);
      while (slot < page.slots && Has(page.tails, slot)) --slot;
      const bool in_block = slot < page.slots && page.IsLive(slot) &&
                            address + sizeof(word) <= page.Block(slot) + page.Usable(slot);
      if (in_block) look(address, word);
    });
  }
  for (const Large& large : model.large) {
    if (large.live) {
      ForEachWordIn(memory, Interval::From(large.block, large.usable), look);
    }
  }
  return found;
}

}  // namespace mymalloc::look
