// The ranges and the questions that all indexes get alike. All random, all made before the clock
// starts, and far too many for a branch predictor to learn.

#ifndef MYMALLOC_BENCHMARKS_TREE_RANGES_H_
#define MYMALLOC_BENCHMARKS_TREE_RANGES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "tree/interval.h"

namespace mymalloc {

enum class Aim { kHit, kMiss, kMixed };

// n ranges of whole pages, each somewhere in a slot of its own. Many are short and a few are long,
// as free ranges are: a length of 2^k pages or more has a chance of 1 / 2^k.
class Ranges {
 public:
  static constexpr uint64_t kPage = 4096;
  static constexpr uint64_t kSlot = kPage << 13;

  explicit Ranges(size_t n) : random_(n) {
    for (size_t i = 0; i < n; ++i) {
      const uint64_t begin = kBase + i * kSlot + random_() % 8 * kPage;
      ranges_.push_back({begin, begin + RandomLength()});
    }
    std::shuffle(ranges_.begin(), ranges_.end(), random_);
    reshuffled_ = ranges_;
    std::shuffle(reshuffled_.begin(), reshuffled_.end(), random_);
  }

  size_t size() const { return ranges_.size(); }

  // In a random order.
  const Interval& operator[](size_t i) const { return ranges_[i]; }

  // In another one.
  const std::vector<Interval>& reshuffled() const { return reshuffled_; }

  // A power of two of addresses in, or right behind, random ranges.
  std::vector<uint64_t> Addresses(Aim aim) {
    std::vector<uint64_t> addresses(QuestionCount());
    for (uint64_t& address : addresses) {
      const Interval& range = ranges_[random_() % size()];
      const bool hit = aim == Aim::kHit || (aim == Aim::kMixed && random_() % 2 == 0);
      address = hit ? range.begin + random_() % range.length() : range.end + random_() % kPage;
    }
    return addresses;
  }

  std::vector<uint64_t> Lengths() {
    std::vector<uint64_t> lengths(QuestionCount());
    for (uint64_t& length : lengths) length = RandomLength();
    return lengths;
  }

 private:
  static constexpr uint64_t kBase = 0x100000000000;
  static constexpr size_t kMinQuestions = 1 << 17;

  // The longest, and where it begins, and the page behind it, are within the slot.
  static constexpr uint64_t kMaxLength = kPage << 12;
  static_assert(kMaxLength + 9 * kPage <= kSlot);

  uint64_t RandomLength() {
    const uint64_t length = kPage << std::min(11, __builtin_ctzll(random_() | (1 << 11)));
    return length + random_() % (length / kPage) * kPage;
  }

  size_t QuestionCount() const {
    size_t count = kMinQuestions;
    while (count < size()) count *= 2;
    return count;
  }

  std::mt19937_64 random_;
  std::vector<Interval> ranges_;
  std::vector<Interval> reshuffled_;
};

}  // namespace mymalloc

#endif  // MYMALLOC_BENCHMARKS_TREE_RANGES_H_
