#include "tests/support/checked_block.h"

#include <cerrno>
#include <cstdlib>

#include "tests/support/block.h"
#include "tests/support/check.h"

namespace mymalloc::test {

CheckedBlock* MakeChecked(void* memory, size_t size, uint64_t seed) {
  MYMALLOC_CHECK(size >= kLeastChecked);
  MYMALLOC_CHECK(IsAligned(memory, 16));
  auto* block = static_cast<CheckedBlock*>(memory);
  *block = {nullptr, size, seed};
  FillPattern(block + 1, size - sizeof(CheckedBlock), seed);
  return block;
}

CheckedBlock* NewChecked(size_t size, uint64_t seed) {
  errno = 0;
  void* memory = malloc(size);
  if (memory != nullptr) return MakeChecked(memory, size, seed);
  MYMALLOC_CHECK(errno == ENOMEM);
  return nullptr;
}

bool IsIntact(const CheckedBlock& block) {
  return MatchesPattern(&block + 1, block.size - sizeof(CheckedBlock), block.seed);
}

void FreeChecked(CheckedBlock* block) {
  MYMALLOC_CHECK(block == nullptr || IsIntact(*block));
  free(block);
}

void CheckedList::Push(CheckedBlock* block) {
  block->next = first_;
  first_ = block;
  bytes_ += block->size;
}

CheckedBlock* CheckedList::Pop() {
  CheckedBlock* block = first_;
  if (block == nullptr) return nullptr;
  first_ = block->next;
  bytes_ -= block->size;
  return block;
}

bool CheckedList::AllIntact() const {
  for (const CheckedBlock* block = first_; block != nullptr; block = block->next) {
    if (!IsIntact(*block)) return false;
  }
  return true;
}

void CheckedList::FreeAll() {
  while (CheckedBlock* block = Pop()) FreeChecked(block);
}

void CheckedList::FreeEverySecond() {
  CheckedList kept;
  while (CheckedBlock* block = Pop()) {
    kept.Push(block);
    FreeChecked(Pop());
  }
  *this = kept;
}

size_t SpreadSize(uint64_t random, size_t most) {
  constexpr size_t kLeast = 32;
  unsigned doublings = 0;
  while ((kLeast << (doublings + 1)) <= most) ++doublings;
  const size_t base = kLeast << (random % (doublings + 1));
  const size_t size = base + (random >> 32) % base;
  return size < most ? size : most;
}

}  // namespace mymalloc::test
