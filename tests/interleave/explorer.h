// Runs a program in every order of its threads' steps that can make a difference.
//
// Depth first, from the start each time. An execution is given up where its past equals that of one
// seen before, but for the order of steps that do not depend on each other (Machine::Signature):
// all that can follow was or will be seen there. Nothing else is left out.

#ifndef MYMALLOC_TESTS_INTERLEAVE_EXPLORER_H_
#define MYMALLOC_TESTS_INTERLEAVE_EXPLORER_H_

#include <cstdint>
#include <string>

#include "tests/interleave/machine.h"

namespace mymalloc::interleave {

struct Result {
  uint64_t schedules = 0;  // executions that went to an end of their own
  uint64_t given_up = 0;   // executions that came to where another had been
  uint64_t states = 0;     // different pasts with a choice to make
  double seconds = 0;
  bool complete = true;   // every order was seen
  std::string violation;  // what went wrong first, and the steps that led there; then it stopped

  void Add(const Result& other);
  // A line on stdout.
  void Print(const char* name) const;
};

// `give_up`: false to run every single order, which is for small programs.
Result Explore(const Program& program, bool give_up = true);

}  // namespace mymalloc::interleave

#endif  // MYMALLOC_TESTS_INTERLEAVE_EXPLORER_H_
