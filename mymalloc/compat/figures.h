// What this heap says where another allocator's questions are answered.

#ifndef MYMALLOC_COMPAT_FIGURES_H_
#define MYMALLOC_COMPAT_FIGURES_H_

#include <cstddef>

namespace mymalloc::compat {

// Bytes, as jemalloc counts them.
struct Figures {
  size_t allocated = 0;  // of live blocks
  size_t active = 0;     // of memory that is theirs, or free in pages beside them
  size_t metadata = 0;
  size_t resident = 0;  // of all that, what the kernel has in memory
  size_t mapped = 0;    // of address space that is in use
  size_t retained = 0;  // of address space that is not, and kept
  size_t dirty = 0;     // free, and perhaps resident
};

// Those of the last call of Refresh; the first call of either refreshes them.
Figures Current();
void Refresh();

}  // namespace mymalloc::compat

#endif  // MYMALLOC_COMPAT_FIGURES_H_
