// Large blocks of which three places are written, as programs do that ask for more than they use: a
// block's first, middle and last byte. So the allocator is measured, and not the memory.

#ifndef BENCHMARKS_WORKLOADS_LARGE_BLOCK_H_
#define BENCHMARKS_WORKLOADS_LARGE_BLOCK_H_

#include <cstddef>
#include <cstdint>

#include "benchmarks/workloads/block.h"
#include "benchmarks/workloads/random.h"

namespace workloads {

inline void* NewLargeBlock(size_t size, uint64_t id) {
  void* block = NewBlock(size, id);
  static_cast<char*>(block)[size / 2] = LastByte(StampOf(size, id));
  return block;
}

// Checks all three places and frees; returns what the block adds to the checksum.
inline uint64_t FreeLargeBlock(void* block) {
  const size_t size = SizeOf(block);
  const char* bytes = static_cast<const char*>(block);
  if (bytes[size / 2] != bytes[size - 1]) Die(kExitCorrupted, "a block lost its middle byte");
  return FreeBlock(block);
}

// Uniform in [kLow, kHigh].
template <size_t kLow, size_t kHigh>
struct LargeBlocks {
  static size_t Size(Random& random) { return random.Between(kLow, kHigh); }
  static void* New(size_t size, uint64_t id) { return NewLargeBlock(size, id); }
  static uint64_t Free(void* block) { return FreeLargeBlock(block); }
};

using Blocks33K300K = LargeBlocks<33 << 10, 300 << 10>;
using Blocks300K2M = LargeBlocks<300 << 10, 2 << 20>;

}  // namespace workloads

#endif  // BENCHMARKS_WORKLOADS_LARGE_BLOCK_H_
