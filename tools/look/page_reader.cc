#include "tools/look/page_reader.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace mymalloc::look {
namespace {

// Its own methods ask where it lies: a copy lies elsewhere.
struct alignas(PageHeader) HeaderCopy {
  char bytes[sizeof(PageHeader)];
  const PageHeader& header() const { return *reinterpret_cast<const PageHeader*>(bytes); }
};

uint32_t CheckOf(const PageHeader& header, uint64_t page, const TagSecret& secret) {
  const uint64_t fields =
      (uint64_t{header.heap_number} << 16) | (uint64_t{header.class_number} << 8) | header.capacity;
  return static_cast<uint32_t>(secret.Encode(page, fields << 33) >> 32);
}

SlotMask MaskOf(const SlotBitmap& bitmap) {
  SlotMask mask;
  for (unsigned w = 0; w < SlotBitmap::kWords; ++w) mask[w] = bitmap.Word(w);
  return mask;
}

unsigned Count(const SlotMask& mask) {
  unsigned count = 0;
  for (const uint64_t word : mask) count += static_cast<unsigned>(__builtin_popcountll(word));
  return count;
}

// The slots that are never handed out: the first, those under the header, those that are not there.
SlotMask OwnSlots(const Page& page) {
  SlotMask own{};
  const uint64_t begin = page.header - page.range.begin;
  const uint64_t end = begin + sizeof(PageHeader);
  for (unsigned slot = 0; slot < kSlotsPerPage; ++slot) {
    const uint64_t from = uint64_t{slot} * page.stride;  // its tag's end
    const bool under = from + page.stride > begin + kTagBytes && from < end + kTagBytes;
    if (slot == 0 || slot >= page.slots || under) Set(&own, slot);
  }
  return own;
}

class PageReader {
 public:
  PageReader(const Memory& memory, HeapModel* model) : memory_(memory), model_(model) {}

  void ReadHeaders(const std::vector<PageEntry>& entries) {
    std::vector<HeaderCopy> copies(entries.size());
    std::vector<Piece> pieces(entries.size());
    for (size_t i = 0; i < entries.size(); ++i) {
      pieces[i] = {entries[i].header, &copies[i], sizeof(HeaderCopy), false};
    }
    memory_.ReadEach(&pieces);
    model_->pages.reserve(entries.size());
    for (size_t i = 0; i < entries.size(); ++i) {
      if (!pieces[i].read || !AddPage(entries[i], copies[i].header())) {
        model_->NoteDamage(absl::StrCat("the header of the page at 0x",
                                        absl::Hex(entries[i].range.begin), " is broken"));
      }
    }
  }

  // Where blocks may have several slots: all tags of taken slots at once.
  void ReadRuns() {
    std::vector<Piece> pieces;
    std::vector<uint64_t> tags;
    size_t count = 0;
    for (const Page& page : model_->pages) count += MayHaveRunsIn(page) ? Taken(page) : 0;
    tags.resize(count);
    pieces.reserve(count);
    ForEachTaken([&](Page*, unsigned, uint64_t block) {
      pieces.push_back({block - kTagBytes, &tags[pieces.size()], kTagBytes, false});
    });
    memory_.ReadEach(&pieces);
    size_t i = 0;
    ForEachTaken([&](Page* page, unsigned slot, uint64_t block) {
      const bool read = pieces[i].read;
      const uint64_t bits = tags[i++];
      if (!Has(page->tails, slot)) MarkRun(page, slot, block, read, bits);
    });
    for (Page& page : model_->pages) DropRemote(&page);
  }

