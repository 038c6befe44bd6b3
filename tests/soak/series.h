// A figure that was taken again and again, and whether it creeps.

#ifndef MYMALLOC_TESTS_SOAK_SERIES_H_
#define MYMALLOC_TESTS_SOAK_SERIES_H_

#include <algorithm>
#include <cstddef>
#include <vector>

namespace mymalloc::test {

class Series {
 public:
  void Add(size_t value) { values_.push_back(value); }
  size_t size() const { return values_.size(); }

  // The medians of the first and of the last quarter of what is left without the first tenth, in
  // which things warm up. REQUIRES: there are values.
  size_t Early() const {
    const size_t begin = values_.size() / 10;
    return Median(begin, begin + Quarter());
  }
  size_t Late() const { return Median(values_.size() - Quarter(), values_.size()); }

  // More than a tenth and `slack`: the figure goes up and down all the time.
  bool Creeps(size_t slack) const { return Late() > Early() + Early() / 10 + slack; }

 private:
  size_t Quarter() const { return std::max<size_t>((values_.size() - values_.size() / 10) / 4, 1); }
  size_t Median(size_t begin, size_t end) const {
    std::vector<size_t> part(values_.begin() + static_cast<std::ptrdiff_t>(begin),
                             values_.begin() + static_cast<std::ptrdiff_t>(end));
    std::sort(part.begin(), part.end());
    return part[part.size() / 2];
  }

  std::vector<size_t> values_;
};

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_SOAK_SERIES_H_
