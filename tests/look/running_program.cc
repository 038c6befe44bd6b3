#include "tests/look/running_program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/support/check.h"
#include "tests/support/library.h"

namespace mymalloc::test {

RunningProgram::RunningProgram(const std::vector<std::string>& arguments,
                               const std::map<std::string, std::string>& environment,
                               bool preload) {
  const std::string path =
      arguments[0][0] == '/' ? arguments[0] : DataFile("tests/look/" + arguments[0]);
  int input[2];
  int output[2];
  MYMALLOC_CHECK(pipe2(input, O_CLOEXEC) == 0 && pipe2(output, O_CLOEXEC) == 0);
  pid_ = fork();
  MYMALLOC_CHECK(pid_ >= 0);
  if (pid_ == 0) {
    dup2(input[0], STDIN_FILENO);
    dup2(output[1], STDOUT_FILENO);
    for (const auto& variable : environment) {
      setenv(variable.first.c_str(), variable.second.c_str(), 1);
    }
    if (preload) setenv("LD_PRELOAD", LibraryUnderTest().c_str(), 1);
    std::vector<char*> pointers;
    for (const std::string& argument : arguments) {
      pointers.push_back(const_cast<char*>(argument.c_str()));
    }
    pointers.push_back(nullptr);
    execv(path.c_str(), pointers.data());
    _exit(127);
  }
  close(input[0]);
  close(output[1]);
  input_ = input[1];
  output_ = output[0];
  ReadUntilReady();
}

RunningProgram::~RunningProgram() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  close(input_);
  close(output_);
}

void RunningProgram::ReadUntilReady() {
  std::string line;
  char c;
  while (!is_ready_ && read(output_, &c, 1) == 1) {
    if (c != '\n') {
      line += c;
      continue;
    }
    is_ready_ = line == "ready";
    const size_t blank = line.find(' ');
    if (blank != std::string::npos) said_[line.substr(0, blank)] = line.substr(blank + 1);
    line.clear();
  }
}

long NumberIn(const std::string& json, const std::string& key, const std::string& after) {
  const size_t from = json.find(after);
  if (from == std::string::npos) return -1;
  const std::string quoted = "\"" + key + "\":";
  const size_t found = json.find(quoted, from);
  if (found == std::string::npos) return -1;
  return std::strtol(json.c_str() + found + quoted.size(), nullptr, 10);
}

}  // namespace mymalloc::test
