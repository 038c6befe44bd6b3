#include "tests/daemons/heap_work.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/support/block.h"
#include "tests/support/check.h"

namespace mymalloc::test {
namespace {

constexpr size_t kLargest = 64 * kMiB;
constexpr size_t kSlowly = 16 * kMiB;

uint64_t Scrambled(uint64_t index) { return index * uint64_t{0x9e3779b97f4a7c15} >> 16; }

// All of a small block, the two ends of a large one: what is tested is not the speed of memory.
constexpr size_t kLooked = 4 * kKiB;

void Mark(char* block, size_t size) {
  FillPattern(block, size < kLooked ? size : kLooked, size);
  block[size - 1] = static_cast<char>(size);
}

bool IsMarked(const char* block, size_t size, size_t old_size) {
  const size_t looked = old_size < size ? old_size - 1 : size - 1;
  return MatchesPattern(block, looked < kLooked ? looked : kLooked - 1, old_size);
}

char* New(size_t size) {
  auto* block = static_cast<char*>(malloc(size));
  MYMALLOC_CHECK(block != nullptr);
  Mark(block, size);
  return block;
}

char* Resize(char* block, size_t old_size, size_t size) {
  block = static_cast<char*>(realloc(block, size));
  MYMALLOC_CHECK(block != nullptr && IsMarked(block, size, old_size));
  Mark(block, size);
  return block;
}

void UseSize(size_t size) {
  char* block = New(size);
  block = Resize(block, size, size + size / 3 + 1);
  block = Resize(block, size + size / 3 + 1, size / 2 + 1);
  char* zeroed = static_cast<char*>(calloc(1, size));
  MYMALLOC_CHECK(zeroed != nullptr && zeroed[0] == 0 && zeroed[size - 1] == 0);
  void* aligned = aligned_alloc(64 * kKiB, size);
  MYMALLOC_CHECK(aligned != nullptr && IsAligned(aligned, 64 * kKiB));
  Mark(static_cast<char*>(aligned), size);
  free(block);
  free(zeroed);
  free(aligned);
}

void Wait(long milliseconds) {
  int nobody_wakes_it = 0;
  const timespec time = {0, milliseconds * 1000000};
  syscall(SYS_futex, &nobody_wakes_it, FUTEX_WAIT_PRIVATE, 0, &time, nullptr, 0);
}

}  // namespace

void UseAllSizes() {
  for (size_t size = 1; size < kLargest; size += size / 8 + 1) UseSize(size);
  UseSize(kLargest);
  char* growing = New(1);
  size_t size = 1;
  for (size_t next = 2; next < kLargest / 2; size = next, next += next / 4 + 1) {
    growing = Resize(growing, size, next);
  }
  free(growing);
}

void Fill(CheckedList* list, size_t bytes, uint64_t seed) {
  const size_t target = list->bytes() + bytes;
  for (uint64_t i = seed; list->bytes() < target; ++i) {
    CheckedBlock* block = NewChecked(SpreadSize(Scrambled(i), kMiB), i);
    MYMALLOC_CHECK(block != nullptr);
    list->Push(block);
  }
}

void Use(size_t bytes) {
  CheckedList list;
  Fill(&list, bytes, 1);
  list.FreeEverySecond();
  Fill(&list, bytes / 2, 2);
  list.FreeAll();
}

void UseSlowly() {
  CheckedList kept;
  for (uint64_t i = 0; i < 6; ++i) {
    CheckedList list;
    Fill(&list, kSlowly, i);
    Fill(&kept, kSlowly / 4, i);
    list.FreeAll();
    Wait(25);
  }
  kept.FreeEverySecond();
  Wait(100);
  UseSize(100);
  kept.FreeAll();
}

}  // namespace mymalloc::test
