// System calls without libc.
//
// libc's wrappers report failure through errno, which an allocator must not disturb (free preserves
// it). These return the kernel's own answer: a value, or the negated error.

#ifndef MYMALLOC_BASE_SYSCALL_H_
#define MYMALLOC_BASE_SYSCALL_H_

#include <errno.h>
#include <sys/syscall.h>

#include <cstdint>

#if !defined(__linux__) || !defined(__x86_64__)
#error "mymalloc is for Linux on x86-64"
#endif

namespace mymalloc {

inline long Syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0,
                    long f = 0) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

// The kernel's errors are the top 4095 values.
inline bool IsError(long result) { return result < 0 && result >= -4095; }

// What tells threads apart without asking the kernel: the address of the thread's control block.
inline uintptr_t ThreadPointer() {
  uintptr_t pointer;
  __asm__("mov %%fs:0, %0" : "=r"(pointer));
  return pointer;
}

// libc's threads have a pointer to their control block in its third word; one that a program made
// by clone alone, with thread data of its own, need not.
inline bool IsThreadOfLibc() {
  uintptr_t self;
  __asm__("mov %%fs:16, %0" : "=r"(self));
  return self != 0;
}

inline long CurrentTid() { return Syscall(SYS_gettid); }
inline long CurrentPid() { return Syscall(SYS_getpid); }

}  // namespace mymalloc

#endif  // MYMALLOC_BASE_SYSCALL_H_
