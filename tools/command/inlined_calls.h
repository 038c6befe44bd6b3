// The functions that an address is in, by the debug information of its compilation unit.

#ifndef MYMALLOC_TOOLS_COMMAND_INLINED_CALLS_H_
#define MYMALLOC_TOOLS_COMMAND_INLINED_CALLS_H_

#include <elfutils/libdw.h>

#include <string>
#include <vector>

#include "tools/command/module_symbols.h"

namespace mymalloc::command {

// The innermost first. If no function is known, one call without a name tells the line, where that
// is known; else empty. The address is the unit's own.
std::vector<Call> CallsInUnit(Dwarf_Die* unit, Dwarf_Addr address);

// As the source has it, if it is a C++ name.
std::string Demangled(const char* name);

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_INLINED_CALLS_H_
