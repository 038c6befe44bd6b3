#include "tests/fault/symbols.h"

#include <cstdio>

#include "tests/support/process.h"

namespace mymalloc::test {

std::string FunctionAt(const std::string& path, uintptr_t offset) {
  char number[32];
  snprintf(number, sizeof(number), "%#zx", static_cast<size_t>(offset));
  Command command;
  command.arguments = {"addr2line", "-f", "-C", "-e", path, number};
  const std::string output = RunProgram(command).output;
  return output.substr(0, output.find('\n'));
}

std::string BuildIdOfFile(const std::string& path) {
  Command command;
  command.arguments = {"readelf", "-n", path};
  const std::string output = RunProgram(command).output;
  const std::string label = "Build ID: ";
  const size_t at = output.find(label);
  if (at == std::string::npos) return "";
  const size_t start = at + label.size();
  return output.substr(start, output.find('\n', start) - start);
}

}  // namespace mymalloc::test
