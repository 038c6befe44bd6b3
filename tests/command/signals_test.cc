// `mymalloc run`: signals go both ways, from other processes and from a terminal, and so do stops.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "tests/command/support.h"
#include "tests/support/check.h"
#include "tests/support/scratch_directory.h"

namespace mymalloc::test {
namespace {

using ::testing::HasSubstr;

constexpr int kPatienceSeconds = 20;

// Until it is so, or the patience is over.
template <typename Condition>
bool Await(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(kPatienceSeconds);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    usleep(2000);
  }
  return true;
}

// "T" while it is stopped; of /proc.
char StateOf(pid_t pid) {
  const std::string status = ReadFile("/proc/" + std::to_string(pid) + "/stat");
  const size_t at = status.rfind(") ");
  return at == std::string::npos ? '\0' : status[at + 2];
}

class SignalsTest : public testing::Test {
 protected:
  // A shell script, under the command. It writes its number to the file "$0".
  Command ScriptCommand(const std::string& script, const std::string& flag = "--symbolize") const {
    Command command = MymallocCommand({"run", flag, "--", "sh", "-c", script, file_});
    command.patience = std::chrono::seconds(kPatienceSeconds);
    return command;
  }

  // programs/counter.cc. A shell would be no good where there are stops: what it starts by vfork
  // may be stopped while the shell itself can do nothing but wait for that.
  Command CounterCommand(int number) const {
    Command command =
        MymallocCommand({"run", "--", ProgramPath("counter"), std::to_string(number), file_});
    command.patience = std::chrono::seconds(kPatienceSeconds);
    return command;
  }

  // Once it has written that.
  pid_t Child() const {
    std::string text;
    const auto is_there = [&] {
      text = ReadFile(file_);
      return !text.empty() && text.back() == '\n';
    };
    return Await(is_there) ? std::stoi(text) : -1;
  }

  // The program that the command runs gets the signal that the command is sent.
  void ExpectPassed(int number, const Command& command) {
    BackgroundProcess process(command);
    ASSERT_GT(Child(), 0);
    kill(process.pid(), number);
    const Outcome outcome = process.Wait();
    EXPECT_TRUE(WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == 3)
        << number << ": " << outcome.Describe();
    EXPECT_EQ(outcome.output, "got\n");
    std::filesystem::remove(file_);
  }

