// The large blocks freed last, whole: a program that frees one and asks for the same again, as it
// does with buffers, gets it without an edit of any tree. In the page map they stay as they are,
// only not live. The oldest go on to the cache of large blocks; all do at each tick of the decay,
// and when the cache has nothing for a request.
//
// Not thread safe: under the lock of that cache.

#ifndef MYMALLOC_HEAP_KEPT_LARGE_H_
#define MYMALLOC_HEAP_KEPT_LARGE_H_

#include <cstddef>
#include <cstdint>

#include "mymalloc/base/units.h"

namespace mymalloc {

struct LargeBlock;

class KeptLarge {
 public:
  // Returns the one that has to go for it: none, the oldest, or itself if that does not make room.
  LargeBlock* Keep(LargeBlock* large);

  // The newest that ends on the OS page on which n bytes there would end; or nullptr.
  LargeBlock* Take(size_t n, size_t alignment);

  // nullptr if there is none.
  LargeBlock* TakeOldest() { return count_ != 0 ? TakeAt(0) : nullptr; }

  size_t bytes() const { return bytes_; }
  size_t count() const { return count_; }

 private:
  // More of them save no more edits; more bytes, and what lies between them waits to be joined.
  static constexpr unsigned kMost = 8;
  static constexpr size_t kMostBytes = 2 * kMiB;

  LargeBlock* TakeAt(unsigned i);

  LargeBlock* blocks_[kMost] = {};  // by age, the oldest first
  unsigned count_ = 0;
  size_t bytes_ = 0;
};

}  // namespace mymalloc

#endif  // MYMALLOC_HEAP_KEPT_LARGE_H_
