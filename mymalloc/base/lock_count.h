// What each lock is called, so that a build of the tests can say how often it was taken and for how
// long it was held (tests/scaling). In the product that is nothing: no word, no instruction.

#ifndef MYMALLOC_BASE_LOCK_COUNT_H_
#define MYMALLOC_BASE_LOCK_COUNT_H_

#include <cstdint>

namespace mymalloc {

// All but the first two are names of one lock each, or of a few, which all threads share.
enum class LockName : uint32_t {
  kHeap,    // there is one in each heap; all zero, as heaps are before their Init
  kBudget,  // no lock: sums that all threads share, held as long as they are changed
  kGiver,
  kSampled,
  kJanitorPass,
  kLargeBlocks,
  kMetadata,
  kPageMap,
  kPageSupply,
  kRegistry,
};
inline constexpr unsigned kLockNames = 10;

// Part of a lock.
class LockCount {
 public:
  constexpr LockCount() = default;

#ifdef MYMALLOC_COUNT_LOCKS
  constexpr explicit LockCount(LockName name) : name_(name) {}
  // By the thread that has just taken it; that will release it; that found it taken.
  void Acquire() const;
  void Release() const;
  void Wait() const;

 private:
  LockName name_ = LockName::kHeap;
#else
  constexpr explicit LockCount(LockName) {}
  // As above.
  void Acquire() const {}  // NOLINT(readability-convert-member-functions-to-static)
  void Release() const {}  // NOLINT(readability-convert-member-functions-to-static)
  void Wait() const {}     // NOLINT(readability-convert-member-functions-to-static)
#endif
};

}  // namespace mymalloc

#endif  // MYMALLOC_BASE_LOCK_COUNT_H_
