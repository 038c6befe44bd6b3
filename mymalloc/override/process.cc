// The library's own start, and fork.

#include <pthread.h>

#include "mymalloc/answer/told_by_itself.h"
#include "mymalloc/base/options.h"
#include "mymalloc/misuse/crash.h"
#include "mymalloc/process/attach.h"
#include "mymalloc/process/freeze.h"
#include "mymalloc/report/exit_check.h"
#include "mymalloc/supply/page_supply.h"

// glibc's: the lock of its list of open files. fork takes it after our handler has run, while
// another thread that holds it may wait for a file whose owner waits for a block of ours. So it is
// taken first.
extern "C" {
extern char __libc_single_threaded __attribute__((weak));
void _IO_list_lock() __attribute__((weak));
void _IO_list_unlock() __attribute__((weak));
void _IO_list_resetlock() __attribute__((weak));
}

namespace mymalloc {
namespace {

// Whether fork found a process of one thread. There is then nobody who could hold a lock, but for
// that thread itself, which a signal interrupted in the allocator: its handler may fork, as with
// glibc, and parent and child go on from there when it returns.
bool g_alone = false;

bool IsAlone() { return &__libc_single_threaded != nullptr && __libc_single_threaded != 0; }

void BeforeFork() {
  g_alone = IsAlone();
  if (g_alone) return;
  if (_IO_list_lock != nullptr) _IO_list_lock();
  Freeze();
}

void AfterForkInParent() {
  g_page_supply.Forked();
  if (g_alone) return;
  Unfreeze();
  if (_IO_list_unlock != nullptr) _IO_list_unlock();
}

void AfterForkInChild() {
  g_page_supply.Forked();
  if (g_alone) return;
  UnfreezeInChild();
  if (_IO_list_resetlock != nullptr) _IO_list_resetlock();
}

// As early as a library can: handlers that are registered later run their first half before ours,
// and so may still allocate.
__attribute__((constructor(101))) void LibraryStarts() {
  EnsureHeap();
  if (g_policy.ExplainsFaults()) InstallCrashHandler();
  TellAtStart();
  pthread_atfork(BeforeFork, AfterForkInParent, AfterForkInChild);
}

// After all else that ends.
__attribute__((destructor(101))) void LibraryEnds() {
  TellAtExit();
  if (g_options.check_at_exit) CheckAtExit();
}

}  // namespace
}  // namespace mymalloc
