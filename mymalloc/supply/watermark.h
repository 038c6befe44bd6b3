// The least, or the most, that a value was in a period: what was free throughout one was not
// needed, and what was used at the most was.
//
// Several threads may note at once, and one of them be lost: what comes of it is an estimate.

#ifndef MYMALLOC_SUPPLY_WATERMARK_H_
#define MYMALLOC_SUPPLY_WATERMARK_H_

#include <atomic>
#include <cstddef>

namespace mymalloc {

enum class Mark : bool { kLeast, kMost };

template <Mark kMark>
class Watermark {
 public:
  void Note(size_t now) {
    const size_t mark = value();
    if (kMark == Mark::kLeast ? now < mark : now > mark) {
      value_.store(now, std::memory_order_relaxed);
    }
  }
  size_t value() const { return value_.load(std::memory_order_relaxed); }
  // A period begins, in which it is `now` at first. Returns what it was in the one that ends.
  size_t Begin(size_t now) {
    const size_t mark = value();
    value_.store(now, std::memory_order_relaxed);
    return mark;
  }

 private:
  std::atomic<size_t> value_{0};
};

using LowWater = Watermark<Mark::kLeast>;
using HighWater = Watermark<Mark::kMost>;

}  // namespace mymalloc

#endif  // MYMALLOC_SUPPLY_WATERMARK_H_
