#include "tests/interleave/outside.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/interleave/seam.h"

namespace mymalloc {
namespace interleave {

Outside g_outside;

}  // namespace interleave

namespace {

long KernelCall(long number, long a, long b, long c, long d, long e, long f) {
#undef Syscall
  return Syscall(number, a, b, c, d, e, f);
#define Syscall ScheduledSyscall
}

// As much of it as the engine's lock uses, which looks at no result.
long Futex(interleave::Machine* machine, const uint32_t* word, long operation, long value) {
  if (operation == FUTEX_WAIT_PRIVATE) machine->SleepOn(word, static_cast<uint32_t>(value));
  if (operation == FUTEX_WAKE_PRIVATE) machine->WakeOne(word);
  return 0;
}

}  // namespace

long ScheduledSyscall(long number, long a, long b, long c, long d, long e, long f) {
  interleave::Machine* const machine = interleave::Machine::Running();
  switch (number) {
    case SYS_futex:
      if (machine != nullptr) return Futex(machine, reinterpret_cast<const uint32_t*>(a), b, c);
      break;
    case SYS_write:
      if (a == STDERR_FILENO) ++interleave::g_outside.reports;
      return c;
    case SYS_mmap:
      if (machine != nullptr) interleave::Fail("memory is mapped in the middle of the program");
      break;
    default:
      break;
  }
  const long result = KernelCall(number, a, b, c, d, e, f);
  // Metadata is reserved first. (Pages are saved by the page map.)
  if (number == SYS_mprotect && !IsError(result) && (c & PROT_WRITE) != 0) {
    const uintptr_t begin = static_cast<uintptr_t>(a);
    interleave::g_outside.memory.push_back({begin, begin + static_cast<uintptr_t>(b), "metadata"});
  }
  return result;
}

void ScheduledPause() {
  if (interleave::Machine* const machine = interleave::Machine::Running()) machine->Pause();
}

}  // namespace mymalloc

int ScheduledKeyCreate(pthread_key_t*, void (*destructor)(void*)) {
  mymalloc::interleave::g_outside.thread_exit = destructor;
  return 0;
}

int ScheduledSetSpecific(pthread_key_t, const void*) { return 0; }
