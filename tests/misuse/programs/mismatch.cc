// Blocks that are freed by what does not free their kind.

#include <new>

#include "tests/misuse/programs/case.h"

namespace {

constexpr std::align_val_t kAligned{64};

CASE(free_of_new) { free(Give(Block(operator new(kSmall)))); }
CASE(free_of_new_array) { free(Give(Block(operator new[](kSmall)))); }
CASE(free_of_aligned_new) { free(Give(Block(operator new(kSmall, kAligned)))); }
CASE(free_of_aligned_new_array) { free(Give(Block(operator new[](kSmall, kAligned)))); }
CASE(delete_of_malloc) { operator delete(Give(Block(malloc(kSmall)))); }
CASE(delete_of_calloc) { operator delete(Give(Block(calloc(kSmall, 1)))); }
CASE(delete_of_aligned_alloc) { operator delete(Give(Block(aligned_alloc(64, 64))), kAligned); }
CASE(delete_array_of_malloc) { operator delete[](Give(Block(malloc(kSmall)))); }
CASE(delete_of_new_array) { operator delete(Give(Block(operator new[](kSmall)))); }
CASE(delete_array_of_new) { operator delete[](Give(Block(operator new(kSmall)))); }
CASE(sized_delete_of_malloc) { operator delete (Give(Block(malloc(kSmall))), size_t{kSmall}); }
CASE(delete_of_aligned_new) { operator delete(Give(Block(operator new(kSmall, kAligned)))); }
CASE(aligned_delete_of_new) {
  void* p;
  do {
    p = operator new(kSmall);
  } while (reinterpret_cast<uintptr_t>(p) % 64 != 0);
  operator delete(Give(Block(p)), kAligned);
}
CASE(realloc_of_new) { REQUIRE(realloc(Give(Block(operator new(kSmall))), 1000) != nullptr); }
CASE(medium) { free(Give(Block(operator new[](kMedium)))); }
CASE(large) { free(Give(Block(operator new(kLarge)))); }
CASE(on_another_thread) {
  OnAnotherThread([](void* p) { free(Give(p)); }, Block(operator new(kSmall)));
}
CASE(after_realloc) {
  void* const p = realloc(malloc(kSmall), 1000);
  operator delete(Give(Block(p)));
}

}  // namespace
