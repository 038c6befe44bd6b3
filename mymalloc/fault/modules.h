// Which file an address was loaded from, as the dynamic linker knows it: asked without a lock and
// without memory, so that a report may do it anywhere.

#ifndef MYMALLOC_FAULT_MODULES_H_
#define MYMALLOC_FAULT_MODULES_H_

#include <cstddef>
#include <cstdint>

namespace mymalloc {

// The program, a shared library, or what the kernel maps (linux-vdso.so.1).
struct Module {
  const char* path = "";  // of a library; empty for the program: see ReadProgramPath
  uintptr_t begin = 0;    // [begin, end) is where it is mapped
  uintptr_t end = 0;
  uintptr_t load_base = 0;                // an address less this is what addr2line -e path expects
  const uint8_t* unwind_table = nullptr;  // its .eh_frame_hdr, or nullptr

  bool Contains(uintptr_t address) const { return begin <= address && address < end; }
  bool IsProgram() const { return path[0] == '\0'; }
};

// False if no file is known to be there. `path` is the dynamic linker's own string: use it at once.
bool FindModule(uintptr_t address, Module* module);

// What the linker wrote into the file to tell it from any other build.
struct BuildId {
  const uint8_t* bytes = nullptr;
  size_t size = 0;  // 0: it has none
};

BuildId BuildIdOf(const Module& module);

// The path of the program, as a terminated string. One that does not fit ends in "...".
void ReadProgramPath(char* buffer, size_t capacity);

}  // namespace mymalloc

#endif  // MYMALLOC_FAULT_MODULES_H_
