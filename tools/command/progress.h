// What a subcommand is about, on a line of its own, where it takes more than a second and stderr is
// a terminal: never in a pipe or a file.

#ifndef MYMALLOC_TOOLS_COMMAND_PROGRESS_H_
#define MYMALLOC_TOOLS_COMMAND_PROGRESS_H_

#include <cstdint>

namespace mymalloc::command {

// So many more bytes of the target were read.
void NoteRead(uint64_t bytes);
// So many bytes are done, of so many.
void ShowDone(uint64_t done, uint64_t whole);
// Takes the line away: what follows is printed where it was.
void EndProgress();

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_PROGRESS_H_
