// Which thread has which heap.
//
// A thread gets a heap at its first slow call and parks it when it exits; the next new thread takes
// the heap parked last. A thread that allocates after that (in a later destructor of
// thread-specific data) uses the shared heap, under its lock.

#ifndef MYMALLOC_HEAP_REGISTRY_H_
#define MYMALLOC_HEAP_REGISTRY_H_

#include <atomic>
#include <cstdint>

#include "absl/base/attributes.h"
#include "absl/base/thread_annotations.h"
#include "mymalloc/base/lock.h"
#include "mymalloc/heap/heap.h"

namespace mymalloc {

// Where the calling thread's heap is, as a distance from Registry::no_heap_: so that zero, which
// the variable is even before the loader has set up thread-local storage (in the resolver of an
// ifunc), means the heap that sends every operation to the slow path. Two words, initial-exec, are
// all the thread-local storage there is (__thread, not thread_local: that would ask for its
// constructor at each use).
extern __thread intptr_t t_heap ABSL_ATTRIBUTE_INITIAL_EXEC;
// The thread's own heap, which it may use without a lock; nullptr before it has one, and at its
// end. The fast path finds it by t_heap, unless an option asks for a detour.
extern __thread Heap* t_own_heap ABSL_ATTRIBUTE_INITIAL_EXEC;

// An option asks more of each malloc and free than their short ways do: every call then goes to the
// slow path, and from there on the detour (front/detour.h). Written once, at the start.
extern bool g_detours __attribute__((visibility("hidden")));

class Registry {
 public:
  // Sets the process up (options, secret, arena) if nobody has, and gives this thread a heap unless
  // it has one or is exiting.
  void EnsureHeap() {
    if (t_heap == 0) Attach();
  }
  // Whether this thread's heap is its own, so that it may use the magazines.
  static bool HasOwnHeap();

  // For threads without a heap of their own. nullptr before the first EnsureHeap, or when the
  // system has no memory.
  Heap* SharedHeap() { return shared_.load(std::memory_order_acquire); }

  HeapId HighestId() const { return highest_id_.load(std::memory_order_acquire); }

  // fork: the calling thread takes every lock; afterwards parent and child have none held. In the
  // child the other threads' heaps are parked.
  void BeforeFork() { Freeze(); }
  void AfterForkInParent() { Unfreeze(); }
  void AfterForkInChild();

  // Holds every lock: until Unfreeze nothing changes but what other threads' magazines hold. The
  // calling thread passes through locks meanwhile.
  void Freeze();
  void Unfreeze();

  // What t_heap leads to before the thread has a heap, and while it must not be used on the fast
  // path: at the thread's end, and on the detour. Neither owns anything.
  static Heap no_heap_ __attribute__((visibility("hidden")));
  static Heap detour_heap_;

 private:
  void Attach();
  void InitProcess() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  Heap* TakeHeap();
  Heap* CreateHeap() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void Park(Heap* heap);
  static void ThreadExits(void* heap);
  template <typename Do>
  void ForEachLock(Do&& lock);

  Lock lock_;
  bool process_ready_ ABSL_GUARDED_BY(lock_) = false;
  bool has_key_ = false;
  unsigned exit_key_ = 0;
  std::atomic<HeapId> highest_id_{0};
  std::atomic<Heap*> shared_{nullptr};
  HeapId parked_[kMaxHeaps] ABSL_GUARDED_BY(lock_) = {};  // a stack
  uint32_t parked_count_ ABSL_GUARDED_BY(lock_) = 0;
};

extern Registry g_registry;

inline Heap* CurrentHeap() {
  return reinterpret_cast<Heap*>(reinterpret_cast<intptr_t>(&Registry::no_heap_) + t_heap);
}

inline Heap* OwnHeap() { return t_own_heap; }

inline bool Registry::HasOwnHeap() { return OwnHeap() != nullptr; }

// Freezes the heap for as long as it lives.
class Frozen {
 public:
  Frozen() { g_registry.Freeze(); }
  ~Frozen() { g_registry.Unfreeze(); }
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;
};

}  // namespace mymalloc

#endif  // MYMALLOC_HEAP_REGISTRY_H_
