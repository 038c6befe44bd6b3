// Runs a program, with or without libraries preloaded, and keeps what it wrote.

#ifndef MYMALLOC_TESTS_SUPPORT_PROCESS_H_
#define MYMALLOC_TESTS_SUPPORT_PROCESS_H_

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace mymalloc::test {

struct Limit {
  __rlimit_resource_t resource;
  rlim_t value;
};

struct Command {
  std::vector<std::string> arguments;  // The first is the program, found through kPath.
  std::vector<std::string> preload;    // Paths of libraries, in the order of LD_PRELOAD.
  std::map<std::string, std::string> environment;  // On top of a small fixed one.
  std::string directory;                           // Where to run; empty is here.
  std::string input;
  std::vector<Limit> limits;
  std::chrono::seconds patience{60};  // Then the program and all that it started are killed.
};

// The options for the library in this process's environment (MYMALLOC_...): for a program that is
// to run in the same mode.
std::map<std::string, std::string> OwnOptions();

struct Outcome {
  int status = 0;  // As waitpid gives it.
  bool timed_out = false;
  std::string output;
  std::string errors;

  bool Succeeded() const { return !timed_out && status == 0; }
  // One line on how it ended, and what it wrote to stderr.
  std::string Describe() const;
};

// The PATH of the programs that are run: the system's own, with the daemons'.
inline constexpr char kPath[] = "/usr/bin:/bin:/usr/local/bin:/usr/sbin:/sbin";

// The program's path, or empty if it is not installed.
std::string FindProgram(const std::string& name);

Outcome RunProgram(const Command& command);

// A program that goes on in the background, until Stop or the end of the scope.
class BackgroundProcess {
 public:
  explicit BackgroundProcess(const Command& command);
  BackgroundProcess(const BackgroundProcess&) = delete;
  BackgroundProcess& operator=(const BackgroundProcess&) = delete;
  ~BackgroundProcess();

  pid_t pid() const { return pid_; }

  // Waits for the program to end by itself, and kills it when the command's patience is over.
  Outcome Wait();
  // Asks the program to end (SIGTERM), and waits.
  Outcome Stop();

 private:
  bool EndedWithinPatience(int* status) const;

  pid_t pid_ = -1;  // -1: has been waited for.
  std::chrono::seconds patience_;
  int output_;
  int errors_;
};

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_SUPPORT_PROCESS_H_
