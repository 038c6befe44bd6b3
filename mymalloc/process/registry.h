// Which heaps there are, and which of them no thread has.
//
// An exiting thread parks its heap; the next new thread takes the heap parked last. A thread that
// allocates after that (in a later destructor of thread-specific data) uses the shared heap, under
// its lock.

#ifndef MYMALLOC_PROCESS_REGISTRY_H_
#define MYMALLOC_PROCESS_REGISTRY_H_

#include <atomic>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "mymalloc/base/lock.h"
#include "mymalloc/heap/heap.h"

namespace mymalloc {

class Registry {
 public:
  // A heap for a new thread; nullptr if the system has no memory. Calls start_process, once, before
  // there is any.
  Heap* TakeHeap(void (*start_process)());
  void Park(Heap* heap);

  // For threads without a heap of their own. nullptr before the first EnsureHeap (attach.h), or
  // when the system has no memory.
  Heap* SharedHeap() { return shared_.load(std::memory_order_acquire); }

  HeapId HighestId() const { return highest_id_.load(std::memory_order_acquire); }

  // In the child of a fork: parks the heaps of all threads but this one. REQUIRES: lock() is held.
  void ParkOthers(const Heap* own) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);

  Lock& lock() ABSL_LOCK_RETURNED(lock_) { return lock_; }

 private:
  friend struct Layout;

  Heap* CreateHeap() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  HeapId TakeAtHand();
  bool PutAtHand(HeapId id);
  std::atomic<HeapId>& AtHand(unsigned i);

  // Parked heaps that are to be had without the lock, or nobody. The others are in `parked_`.
  static constexpr unsigned kAtHand = 16;
  alignas(64) std::atomic<HeapId> at_hand_[kAtHand] = {};
  std::atomic<Heap*> shared_{nullptr};
  Lock lock_ MYMALLOC_LOCK(kRegistry);
  bool process_started_ ABSL_GUARDED_BY(lock_) = false;
  std::atomic<HeapId> highest_id_{Tag::kNobody};
  HeapId parked_[kMaxHeaps] ABSL_GUARDED_BY(lock_) = {};  // a stack
  uint32_t parked_count_ ABSL_GUARDED_BY(lock_) = 0;
};

extern Registry g_registry;

}  // namespace mymalloc

#endif  // MYMALLOC_PROCESS_REGISTRY_H_
