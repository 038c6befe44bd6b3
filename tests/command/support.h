// What the tests of the command `mymalloc` share: how it is run, and reports to give it.

#ifndef MYMALLOC_TESTS_COMMAND_SUPPORT_H_
#define MYMALLOC_TESTS_COMMAND_SUPPORT_H_

#include <string>
#include <vector>

#include "tests/support/process.h"

namespace mymalloc::test {

// The paths of the command, and of a program of this folder.
std::string CommandPath();
std::string ProgramPath(const std::string& name);

// `mymalloc` with these arguments.
Command MymallocCommand(const std::vector<std::string>& arguments, const std::string& input = "");
Outcome RunMymalloc(const std::vector<std::string>& arguments, const std::string& input = "");

// What the library says of the program's misuse.
std::string ReportOf(const std::string& program);

std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, const std::string& contents);
// An executable copy.
void CopyProgram(const std::string& from, const std::string& to);

std::vector<std::string> LinesOf(const std::string& text);
// The frames of a report: lines that begin with four blanks and '#'.
std::vector<std::string> FramesOf(const std::string& report);

// "orders.cc:23": the line of programs/orders.cc that has the comment.
std::string PlaceOf(const std::string& comment);

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_COMMAND_SUPPORT_H_
