// A library to be preloaded: its constructor allocates, and its destructor frees that.

#include <unistd.h>

#include <cstdlib>
#include <cstring>

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
}

[[gnu::constructor(101)]] void Construct() { Allocate(); }

[[gnu::destructor(101)]] void Destroy() {
  MYMALLOC_CHECK(blocks.AllIntact());
  Allocate();
  blocks.FreeAll();
  constexpr char kText[] = "library\n";
  MYMALLOC_CHECK(write(STDOUT_FILENO, kText, strlen(kText)) > 0);
}

}  // namespace
}  // namespace mymalloc::test
