// Runs one case of a program (expect.h) under the library, or without it to have something to
// compare with.

#ifndef MYMALLOC_TESTS_ROBUST_CASE_H_
#define MYMALLOC_TESTS_ROBUST_CASE_H_

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/library.h"
#include "tests/support/process.h"

namespace mymalloc::test {

// REQUIRES: the program lies in this folder.
inline Command CaseUnder(const std::string& library, const std::string& program,
                         const std::string& name) {
  Command command;
  if (!library.empty()) command.preload = {library};
  command.environment = OwnOptions();
  command.arguments = {DataFile("tests/robust/" + program), name};
  command.patience = std::chrono::seconds(40);
  return command;
}

inline Command Case(const std::string& program, const std::string& name) {
  return CaseUnder(LibraryUnderTest(), program, name);
}

inline Command CaseOfSystemMalloc(const std::string& program, const std::string& name) {
  return CaseUnder("", program, name);
}

// The first number of what the program wrote to stdout; below zero if there is none.
inline double FigureOf(const Outcome& outcome) {
  std::istringstream text(outcome.output);
  double figure = -1;
  return text >> figure ? figure : -1;
}

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_ROBUST_CASE_H_
