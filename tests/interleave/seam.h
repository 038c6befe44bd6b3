// What makes the engine's sources a model checker's, without a word in them: included before all
// else by the compiler's command line (and by engine.h), it gives what threads share another
// meaning. std::atomic becomes ScheduledAtomic, system calls and the end of a thread come to the
// test.

#ifndef MYMALLOC_TESTS_INTERLEAVE_SEAM_H_
#define MYMALLOC_TESTS_INTERLEAVE_SEAM_H_

// First the headers in which the names below must keep their meaning.
#include <pthread.h>

#include <atomic>

#include "mymalloc/base/syscall.h"
#include "tests/interleave/scheduled_atomic.h"

namespace mymalloc {

long ScheduledSyscall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0,
                      long f = 0);
void ScheduledPause();

}  // namespace mymalloc

int ScheduledKeyCreate(pthread_key_t* key, void (*destructor)(void*));
int ScheduledSetSpecific(pthread_key_t key, const void* value);

namespace std {
template <typename T>
using scheduled_atomic = mymalloc::interleave::ScheduledAtomic<T>;
}  // namespace std

#define atomic scheduled_atomic
#define __atomic_load_n(address, order) ::mymalloc::interleave::LoadPlain(address)
#define __atomic_store_n(address, value, order) ::mymalloc::interleave::StorePlain(address, value)
#define Syscall ScheduledSyscall
#define SpinPause ScheduledPause
#define pthread_key_create ScheduledKeyCreate
#define pthread_setspecific ScheduledSetSpecific

#endif  // MYMALLOC_TESTS_INTERLEAVE_SEAM_H_
