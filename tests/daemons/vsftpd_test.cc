// vsftpd: each session is a pair of processes that limit their own memory, give up their rights,
// and enter namespaces and a seccomp filter.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "tests/preload/comparison.h"
#include "tests/support/library.h"
#include "tests/support/loopback.h"
#include "tests/support/process.h"
#include "tests/support/scratch_directory.h"

namespace mymalloc::test {
namespace {

class Vsftpd : public testing::Test {
 protected:
  void SetUp() override {
    MYMALLOC_REQUIRE_PROGRAM("vsftpd");
    MYMALLOC_REQUIRE_PROGRAM("python3");
    if (geteuid() != 0) GTEST_SKIP() << "vsftpd is for root";
    // The server's user is to come as far as its own folders.
    ASSERT_EQ(chmod(scratch_.path().c_str(), 0755), 0);
    for (const char* name : {"/empty", "/root", "/root/incoming"}) {
      ASSERT_EQ(mkdir((scratch_.path() + name).c_str(), 0755), 0);
    }
    ASSERT_EQ(chmod((scratch_.path() + "/root/incoming").c_str(), 0777), 0);
  }

  Command Server(const std::string& port, const char* filter) const {
    const std::string configuration = scratch_.path() + "/vsftpd.conf." + port;
    std::ofstream(configuration)
        << "listen=YES\nlisten_address=127.0.0.1\nlisten_port=" << port
        << "\nbackground=NO\nxferlog_enable=NO\nconnect_from_port_20=NO\nseccomp_sandbox=" << filter
        << "\nanonymous_enable=YES\nno_anon_password=YES\nlocal_enable=NO\nwrite_enable=YES\n"
           "anon_upload_enable=YES\nanon_other_write_enable=YES\nanon_umask=022\n"
           "anon_world_readable_only=NO\nanon_root="
        << scratch_.path() << "/root\nsecure_chroot_dir=" << scratch_.path() << "/empty\n";
    Command command;
    command.arguments = {"vsftpd", configuration};
    return command;
  }

  static Command Client(const std::string& port, const char* work, int sessions) {
    Command command;
    command.arguments = {"python3", DataFile("tests/daemons/ftp_sessions.py"), port, work,
                         std::to_string(sessions)};
    return command;
  }

  // What the client says of the sessions.
  Outcome Serve(const std::string& library, const char* filter, const char* work,
                int sessions) const {
    const std::string port = FreePort();
    Command command = Server(port, filter);
    if (!library.empty()) command.preload = {library};
    const BackgroundProcess server(command);
    EXPECT_TRUE(AwaitListener(port));
    EXPECT_TRUE(library.empty() || IsLoaded(library, server.pid()));
    return RunProgram(Client(port, work, sessions));
  }

  // Of a server with its seccomp filter (YES or NO).
  void ExpectSessions(const char* filter, const char* work) const {
    constexpr int kSessions = 5;
    const Outcome possible = Serve("", filter, work, 1);
    if (!possible.Succeeded()) GTEST_SKIP() << "vsftpd serves nobody here: " << possible.errors;
    const Outcome outcome = Serve(LibraryUnderTest(), filter, work, kSessions);
    EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
    EXPECT_EQ(outcome.output, std::to_string(kSessions) + " sessions\n");
  }

  // In a folder that everybody may enter, unlike the tests' own.
  const ScratchDirectory scratch_{"/tmp"};
};

TEST_F(Vsftpd, MovesFiles) { ExpectSessions("NO", "files"); }

// The package's filter has no call for the status of a file, as libc makes it today: even alone the
// server can serve no more than talk.
TEST_F(Vsftpd, TalksBehindItsFilter) { ExpectSessions("YES", "talk"); }

}  // namespace
}  // namespace mymalloc::test
