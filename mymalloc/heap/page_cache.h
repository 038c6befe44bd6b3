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
    uint64_t version;
    uintptr_t page;     // that holds the address
    uint32_t bytes;     // of that page; 0 if none of ours holds it
    uint32_t live_low;  // the low bits of the tags of its live blocks, but for the slot
  };
  // What is remembered there is of this address, and of the map as it is now, if it holds it.
  const Answer& Recall(uintptr_t address) const { return answers_[address / kPageUnit % kAnswers]; }
  static bool Holds(const Answer& answer, uintptr_t address) {
    return address - answer.page < answer.bytes && answer.version == g_page_map.Version();
  }
  // Asked, if it must be. The answer is good until the next call.
  const Answer& Find(uintptr_t address) {
    Answer& answer = answers_[address / kPageUnit % kAnswers];
    if (!Holds(answer, address)) Ask(address, &answer);
    return answer;
  }

 private:
  static constexpr unsigned kAnswers = 1024;  // for 4 MiB

  static void Ask(uintptr_t address, Answer* answer);

  Answer answers_[kAnswers];
};

}  // namespace mymalloc

#endif  // MYMALLOC_HEAP_PAGE_CACHE_H_
