#include "mymalloc/front/foreign.h"

#include "mymalloc/base/units.h"
#include "mymalloc/os/chunks.h"
#include "mymalloc/os/memory_map.h"

// glibc's own allocator under the names that nothing replaces.
extern "C" __attribute__((weak)) void __libc_free(void* pointer);

namespace mymalloc {
namespace {

// What glibc calls a chunk is a block and what it keeps before it: two words, and flags in the low
// bits of the size.
struct Chunk {
  size_t previous_size;
  size_t size_and_flags;

  static constexpr size_t kPreviousTaken = 1;
  static constexpr size_t kMapped = 2;      // a mapping of its own
  static constexpr size_t kOtherArena = 4;  // not in the arena that brk grows
  static constexpr size_t kFlags = 7;
  static constexpr size_t kSmallest = 32;

  size_t size() const { return size_and_flags & ~kFlags; }
  bool Plausible() const { return size() >= kSmallest && size() % kBlockAlignment == 0; }
};

// The first arena grows by brk and, where something is in the way, by mappings. In either, behind
// each block lies another chunk or the arena's rest, of 16 bytes at least, which knows that the
// block is taken.
bool InFirstArena(uintptr_t address, const Chunk& chunk, const os::Mapping& mapping) {
  const size_t room = mapping.end - address;  // behind the chunk's two words
  if (chunk.size() > room) return false;
  const Chunk& next = *reinterpret_cast<const Chunk*>(address - sizeof(Chunk) + chunk.size());
  return (next.size_and_flags & Chunk::kFlags) == Chunk::kPreviousTaken &&
         next.size() >= sizeof(Chunk) && next.size() % kBlockAlignment == 0 &&
         next.size() <= room + sizeof(Chunk) - chunk.size();
}

// Arenas other than the first live in heaps of this size and alignment, which begin with this.
constexpr size_t kGlibcHeapBytes = 64 * kMiB;
struct GlibcHeap {
  uintptr_t arena;
  uintptr_t previous;
  size_t size;
  size_t usable_size;
};

bool InOtherArena(uintptr_t address, const Chunk& chunk, const os::Mapping& mapping) {
  const uintptr_t begin = RoundDown(address, kGlibcHeapBytes);
  if (begin != mapping.begin) return false;
  const GlibcHeap& heap = *reinterpret_cast<const GlibcHeap*>(begin);
  const uintptr_t end = begin + heap.size;
  return heap.arena != 0 && heap.size % KernelPage() == 0 && heap.size <= kGlibcHeapBytes &&
         address < end && chunk.size() <= end - (address - sizeof(Chunk));
}

bool IsMapped(uintptr_t address, const Chunk& chunk) {
  return (address - sizeof(Chunk) - chunk.previous_size) % KernelPage() == 0 &&
         (chunk.previous_size + chunk.size()) % KernelPage() == 0;
}

bool IsBlock(uintptr_t address, const Chunk& chunk, const os::Mapping& mapping) {
  const bool anonymous = mapping.kind == os::Mapping::kAnonymous;
  if (!anonymous && mapping.kind != os::Mapping::kBrkHeap) return false;
  if ((chunk.size_and_flags & Chunk::kMapped) != 0) return anonymous && IsMapped(address, chunk);
  if ((chunk.size_and_flags & Chunk::kOtherArena) != 0) {
    return anonymous && InOtherArena(address, chunk, mapping);
  }
  return InFirstArena(address, chunk, mapping);
}

}  // namespace

size_t LibcBlockSize(uintptr_t address) {
  os::Mapping mapping;
  // What programs left in memory that was ours is no proof of anything.
  if (address % kBlockAlignment != 0 || os::InChunk(address) ||
      !os::FindMapping(address - sizeof(Chunk), &mapping) || !mapping.writable ||
      address >= mapping.end) {
    return 0;
  }
  const Chunk& chunk = *reinterpret_cast<const Chunk*>(address - sizeof(Chunk));
  if (!chunk.Plausible() || !IsBlock(address, chunk, mapping)) return 0;
  // A mapped chunk does not lend its successor's first word.
  return chunk.size() - ((chunk.size_and_flags & Chunk::kMapped) != 0 ? 16 : 8);
}

bool FreeForeign(uintptr_t address) {
  if (&__libc_free == nullptr || LibcBlockSize(address) == 0) return false;
  __libc_free(reinterpret_cast<void*>(address));
  return true;
}

}  // namespace mymalloc
