// What is in all heaps, counted: for mallinfo2, malloc_info, malloc_stats.
//
// Counting holds every lock (Freeze), so the figures belong together; what other threads
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

// Memory from the system is slots that have been used, live or free, and what is free and no
// heap's: ranges of the page supply, and freed large blocks that are held back. Live large
// blocks, and what the allocator has for itself, page headers and edges among it, are counted
// beside that.
struct Statistics {
  size_t pages = 0;
  BlockCount live;          // in pages
  BlockCount fast;          // free, held by threads: in magazines and spills, quarantined, gathered
  BlockCount rest;          // free in the bitmaps of pages
  size_t given_back = 0;    // bytes of these whose memory is not resident any more
  BlockCount large;         // live large blocks, their ranges
  size_t supply_dirty = 0;  // free ranges that may be resident
  size_t large_freed = 0;   // freed large blocks, held back, that may be
  size_t pieces = 0;        // the number of both
  size_t metadata = 0;

  size_t FreeBlocks() const { return fast.blocks + rest.blocks; }
  size_t UnownedBytes() const { return supply_dirty + large_freed; }
  size_t FreeBytes() const { return fast.bytes + rest.bytes + UnownedBytes(); }
  size_t FromSystem() const { return live.bytes + FreeBytes(); }
  // What malloc_trim may give back, if it were not for whole kernel pages. (And what threads hold,
  // but some of that stays with them.)
  size_t Trimmable() const { return rest.bytes - given_back + UnownedBytes(); }
};

// What malloc_info says of one heap.
struct HeapStatistics {
  BlockCount fast;
  BlockCount rest;
  size_t system = 0;
  size_t most_system = 0;
  PerClass<uint32_t, kPageClasses> free = {};  // of both kinds; of runs their slots
};

// `heaps`: nullptr, or where to count the heaps up to `highest`, by their ids. The first, which is
// nobody's, has what is free and no heap's.
Statistics CountHeap(HeapStatistics* heaps = nullptr, HeapId highest = Tag::kNobody);

// glibc's formats.
void PrintMallocStats();
int PrintMallocInfo(FILE* stream);

}  // namespace mymalloc

#endif  // MYMALLOC_REPORT_STATISTICS_H_
