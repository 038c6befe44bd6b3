// The kernel's memory calls, as the allocator uses them. Nothing here touches errno.
//
// Addresses and sizes are multiples of KernelPage().

#ifndef MYMALLOC_OS_MEMORY_H_
#define MYMALLOC_OS_MEMORY_H_

#include <cstddef>
#include <cstdint>

#include "mymalloc/base/units.h"
#include "tree/interval.h"

namespace mymalloc::os {

// From now on what is mapped gets a name that /proc/PID/maps shows, where the kernel has that
// (Linux 5.17): one more system call for each.
void NameMappings();

// Readable, writable, zeroed memory. 0 when there is none.
uintptr_t Map(size_t bytes);
// The same, of which the kernel promises nothing until it is touched; at `wanted` if nothing is
// there.
uintptr_t MapLazily(size_t bytes, uintptr_t wanted = 0);
// Address space alone: neither readable nor counted as memory. 0 when there is none.
uintptr_t Reserve(size_t bytes, uintptr_t wanted = 0);
// Makes reserved address space usable. False when the system refuses.
bool Commit(Interval range);
// The opposite: from now on a touch faults. What it held may be lost. False when the kernel
// refuses, or somebody may look at it just now (os/onlooker.h), here and in Seal.
bool Protect(Interval range);
// Both Protect and, unless it is locked, Purge: the memory goes back, the address range stays and
// faults. False when the kernel refuses, and nothing has happened.
bool Seal(Interval range);
// Gives the address range back. False when the kernel cannot split a mapping (vm.max_map_count):
// the range then still exists.
bool Unmap(Interval range);
// Gives the memory back and keeps the address range, which then reads as zero. False when the
// kernel refuses (locked memory): the contents may then be as before.
bool Purge(Interval range);
// Makes the memory resident, in one call instead of a fault for each kernel page. False if it was
// not: it then comes as it is touched.
bool Populate(Interval range);
// How often the kernel was asked so far: for more, to take back a range, to take back memory.
struct Calls {
  uint64_t maps;
  uint64_t unmaps;
  uint64_t purges;
};
Calls CallsSoFar();
// Bytes that Unmap and Purge have given back so far, resident or not.
size_t ReleasedBytes();
// Grows a mapping to `bytes`, where it is, or elsewhere if `may_move`. The contents go along.
// Returns where it is now, or 0 (and nothing has happened).
uintptr_t Remap(Interval range, size_t bytes, bool may_move);

// Whether the kernel may back the memory with huge pages: each then comes whole at its first touch.
void AllowHugePages(Interval range, bool allowed);
// Whether a core file has the memory: a debugger that makes one also writes what is not resident.
// False if the kernel has no room for the mappings that this would make.
bool PutIntoCores(Interval range, bool put);
// Makes a huge page of what is resident there, and of zeros. `begin` is a multiple of kHugePage.
// False if the kernel has no memory for it now. (Nothing happens where nothing is resident, nor on
// Linux before 6.1.)
constexpr size_t kHugePage = 2 * kMiB;
bool MakeHuge(uintptr_t begin);

// Milliseconds of a clock that never goes back; coarse and cheap. Always 0 where the time cannot be
// had without a system call.
uint64_t NowMillis();

}  // namespace mymalloc::os

#endif  // MYMALLOC_OS_MEMORY_H_
