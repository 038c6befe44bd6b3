#include "mymalloc/heap/kept_large.h"

#include "mymalloc/heap/large.h"

namespace mymalloc {

LargeBlock* KeptLarge::TakeAt(unsigned i) {
  LargeBlock* const large = blocks_[i];
  for (--count_; i < count_; ++i) blocks_[i] = blocks_[i + 1];
  bytes_ -= large->mapping().length();
  return large;
}

LargeBlock* KeptLarge::Keep(LargeBlock* large) {
  const size_t bytes = large->mapping().length();
  LargeBlock* gone = nullptr;
  if (count_ == kMost || bytes_ + bytes > kMostBytes) {
    const size_t freed = count_ != 0 ? blocks_[0]->mapping().length() : 0;
    if (bytes_ - freed + bytes > kMostBytes) return large;
    gone = TakeOldest();
  }
  blocks_[count_++] = large;
  bytes_ += bytes;
  return gone;
}

LargeBlock* KeptLarge::Take(size_t n, size_t alignment) {
  for (unsigned i = count_; i-- > 0;) {
    const LargeBlock& large = *blocks_[i];
    const bool as_new = large.end == RoundUp(large.block + n, kOsPage);
    if (as_new && large.block % alignment == 0) return TakeAt(i);
  }
  return nullptr;
}

}  // namespace mymalloc
