// Blocks that prove what they are: each carries a stamp at its start and a byte at its end that are
// read back before it is freed. An allocator that hands out overlapping memory, or loses contents,
// does not get through, and the sum of all stamps is the same under every correct allocator.

#ifndef BENCHMARKS_WORKLOADS_BLOCK_H_
#define BENCHMARKS_WORKLOADS_BLOCK_H_

#include <errno.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "benchmarks/workloads/random.h"

namespace workloads {

inline constexpr int kExitOutOfMemory = 3;
inline constexpr int kExitCorrupted = 4;
inline constexpr size_t kMinBlockSize = 16;  // A stamp, and a last byte that is not part of it.
inline constexpr int kSizeBits = 27;         // Blocks are smaller than 128 MiB.

[[noreturn]] inline void Die(int code, const char* what) {
  std::fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
  std::_Exit(code);
}

// Keeps the compiler from reasoning about `p`: without it, a malloc/free pair may be deleted.
inline void Escape(void* p) { asm volatile("" : : "r"(p) : "memory"); }

inline char LastByte(uint64_t stamp) { return static_cast<char>(stamp >> kSizeBits); }

inline uint64_t StampOf(size_t size, uint64_t id) { return (id << kSizeBits) | size; }

// Writes the stamp of block number `id`. REQUIRES: size >= kMinBlockSize.
inline void Stamp(void* block, size_t size, uint64_t id) {
  const uint64_t stamp = StampOf(size, id);
  std::memcpy(block, &stamp, sizeof(stamp));
  static_cast<char*>(block)[size - 1] = LastByte(stamp);
}

// The size of a stamped block.
inline size_t SizeOf(const void* block) {
  uint64_t stamp;
  std::memcpy(&stamp, block, sizeof(stamp));
  return stamp & ((1ULL << kSizeBits) - 1);
}

// Reads the stamp back; returns what the block adds to the checksum.
inline uint64_t CheckStamp(const void* block) {
  uint64_t stamp;
  std::memcpy(&stamp, block, sizeof(stamp));
  const size_t size = SizeOf(block);
  if (size < kMinBlockSize) Die(kExitCorrupted, "a block lost its stamp");
  if (static_cast<const char*>(block)[size - 1] != LastByte(stamp)) {
    Die(kExitCorrupted, "a block lost its last byte");
  }
  return Mix(stamp);
}

// For those who keep no sum: aborts unless the block still is number `id`.
inline void CheckStamp(const void* block, size_t size, uint64_t id) {
  if (CheckStamp(block) != Mix(StampOf(size, id))) Die(kExitCorrupted, "a block lost its stamp");
}

inline void* CheckedMalloc(size_t size) {
  void* block = std::malloc(size);
  if (block == nullptr) Die(kExitOutOfMemory, "out of memory");
  Escape(block);
  return block;
}

inline void* NewBlock(size_t size, uint64_t id) {
  void* block = CheckedMalloc(size);
  Stamp(block, size, id);
  return block;
}

// Checks and frees; returns what the block adds to the checksum.
inline uint64_t FreeBlock(void* block) {
  const uint64_t sum = CheckStamp(block);
  std::free(block);
  return sum;
}

}  // namespace workloads

#endif  // BENCHMARKS_WORKLOADS_BLOCK_H_
