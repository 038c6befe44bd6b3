#include "tests/support/process.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

#include "tests/support/check.h"

namespace mymalloc::test {
namespace {

int TemporaryFile(const std::string& contents) {
  const int fd = memfd_create("captured", MFD_CLOEXEC);
  MYMALLOC_CHECK(fd >= 0);
  MYMALLOC_CHECK(write(fd, contents.data(), contents.size()) ==
                 static_cast<ssize_t>(contents.size()));
  MYMALLOC_CHECK(lseek(fd, 0, SEEK_SET) == 0);
  return fd;
}

std::string ReadAndClose(int fd) {
  MYMALLOC_CHECK(lseek(fd, 0, SEEK_SET) == 0);
  std::string contents;
  char buffer[4096];
  for (ssize_t got; (got = read(fd, buffer, sizeof(buffer))) > 0;) {
    contents.append(buffer, static_cast<size_t>(got));
  }
  close(fd);
  return contents;
}

std::map<std::string, std::string> EnvironmentOf(const Command& command) {
  const char* directory = getenv("TEST_TMPDIR");
  const std::string scratch = directory == nullptr ? "/tmp" : directory;
  std::map<std::string, std::string> environment = {
      {"PATH", kPath}, {"HOME", scratch}, {"TMPDIR", scratch}, {"LC_ALL", "C.UTF-8"}, {"TZ", "UTC"},
  };
  for (const auto& [name, value] : command.environment) environment[name] = value;
  std::string preload;
  for (const std::string& library : command.preload) {
    preload += (preload.empty() ? "" : ":") + library;
  }
  if (!preload.empty()) environment["LD_PRELOAD"] = preload;
  return environment;
}

std::vector<char*> Pointers(std::vector<std::string>* strings) {
  std::vector<char*> pointers;
  for (std::string& string : *strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

// All that exec needs, made ready before the fork.
struct Image {
  explicit Image(const Command& command) : strings(command.arguments) {
    program = FindProgram(command.arguments.at(0));
    for (const auto& [name, value] : EnvironmentOf(command))
      variables.push_back(name + "=" + value);
    arguments = Pointers(&strings);
    environment = Pointers(&variables);
  }

  std::string program;
  std::vector<std::string> strings;
  std::vector<std::string> variables;
  std::vector<char*> arguments;
  std::vector<char*> environment;
};

[[noreturn]] void BecomeProgram(const Image& image, const Command& command, const int (&fds)[3]) {
  setpgid(0, 0);
  for (int fd = 0; fd < 3; ++fd) {
    if (dup2(fds[fd], fd) < 0) _exit(126);
  }
  if (!command.directory.empty() && chdir(command.directory.c_str()) != 0) _exit(126);
  for (const Limit& limit : command.limits) {
    const rlimit value = {limit.value, limit.value};
    if (setrlimit(limit.resource, &value) != 0) _exit(126);
  }
  execve(image.program.c_str(), image.arguments.data(), image.environment.data());
  _exit(127);
}

}  // namespace

std::map<std::string, std::string> OwnOptions() {
  std::map<std::string, std::string> options;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    if (text.rfind("MYMALLOC_", 0) != 0) continue;
    const size_t name = text.find('=');
    options[text.substr(0, name)] = text.substr(name + 1);
  }
  return options;
}

std::string Outcome::Describe() const {
  std::ostringstream text;
  if (timed_out) {
    text << "timed out";
  } else if (WIFSIGNALED(status)) {
    text << "killed by signal " << WTERMSIG(status);
  } else {
    text << "exit status " << WEXITSTATUS(status);
  }
  text << "; stderr: " << errors;
  return text.str();
}

std::string FindProgram(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  std::istringstream folders(kPath);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string path = folder + "/" + name;
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return "";
}

Outcome RunProgram(const Command& command) { return BackgroundProcess(command).Wait(); }

BackgroundProcess::BackgroundProcess(const Command& command)
    : patience_(command.patience), output_(TemporaryFile("")), errors_(TemporaryFile("")) {
  const Image image(command);
  const int input = TemporaryFile(command.input);
  pid_ = fork();
  MYMALLOC_CHECK(pid_ >= 0);
  if (pid_ == 0) BecomeProgram(image, command, {input, output_, errors_});
  setpgid(pid_, pid_);  // Both sides do it: whoever comes first.
  close(input);
}

BackgroundProcess::~BackgroundProcess() {
  if (pid_ > 0) Stop();
}

bool BackgroundProcess::EndedWithinPatience(int* status) const {
  const auto deadline = std::chrono::steady_clock::now() + patience_;
  while (waitpid(pid_, status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    usleep(1000);
  }
  return true;
}

Outcome BackgroundProcess::Wait() {
  Outcome outcome;
  outcome.timed_out = !EndedWithinPatience(&outcome.status);
  if (outcome.timed_out) {
    kill(-pid_, SIGKILL);
    waitpid(pid_, &outcome.status, 0);
  }
  pid_ = -1;
  outcome.output = ReadAndClose(output_);
  outcome.errors = ReadAndClose(errors_);
  return outcome;
}

Outcome BackgroundProcess::Stop() {
  kill(pid_, SIGTERM);
  return Wait();
}

}  // namespace mymalloc::test
