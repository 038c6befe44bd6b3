#include "tools/look/heap_check.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "mymalloc/base/units.h"

namespace mymalloc::look {
namespace {

// Where slots are short it costs less to read all of a page than to name each tag.
constexpr uint32_t kLongestReadWhole = 512;

// The words before each block of a page, and behind its last.
class PageTags {
 public:
  explicit PageTags(const Memory& memory) : memory_(memory) {}

  void Read(const Page& page, unsigned end) {
    page_ = &page;
    const size_t step = page.stride <= kLongestReadWhole ? page.stride : kTagBytes;
    step_ = step;
    bytes_.resize((end + 1) * step);
    std::vector<Piece> pieces;
    if (page.stride <= kLongestReadWhole) {
      // The last word may be the page's last.
      const size_t length = std::min<uint64_t>(uint64_t{end} * page.stride, page.range.length());
      pieces.push_back({page.range.begin, bytes_.data(), length, false});
    } else {
      for (unsigned slot = 1; slot <= end; ++slot) {
        pieces.push_back({page.Block(slot) - kTagBytes, &bytes_[slot * step], kTagBytes, false});
      }
    }
    memory_.ReadEach(&pieces);
  }

  uint64_t Before(unsigned slot) const {
    uint64_t bits = 0;
    const size_t at = step_ == kTagBytes ? slot * step_ : slot * step_ - kTagBytes;
    std::copy_n(&bytes_[at], kTagBytes, reinterpret_cast<char*>(&bits));
    return bits;
  }

 private:
  const Memory& memory_;
  const Page* page_ = nullptr;
  size_t step_ = 0;
  std::vector<char> bytes_;
};

class HeapChecker {
 public:
  HeapChecker(const Memory& memory, const HeapModel& model)
      : memory_(memory), model_(model), tags_(memory) {}

  CheckResult Run() {
    for (const std::string& damage : model_.damage) result_.Add(damage);
    result_.wrong += model_.damages - model_.damage.size();
    for (const Page& page : model_.pages) CheckPage(page);
    for (const Large& large : model_.large) CheckLarge(large);
    CheckFreeRanges();
    return std::move(result_);
  }

 private:
  // Slots up to the last that is taken by anyone.
  static unsigned TakenEnd(const Page& page) {
    for (unsigned w = SlotBitmap::kWords; w-- > 0;) {
      const uint64_t taken = ~(page.own[w] | page.free[w]);
      if (taken != 0) return w * 64 + 64 - static_cast<unsigned>(__builtin_clzll(taken));
    }
    return 0;
  }

  void CheckPage(const Page& page) {
    ++result_.pages;
    if (!page.counts_agree) {
      Wrong("the counts of the page at ", page.range.begin, " are not those of its bitmaps");
    }
    const unsigned end = TakenEnd(page);
    if (end == 0) return;
    if (end > page.high_water) {
      Wrong("in the page at ", page.range.begin, " slots were handed out that were never touched");
    }
    tags_.Read(page, end);
    for (unsigned slot = 1; slot < end;) {
      const bool is_taken = !Has(page.own, slot) && !Has(page.free, slot);
      if (is_taken) CheckBlock(page, slot);
      slot += is_taken ? page.SlotsAt(slot) : 1;
    }
  }

  void CheckBlock(const Page& page, unsigned slot) {
    ++result_.blocks;
    const uint64_t block = page.Block(slot);
    const uint64_t bits = tags_.Before(slot);
    const unsigned slots = page.SlotsAt(slot);
    if (!model_.Verifies(block, bits)) {
      return Wrong("the tag of the block at ", block, " is broken");
    }
    const Tag tag = model_.TagOf(block, bits);
    const bool is_its_own = tag.size_class().value() == page.size_class &&
                            tag.slot().value() == slot &&
                            (tag.IsRun() || tag.heap().value() == page.heap);
    const bool live = page.IsLive(slot);
    if (!is_its_own) {
      Wrong("the tag of the block at ", block, " is another block's");
    } else if (tag.live() != live) {
      Wrong("the block at ", block,
            live ? " is taken, but its tag says that it is free"
                 : " is free, but its tag says that it is live");
    }
    const uint64_t fence = page.Block(slot + slots);
    if (live && !model_.Verifies(fence, tags_.Before(slot + slots))) {
      Wrong("the block at ", block, " was overrun: the fence behind it is broken");
    }
  }

  void CheckLarge(const Large& large) {
    ++result_.blocks;
    uint64_t bits = 0;
    if (!memory_.Get(large.block - kTagBytes, &bits) || !model_.Verifies(large.block, bits)) {
      return Wrong("the tag of the large block at ", large.block, " is broken");
    }
    const Tag tag = model_.TagOf(large.block, bits);
    if (tag.size_class() != Tag::kLargeClass || tag.heap() != Tag::kNobody ||
        tag.live() != large.live) {
      Wrong("the tag of the large block at ", large.block, " is not its own");
    }
  }

  void CheckFreeRanges() {
    for (const FreeRange& range : model_.free_ranges) {
      if (IsUsed(range.range)) {
        Wrong("the free range at ", range.range.begin, " is in use");
      }
    }
  }

  bool IsUsed(const Interval& range) const {
    const auto page = std::lower_bound(model_.pages.begin(), model_.pages.end(), range.begin,
                                       [](const Page& p, uint64_t a) { return p.range.end <= a; });
    if (page != model_.pages.end() && page->range.begin < range.end) return true;
    const auto large =
        std::lower_bound(model_.large.begin(), model_.large.end(), range.begin,
                         [](const Large& l, uint64_t a) { return l.range.end <= a; });
    return large != model_.large.end() && large->range.begin < range.end;
  }

  void Wrong(const char* before, uint64_t address, const char* behind) {
    result_.Add(absl::StrCat(before, "0x", absl::Hex(address), behind));
  }

  const Memory& memory_;
  const HeapModel& model_;
  PageTags tags_;
  CheckResult result_;
};

}  // namespace

CheckResult CheckHeap(const Memory& memory, const HeapModel& model) {
  return HeapChecker(memory, model).Run();
}

}  // namespace mymalloc::look
