// What the page map answered lately about pages, for a thread that asks it at every free. An answer
// holds as long as the map has not been edited since, which is what the page map's version tells:
// so it is the tree's answer, only faster.

#ifndef MYMALLOC_HEAP_PAGE_CACHE_H_
#define MYMALLOC_HEAP_PAGE_CACHE_H_

#include <cstdint>

#include "mymalloc/heap/page_map.h"

namespace mymalloc {

class PageCache {
 public:
  // The page that holds the address; nullptr if none of ours does, or a large block.
  PageHeader* Find(uintptr_t address) {
    const uint64_t version = g_page_map.Version();
    const uintptr_t os_page = address / kOsPage;
    const Answer& answer = answers_[os_page % kAnswers];
    if (answer.os_page == os_page && answer.version == version) return answer.page;
    return Ask(address, version);
  }

 private:
  static constexpr unsigned kAnswers = 128;

  struct Answer {
    uintptr_t os_page;
    uint64_t version;
    PageHeader* page;
  };

  PageHeader* Ask(uintptr_t address, uint64_t version);

  Answer answers_[kAnswers];
};

}  // namespace mymalloc

#endif  // MYMALLOC_HEAP_PAGE_CACHE_H_
