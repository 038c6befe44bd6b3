// The library's own start, and fork.

#include <pthread.h>

#include "mymalloc/base/options.h"
#include "mymalloc/heap/registry.h"
#include "mymalloc/report/crash.h"

namespace mymalloc {
namespace {

void BeforeFork() { g_registry.BeforeFork(); }
void AfterForkInParent() { g_registry.AfterForkInParent(); }
void AfterForkInChild() { g_registry.AfterForkInChild(); }

// As early as a library can: handlers that are registered later run their first half before ours,
// and so may still allocate.
__attribute__((constructor(101))) void LibraryStarts() {
  g_registry.EnsureHeap();
  const Options& o = g_options;
  if (o.sample != 0 || o.guard_pages || o.quarantine.value != 0) InstallCrashHandler();
  pthread_atfork(BeforeFork, AfterForkInParent, AfterForkInChild);
}

}  // namespace
}  // namespace mymalloc
