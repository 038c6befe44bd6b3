// A window into the allocator's private parts, for the verifier (report/verify.h) and the tests.
//
// Everything here is read under Freeze, or where no other thread is at work.

#ifndef MYMALLOC_REPORT_INSPECTOR_H_
#define MYMALLOC_REPORT_INSPECTOR_H_

#include <array>
#include <cstddef>

#include "absl/base/thread_annotations.h"
#include "mymalloc/heap/heap.h"
#include "mymalloc/large/large.h"
#include "mymalloc/process/janitor.h"
#include "mymalloc/supply/page_map.h"
#include "mymalloc/supply/page_supply.h"

namespace mymalloc {

class Inspector {
 public:
  static const PageMap::Tree& Pages(const PageMap& map) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return map.tree_;
  }
  static SequenceCounter& Edits(PageMap& map) { return map.edits_; }
  static Editor& EditorOf(const PageMap&) { return PageMap::editor_; }
  static const FreeRanges& Dirty(const PageSupply& supply) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return supply.dirty_;
  }
  static const FreeRanges& All(const PageSupply& supply) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return supply.all_;
  }
  // Bytes that became node memory, or were lost for want of any.
  static size_t Spent(const PageSupply& supply) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return supply.all_.spent() + supply.protected_.spent();
  }
  static const FreedLarge& Freed(const LargeBlocks& large) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return large.freed_;
  }
  // Bytes of the ranges of large blocks that are held back.
  static size_t HeldBytes(const LargeBlocks& large) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return large.freed_.held_bytes();
  }
  // The same of those that are ranges of the page supply's.
  static size_t HeldBytesOfSupply(const LargeBlocks& large) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return large.freed_.HeldBytesOfSupply();
  }
  using PageList = Heap::PageList;
  // `longest`: of a run class, whose pages are listed by their longest run.
  static const PageList& List(const Heap& heap, SizeClass c,
                              unsigned longest = 0) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return IsRunClass(c) ? heap.runs_[c - kFirstRunClass].lists[longest] : heap.lists_[c];
  }
  static bool HasRuns(const Heap& heap, SizeClass c,
                      unsigned longest) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return (heap.runs_[c - kFirstRunClass].any >> (longest - 1) & 1) != 0;
  }
  static size_t DirtyBytes(const Heap& heap) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return heap.dirty_bytes_;
  }
  // As if the next tick were due: the option `decay` was changed.
  static void StartTick(Janitor& janitor) { janitor.next_tick_.store(0); }
  static bool HasRaisedFloors(const Heap& heap) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return heap.floors_raised_;
  }
  static size_t EmptyBytes(const Heap& heap) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return heap.empty_bytes_[0] + heap.empty_bytes_[1];
  }
  static bool IsFloorRaised(const Magazine& m) {
    return m.floor_.load(std::memory_order_relaxed) != m.stolen_end_;
  }
  // The first words of the two lists of remote frees, 0 if there is none; the others follow by
  // their links.
  static std::array<RemoteWord, 2> FirstRemote(const Heap& heap) {
    return {RemoteWord(heap.remote_.top_.load(std::memory_order_acquire)),
            RemoteWord(heap.remote_.taken_)};
  }
};

}  // namespace mymalloc

#endif  // MYMALLOC_REPORT_INSPECTOR_H_
