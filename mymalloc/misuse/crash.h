// Explains a fault (SIGSEGV) that the heap made happen: an access to a guard page, to a sampled
// block that is free, or to a large block that is held back after its free.

#ifndef MYMALLOC_MISUSE_CRASH_H_
#define MYMALLOC_MISUSE_CRASH_H_

#include <cstdint>

namespace mymalloc {

// Installs a handler for SIGSEGV, which writes what it knows and lets the process end by the
// signal, as it would have, or calls the handler that was there before. A signal that was sent, by
// kill or raise, does what it would have done, too. A program that sets its own handler replaces
// this one.
void InstallCrashHandler();

// For tests: reports an access to an address, if the heap made it fault. `called`: "load", "store".
// Says nothing where a lock of the heap would have to be waited for without end.
bool ExplainAccess(uintptr_t address, const char* called);

}  // namespace mymalloc

#endif  // MYMALLOC_MISUSE_CRASH_H_
