// A program that has said what it has, and waits: for the command to look at.

#ifndef MYMALLOC_TESTS_LOOK_RUNNING_PROGRAM_H_
#define MYMALLOC_TESTS_LOOK_RUNNING_PROGRAM_H_

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace mymalloc::test {

class RunningProgram {
 public:
  // Of this folder's programs, or one of the system's by its path. `environment`: besides the
  // library, which is preloaded. Returns when it has written "ready".
  RunningProgram(const std::vector<std::string>& arguments,
                 const std::map<std::string, std::string>& environment = {}, bool preload = true);
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;
  // Kills it.
  ~RunningProgram();

  bool is_ready() const { return is_ready_; }
  pid_t pid() const { return pid_; }
  std::string name() const { return std::to_string(pid_); }
  // What stands behind "WORD " in its output.
  const std::string& Said(const std::string& word) { return said_[word]; }

 private:
  void ReadUntilReady();

  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
  bool is_ready_ = false;
  std::map<std::string, std::string> said_;
};

// The number behind `"key":` in JSON, the first behind `after`; -1 if there is none.
long NumberIn(const std::string& json, const std::string& key, const std::string& after = "");

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_LOOK_RUNNING_PROGRAM_H_
