// Memory calls that fail at the test's will.
//
// The program is linked with the linker's --wrap (MEMORY_CALLS in BUILD): what the engine calls of
// mymalloc/os/memory.h arrives here first. The engine is the one that ships, object by object.

#ifndef MYMALLOC_TESTS_REFUSED_MEMORY_CALLS_H_
#define MYMALLOC_TESTS_REFUSED_MEMORY_CALLS_H_

#include <cstddef>
#include <cstdint>

namespace mymalloc::test {

// Which calls fail is in the environment, because the first of them are made before main:
// FAULT_CALLS names the kinds that count (",map,unmap,"; all if it is not there), FAULT_FIRST is
// the number of the first that fails (from 1; 0: none), FAULT_COUNT how many fail from there on.
inline constexpr char kFaultCalls[] = "FAULT_CALLS";
inline constexpr char kFaultFirst[] = "FAULT_FIRST";
inline constexpr char kFaultCount[] = "FAULT_COUNT";

// For tests without such an environment: from here on all calls of these kinds fail; of none
// ("").
void FailAll(const char* calls);

// From here on nothing fails that the system grants.
void EndFaults();

// Calls of the kinds that count so far, and those that were made to fail.
uint64_t CountedCalls();
uint64_t FailedCalls();

// Usable bytes that the engine has mapped and not unmapped, the reservation aside.
size_t MappedBytes();
// Bytes that it could not unmap, each time that it tried.
size_t KeptBytes();

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_REFUSED_MEMORY_CALLS_H_
