// What the notes of a core file say: files, threads, the program.

#ifndef MYMALLOC_TOOLS_LOOK_CORE_NOTES_H_
#define MYMALLOC_TOOLS_LOOK_CORE_NOTES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tools/look/mappings.h"
#include "tools/look/target.h"

namespace mymalloc::look {

struct CoreNotes {
  std::vector<Mapping> files;  // range, offset and path only
  std::vector<Thread> threads;
  pid_t pid = 0;
  std::string program;  // its name; empty if it is not known
};

// Of one segment of notes.
void ParseNotes(absl::string_view segment, CoreNotes* notes);

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_CORE_NOTES_H_
