// What the heap has of the system now, and the most it ever had: malloc_stats and malloc_info
// report such maxima. Nothing here is touched by the short ways of malloc and free.
//
// Each part is counted under the lock of what it is a part of (a heap's pages, the free ranges, the
// large blocks), so it is right whenever all locks are held, and in the child of a fork.

#ifndef MYMALLOC_HEAP_TOTALS_H_
#define MYMALLOC_HEAP_TOTALS_H_

#include <atomic>
#include <cstddef>

namespace mymalloc {

class Total {
 public:
  // By a difference of sizes: a negative one wraps around.
  void Add(size_t difference) {
    const size_t now = now_.fetch_add(difference, std::memory_order_relaxed) + difference;
    size_t most = most_.load(std::memory_order_relaxed);
    while (now > most && !most_.compare_exchange_weak(most, now, std::memory_order_relaxed)) {
    }
  }
  // The same for a total that only changes under one lock.
  void AddLocked(size_t difference) {
    const size_t sum = now() + difference;
    now_.store(sum, std::memory_order_relaxed);
    if (sum > most()) most_.store(sum, std::memory_order_relaxed);
  }

  size_t now() const { return now_.load(std::memory_order_relaxed); }
  size_t most() const { return most_.load(std::memory_order_relaxed); }

 private:
  std::atomic<size_t> now_{0};
  std::atomic<size_t> most_{0};
};

struct alignas(64) Totals {
  Total system;        // bytes that may be resident: used parts of pages, and free pages
  Total large_blocks;  // live ones, sampled ones among them
  Total large_bytes;   // their mappings
  Total run_tails;     // slots of runs but the first
};

extern Totals g_totals;

}  // namespace mymalloc

#endif  // MYMALLOC_HEAP_TOTALS_H_
