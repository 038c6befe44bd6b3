// What is in the heap, counted: for mallinfo2, malloc_info, malloc_stats.
//
// Counting holds every lock (Registry::Freeze), so the figures belong together; what other threads
// pop from and push to their magazines meanwhile is the only thing that moves.

#ifndef MYMALLOC_REPORT_STATISTICS_H_
#define MYMALLOC_REPORT_STATISTICS_H_

#include <stdio.h>

#include <cstddef>
#include <cstdint>

#include "mymalloc/heap/heap.h"

namespace mymalloc {

// Blocks and their bytes, whole slots.
struct BlockCount {
  size_t blocks = 0;
  size_t bytes = 0;

  void Add(size_t n, size_t stride) {
    blocks += n;
    bytes += n * stride;
  }
  void Subtract(size_t n, size_t stride) {
    blocks -= n;
    bytes -= n * stride;
  }
};

struct Statistics {
  size_t pages = 0;
  size_t page_bytes = 0;    // what may be resident of their address space
  BlockCount live;          // in pages
  BlockCount free;          // in pages, having been used; of those:
  BlockCount in_magazines;  // (and their spill)
  BlockCount large;         // live large blocks, their mappings
  size_t supply_dirty = 0;  // free pages, may be resident
  size_t large_cached = 0;  // freed large mappings
  size_t metadata = 0;

  size_t FromSystem() const { return page_bytes + supply_dirty; }
};

// Calls back for each heap and class with free blocks, if `visit` is given.
using FreeBlocksVisitor = void (*)(void* context, HeapId heap, SizeClass c, size_t blocks);
Statistics CountHeap(FreeBlocksVisitor visit = nullptr, void* context = nullptr);

// glibc's formats.
void PrintMallocStats();
int PrintMallocInfo(FILE* stream);

}  // namespace mymalloc

#endif  // MYMALLOC_REPORT_STATISTICS_H_
