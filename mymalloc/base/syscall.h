// System calls without libc.
//
// libc's wrappers report failure through errno, which an allocator must not disturb (free preserves
// it). These return the kernel's own answer: a value, or the negated error.

#ifndef MYMALLOC_BASE_SYSCALL_H_
#define MYMALLOC_BASE_SYSCALL_H_

#include <errno.h>
#include <sys/syscall.h>

#include "mymalloc/base/arch.h"

namespace mymalloc {

// The kernel's errors are the top 4095 values.
inline bool IsError(long result) { return result < 0 && result >= -4095; }

inline long CurrentTid() { return Syscall(SYS_gettid); }
inline long CurrentPid() { return Syscall(SYS_getpid); }

}  // namespace mymalloc

#endif  // MYMALLOC_BASE_SYSCALL_H_
