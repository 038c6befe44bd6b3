// How much of giving memory back is done at a time. A call of the kernel takes some time whatever
// it is for, and more for each kernel page that goes; so does a look at a page of a heap.

#ifndef MYMALLOC_SUPPLY_STEP_H_
#define MYMALLOC_SUPPLY_STEP_H_

#include <cstddef>

#include "mymalloc/base/units.h"

namespace mymalloc {

class Step {
 public:
  // A part of a millisecond at most, if the kernel takes less than a microsecond for a page.
  static constexpr size_t kUsual = 384;
  static constexpr size_t kUnlimited = ~size_t{0};
  // What a call of the kernel costs beside its pages.
  static constexpr size_t kCall = 48;

  explicit Step(size_t most = kUsual) : left_(most) {}

  bool IsOver() const { return left_ == 0; }
  // Before each look; before each call of the kernel.
  void Look(size_t units = 1) { left_ -= Min(units, left_); }
  void Call(size_t bytes) { Look(kCall + bytes / KernelPage()); }
  // The longest range that it has room for, whole kernel pages, at least one.
  size_t MostBytes() const {
    const size_t pages = left_ > kCall ? left_ - kCall : 1;
    return Min(pages, kUsual) * KernelPage();
  }

 private:
  size_t left_;
};

}  // namespace mymalloc

#endif  // MYMALLOC_SUPPLY_STEP_H_
