// A thread made by the kernel alone: libc does not know it, and it must not call libc.

#ifndef MYMALLOC_OS_RAW_THREAD_H_
#define MYMALLOC_OS_RAW_THREAD_H_

namespace mymalloc::os {

// Runs main(argument) on a new thread with all signals blocked. `main` may use system calls
// (base/syscall.h) and memory, no thread-local variable and no libc function that keeps state. The
// thread ends with the process. False when there can be no thread.
bool StartRawThread(int (*main)(void*), void* argument);

}  // namespace mymalloc::os

#endif  // MYMALLOC_OS_RAW_THREAD_H_
