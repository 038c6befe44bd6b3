// Overwrites the heap's own memory with random bytes, and waits: for readers that must not believe
// what they read.
//
//   vandal SEED WHERE     WHERE: 0 pages' headers, 1 metadata, 2 the library's data, 3 all of it

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "mymalloc/report/descriptor.h"
#include "mymalloc/report/layout.h"

namespace {

std::mt19937_64* random_numbers;

uint64_t Random(uint64_t below) { return (*random_numbers)() % below; }

// Some words, of which some then lead somewhere near.
void Spoil(uintptr_t begin, size_t bytes, uint64_t one_in) {
  auto* const words = reinterpret_cast<volatile uint64_t*>(begin);
  for (size_t i = 0; i < bytes / sizeof(uint64_t); ++i) {
    if (Random(one_in) != 0) continue;
    const uint64_t kinds[] = {(*random_numbers)(),   Random(16),
                              begin + Random(bytes), words[Random(bytes / sizeof(uint64_t))],
                              ~uint64_t{0},          words[i] ^ uint64_t{1} << Random(64)};
    words[i] = kinds[Random(std::size(kinds))];
  }
}

void SpoilMetadata(const mymalloc::Descriptor& descriptor, uint64_t one_in) {
  const auto* range = *static_cast<const mymalloc::os::MetadataRange* const*>(descriptor.metadata);
  while (range != nullptr) {
    const mymalloc::os::MetadataRange* const before = range->before;
    // What was touched lies at its front.
    const size_t bytes = range->bytes < 400000 ? range->bytes : 400000;
    Spoil(reinterpret_cast<uintptr_t>(range), bytes, one_in);
    range = before;
  }
}

void SpoilData(const mymalloc::Descriptor& descriptor, uint64_t one_in) {
  using mymalloc::Layout;
  Spoil(reinterpret_cast<uintptr_t>(descriptor.page_map) + Layout::kMapTree, 24, 2);
  Spoil(reinterpret_cast<uintptr_t>(descriptor.page_supply), 256, one_in);
  Spoil(reinterpret_cast<uintptr_t>(descriptor.large_blocks), sizeof(mymalloc::LargeBlocks),
        one_in);
  Spoil(reinterpret_cast<uintptr_t>(descriptor.heaps), 64, 2);
  Spoil(reinterpret_cast<uintptr_t>(descriptor.registry) + Layout::kRegistryHighestId, 8, 2);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) return 2;
  std::mt19937_64 numbers(std::strtoull(arguments[1], nullptr, 10));
  random_numbers = &numbers;
  const long where = std::strtol(arguments[2], nullptr, 10);
  // Found as any symbol of a library that need not be there.
  extern const mymalloc::Descriptor the_descriptor __asm__("mymalloc_descriptor")
      __attribute__((weak));
  const mymalloc::Descriptor* const descriptor = &the_descriptor;
  if (descriptor == nullptr) return 3;
  void* kept[64] = {};
  for (int i = 0; i < 40000; ++i) {
    void*& place = kept[Random(std::size(kept))];
    if (Random(8) != 0) std::free(place);
    place = std::malloc(Random(1 << Random(18)));
  }
  char line[] = "ready\n";
  const uint64_t one_in = uint64_t{1} << Random(12);
  for (void* block : kept) {
    if (block == nullptr || (where != 0 && where != 3)) continue;
    // The header lies in the page's first kernel page: near the block, as a rule.
    Spoil((reinterpret_cast<uintptr_t>(block) & ~uintptr_t{4095}), 4096, one_in);
  }
  if (where == 1 || where == 3) SpoilMetadata(*descriptor, one_in);
  if (where == 2 || where == 3) SpoilData(*descriptor, one_in);
  if (write(1, line, sizeof(line) - 1) < 0) return 4;
  char byte;
  while (read(0, &byte, 1) > 0) {
  }
  _exit(0);
}
