// chronyd, which keeps the time, behind its seccomp filter. It leaves the system's clock alone
// here.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>

#include "tests/preload/comparison.h"
#include "tests/support/library.h"
#include "tests/support/loopback.h"
#include "tests/support/process.h"
#include "tests/support/scratch_directory.h"

namespace mymalloc::test {
namespace {

constexpr int kClients = 3000;

class Chronyd : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    MYMALLOC_REQUIRE_PROGRAM("chronyd");
    MYMALLOC_REQUIRE_PROGRAM("chronyc");
    MYMALLOC_REQUIRE_PROGRAM("python3");
    if (geteuid() != 0) GTEST_SKIP() << "chronyd is for root";
    // It removes its file as the user that it has become.
    ASSERT_EQ(chmod(scratch_.path().c_str(), 0777), 0);
    const BackgroundProcess plain(Server());
    if (!AwaitAnswer()) GTEST_SKIP() << "chronyd does not work here";
  }

  Command Server() const {
    const std::string configuration = scratch_.path() + "/chrony.conf";
    std::ofstream(configuration) << "port " << port_ << "\ncmdport " << command_port_
                                 << "\nbindaddress 127.0.0.1\nbindcmdaddress 127.0.0.1\n"
                                    "bindcmdaddress /\nlocal stratum 5\nallow 127.0.0.0/8\n"
                                    "pidfile "
                                 << scratch_.path() << "/server.pid\n";
    Command command;
    command.arguments = {"chronyd", "-d", "-x", "-F", GetParam(), "-f", configuration};
    return command;
  }

  Outcome Ask(const std::string& question) const {
    Command command;
    command.arguments = {"chronyc", "-n", "-h", "127.0.0.1", "-p", command_port_, question};
    return RunProgram(command);
  }

  bool AwaitAnswer() const {
    for (int i = 0; i < 100; ++i) {
      if (Ask("tracking").output.find("Stratum") != std::string::npos) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  }

  // A second chronyd that asks the first for the time, once, and ends.
  Command OneQuestion() const {
    Command command;
    command.arguments = {"chronyd",
                         "-Q",
                         "-F",
                         GetParam(),
                         "-t",
                         "20",
                         "pidfile " + scratch_.path() + "/question.pid",
                         "server 127.0.0.1 port " + port_ + " iburst maxsamples 1"};
    return command;
  }

  static Command Preloaded(Command command) {
    if (!LibraryUnderTest().empty()) command.preload = {LibraryUnderTest()};
    return command;
  }

  const ScratchDirectory scratch_{"/tmp"};
  const std::string port_ = FreePort();
  const std::string command_port_ = FreePort();
};

TEST_P(Chronyd, ServesTime) {
  const std::string library = LibraryUnderTest();
  BackgroundProcess server(Preloaded(Server()));
  ASSERT_TRUE(AwaitAnswer());
  EXPECT_TRUE(library.empty() || IsLoaded(library, server.pid()));

  Command clients;
  clients.arguments = {"python3", DataFile("tests/daemons/ntp_clients.py"), port_,
                       std::to_string(kClients)};
  const Outcome answers = RunProgram(clients);
  EXPECT_TRUE(answers.Succeeded()) << answers.Describe();

  const Outcome question = RunProgram(Preloaded(OneQuestion()));
  EXPECT_TRUE(question.Succeeded()) << question.Describe();
  EXPECT_NE(question.errors.find("System clock wrong by"), std::string::npos) << question.errors;

  for (const char* status : {"tracking", "sources", "sourcestats", "activity", "ntpdata"}) {
    const Outcome outcome = Ask(status);
    EXPECT_TRUE(outcome.Succeeded()) << status << ": " << outcome.output << outcome.Describe();
  }
  const Outcome end = server.Stop();
  EXPECT_TRUE(end.Succeeded()) << end.Describe();
}

INSTANTIATE_TEST_SUITE_P(Filter, Chronyd, testing::Values("1", "2"));

}  // namespace
}  // namespace mymalloc::test
