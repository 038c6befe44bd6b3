#include "tools/look/block_index.h"

#include <algorithm>

namespace mymalloc::look {
namespace {

uint32_t PopCount(uint64_t word) { return static_cast<uint32_t>(__builtin_popcountll(word)); }

uint32_t CountLive(const Page& page) {
  uint32_t count = 0;
  for (unsigned w = 0; w < SlotBitmap::kWords; ++w) count += PopCount(page.LiveWord(w));
  return count;
}

}  // namespace

BlockIndex::BlockIndex(const HeapModel& model) : model_(model) {
  first_.reserve(model.pages.size() + 1);
  for (const Page& page : model.pages) {
    first_.push_back(size_);
    size_ += CountLive(page);
  }
  first_.push_back(size_);
  for (const Large& large : model.large) {
    if (large.live) others_.push_back({large.block, large.usable, BlockKind::kLarge, 0, 0});
  }
  for (const SampledBlock& block : model.sampled) {
    if (block.live) others_.push_back({block.block, block.size, BlockKind::kSampled, 0, 0});
  }
  std::sort(others_.begin(), others_.end(),
            [](const Block& a, const Block& b) { return a.address < b.address; });
  size_ += static_cast<Number>(others_.size());
  MakeTable();
}

void BlockIndex::MakeTable() {
  if (model_.pages.empty()) return;
  begin_ = model_.pages.front().range.begin >> kRegionShift << kRegionShift;
  end_ = model_.pages.back().range.end;
  const uint64_t regions = ((end_ - begin_) >> kRegionShift) + 1;
  if (regions > kMostRegions) return;  // they are looked for one by one then
  regions_.assign(regions, 0);
  units_.assign(kUnitsInRegion, 0);  // those of no region
  for (size_t i = 0; i < model_.pages.size(); ++i) {
    const Interval& range = model_.pages[i].range;
    for (uint64_t at = range.begin; at < range.end; at += kPageUnit) {
      uint32_t& region = regions_[(at - begin_) >> kRegionShift];
      if (region == 0) {
        region = static_cast<uint32_t>(units_.size() / kUnitsInRegion);
        units_.resize(units_.size() + kUnitsInRegion, 0);
      }
      units_[region * kUnitsInRegion + at / kPageUnit % kUnitsInRegion] =
          static_cast<uint32_t>(i + 1);
    }
  }
}

const Page* BlockIndex::PageAt(uint64_t address) const {
  if (address - begin_ >= end_ - begin_) return nullptr;
  if (regions_.empty()) return model_.PageAt(address);
  const size_t region = regions_[(address - begin_) >> kRegionShift];
  const uint32_t page = units_[region * kUnitsInRegion + address / kPageUnit % kUnitsInRegion];
  return page == 0 ? nullptr : &model_.pages[page - 1];
}

BlockIndex::Number BlockIndex::NumberIn(const Page& page, unsigned slot) const {
  Number number = FirstIn(page);
  for (unsigned w = 0; w < slot / 64; ++w) number += PopCount(page.LiveWord(w));
  return number + PopCount(page.LiveWord(slot / 64) & ((uint64_t{1} << slot % 64) - 1));
}

BlockIndex::Number BlockIndex::Find(uint64_t address) const {
  if (const Page* const page = PageAt(address)) {
    auto slot = static_cast<unsigned>((address - page->range.begin) / page->stride);
    if (slot >= page->slots) return kNone;
    while (slot > 0 && Has(page->tails, slot)) --slot;
    return page->IsLive(slot) ? NumberIn(*page, slot) : kNone;
  }
  const auto behind = std::upper_bound(others_.begin(), others_.end(), address,
                                       [](uint64_t a, const Block& b) { return a < b.address; });
  if (behind == others_.begin()) return kNone;
  const Block& block = *(behind - 1);
  if (address - block.address > block.usable) return kNone;
  return FirstOther() + static_cast<Number>(behind - 1 - others_.begin());
}

Block BlockIndex::At(Number number) const {
  if (number >= FirstOther()) return others_[number - FirstOther()];
  const auto behind = std::upper_bound(first_.begin(), first_.end(), number);
  const auto i = static_cast<size_t>(behind - first_.begin()) - 1;
  const Page& page = model_.pages[i];
  Number rest = number - first_[i];
  unsigned w = 0;
  for (; rest >= PopCount(page.LiveWord(w)); ++w) rest -= PopCount(page.LiveWord(w));
  uint64_t mask = page.LiveWord(w);
  for (; rest > 0; --rest) mask &= mask - 1;
  return model_.BlockAt(page, w * 64 + static_cast<unsigned>(__builtin_ctzll(mask)));
}

}  // namespace mymalloc::look
