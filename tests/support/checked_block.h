// Blocks that know their own size and contents, can be chained without allocating anything else,
// and are looked at before they are freed.

#ifndef MYMALLOC_TESTS_SUPPORT_CHECKED_BLOCK_H_
#define MYMALLOC_TESTS_SUPPORT_CHECKED_BLOCK_H_

#include <cstddef>
#include <cstdint>

namespace mymalloc::test {

struct CheckedBlock {
  CheckedBlock* next;
  size_t size;  // All of it, this header included.
  uint64_t seed;
};

// The smallest size of a block: one byte of contents.
inline constexpr size_t kLeastChecked = sizeof(CheckedBlock) + 1;

// Turns `size` bytes of fresh memory into a block.
CheckedBlock* MakeChecked(void* memory, size_t size, uint64_t seed);

// From malloc; null if that has none left, when errno must be ENOMEM.
// REQUIRES: size >= kLeastChecked.
CheckedBlock* NewChecked(size_t size, uint64_t seed);

bool IsIntact(const CheckedBlock& block);

// Aborts if the block is not intact. Null is fine.
void FreeChecked(CheckedBlock* block);

// A stack of blocks.
class CheckedList {
 public:
  void Push(CheckedBlock* block);
  CheckedBlock* Pop();  // Null if empty.
  size_t bytes() const { return bytes_; }
  bool AllIntact() const;
  void FreeAll();
  void FreeEverySecond();

 private:
  CheckedBlock* first_ = nullptr;
  size_t bytes_ = 0;
};

// A size from 32 bytes to `most` whose logarithm is spread evenly: mostly small, sometimes large.
size_t SpreadSize(uint64_t random, size_t most);

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_SUPPORT_CHECKED_BLOCK_H_
