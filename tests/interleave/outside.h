// What the engine has told and asked the world outside of it.

#ifndef MYMALLOC_TESTS_INTERLEAVE_OUTSIDE_H_
#define MYMALLOC_TESTS_INTERLEAVE_OUTSIDE_H_

#include <vector>

#include "tests/interleave/machine.h"

namespace mymalloc::interleave {

struct Outside {
  std::vector<Range> memory;             // mappings that it made for itself
  void (*thread_exit)(void*) = nullptr;  // what it wants to be called when a thread ends
  unsigned reports = 0;                  // messages on stderr
};

extern Outside g_outside;

}  // namespace mymalloc::interleave

#endif  // MYMALLOC_TESTS_INTERLEAVE_OUTSIDE_H_
