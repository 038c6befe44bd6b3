#include "mymalloc/os/raw_thread.h"

#include <sched.h>
#include <signal.h>

#include <cstdint>

#include "mymalloc/base/signal_mask.h"
#include "mymalloc/base/syscall.h"
#include "mymalloc/base/units.h"
#include "mymalloc/os/memory.h"

namespace mymalloc::os {
namespace {

constexpr size_t kStackBytes = 32 * kKiB;
// What stands in for libc's thread block: zeros below the thread pointer, where thread-local
// variables would be, and a pointer to itself, by which threads are told apart.
constexpr size_t kThreadBlockBytes = 2 * kOsPage;

constexpr long kCloneFlags =
    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS;

// The child starts on an empty stack, so it can return from nothing: what follows the system call
// in it is written out here.
long Clone(uintptr_t stack, uintptr_t thread_pointer, int (*main)(void*), void* argument) {
  long result;
  register long r8 __asm__("r8") = static_cast<long>(thread_pointer);
  register int (*r12)(void*) __asm__("r12") = main;
  register void* r13 __asm__("r13") = argument;
  __asm__ volatile(
      "xor %%r10d, %%r10d\n"
      "syscall\n"
      "test %%rax, %%rax\n"
      "jnz 1f\n"
      "xor %%ebp, %%ebp\n"
      "mov %%r13, %%rdi\n"
      "call *%%r12\n"
      "mov %%eax, %%edi\n"
      "mov %[exit], %%eax\n"
      "syscall\n"
      "1:\n"
      : "=a"(result)
      : "a"(SYS_clone), "D"(kCloneFlags), "S"(stack), "d"(0L), "r"(r8), "r"(r12),
        "r"(r13), [exit] "i"(SYS_exit)
      : "rcx", "r10", "r11", "memory");
  return result;
}

}  // namespace

bool StartRawThread(int (*main)(void*), void* argument) {
  const size_t bytes = kStackBytes + kThreadBlockBytes;
  const uintptr_t memory = Map(bytes);
  if (memory == 0) return false;
  const uintptr_t thread_pointer = memory + kStackBytes + kOsPage;
  *reinterpret_cast<uintptr_t*>(thread_pointer) = thread_pointer;

  // The thread inherits the mask: signals are for the program's own threads.
  const uint64_t before = ChangeSignalMask(SIG_BLOCK, ~uint64_t{0});
  const long tid = Clone(memory + kStackBytes, thread_pointer, main, argument);
  ChangeSignalMask(SIG_SETMASK, before);
  if (IsError(tid)) Unmap(memory, bytes);
  return !IsError(tid);
}

}  // namespace mymalloc::os
