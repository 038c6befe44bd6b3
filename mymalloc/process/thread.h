// What a thread knows of its heap.

#ifndef MYMALLOC_PROCESS_THREAD_H_
#define MYMALLOC_PROCESS_THREAD_H_

#include <atomic>
#include <cstdint>

#include "absl/base/attributes.h"
#include "mymalloc/heap/heap.h"

namespace mymalloc {

// Heaps that own nothing: what t_heap leads to before the thread has a heap; while it must not be
// used on the short way, at the thread's end and on the detour; while the thread is Busy with it.
enum class Bare : unsigned { kNone, kDetour, kBusy };
inline constexpr unsigned kBareHeaps = 3;
// Zeroed memory is heaps: no constructor runs for them, which would touch all of it.
union BareHeaps {
  constexpr BareHeaps() : none() {}
  char none;
  Heap heaps[kBareHeaps];
};
extern BareHeaps g_bare_heaps __attribute__((visibility("hidden")));

// Where the calling thread's heap is, as a distance from the bare heap kNone: so that zero, which
// the variable is even before the loader has set up thread-local storage (in the resolver of an
// ifunc), means the heap that sends every operation to the slow way. Initial-exec, as all the
// thread-local storage there is (__thread, not thread_local: that would ask for its constructor at
// each use).
extern __thread intptr_t t_heap ABSL_ATTRIBUTE_INITIAL_EXEC;
// The thread's own heap, which it may use without a lock; nullptr before it has one, and at its
// end. The short way finds it by t_heap, unless an option asks for a detour.
extern __thread Heap* t_own_heap ABSL_ATTRIBUTE_INITIAL_EXEC;

// An option asks more of each malloc and free than their short ways do: every call then goes to the
// slow way, and from there on the detour (front/detour.h). Written once, at the start.
extern bool g_detours __attribute__((visibility("hidden")));

// Options, or a thread that is counted, ask more of a realloc than its short way does.
extern std::atomic<bool> g_reallocs_ask_more __attribute__((visibility("hidden")));

// What a thread has allocated and freed since it first asked for that, in usable bytes. Before, it
// costs nothing: the thread is counted by a detour of its own (front/counted.h).
struct ThreadCounts {
  uint64_t allocated;
  uint64_t deallocated;
  int64_t peak;  // the most that the first was ahead of the second

  void Add(size_t bytes) {
    allocated += bytes;
    const auto ahead = static_cast<int64_t>(allocated - deallocated);
    if (ahead > peak) peak = ahead;
  }
};
extern __thread ThreadCounts t_counts ABSL_ATTRIBUTE_INITIAL_EXEC;
// Whether the thread's next call is to be counted; and what t_heap is where it is not.
extern __thread bool t_is_counted ABSL_ATTRIBUTE_INITIAL_EXEC;
extern __thread intptr_t t_uncounted_heap ABSL_ATTRIBUTE_INITIAL_EXEC;

inline Heap* CurrentHeap() {
  return reinterpret_cast<Heap*>(reinterpret_cast<intptr_t>(g_bare_heaps.heaps) + t_heap);
}

// Around whatever changes the magazines of the thread's own heap, or what it has gathered for
// others. A signal handler that allocates or frees meanwhile, on the same thread, sees no heap of
// its own and uses the shared one: it cannot come between the loads and stores of a push or pop.
// (That takes two instructions; the handler is done before they go on, so no test is needed.)
class Busy {
 public:
  static constexpr intptr_t kHeap = static_cast<size_t>(Bare::kBusy) * sizeof(Heap);

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

inline bool HasOwnHeap() { return OwnHeap() != nullptr; }

// nullptr: the thread has none any more.
void SetOwnHeap(Heap* own);

// From now on what the thread allocates and frees is counted. REQUIRES: EnsureHeap(), and that it
// is not Busy.
void CountThread();

// While it lives, the thread's calls go as if nobody counted: for what a counted call does. Whoever
// interrupts it finds a heap that can be used, counted or not: so the two are not set the other way
// round.
class Uncounted {
 public:
  Uncounted() : heap_(t_heap) {
    t_heap = t_uncounted_heap;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    t_is_counted = false;
  }
  ~Uncounted() {
    t_uncounted_heap = t_heap;  // the call may have given the thread its heap
    t_is_counted = true;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    t_heap = heap_;
  }
  Uncounted(const Uncounted&) = delete;
  Uncounted& operator=(const Uncounted&) = delete;

 private:
  const intptr_t heap_;
};

}  // namespace mymalloc

#endif  // MYMALLOC_PROCESS_THREAD_H_
