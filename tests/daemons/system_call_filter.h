// The seccomp filters that sandboxes put themselves under.

#ifndef MYMALLOC_TESTS_DAEMONS_SYSTEM_CALL_FILTER_H_
#define MYMALLOC_TESTS_DAEMONS_SYSTEM_CALL_FILTER_H_

#include <cstdint>
#include <string>
#include <vector>

namespace mymalloc::test {

// What an allocator needs to get memory, to give it back and to wait for its locks.
std::vector<int> AllocatorCalls();

// What glibc's malloc, and the waits and the end of a program that uses it, need.
std::vector<int> MemoryCalls();

// From here on all threads of the process may make these system calls only; what becomes of the
// others is a SECCOMP_RET_ value. Aborts if the kernel refuses.
void AllowOnly(const std::vector<int>& calls, uint32_t otherwise);

// Where the code of a library of this process lies.
struct Code {
  uintptr_t begin;
  uintptr_t end;
};
// REQUIRES: it is there, and in one piece.
Code CodeOf(const std::string& library);

// Of what that code does itself, only these calls are allowed; libc and the program may do what
// they like.
void AllowOnlyFrom(Code code, const std::vector<int>& calls, uint32_t otherwise);

// The opposite: these calls meet `verdict`, all others are allowed. It also holds behind an exec.
void Deny(const std::vector<int>& calls, uint32_t verdict);

// madvise is allowed for this only, and refused with EINVAL for anything else, as sandboxes do.
void AllowOnlyAdvice(int advice);

// For SECCOMP_RET_TRAP: has the process say which call it was, and end.
void ExplainTraps();

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_DAEMONS_SYSTEM_CALL_FILTER_H_
