// Pages that a heap gives up, on their way to the page supply: some at once, so that the locks of
// the page map and the supply, which all threads share, are taken less often than pages go.

#ifndef MYMALLOC_SUPPLY_RETIRED_PAGES_H_
#define MYMALLOC_SUPPLY_RETIRED_PAGES_H_

#include "mymalloc/os/memory.h"
#include "mymalloc/page/page.h"
#include "mymalloc/supply/page_map.h"
#include "mymalloc/supply/page_supply.h"

namespace mymalloc {

class RetiredPages {
 public:
  RetiredPages() = default;
  RetiredPages(const RetiredPages&) = delete;
  RetiredPages& operator=(const RetiredPages&) = delete;
  ~RetiredPages() { Send(); }

  // An all-free page that nobody else has. What of it was never touched goes back as what it is.
  void Add(const PageHeader* page) {
    if (count_ == kMost) Send();
    pages_[count_] = Interval::From(page->page().value(), page->bytes());
    touched_[count_] = Min(RoundUp(page->ResidentBytes(), KernelPage()), page->bytes());
    const size_t dirty = page->DirtyBytes();
    mostly_gone_[count_] =
        page->purged != 0 && dirty <= kLittle && dirty <= page->TouchedBytes() / kSmallShare;
    ++count_;
  }

 private:
  static constexpr unsigned kMost = 8;
  // A page of which all but so little was given back goes whole: the supply would take all of it
  // for resident.
  static constexpr size_t kLittle = 128 * kKiB;
  static constexpr size_t kSmallShare = 4;

  void Send() {
    if (count_ == 0) return;
    g_page_map.ErasePages(pages_, count_);
    for (unsigned i = 0; i < count_; ++i) {
      const Interval page = pages_[i];
      if (mostly_gone_[i] && os::Purge(page)) touched_[i] = 0;
    }
    g_page_supply.FreePages(pages_, touched_, count_);
    count_ = 0;
  }

  Interval pages_[kMost];
  size_t touched_[kMost];
  bool mostly_gone_[kMost];
  unsigned count_ = 0;
};

}  // namespace mymalloc

#endif  // MYMALLOC_SUPPLY_RETIRED_PAGES_H_
