// Chunks: the address space that pages and large blocks are cut from.
//
//   window   |........|gggggggg|....|gggg|gggggggggggg|......|     g: a granule of a chunk of ours
//
// A chunk is mapped readable and writable as a whole, and nothing is reserved beyond the chunks. A
// table with a byte for each granule of a window of addresses says in one load whether a pointer
// lies in one: the 8 bytes before it can then be read, and free looks at the tag without asking
// anything else. Chunks outside the window, and those too short for a granule, as they come where
// address space is scarce, are not in the table: the tree finds what lies there, merely slower.

#ifndef MYMALLOC_OS_CHUNKS_H_
#define MYMALLOC_OS_CHUNKS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "mymalloc/base/units.h"
#include "tree/interval.h"

namespace mymalloc::os {

constexpr unsigned kChunkGranuleShift = 22;
constexpr size_t kChunkGranule = size_t{1} << kChunkGranuleShift;
// A chunk is an eighth of what is mapped already, and at least so long: a large process makes few
// system calls, and a small one has little that it does not use.
constexpr size_t kSmallestChunk = 16 * kMiB;
constexpr size_t kChunkGranules = size_t{1} << 18;  // of the window: a TiB

// Where the window begins, and which of its granules are ours: plain variables, which the short way
// of free reads with one instruction each (hidden: not through the global offset table).
extern uintptr_t g_chunk_window __attribute__((visibility("hidden")));
extern std::atomic<uint8_t> g_chunk_table[kChunkGranules] __attribute__((visibility("hidden")));

// What the table says of a granule: bits.
constexpr uint8_t kTagsReadable = 1;
constexpr uint8_t kInChunk = 2;
constexpr uint8_t kLeftOut = 4;  // of core files

// Whether `p` is a multiple of 16 inside a chunk, and p - 8 can be read. The rotation makes a
// misaligned pointer a huge offset.
inline bool HasReadableTag(uintptr_t p) {
  const uint64_t offset = p - g_chunk_window;
  const uint64_t granule = ((offset >> 4) | (offset << 60)) >> (kChunkGranuleShift - 4);
  return granule < kChunkGranules &&
         (g_chunk_table[granule].load(std::memory_order_relaxed) & kTagsReadable) != 0;
}

// Whether an address lies in a chunk of the table.
inline bool InChunk(uintptr_t p) {
  const uint64_t granule = (p - g_chunk_window) >> kChunkGranuleShift;
  return granule < kChunkGranules && g_chunk_table[granule].load(std::memory_order_relaxed) != 0;
}

class Chunks {
 public:
  // `scarce`: the process may use little address space (ulimit -v and the like): chunks are short.
  // `tags_readable`: HasReadableTag may say so; else free asks the tree about every pointer.
  void Init(bool scarce, bool tags_readable);

  // Whether the kernel may back the chunks with huge pages, from now on: those that are there and
  // those that come. At first it may not: where few pages of a chunk are used, it would make all of
  // them resident.
  void AllowHugePages(bool allowed);
  bool huge_pages_allowed() const { return huge_pages_.load(std::memory_order_relaxed); }
  // Whether what was never touched, or given back, may be resident as a part of one.
  bool HugePagesWereAllowed() const { return had_huge_pages_.load(std::memory_order_relaxed); }

  // The first granule of a chunk in the table at or above an address; 0 if there is none.
  static uintptr_t NextGranule(uintptr_t at);

  // A chunk of at least `bytes`, zeroed. Sets *granted. 0 when the system has none. Not thread
  // safe, here and below: the page supply locks.
  uintptr_t Map(size_t bytes, size_t* granted);

  // Leaves what of a range that is not resident is whole granules out of core files, if it is long
  // and there are not many such ranges already: each is a mapping more.
  void LeaveOut(Interval range);
  // Before any of a range is used: puts its granules back into core files.
  void PutBack(Interval range) {
    if (left_out_ != 0) PutGranulesBack(range);
  }

  // Unmaps what of a free range is whole granules. Returns that part, empty if there is none, or if
  // it lies between others, is shorter than a chunk, and there are many mappings for so few chunks,
  // or if somebody may look at it just now (os/onlooker.h).
  Interval Unmap(Interval range);

  // Bytes of all chunks.
  size_t mapped() const { return mapped_.load(std::memory_order_relaxed); }
  bool scarce() const { return scarce_; }

 private:
  size_t longest() const;
  uintptr_t MapGranules(size_t bytes) const;
  static bool MapAt(uintptr_t wanted, size_t bytes);
  static uintptr_t MapAndCut(size_t bytes);
  void SetTable(Interval range, uint8_t bits);
  void PutGranulesBack(Interval range);
  static bool IsLeftOut(uintptr_t granule);
  bool SetLeftOut(Interval granules, bool left_out);

  uintptr_t next_ = 0;  // where the next chunk is asked for: right below the last
  std::atomic<size_t> mapped_{0};
  std::atomic<bool> huge_pages_{false};
  std::atomic<bool> had_huge_pages_{false};
  bool scarce_ = false;
  bool window_chosen_ = false;
  size_t runs_ = 0;          // of granules side by side
  size_t left_out_ = 0;      // ranges
  uint8_t bits_ = kInChunk;  // of a granule that is ours
};

extern Chunks g_chunks;

// Whether the system lets a program have huge pages where it asks for them. Asked once, at the
// start.
bool HugePagesAreThere();

// Whether limits on the process or strict overcommit make address space scarce. Asked once, at the
// start.
bool AddressSpaceIsScarce();

}  // namespace mymalloc::os

#endif  // MYMALLOC_OS_CHUNKS_H_
