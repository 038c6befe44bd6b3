// All that mallinfo2, malloc_info and malloc_stats say, read at one time: nothing is allocated
// between the three calls, and what is read lies in no block.

#ifndef MYMALLOC_TESTS_API_FIGURES_H_
#define MYMALLOC_TESTS_API_FIGURES_H_

#include <malloc.h>

#include <array>
#include <cstddef>

namespace mymalloc::test {

struct Amount {
  size_t count = 0;
  size_t size = 0;
};

// A <heap> of malloc_info, or what stands behind the last one: of all.
struct HeapFigures {
  size_t number = 0;
  Amount sizes;  // the sum of <sizes>
  Amount fast;
  Amount rest;
  Amount mmap;  // in the totals alone
  size_t current = 0;
  size_t most = 0;
  size_t space = 0;
};

struct Figures {
  static constexpr size_t kMostHeaps = 32;

  struct mallinfo2 info;
  size_t heap_count = 0;
  std::array<HeapFigures, kMostHeaps> heaps;
  HeapFigures total;
  char stats[2000];

  // The number behind the label in what malloc_stats printed; the nth that has this label. The test
  // fails if there is none.
  size_t Stat(const char* label, unsigned nth = 0) const;
};

Figures ReadFigures();

// What must hold at any time: each figure is the same wherever it stands, and the parts are the
// whole.
void ExpectAgreement(const Figures& figures);

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_API_FIGURES_H_
