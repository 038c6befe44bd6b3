// Blocks that are freed with another size, alignment or type than they were allocated with.

#include <dlfcn.h>

#include <new>

#include "tests/misuse/programs/case.h"

namespace {

// libc's headers do not have these two yet.
void FreeSized(void* block, size_t size) {
  reinterpret_cast<void (*)(void*, size_t)>(dlsym(RTLD_DEFAULT, "free_sized"))(block, size);
}
void FreeAlignedSized(void* block, size_t alignment, size_t size) {
  using Function = void(void*, size_t, size_t);
  reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, "free_aligned_sized"))(block, alignment, size);
}

std::align_val_t Aligned(size_t alignment) { return static_cast<std::align_val_t>(alignment); }

// A block that is aligned to 16 bytes and no more.
char* NewMisaligned(size_t size) {
  char* p = nullptr;
  do {
    p = static_cast<char*>(operator new(size));
  } while (reinterpret_cast<uintptr_t>(p) % 32 == 0);
  return Block(p);
}

CASE(delete_smaller) { operator delete(Give(Block(operator new(64))), Given(8)); }
CASE(delete_larger) { operator delete(Give(Block(operator new(64))), Given(200)); }
CASE(delete_larger_than_small) { operator delete(Give(Block(operator new(64))), Given(kMedium)); }
CASE(delete_larger_than_medium) { operator delete(Give(Block(operator new(64))), Given(kLarge)); }
CASE(delete_medium_smaller) { operator delete(Give(Block(operator new(kMedium))), Given(8)); }
CASE(delete_medium_larger) { operator delete(Give(Block(operator new(kMedium))), Given(9000)); }
CASE(delete_large_smaller) { operator delete(Give(Block(operator new(kLarge))), Given(kSmall)); }
CASE(delete_large_by_half) {
  operator delete(Give(Block(operator new(kLarge))), Given(kLarge / 2));
}
CASE(delete_large_larger) { operator delete(Give(Block(operator new(kLarge))), Given(kHuge)); }
CASE(delete_array_smaller) { operator delete[](Give(Block(operator new[](640))), Given(64)); }
CASE(delete_array_larger) { operator delete[](Give(Block(operator new[](640))), Given(6400)); }
CASE(delete_on_another_thread) {
  OnAnotherThread([](void* p) { operator delete(Give(p), Given(8)); }, Block(operator new(64)));
}

struct Base {
  int number = 1;
};
struct Derived : Base {
  char more[100] = "";
};
CASE(derived_deleted_as_its_base) {
  Derived* const object = new Derived;
  Block(object);
  Base* const base = reinterpret_cast<Base*>(Give(object));
  Given(sizeof(Base));
  delete base;
}
// A class whose file was compiled with another idea of it than the one that deletes it.
struct Other {
  char bytes[24];
};
CASE(object_deleted_as_another) {
  Other* const other = reinterpret_cast<Other*>(Give(Block(new Derived)));
  Given(sizeof(Other));
  delete other;
}
struct alignas(64) Wide {
  char bytes[64];
};
struct Narrow {
  char bytes[64];
};
CASE(over_aligned_deleted_as_not) {
  Narrow* const narrow = reinterpret_cast<Narrow*>(Give(Block(new Wide)));
  Given(sizeof(Narrow));
  delete narrow;
}
CASE(deleted_as_over_aligned) {
  Wide* const wide = reinterpret_cast<Wide*>(Give(NewMisaligned(64)));
  Given(alignof(Wide));
  delete wide;
}
CASE(delete_of_another_alignment) {
  operator delete (Give(NewMisaligned(100)), size_t{100}, Aligned(Given(64)));
}
CASE(delete_of_no_alignment) {
  operator delete (Give(Block(operator new(100, Aligned(64)))), size_t{100}, Aligned(Given(48)));
}
CASE(delete_aligned_of_another_size) {
  operator delete(Give(Block(operator new(100, Aligned(64)))), Given(1000), Aligned(64));
}
CASE(delete_array_aligned_of_another_size) {
  operator delete[](Give(Block(operator new[](kMedium, Aligned(64)))), Given(100), Aligned(64));
}

CASE(free_sized_small_larger) { FreeSized(Give(Block(malloc(kSmall))), Given(1000)); }
CASE(free_sized_small_smaller) { FreeSized(Give(Block(malloc(1000))), Given(8)); }
CASE(free_sized_medium_larger) { FreeSized(Give(Block(malloc(kMedium))), Given(9000)); }
CASE(free_sized_medium_smaller) { FreeSized(Give(Block(malloc(kMedium))), Given(8)); }
CASE(free_sized_large_larger) { FreeSized(Give(Block(malloc(kLarge))), Given(kHuge)); }
CASE(free_sized_large_smaller) { FreeSized(Give(Block(malloc(kLarge))), Given(8)); }
CASE(free_aligned_sized_alignment) { FreeAlignedSized(Give(NewMisaligned(100)), Given(64), 100); }
CASE(free_aligned_sized_no_alignment) {
  FreeAlignedSized(Give(Block(aligned_alloc(64, 128))), Given(24), 128);
}
CASE(free_aligned_sized_alignment_zero) {
  FreeAlignedSized(Give(Block(aligned_alloc(64, 128))), Given(0), 128);
}
CASE(free_aligned_sized_size) {
  FreeAlignedSized(Give(Block(aligned_alloc(64, 128))), 64, Given(1024));
}
CASE(free_aligned_sized_large) {
  FreeAlignedSized(Give(Block(aligned_alloc(4096, kLarge))), 4096, Given(8192));
}

// What they are given is no live block, whatever the size.
CASE(free_sized_twice) {
  char* const p = Block(malloc(kSmall));
  FreeSized(p, kSmall);
  FreeSized(Give(p), kSmall);
}
CASE(free_sized_inside) { FreeSized(Give(Block(malloc(1000)) + 16), kSmall); }
CASE(free_aligned_sized_twice) {
  char* const p = Block(aligned_alloc(64, 128));
  FreeAlignedSized(p, 64, 128);
  FreeAlignedSized(Give(p), 64, 128);
}
CASE(delete_inside) { operator delete (Give(Block(operator new(1000)) + 16), size_t{kSmall}); }
CASE(delete_element_of_an_array) {
  Other* const others = new Other[10];
  Block(others);
  delete reinterpret_cast<Other*>(Give(others + 1));
}
CASE(delete_on_the_stack) {
  alignas(16) Other other = {};
  delete reinterpret_cast<Other*>(Give(&other));
}

}  // namespace
