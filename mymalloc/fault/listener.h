// Who is told of a misuse besides stderr: one function, if it is set (override/misuse.cc has what a
// program sets).

#ifndef MYMALLOC_FAULT_LISTENER_H_
#define MYMALLOC_FAULT_LISTENER_H_

#include <cstddef>

namespace mymalloc {

struct Fault;

// `message` is the whole report, terminated.
using FaultListener = void (*)(const Fault& fault, const char* message, size_t size);

// nullptr for none.
void SetFaultListener(FaultListener listener);
bool HasFaultListener();

// Calls the listener, unless this thread is in it already: what the listener does wrong is not told
// to it. Nor is it called on a thread that libc does not know, where what it uses may not work.
void TellFaultListener(const Fault& fault, const char* message, size_t size);

}  // namespace mymalloc

#endif  // MYMALLOC_FAULT_LISTENER_H_