  ScratchDirectory scratch_;
  const std::string file_ = scratch_.path() + "/pid";
};

constexpr char kWaitForEver[] = "while :; do sleep 0.05; done";

std::string TrapScript(const std::string& signal) {
  return "trap 'echo got; exit 3' " + signal + "; echo $$ >\"$0\"; " + kWaitForEver;
}

TEST_F(SignalsTest, WhatTheCommandGetsTheProgramGets) {
  for (const auto& [number, name] :
       {std::pair{SIGTERM, "TERM"}, std::pair{SIGHUP, "HUP"}, std::pair{SIGUSR1, "USR1"},
        std::pair{SIGUSR2, "USR2"}, std::pair{SIGINT, "INT"}, std::pair{SIGQUIT, "QUIT"},
        std::pair{SIGALRM, "ALRM"}, std::pair{SIGWINCH, "WINCH"}}) {
    ASSERT_NO_FATAL_FAILURE(ExpectPassed(number, ScriptCommand(TrapScript(name)))) << name;
  }
}

// While it is traced, too.
TEST_F(SignalsTest, WhatTheCommandGetsTheProgramGetsThatIsToBeMapped) {
  const std::string map = scratch_.path() + "/map.html";
  for (const auto& [number, name] :
       {std::pair{SIGTERM, "TERM"}, std::pair{SIGHUP, "HUP"}, std::pair{SIGUSR1, "USR1"},
        std::pair{SIGINT, "INT"}, std::pair{SIGQUIT, "QUIT"}}) {
    ASSERT_NO_FATAL_FAILURE(ExpectPassed(number, ScriptCommand(TrapScript(name), "--map=" + map)))
        << name;
    EXPECT_TRUE(std::filesystem::remove(map)) << name;
  }
}

TEST_F(SignalsTest, WhatEndsTheProgramEndsTheCommand) {
  BackgroundProcess process(ScriptCommand(std::string("echo $$ >\"$0\"; ") + kWaitForEver));
  ASSERT_GT(Child(), 0);
  const Outcome outcome = process.Stop();
  EXPECT_TRUE(WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == SIGTERM)
      << outcome.Describe();
  EXPECT_NE(kill(Child(), 0), 0) << "the program is still there";
}

TEST_F(SignalsTest, AProgramThatIgnoresASignalGoesOn) {
  BackgroundProcess process(ScriptCommand("trap '' HUP; echo $$ >\"$0\"; sleep 0.3; echo went on"));
  ASSERT_GT(Child(), 0);
  kill(process.pid(), SIGHUP);
  const Outcome outcome = process.Wait();
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
  EXPECT_EQ(outcome.output, "went on\n");
}

// Whether the command is seen to stop, as a shell sees it.
bool IsSeenToStop(pid_t pid) {
  int status = 0;
  return Await([&] { return waitpid(pid, &status, WUNTRACED | WNOHANG) == pid; }) &&
         WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP;
}

TEST_F(SignalsTest, AStopStopsBothAndBothGoOn) {
  // To the command alone, or to both as a terminal does it.
  for (const int sign : {1, -1}) {
    BackgroundProcess process(CounterCommand(SIGUSR1));
    const pid_t child = Child();
    ASSERT_GT(child, 0);
    for (int times = 0; times < 3; ++times) {
      kill(sign * process.pid(), SIGTSTP);
      ASSERT_TRUE(IsSeenToStop(process.pid())) << sign;
      EXPECT_EQ(StateOf(child), 'T');
      kill(sign * process.pid(), SIGCONT);
      ASSERT_TRUE(Await([&] { return StateOf(child) != 'T'; })) << sign;
    }
    const Outcome outcome = process.Stop();
    EXPECT_TRUE(outcome.Succeeded()) << sign << ": " << outcome.Describe();
    std::filesystem::remove(file_);
  }
}

// Stops and continuations as fast as they come: neither is left behind.
TEST_F(SignalsTest, StopsInQuickSuccession) {
  BackgroundProcess process(CounterCommand(SIGUSR1));
  ASSERT_GT(Child(), 0);
  for (int i = 0; i < 1000; ++i) {
    kill(-process.pid(), SIGTSTP);
    usleep(static_cast<useconds_t>(i * 7 % 300));
    kill(-process.pid(), SIGCONT);
    usleep(500);
    ASSERT_TRUE(Await([&] { return StateOf(process.pid()) != 'T'; })) << i;
  }
  const Outcome outcome = process.Stop();
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
}

// Who stops the program alone, as a debugger does, does not have the command stopped.
TEST_F(SignalsTest, AStopOfTheProgramAlone) {
  BackgroundProcess process(CounterCommand(SIGUSR1));
  const pid_t child = Child();
  ASSERT_GT(child, 0);
  kill(child, SIGSTOP);
  ASSERT_TRUE(Await([&] { return StateOf(child) == 'T'; }));
  usleep(100000);
  EXPECT_NE(StateOf(process.pid()), 'T');
  kill(child, SIGCONT);
  EXPECT_TRUE(process.Stop().Succeeded());
}

// The command on a terminal of its own.
class Terminal {
 public:
  explicit Terminal(const Command& command) {
    std::vector<char*> arguments;
    for (const std::string& argument : command.arguments) {
      arguments.push_back(const_cast<char*>(argument.c_str()));
    }
    arguments.push_back(nullptr);
    pid_ = forkpty(&terminal_, nullptr, nullptr, nullptr);
    MYMALLOC_CHECK(pid_ >= 0);
    if (pid_ == 0) {
      execv(arguments[0], arguments.data());
      _exit(127);
    }
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() { close(terminal_); }

  void Type(char key) const { MYMALLOC_CHECK(write(terminal_, &key, 1) == 1); }

  // All that it shows until the end.
  std::string ReadToEnd() const {
    std::string text;
    char buffer[1024];
    for (;;) {
      pollfd file = {terminal_, POLLIN, 0};
      if (poll(&file, 1, kPatienceSeconds * 1000) <= 0) break;
      const ssize_t got = read(terminal_, buffer, sizeof(buffer));
      if (got <= 0) break;
      text.append(buffer, static_cast<size_t>(got));
    }
    return text;
  }

  int Wait() const {
    int status = -1;
    if (!Await([&] { return waitpid(pid_, &status, WNOHANG) == pid_; })) {
      kill(pid_, SIGKILL);
      waitpid(pid_, &status, 0);
    }
    return status;
  }

 private:
  pid_t pid_;
  int terminal_ = -1;
};

// Each key is one signal for the program: none comes again from the command.
TEST_F(SignalsTest, AnInterruptFromTheTerminalComesOnce) {
  constexpr int kTimes = 30;
  for (const auto& [key, number] : {std::pair{'\x03', SIGINT}, std::pair{'\x1c', SIGQUIT}}) {
    const Terminal terminal(CounterCommand(number));
    ASSERT_GT(Child(), 0);
    for (int i = 0; i < kTimes; ++i) {
      terminal.Type(key);
      usleep(10000);
    }
    kill(Child(), SIGTERM);
    const std::string shown = terminal.ReadToEnd();
    const int status = terminal.Wait();
    EXPECT_TRUE(WIFEXITED(status)) << shown;
    EXPECT_GE(WEXITSTATUS(status), 1) << shown;
    EXPECT_LE(WEXITSTATUS(status), kTimes) << shown;
    std::filesystem::remove(file_);
  }
}

TEST_F(SignalsTest, AnInterruptThatEndsTheProgramEndsTheCommand) {
  const Terminal terminal(ScriptCommand(std::string("echo $$ >\"$0\"; ") + kWaitForEver));
  ASSERT_GT(Child(), 0);
  terminal.Type('\x03');
  terminal.ReadToEnd();
  const int status = terminal.Wait();
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT) << status;
}

}  // namespace
}  // namespace mymalloc::test
