// The allocator's locks, in the one order in which a thread may wait for them: who holds one waits
// only for those below it. To try for a lock is allowed at any time.
//
// MYMALLOC_FOR_EACH_LOCK is the only place where they are listed: the names, what Clang is told at
// each declaration, and in which order a freeze takes all (process/freeze.cc) are made from it.
// Clang warns (-Wthread-safety-beta) where one function takes two in the wrong order; across calls
// it sees nothing, and there the build that counts locks looks, as it runs (tests/scaling).

#ifndef MYMALLOC_BASE_LOCK_ORDER_H_
#define MYMALLOC_BASE_LOCK_ORDER_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"

namespace mymalloc {

// X(name, name in words). Of most there is one, which all threads share. Of kGiver there are a few,
// and of kHeap one in each heap: several at once are only for who holds the lock above, which
// nobody else then does.
// clang-format off
#define MYMALLOC_FOR_EACH_LOCK(X)  \
  X(kJanitorPass, "janitor pass")  \
  X(kGiver, "giver")               \
  X(kRegistry, "registry")         \
  X(kHeap, "heap")                 \
  X(kSampled, "sampled")           \
  X(kLargeBlocks, "large blocks")  \
  X(kPageSupply, "page supply")    \
  X(kPageMap, "page map")          \
  X(kMetadata, "metadata")

enum class LockName : uint32_t {
#define MYMALLOC_LOCK_NAME(name, words) name,
  MYMALLOC_FOR_EACH_LOCK(MYMALLOC_LOCK_NAME)
#undef MYMALLOC_LOCK_NAME
  kBudget,  // no lock: sums that all threads share, held as long as they are changed
};
// clang-format on
inline constexpr unsigned kLockNames = static_cast<unsigned>(LockName::kBudget) + 1;

// For Clang: marks above and below each place, which nobody takes or defines. Rooms that do not
// know each other know these.
struct ABSL_LOCKABLE LockMark {};
template <LockName name>
struct LockPlace {
  static constexpr LockName kNext = static_cast<LockName>(static_cast<unsigned>(name) + 1);
  static LockMark above ABSL_ACQUIRED_BEFORE(below);
  static LockMark below ABSL_ACQUIRED_BEFORE(LockPlace<kNext>::above);
};
template <>
struct LockPlace<LockName::kBudget> {
  static LockMark above;
};

}  // namespace mymalloc

// Behind the declaration of a lock of the table, for its name and place:
//   Lock lock_ MYMALLOC_LOCK(kHeap);
#define MYMALLOC_LOCK(name)                             \
  ABSL_ACQUIRED_AFTER(LockPlace<LockName::name>::above) \
  ABSL_ACQUIRED_BEFORE(LockPlace<LockName::name>::below) { LockName::name }

#endif  // MYMALLOC_BASE_LOCK_ORDER_H_
