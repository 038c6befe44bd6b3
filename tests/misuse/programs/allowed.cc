// What looks like a misuse, and is none.

#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <initializer_list>
#include <new>

#include "tests/misuse/programs/case.h"

namespace {

void* Found(const char* name) {
  void* const function = dlsym(RTLD_DEFAULT, name);
  REQUIRE(function != nullptr);
  return function;
}

constexpr size_t kSizes[] = {0, 1, 8, 24, 100, 1000, kMedium, 32 * 1024, kLarge, 5 << 20};

CASE(null) {
  free(nullptr);
  operator delete(nullptr);
  operator delete[](nullptr);
  operator delete (nullptr, size_t{8});
  operator delete (nullptr, size_t{8}, std::align_val_t{64});
  reinterpret_cast<void (*)(void*, size_t)>(Found("free_sized"))(nullptr, 8);
  reinterpret_cast<void (*)(void*, size_t, size_t)>(Found("free_aligned_sized"))(nullptr, 64, 8);
  free(realloc(nullptr, 10));
  REQUIRE(malloc_usable_size(nullptr) == 0);
}
CASE(malloc_and_delete) {
  for (const size_t size : kSizes) {
    operator delete(Block(malloc(size)));
    operator delete[](Block(malloc(size)));
  }
}
CASE(new_and_free) {
  for (const size_t size : kSizes) {
    free(Block(operator new(size)));
    free(Block(operator new[](size)));
  }
}
CASE(new_and_delete_array) {
  for (const size_t size : kSizes) {
    operator delete[](Block(operator new(size)));
    operator delete(Block(operator new[](size)));
  }
}
CASE(aligned_and_plain_delete) {
  operator delete(Block(operator new (100, std::align_val_t{64})));
  free(Block(operator new (100, std::align_val_t{4096})));
  operator delete (Block(operator new(100)), std::align_val_t{16});
}
CASE(right_sizes) {
  const auto free_sized = reinterpret_cast<void (*)(void*, size_t)>(Found("free_sized"));
  for (const size_t size : kSizes) {
    operator delete(Block(operator new(size)), size);
    operator delete[](Block(operator new[](size)), size);
    free_sized(Block(malloc(size)), size);
    free_sized(Block(calloc(size, 1)), size);
  }
}
CASE(right_alignments) {
  using Function = void(void*, size_t, size_t);
  auto* const free_aligned_sized = reinterpret_cast<Function*>(Found("free_aligned_sized"));
  for (size_t alignment = 16; alignment <= 1 << 20; alignment *= 2) {
    const auto align = static_cast<std::align_val_t>(alignment);
    operator delete (Block(operator new(1000, align)), size_t{1000}, align);
    operator delete[](Block(operator new[](kLarge, align)), size_t{kLarge}, align);
    free_aligned_sized(Block(aligned_alloc(alignment, alignment)), alignment, alignment);
  }
}
CASE(all_usable_bytes) {
  for (const size_t size : kSizes) {
    char* const p = Block(malloc(size));
    memset(p, 'x', malloc_usable_size(p));
    free(p);
  }
}
CASE(realloc_of_all_usable_bytes) {
  char* p = static_cast<char*>(malloc(1));
  for (const size_t size : kSizes) {
    p = static_cast<char*>(realloc(p, size + 1));
    memset(p, 'x', malloc_usable_size(p));
  }
  free(p);
}
// realloc leaves the block as it is if there is no memory for a shorter one.
CASE(size_of_a_shrunk_block_without_memory) {
  const auto free_sized = reinterpret_cast<void (*)(void*, size_t)>(Found("free_sized"));
  constexpr size_t kShort = 2000;
  void* p = malloc(kLarge);
  rlimit limit = {256 << 20, RLIM_INFINITY};
  REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
  for (size_t size = 1 << 20; size >= kShort; size /= 2) {
    while (malloc(size) != nullptr) {
    }
  }
  while (malloc(kShort) != nullptr) {
  }
  p = realloc(p, kShort);
  REQUIRE(p != nullptr);
  free_sized(p, kShort);
  limit.rlim_cur = RLIM_INFINITY;
  REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
}
CASE(freed_on_other_threads) {
  for (const size_t size : kSizes) {
    OnAnotherThread([](void* p) { free(p); }, malloc(size));
    OnAnotherThread([](void* p) { REQUIRE((p = realloc(p, 3000)) != nullptr); }, malloc(size));
  }
}
CASE(deleted_on_other_threads) {
  for (const size_t size : kSizes) {
    OnAnotherThread([](void* p) { operator delete(p); }, operator new(size));
    OnAnotherThread([](void* p) { operator delete[](p); }, operator new[](size));
  }
}
CASE(the_same_address_again) {
  for (int i = 0; i < 100000; ++i) free(malloc(kSmall));
}
// Of libc's own malloc, as one from before this library came would be.
void* LibcMalloc(size_t size) {
  static auto* const libc_malloc = reinterpret_cast<void* (*)(size_t)>(Found("__libc_malloc"));
  return libc_malloc(size);
}
CASE(libcs_own_block) {
  for (const size_t size : {size_t{kSmall}, size_t{kMedium}, size_t{kLarge}, size_t{kHuge}}) {
    free(LibcMalloc(size));
    operator delete(LibcMalloc(size), size);
    char* const p = static_cast<char*>(LibcMalloc(size));
    p[0] = 'x';
    char* const moved = static_cast<char*>(realloc(p, 2 * size));
    REQUIRE(moved != nullptr && moved[0] == 'x');
    free(moved);
  }
}
CASE(libcs_own_block_outside_the_break) {
  // A mapping right behind the break: libc's first arena goes on in mappings of its own.
  free(LibcMalloc(kSmall));
  auto* const end = static_cast<char*>(sbrk(0));
  REQUIRE(mmap(end, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
          end);
  constexpr int kBlocks = 3000;
  static char* blocks[kBlocks];
  for (const size_t size : {size_t{kSmall}, size_t{1000}, size_t{kMedium}}) {
    int outside = 0;
    for (char*& block : blocks) {
      block = static_cast<char*>(LibcMalloc(size));
      memset(block, 'x', size);
      if (block >= end) ++outside;
    }
    REQUIRE(outside > 1000 || size == kSmall);
    for (int i = 0; i < kBlocks; i += 2) {
      REQUIRE(malloc_usable_size(blocks[i]) >= size);
      free(blocks[i]);
    }
    for (int i = 1; i < kBlocks; i += 2) {
      blocks[i] = static_cast<char*>(realloc(blocks[i], 2 * size));
      REQUIRE(blocks[i] != nullptr && blocks[i][size - 1] == 'x');
      free(blocks[i]);
    }
  }
}

}  // namespace