 private:
  bool AddPage(const PageEntry& entry, const PageHeader& header) {
    const uint64_t begin = entry.range.begin;
    const SizeClass c(header.class_number);
    const bool sound =
        begin % kPageUnit == 0 && IsPageClass(c) && entry.range.length() == PageBytesOf(c) &&
        entry.header == reinterpret_cast<uint64_t>(HeaderOf(PageAddress(begin))) &&
        header.check == CheckOf(header, begin, model_->secret) && header.heap_number != 0 &&
        header.heap_number < kMaxHeaps && header.high_water <= SlotsOf(c).value();
    if (!sound) return false;
    Page page;
    page.range = entry.range;
    page.header = entry.header;
    page.stride = static_cast<uint32_t>(StrideOf(c));
    page.heap = header.heap_number;
    page.slots = static_cast<uint16_t>(SlotsOf(c).value());
    page.high_water = header.high_water;
    page.size_class = header.class_number;
    page.own = OwnSlots(page);
    page.free = MaskOf(header.free);
    page.clean = MaskOf(header.clean);
    page.counts_agree = header.free_count == header.free.Count() &&
                        header.dirty == header.CountDirty() &&
                        header.capacity == kSlotsPerPage - Count(page.own);
    remote_.emplace_back();
    for (unsigned w = 0; w < SlotBitmap::kWords; ++w) {
      if ((page.free[w] & page.own[w]) != 0) return remote_.pop_back(), false;
      remote_.back()[w] = header.remote.Peek(w) & ~page.free[w] & ~page.own[w];
    }
    model_->pages.push_back(page);
    return true;
  }

  static bool MayHaveRunsIn(const Page& page) { return MayHaveRuns(SizeClass(page.size_class)); }

  static size_t Taken(const Page& page) {
    size_t taken = 0;
    for (unsigned w = 0; w < SlotBitmap::kWords; ++w) {
      taken += static_cast<size_t>(__builtin_popcountll(~(page.own[w] | page.free[w])));
    }
    return taken;
  }

  template <typename Visit>
  void ForEachTaken(Visit&& visit) {
    for (Page& page : model_->pages) {
      if (!MayHaveRunsIn(page)) continue;
      for (unsigned w = 0; w < SlotBitmap::kWords; ++w) {
        for (uint64_t mask = ~(page.own[w] | page.free[w]); mask != 0; mask &= mask - 1) {
          const unsigned slot = w * 64 + static_cast<unsigned>(__builtin_ctzll(mask));
          visit(&page, slot, page.Block(slot));
        }
      }
    }
  }

  void MarkRun(Page* page, unsigned slot, uint64_t block, bool read, uint64_t bits) {
    const Tag tag = model_->TagOf(block, bits);
    const bool is_run = read && model_->Verifies(block, bits) && tag.IsRun();
    if (!is_run) {
      if (IsRunClass(SizeClass(page->size_class))) BrokenRun(block);
      return;
    }
    const unsigned end = slot + tag.slots().value();
    bool sound = tag.slot().value() == slot && end <= page->slots && end > slot &&
                 tag.size_class().value() == page->size_class;
    for (unsigned tail = slot + 1; sound && tail < end; ++tail) {
      sound = !Has(page->own, tail) && !Has(page->free, tail);
    }
    if (!sound) return BrokenRun(block);
    Set(&page->heads, slot);
    for (unsigned tail = slot + 1; tail < end; ++tail) Set(&page->tails, tail);
  }

  void BrokenRun(uint64_t block) {
    model_->NoteDamage(absl::StrCat("the tag of the block at 0x", absl::Hex(block), " is broken"));
  }

  // What other threads have freed is free, with all slots of a run.
  void DropRemote(Page* page) {
    const SlotMask& remote = remote_[static_cast<size_t>(page - model_->pages.data())];
    for (unsigned w = 0; w < SlotBitmap::kWords; ++w) {
      for (uint64_t mask = remote[w]; mask != 0; mask &= mask - 1) {
        Release(page, w * 64 + static_cast<unsigned>(__builtin_ctzll(mask)));
      }
    }
  }

  static void Release(Page* page, unsigned first) {
    const unsigned end = first + page->SlotsAt(first);
    for (unsigned slot = first; slot < end; ++slot) {
      Set(&page->free, slot);
      page->heads[slot / 64] &= ~(uint64_t{1} << slot % 64);
      page->tails[slot / 64] &= ~(uint64_t{1} << slot % 64);
    }
  }

  const Memory& memory_;
  HeapModel* const model_;
  std::vector<SlotMask> remote_;  // of the model's pages
};

}  // namespace

void ReadPages(const Memory& memory, const std::vector<PageEntry>& entries, HeapModel* model) {
  PageReader reader(memory, model);
  reader.ReadHeaders(entries);
  reader.ReadRuns();
}

}  // namespace mymalloc::look
