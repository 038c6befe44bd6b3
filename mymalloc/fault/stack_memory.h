// Reads memory that may not be there, as a stack may be after the program wrote over it.
//
// Before the first word of each kernel page the kernel is asked to read from it, by a futex call
// that would wait for no time: it fails with EFAULT where there is nothing to read, with EAGAIN or
// ETIMEDOUT elsewhere, and changes nothing. It costs less than a copy by process_vm_readv, and it
// is allowed where that is not: no lock can do without it. Where it is refused, nothing is read.

#ifndef MYMALLOC_FAULT_STACK_MEMORY_H_
#define MYMALLOC_FAULT_STACK_MEMORY_H_

#include <linux/futex.h>
#include <time.h>

#include <cstdint>

#include "mymalloc/base/syscall.h"
#include "mymalloc/base/units.h"

namespace mymalloc {

class StackMemory {
 public:
  // The word at the address, if it is aligned and can be read.
  bool Read(uintptr_t address, uintptr_t* word) {
    if (address % sizeof(*word) != 0 || !IsReadable(address)) return false;
    // By hand: the sanitizers need not know that we look into others' frames.
    uintptr_t value;
    __asm__ volatile("mov (%1), %0" : "=r"(value) : "r"(address) : "memory");
    *word = value;
    return true;
  }

 private:
  bool IsReadable(uintptr_t address) {
    constexpr long kUnlikely = 0x5bd1e995;
    static constexpr timespec kNoTime = {0, 0};
    const uintptr_t page = address & ~(KernelPage() - 1);
    if (page == readable_page_) return true;
    const long answer = Syscall(SYS_futex, static_cast<long>(address & ~uintptr_t{7}),
                                FUTEX_WAIT_PRIVATE, kUnlikely, reinterpret_cast<long>(&kNoTime));
    const bool readable = answer == -EAGAIN || answer == -ETIMEDOUT || answer == 0;
    if (!readable || page == 0) return false;
    readable_page_ = page;
    return true;
  }

  uintptr_t readable_page_ = 0;  // the last that was found so
};

}  // namespace mymalloc

#endif  // MYMALLOC_FAULT_STACK_MEMORY_H_
