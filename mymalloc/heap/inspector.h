// A window into the private parts of the heap, for the verifier (report/verify.h) and the tests.
//
// Everything here is read under Registry::Freeze, or where no other thread is at work.

#ifndef MYMALLOC_HEAP_INSPECTOR_H_
#define MYMALLOC_HEAP_INSPECTOR_H_

#include <cstddef>

#include "absl/base/thread_annotations.h"
#include "mymalloc/heap/heap.h"
#include "mymalloc/heap/large.h"
#include "mymalloc/heap/page_map.h"
#include "mymalloc/heap/page_supply.h"

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
  static const FreeRanges& Clean(const PageSupply& supply) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return supply.clean_;
  }
  // Bytes that neither has any more.
  static size_t Spent(const PageSupply& supply) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return supply.dirty_.spent() + supply.clean_.spent() + supply.protected_.spent();
  }
  static size_t Spent(const LargeCache& cache) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return cache.ranges_.spent() + cache.to_drop_.spent();
  }
  static const FreeRanges& Ranges(const LargeCache& cache) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return cache.ranges_;
  }
  // Bytes of the mappings that are held back.
  static size_t HeldBytes(const LargeCache& cache) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return cache.freed_.held_bytes();
  }
  static const PageHeader* FirstPage(const Heap& heap, SizeClass c) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return heap.lists_[c].head;
  }
  static const PageHeader* LastPage(const Heap& heap, SizeClass c) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return heap.lists_[c].tail;
  }
  static size_t EmptyBytes(const Heap& heap) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return heap.empty_bytes_;
  }
  static bool IsGuarded(const Magazine& m) {
    return m.floor_.load(std::memory_order_relaxed) != m.stolen_end_;
  }
  // The first word of the list of remote frees, 0 if there is none; the others follow by their
  // links.
  static RemoteWord FirstRemote(const Heap& heap) {
    return RemoteWord(heap.remote_.top_.load(std::memory_order_acquire));
  }
};

}  // namespace mymalloc

#endif  // MYMALLOC_HEAP_INSPECTOR_H_
