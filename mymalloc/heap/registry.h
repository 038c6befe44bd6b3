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

// Where the calling thread's heap is, as a distance from Registry::kNone: so that zero, which
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
  // Sets the process up (options, secret, limits) if nobody has, and gives this thread a heap
  // unless it has one or is exiting.
  void EnsureHeap() {
    if (t_heap == 0) Attach();
  }
  // Whether this thread's heap is its own, so that it may use the magazines.
  static bool HasOwnHeap();

  // Returns what this thread's heap, if it has one, holds in its magazines.
  void FlushOwn();

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

  // Heaps that own nothing: what t_heap leads to before the thread has a heap; while it must not be
  // used on the fast path, at the thread's end and on the detour; while the thread is Busy with it.
  enum Bare : unsigned { kNone, kDetour, kBusy, kBareHeaps };
  // Zeroed memory is heaps: no constructor runs for them, which would touch all of it.
  union BareHeaps {
    constexpr BareHeaps() : none() {}
    char none;
    Heap heaps[kBareHeaps];
  };
  static BareHeaps bare_ __attribute__((visibility("hidden")));

 private:
  void Attach();
  void InitProcess() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  Heap* TakeHeap();
  Heap* CreateHeap() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void Park(Heap* heap);
  HeapId TakeAtHand();
  bool PutAtHand(HeapId id);
  std::atomic<HeapId>& AtHand(unsigned i);
  static void ThreadExits(void* heap);
  template <typename Do>
  void ForEachLock(Do&& lock);

  // Parked heaps that are to be had without the lock, 0 for none. The others are in `parked_`.
  static constexpr unsigned kAtHand = 16;
  alignas(64) std::atomic<HeapId> at_hand_[kAtHand] = {};
  std::atomic<Heap*> shared_{nullptr};
  Lock lock_{LockName::kRegistry};
  bool process_ready_ ABSL_GUARDED_BY(lock_) = false;
  bool has_key_ = false;
  unsigned exit_key_ = 0;
  std::atomic<HeapId> highest_id_{0};
  HeapId parked_[kMaxHeaps] ABSL_GUARDED_BY(lock_) = {};  // a stack
  uint32_t parked_count_ ABSL_GUARDED_BY(lock_) = 0;
};

extern Registry g_registry;

inline Heap* CurrentHeap() {
  return reinterpret_cast<Heap*>(reinterpret_cast<intptr_t>(Registry::bare_.heaps) + t_heap);
}

// Around whatever changes the magazines of the thread's own heap, or what it has gathered for
// others. A signal handler that allocates or frees meanwhile, on the same thread, sees no heap of
// its own and uses the shared one: it cannot come between the loads and stores of a push or pop.
// (That takes two instructions; the handler is done before they go on, so no test is needed.)
class Busy {
 public:
  static constexpr intptr_t kHeap = Registry::kBusy * sizeof(Heap);

  ABSL_ATTRIBUTE_ALWAYS_INLINE Busy() : heap_(t_heap) {
    t_heap = kHeap;
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  ABSL_ATTRIBUTE_ALWAYS_INLINE ~Busy() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    t_heap = heap_;
  }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

  // Whether this thread is: asked by who is not, in a handler.
  static bool Now() { return t_heap == kHeap; }

 private:
  const intptr_t heap_;
};

// nullptr: none, or none to be used now.
inline Heap* OwnHeap() { return Busy::Now() ? nullptr : t_own_heap; }

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
