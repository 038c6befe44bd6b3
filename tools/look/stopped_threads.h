// All threads of a process stopped for a moment, by ptrace: nothing of the process changes, and it
// sees no signal.

#ifndef MYMALLOC_TOOLS_LOOK_STOPPED_THREADS_H_
#define MYMALLOC_TOOLS_LOOK_STOPPED_THREADS_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "tools/look/target.h"

namespace mymalloc::look {

// nullptr if they cannot be; *error says why.
std::unique_ptr<Target::Stop> StopThreadsOf(pid_t pid, std::string* error);

// The registers of a thread that this thread traces, and that is stopped.
bool ReadRegisters(pid_t tid, Thread* thread);

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_STOPPED_THREADS_H_
