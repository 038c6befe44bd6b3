// A calling stack in a report, in the form that addr2line, debuginfod and their like take.

#ifndef MYMALLOC_FAULT_STACK_PRINTER_H_
#define MYMALLOC_FAULT_STACK_PRINTER_H_

#include <cstddef>
#include <cstdint>

#include "mymalloc/base/printer.h"

namespace mymalloc {

// "  stack:" and a line for each of the frames that CaptureStack found; nothing if there are none.
// Leaves at least `reserved` bytes of room: frames for which there is no room are left out.
void PrintStack(const uintptr_t* frames, unsigned count, size_t reserved, Printer& out);

// The lines alone.
void PrintFrames(const uintptr_t* frames, unsigned count, size_t reserved, Printer& out);

}  // namespace mymalloc

#endif  // MYMALLOC_FAULT_STACK_PRINTER_H_
