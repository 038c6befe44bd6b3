// The end of a process that misuses its heap: SIGABRT, whatever the program does with that.

#ifndef MYMALLOC_FAULT_ABORT_H_
#define MYMALLOC_FAULT_ABORT_H_

namespace mymalloc {

// Raises SIGABRT on this thread. If the process goes on after that, it is ended by the signal's
// default action.
//
// Locks that the caller holds a handler cannot take.
[[noreturn]] void Abort();

// Whether a thread is at it: a handler of the program's may still run.
bool IsAborting();

}  // namespace mymalloc

#endif  // MYMALLOC_FAULT_ABORT_H_
