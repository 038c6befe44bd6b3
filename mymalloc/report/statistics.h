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
  BlockCount live;       // in pages
  BlockCount fast;       // free, held by threads: in magazines and spills, quarantined, gathered
  BlockCount magazines;  // of those, by where they are
  BlockCount spill;
  BlockCount gathered;
  BlockCount quarantine;
  BlockCount rest;          // free in the bitmaps of pages
  size_t given_back = 0;    // bytes of these whose memory is not resident any more
  BlockCount large;         // live large blocks, their ranges
  size_t supply_dirty = 0;  // free ranges that may be resident
  size_t large_freed = 0;   // freed large blocks, held back, that may be
  size_t pieces = 0;        // the number of both
  size_t metadata = 0;
  size_t metadata_mapped = 0;  // of that, what was mapped for it
  size_t own_mappings = 0;     // bytes of live large blocks that are mappings of their own
  size_t unused = 0;           // bytes of the chunks that are free and not resident
  Heap::Events events = {};

  size_t FreeBlocks() const { return fast.blocks + rest.blocks; }
  size_t UnownedBytes() const { return supply_dirty + large_freed; }
  size_t FreeBytes() const { return fast.bytes + rest.bytes + UnownedBytes(); }
  size_t FromSystem() const { return live.bytes + FreeBytes(); }
  // What malloc_trim may give back, if it were not for whole kernel pages. (And what threads hold,
  // but some of that stays with them.)
  size_t Trimmable() const { return rest.bytes - given_back + UnownedBytes(); }
  // What may be resident of all that. Of a large block nobody knows how much was touched.
  size_t Resident() const { return FromSystem() - given_back + large.bytes + metadata; }
};

// What one class has.
struct ClassStatistics {
  size_t pages = 0;
  size_t live_blocks = 0;
  size_t live_slots = 0;
  size_t held_slots = 0;  // free, held by threads
  size_t free_slots = 0;  // free in the bitmaps; those that were used
};

// What one heap has.
struct HeapStatistics {
  size_t pages = 0;
  BlockCount live;
  bool parked = false;
  BlockCount fast;
  BlockCount rest;
  size_t system = 0;
  size_t most_system = 0;
  PerClass<uint32_t, kPageClasses> free = {};  // of both kinds; of runs their slots
};

Statistics CountHeap();

// How long to wait for a lock: as long as it takes; a moment, for who may hold one himself; not at
// all, in a signal handler. Then there is no census where one is taken.
enum class Patience : uint8_t { kWaits, kMoment, kNone };

// The same with what each class and each heap has. The memory for it is of the kernel's, not to be
// counted itself.
class Census {
 public:
  explicit Census(Patience patience = Patience::kWaits);
  ~Census();
  Census(const Census&) = delete;
  Census& operator=(const Census&) = delete;

  // Else the system had no memory, or a lock was taken.
  bool taken() const { return taken_; }
  const Statistics& all() const { return paper_->all; }
  const ClassStatistics& Of(SizeClass c) const { return paper_->classes[c]; }
  // The first, which is nobody's, has what is free and no heap's.
  const HeapStatistics& Of(HeapId id) const { return paper_->heaps[id.value()]; }
  HeapId highest() const { return highest_; }

 private:
  // Zeroed memory is what counts nothing.
  struct Paper {
    Statistics all;
    PerClass<ClassStatistics, kPageClasses> classes;
    HeapStatistics heaps[1];  // and more, behind it
  };
  bool Take(Patience patience);

  HeapId highest_;
  Interval memory_;
  Paper* paper_ = nullptr;
  bool taken_ = false;
};

// glibc's formats.
void PrintMallocStats();
int PrintMallocInfo(FILE* stream);

}  // namespace mymalloc

#endif  // MYMALLOC_REPORT_STATISTICS_H_
