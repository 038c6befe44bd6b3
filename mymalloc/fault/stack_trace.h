// The calling stack, by an unwinder that neither allocates nor locks, and calls nothing in libc but
// the lookup of modules.h.
//
// Frames are found by the modules' unwind tables; without one (code made at run time) by the
// frame pointer, if there is one. Nothing on the stack is believed: what cannot be read ends the
// walk, and so does a frame that does not lie above the one before. The way through a signal
// handler leads through what the kernel saved, to any other stack.

#ifndef MYMALLOC_FAULT_STACK_TRACE_H_
#define MYMALLOC_FAULT_STACK_TRACE_H_

#include <cstdint>

namespace mymalloc {

// The return addresses of the calls that led here, innermost first; returns their number. Each less
// one lies inside the instruction that called (or that a signal interrupted). The first frames that
// lie in this library are left out; where it is linked into the program, only this function's own.
unsigned CaptureStack(uintptr_t* frames, unsigned capacity);

}  // namespace mymalloc

#endif  // MYMALLOC_FAULT_STACK_TRACE_H_
