// Children that a test forks or spawns, and that must end well, and soon.

#ifndef MYMALLOC_TESTS_SUPPORT_CHILD_H_
#define MYMALLOC_TESTS_SUPPORT_CHILD_H_

#include <sys/types.h>
#include <unistd.h>

namespace mymalloc::test {

// Waits for the child and aborts unless it exits with 0. One that hangs, be it in a fork handler,
// is killed after a while.
void AwaitChild(pid_t child);

// Forks, has the child do the work, and waits for it.
template <typename Work>
void InChild(Work work) {
  const pid_t child = fork();
  if (child == 0) {
    work();
    _exit(0);
  }
  AwaitChild(child);
}

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_SUPPORT_CHILD_H_
