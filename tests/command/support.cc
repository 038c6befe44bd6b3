#include "tests/command/support.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "tests/support/check.h"
#include "tests/support/library.h"

namespace mymalloc::test {

std::string CommandPath() { return DataFile("tools/mymalloc"); }
std::string ProgramPath(const std::string& name) { return DataFile("tests/command/" + name); }

Command MymallocCommand(const std::vector<std::string>& arguments, const std::string& input) {
  Command command;
  command.arguments = arguments;
  command.arguments.insert(command.arguments.begin(), CommandPath());
  command.input = input;
  return command;
}

Outcome RunMymalloc(const std::vector<std::string>& arguments, const std::string& input) {
  return RunProgram(MymallocCommand(arguments, input));
}

std::string ReportOf(const std::string& program) {
  Command command;
  command.arguments = {program};
  command.preload = {LibraryUnderTest()};
  return RunProgram(command).errors;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void WriteFile(const std::string& path, const std::string& contents) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << contents;
  MYMALLOC_CHECK(file.flush().good());
}

void CopyProgram(const std::string& from, const std::string& to) {
  namespace fs = std::filesystem;
  fs::copy_file(fs::canonical(from), to, fs::copy_options::overwrite_existing);
  fs::permissions(to, fs::perms::owner_all);
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> FramesOf(const std::string& report) {
  std::vector<std::string> frames;
  for (const std::string& line : LinesOf(report)) {
    if (line.rfind("    #", 0) == 0) frames.push_back(line);
  }
  return frames;
}

std::string PlaceOf(const std::string& comment) {
  const std::vector<std::string> lines = LinesOf(ReadFile(ProgramPath("programs/orders.cc")));
  for (size_t i = 0; i < lines.size(); ++i) {
    const size_t at = lines[i].find("// " + comment);
    if (at != std::string::npos && at + comment.size() + 3 == lines[i].size()) {
      return "orders.cc:" + std::to_string(i + 1);
    }
  }
  MYMALLOC_CHECK(false);
  return "";
}

}  // namespace mymalloc::test
