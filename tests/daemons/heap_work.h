// What a program may do with its heap, each block looked at before it is freed. Nothing here makes
// a system call of its own but the waits, which are futex.

#ifndef MYMALLOC_TESTS_DAEMONS_HEAP_WORK_H_
#define MYMALLOC_TESTS_DAEMONS_HEAP_WORK_H_

#include <cstddef>
#include <cstdint>

#include "tests/support/checked_block.h"

namespace mymalloc::test {

// Every size from a byte to 64 MiB, in steps of an eighth; grown, shrunk, zeroed, aligned.
void UseAllSizes();

// Adds so many bytes in blocks of up to a MiB, of which all sizes have some.
void Fill(CheckedList* list, size_t bytes, uint64_t seed);

// So many bytes, every second block freed, half as much again, all of it freed.
void Use(size_t bytes);

// Several times as long as MYMALLOC_DECAY=20ms, with memory to give back all the time. By futex
// alone: not every sandbox lets a program sleep or read the clock.
void UseSlowly();

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_DAEMONS_HEAP_WORK_H_
