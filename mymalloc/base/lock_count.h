// What each lock is called, so that a build of the tests can say how often it was taken and for how
// long it was held, and that it was taken in its order (tests/scaling). In the product that is
// nothing: no word, no instruction.

#ifndef MYMALLOC_BASE_LOCK_COUNT_H_
#define MYMALLOC_BASE_LOCK_COUNT_H_

#include <cstdint>

#include "mymalloc/base/lock_order.h"

namespace mymalloc {

// Part of a lock.
class LockCount {
 public:
  constexpr LockCount() = default;

#ifdef MYMALLOC_COUNT_LOCKS
  constexpr explicit LockCount(LockName name)
      : below_heap_(static_cast<uint32_t>(name) - static_cast<uint32_t>(LockName::kHeap)) {}
  // By the thread that is about to wait for it, unless passes() says that it passes through all
  // locks; that has just taken it; that will release it; that found it taken.
  void MayWait(bool (*passes)()) const;
  void Acquire() const;
  void Release() const;
  void Wait() const;

 private:
  LockName name() const {
    return static_cast<LockName>(static_cast<uint32_t>(LockName::kHeap) + below_heap_);
  }
  // How many places. A heap's lock is all zero, as heaps are before their Init.
  uint32_t below_heap_ = 0;
#else
  constexpr explicit LockCount(LockName) {}
  // As above.
  void MayWait(bool (*)()) const {}  // NOLINT(readability-convert-member-functions-to-static)
  void Acquire() const {}            // NOLINT(readability-convert-member-functions-to-static)
  void Release() const {}            // NOLINT(readability-convert-member-functions-to-static)
  void Wait() const {}               // NOLINT(readability-convert-member-functions-to-static)
#endif
};

}  // namespace mymalloc

#endif  // MYMALLOC_BASE_LOCK_COUNT_H_
