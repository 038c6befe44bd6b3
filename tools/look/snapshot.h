// Snapshots: what `mymalloc snapshot` keeps of a process, for the other subcommands to look at
// later. The memory that can be written, where it is not zero, in compressed pieces; the mappings;
// the registers.

#ifndef MYMALLOC_TOOLS_LOOK_SNAPSHOT_H_
#define MYMALLOC_TOOLS_LOOK_SNAPSHOT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tools/look/target.h"

namespace mymalloc::look {

struct SnapshotSize {
  uint64_t bytes = 0;  // of the process's memory
  uint64_t kept = 0;   // of the file
};

// `threads`: as they were when they were stopped. False, and *error, if it cannot be written.
// `progress(done, whole)`: called now and then. `all_read`: called when the target may go on; its
// memory is held in ours until it is written, as far as there is room for that.
struct SnapshotEvents {
  std::function<void(uint64_t done, uint64_t whole)> progress;
  std::function<void()> all_read;
};
bool WriteSnapshot(const Target& target, const std::vector<Thread>& threads, int fd,
                   const SnapshotEvents& events, SnapshotSize* size, std::string* error);

bool IsSnapshot(int fd);
// Takes the descriptor. nullptr, and *error, if the file cannot be made sense of.
std::unique_ptr<Target> OpenSnapshot(int fd, const std::string& name, std::string* error);

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_SNAPSHOT_H_
