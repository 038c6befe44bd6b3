// What the page map answered lately about pages, for a thread that asks it at every free. An answer
// holds as long as the map has not been edited since, which is what the page map's version tells:
// so it is the tree's answer, only faster.

#ifndef MYMALLOC_HEAP_PAGE_CACHE_H_
#define MYMALLOC_HEAP_PAGE_CACHE_H_

#include <cstdint>

#include "mymalloc/supply/page_map.h"

namespace mymalloc {

class PageCache {
 public:
  struct Answer {
    uintptr_t unit;
    uint64_t version;
    uintptr_t page;     // that holds the address
    uint32_t bytes;     // of that page; 0 if none of ours holds it
    uint32_t live_low;  // the low bits of the tags of its live blocks, but for the slot
  };
  // The answer is good until the next call.
  const Answer& Find(uintptr_t address) {
    const uintptr_t unit = address / kPageUnit;
    Answer& answer = answers_[unit % kAnswers];
    const uint64_t version = g_page_map.Version();
    if (answer.unit != unit || answer.version != version) Ask(address, version, &answer);
    return answer;
  }

 private:
  static constexpr unsigned kAnswers = 256;

  static void Ask(uintptr_t address, uint64_t version, Answer* answer);

  Answer answers_[kAnswers];
};

}  // namespace mymalloc

#endif  // MYMALLOC_HEAP_PAGE_CACHE_H_
