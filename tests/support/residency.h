// Which kernel pages of this process's memory are resident, and which can be read.

#ifndef MYMALLOC_TESTS_SUPPORT_RESIDENCY_H_
#define MYMALLOC_TESTS_SUPPORT_RESIDENCY_H_

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/support/check.h"

namespace mymalloc::test {

// The number of resident kernel pages of [begin, begin + bytes), which is mapped and whole ones.
inline size_t ResidentPages(uintptr_t begin, size_t bytes) {
  std::vector<unsigned char> pages(bytes / 4096);
  MYMALLOC_CHECK(mincore(reinterpret_cast<void*>(begin), bytes, pages.data()) == 0);
  size_t resident = 0;
  for (const unsigned char page : pages) resident += page & 1;
  return resident;
}

// Asks the kernel, which says no where a load would fault.
inline bool IsReadable(uintptr_t address) {
  char byte;
  const iovec to = {&byte, 1};
  const iovec from = {reinterpret_cast<void*>(address), 1};
  return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 1;
}

// Keeps memory from being given back, or no longer. False if that is not allowed here. (The
// sanitizers make mlock do nothing, so this asks the kernel itself.)
inline bool SetLocked(uintptr_t begin, size_t bytes, bool locked) {
  return syscall(locked ? SYS_mlock : SYS_munlock, begin, bytes) == 0;
}

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_SUPPORT_RESIDENCY_H_
