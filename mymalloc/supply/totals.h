// What the heaps have from the system now, and the most they had: malloc_stats and malloc_info
// report such maxima. Nothing here is touched by the short ways of malloc and free.
//
// Each part is counted under the lock of what it is a part of (a heap's pages, the free ranges, the
// large blocks), so it is right whenever all locks are held, and in the child of a fork.

#ifndef MYMALLOC_SUPPLY_TOTALS_H_
#define MYMALLOC_SUPPLY_TOTALS_H_

#include <atomic>
#include <cstddef>

namespace mymalloc {

inline void RaiseTo(std::atomic<size_t>* most, size_t now) {
  size_t before = most->load(std::memory_order_relaxed);
  while (now > before && !most->compare_exchange_weak(before, now, std::memory_order_relaxed)) {
  }
}

class Total {
 public:
  // By a difference of sizes: a negative one wraps around. Only under one lock.
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

// Memory from the system, by who has it: heaps in their pages, or nobody: what is free in the page
// supply, and freed large blocks that are held back. Of each but the pages, which change
// under several locks, the new sum is given under its one lock: that costs a free of a large block
// no locked instruction.
//
// The parts are not read in one instant: of two that change at once, `most` may lack what came to
// one, or have what went from one to the other twice. Reports take what is now if it is more.
class SystemTotal {
 public:
  // By a difference; a negative one wraps around.
  void AddToPages(size_t difference) {
    pages_.fetch_add(difference, std::memory_order_relaxed);
    NoteMost();
  }
  void SetFreeRanges(size_t bytes) {
    free_ranges_.store(bytes, std::memory_order_relaxed);
    NoteMost();
  }
  void SetFreedLarge(size_t bytes) {
    freed_large_.store(bytes, std::memory_order_relaxed);
    NoteMost();
  }

  size_t unowned() const { return Of(free_ranges_) + Of(freed_large_); }
  size_t now() const { return Of(pages_) + unowned(); }
  size_t most_unowned() const { return Of(most_unowned_); }
  size_t most() const { return Of(most_); }

 private:
  static size_t Of(const std::atomic<size_t>& part) { return part.load(std::memory_order_relaxed); }
  void NoteMost() {
    RaiseTo(&most_unowned_, unowned());
    RaiseTo(&most_, now());
  }

  std::atomic<size_t> pages_{0};
  std::atomic<size_t> free_ranges_{0};
  std::atomic<size_t> freed_large_{0};
  std::atomic<size_t> most_unowned_{0};
  std::atomic<size_t> most_{0};
};

struct alignas(64) Totals {
  SystemTotal system;  // slots that were used, and free memory that may be resident
  Total large_blocks;  // live ones, sampled ones among them
  Total large_bytes;   // their ranges
};

extern Totals g_totals;

}  // namespace mymalloc

#endif  // MYMALLOC_SUPPLY_TOTALS_H_
