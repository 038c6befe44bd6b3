// OpenSSH's server: each login is served by a child that has given up its rights and is killed for
// a system call that its filter does not name.

#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "tests/preload/comparison.h"
#include "tests/support/library.h"
#include "tests/support/loopback.h"
#include "tests/support/process.h"
#include "tests/support/scratch_directory.h"

namespace mymalloc::test {
namespace {

constexpr char kPrivilegeSeparation[] = "/run/sshd";  // Compiled into the server.
constexpr int kLogins = 6;

// The folder that the server confines its children to; made by the package's start script, and here
// where that has not run.
class PrivilegeSeparationFolder {
 public:
  PrivilegeSeparationFolder() : made_(mkdir(kPrivilegeSeparation, 0755) == 0) {}
  PrivilegeSeparationFolder(const PrivilegeSeparationFolder&) = delete;
  PrivilegeSeparationFolder& operator=(const PrivilegeSeparationFolder&) = delete;
  ~PrivilegeSeparationFolder() {
    if (made_) rmdir(kPrivilegeSeparation);
  }

 private:
  const bool made_;
};

// Not by UnderPreload: the filter kills for the system calls of ld.so's account, too.
Command Preloaded(Command command) {
  if (!LibraryUnderTest().empty()) command.preload = {LibraryUnderTest()};
  return command;
}

// Maps show a symbolic link's target: the name is what is sure.
std::string FileName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

class Sshd : public testing::Test {
 protected:
  void SetUp() override {
    MYMALLOC_REQUIRE_PROGRAM("sshd");
    MYMALLOC_REQUIRE_PROGRAM("ssh");
    MYMALLOC_REQUIRE_PROGRAM("ssh-keygen");
    MakeKey("host");
    MakeKey("user");
    const std::string port = FreePort();
    const BackgroundProcess plain(Server(port));
    ASSERT_TRUE(AwaitListener(port));
    const Outcome login = RunProgram(Login(port, "echo $((6 * 7))"));
    if (!login.Succeeded()) GTEST_SKIP() << "sshd lets nobody in here: " << login.errors;
    EXPECT_EQ(login.output, "42\n");
  }

  std::string Path(const std::string& name) const { return scratch_.path() + "/" + name; }

  void MakeKey(const std::string& name) const {
    Command command;
    command.arguments = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", Path(name)};
    const Outcome outcome = RunProgram(command);
    ASSERT_TRUE(outcome.Succeeded()) << outcome.Describe();
  }

  Command Server(const std::string& port) const {
    const std::string configuration = Path("sshd_config." + port);
    std::ofstream(configuration) << "Port " << port << "\nListenAddress 127.0.0.1\nHostKey "
                                 << Path("host") << "\nAuthorizedKeysFile " << Path("user.pub")
                                 << "\nPidFile none\nUsePAM no\nStrictModes no\nUseDNS no\n"
                                    "PermitRootLogin prohibit-password\n"
                                    "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
                                    "PermitUserRC no\nPrintMotd no\nPrintLastLog no\n"
                                    // For bash this is no login then: it leaves out .bashrc.
                                    "SetEnv SHLVL=1\n";
    Command command;
    command.arguments = {"sshd", "-D", "-e", "-f", configuration};
    // It starts itself anew for each connection, by its whole path.
    command.arguments.front() = FindProgram("sshd");
    return command;
  }

  Command Login(const std::string& port, const std::string& work) const {
    Command command;
    command.arguments = {"ssh", "-F", "none", "-i", Path("user"), "-p", port};
    for (const char* option :
         {"BatchMode=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=no", "LogLevel=ERROR",
          "UserKnownHostsFile=/dev/null", "GlobalKnownHostsFile=/dev/null"}) {
      command.arguments.insert(command.arguments.end(), {"-o", option});
    }
    const passwd* user = getpwuid(geteuid());
    command.arguments.push_back((user == nullptr ? "root" : std::string(user->pw_name)) +
                                "@127.0.0.1");
    command.arguments.push_back(work);
    return command;
  }

  const ScratchDirectory scratch_;
  const PrivilegeSeparationFolder folder_;
};

TEST_F(Sshd, LogsUsersIn) {
  const std::string port = FreePort();
  const std::string library = LibraryUnderTest();
  BackgroundProcess server(Preloaded(Server(port)));
  ASSERT_TRUE(AwaitListener(port));
  EXPECT_TRUE(library.empty() || IsLoaded(library, server.pid()));
  for (int i = 0; i < kLogins; ++i) {
    const Outcome login = RunProgram(Login(port, "cat /proc/$PPID/maps; echo login $((6 * 7))"));
    EXPECT_TRUE(login.Succeeded()) << login.Describe();
    EXPECT_NE(login.output.find("\nlogin 42\n"), std::string::npos) << login.output;
    // The shell's parent is the server that the login talked to.
    EXPECT_NE(login.output.find("/sshd\n"), std::string::npos) << login.output;
    EXPECT_NE(login.output.find(FileName(library)), std::string::npos) << login.output;
  }
}

TEST_F(Sshd, LogsSeveralInAtOnce) {
  const std::string port = FreePort();
  BackgroundProcess server(Preloaded(Server(port)));
  ASSERT_TRUE(AwaitListener(port));
  std::vector<std::unique_ptr<BackgroundProcess>> clients;
  for (int i = 0; i < kLogins; ++i) {
    Command login = Login(port, "head -c 3000000 /dev/zero | tr '\\0' x");
    if (i % 2 == 0) login = Preloaded(login);
    clients.push_back(std::make_unique<BackgroundProcess>(login));
  }
  for (const auto& client : clients) {
    const Outcome login = client->Wait();
    EXPECT_TRUE(login.Succeeded()) << login.Describe();
    EXPECT_TRUE(login.output == std::string(3000000, 'x')) << login.output.size() << " bytes";
  }
}

}  // namespace
}  // namespace mymalloc::test
