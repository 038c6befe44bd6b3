// What is the processor's: how a thread asks the kernel and knows itself, how it waits in a loop,
// and what the kernel's page is. The one place for another processor, but for the unwinder's
// registers (fault/frame_rules.h, fault/stack_trace.cc).

#ifndef MYMALLOC_BASE_ARCH_H_
#define MYMALLOC_BASE_ARCH_H_

#include <cstddef>
#include <cstdint>

#if !defined(__linux__) || !defined(__x86_64__)
#error "mymalloc is for Linux on x86-64"
#endif

namespace mymalloc {

// What the kernel maps, protects, makes resident and takes back. On x86-64 it can only be this, so
// it is known when the engine is compiled, and start-up refuses a kernel that says otherwise. Where
// kernels differ (16 and 64 KiB on others) this is to return what the start of the process has read
// of AT_PAGESZ; what needs a constant then says so by not compiling.
constexpr size_t KernelPage() { return 4096; }

// The kernel's own answer: a value, or the negated error (base/syscall.h).
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

// The address that the function which this is in returns to.
#define MYMALLOC_CALLER() (reinterpret_cast<uintptr_t>(__builtin_return_address(0)))

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

// For a loop that waits for another processor's store.
inline void SpinPause() { __builtin_ia32_pause(); }

}  // namespace mymalloc

#endif  // MYMALLOC_BASE_ARCH_H_
