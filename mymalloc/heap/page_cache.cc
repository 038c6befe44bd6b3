#include "mymalloc/heap/page_cache.h"

#include "mymalloc/base/options.h"
#include "mymalloc/page/page.h"

namespace mymalloc {

void PageCache::Ask(uintptr_t address, Answer* answer) {
  const uint64_t version = g_page_map.Version();
  Interval range;
  Owner owner;
  // While an edit is under way the answer is not for the next time: no version is ever 0.
  *answer = {version % 2 == 0 ? version : 0, 0, 0, 0};
  if (!g_page_map.Find(address, &range, &owner) || owner.page() == nullptr) return;
  const PageHeader& page = *owner.page();
  // What must be asked slot by slot, the cache cannot answer.
  if (!page.Intact() || g_options.checked) return;
  answer->page = range.begin;
  answer->bytes = static_cast<uint32_t>(page.bytes());
  answer->live_low =
      static_cast<uint32_t>(Tag::Low(page.heap(), page.size_class(), kFirstSlot) | Tag::kLive);
}

}  // namespace mymalloc
