// Pointers that libc's own malloc handed out: a block from before this library was loaded, or from
// a library that was bound to libc's malloc. They are libc's to free.

#ifndef MYMALLOC_FRONT_FOREIGN_H_
#define MYMALLOC_FRONT_FOREIGN_H_

#include <cstddef>
#include <cstdint>

namespace mymalloc {

// For an address in no range of ours: if it is a block of libc's own heap, its usable size, else 0.
// Reads nothing that the kernel does not say is readable.
size_t LibcBlockSize(uintptr_t address);

// Frees a block of libc's by libc's own free. False if it is none.
bool FreeForeign(uintptr_t address);

}  // namespace mymalloc

#endif  // MYMALLOC_FRONT_FOREIGN_H_
