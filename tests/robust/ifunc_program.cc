// A program that allocates even before the C library is ready for it: in the resolver of an ifunc,
// which ld.so calls while it relocates the program.

#include <unistd.h>

#include "tests/support/check.h"
#include "tests/support/checked_block.h"

namespace mymalloc::test {
namespace {

CheckedList blocks;

void Allocate() {
  for (size_t size = 32; size < 2000000; size *= 3) {
    CheckedBlock* block = NewChecked(size, size);
    MYMALLOC_CHECK(block != nullptr);
    blocks.Push(block);
  }
  blocks.FreeEverySecond();
}

int Implementation() { return 42; }

}  // namespace
}  // namespace mymalloc::test

extern "C" {

__attribute__((used)) int (*Resolve())() {
  mymalloc::test::Allocate();
  return mymalloc::test::Implementation;
}

int Resolved() __attribute__((ifunc("Resolve")));

}  // extern "C"

int main() {
  MYMALLOC_CHECK(Resolved() == 42);
  mymalloc::test::Allocate();
  MYMALLOC_CHECK(mymalloc::test::blocks.AllIntact());
  mymalloc::test::blocks.FreeAll();
}
