// The command looks at real programs, which know nothing of it: python3, node, redis with a
// gigabyte, postgres, a C++ program of classes. Each subcommand answers of each; and afterwards the
// program goes on as if nobody had looked.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/command/support.h"
#include "tests/look/running_program.h"
#include "tests/support/library.h"
#include "tests/support/loopback.h"
#include "tests/support/process.h"
#include "tests/support/scratch_directory.h"

namespace mymalloc::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr long kMegabyte = 1 << 20;
constexpr std::chrono::seconds kPatience{300};

Outcome Look(const std::vector<std::string>& arguments) {
  Command command = MymallocCommand(arguments);
  command.patience = kPatience;
  return RunProgram(command);
}

// The line of /proc/PID/status, without its name.
std::string StatusOf(const std::string& pid, const std::string& name) {
  std::ifstream status("/proc/" + pid + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.compare(0, name.size() + 1, name + ":") == 0) return line.substr(name.size() + 1);
  }
  return "";
}

class RealTarget : public testing::Test {
 protected:
  // All subcommands, of a process that has at least so many bytes live.
  void LookAtAllOf(const std::string& pid, long least_bytes) {
    EXPECT_THAT(Look({"ps"}).output, HasSubstr(pid));
    ExpectFigures(pid, least_bytes);
    ExpectFound(pid);
    const Outcome leaks = Look({"leaks", pid, "--format=json"});
    EXPECT_TRUE(leaks.Succeeded()) << leaks.Describe();
    EXPECT_LT(NumberIn(leaks.output, "leaked_bytes"), least_bytes / 2) << leaks.output;
    const Outcome check = Look({"check", pid});
    EXPECT_TRUE(check.Succeeded()) << check.Describe();
    EXPECT_THAT(check.output, HasSubstr(": all sound"));
    ExpectMapped(pid);
    ExpectKept(pid, least_bytes);
    EXPECT_THAT(StatusOf(pid, "State"), Not(HasSubstr("stop"))) << "it was left stopped";
    EXPECT_THAT(StatusOf(pid, "TracerPid"), HasSubstr("\t0"));
  }

 private:
  static void ExpectFigures(const std::string& pid, long least_bytes) {
    const Outcome stats = Look({"stats", pid, "--format=json"});
    ASSERT_TRUE(stats.Succeeded()) << stats.Describe();
    const long live = NumberIn(stats.output, "bytes", "\"live\"");
    EXPECT_GE(live, least_bytes) << stats.output;
    EXPECT_GE(NumberIn(stats.output, "process_resident"), live * 9 / 10) << stats.output;
  }

  // What `types` names as an example is a live block, and looks like that.
  static void ExpectFound(const std::string& pid) {
    const Outcome types = Look({"types", pid, "--format=json", "--limit=1"});
    ASSERT_TRUE(types.Succeeded()) << types.Describe();
    EXPECT_GT(NumberIn(types.output, "blocks"), 0) << types.output;
    const size_t at = types.output.find("\"examples\":[\"");
    ASSERT_NE(at, std::string::npos) << types.output;
    const size_t begin = at + sizeof("\"examples\":[\"") - 1;
    const std::string address = types.output.substr(begin, types.output.find('"', begin) - begin);
    const Outcome found = Look({"find", pid, address, "--referrers", "--format=json"});
    EXPECT_TRUE(found.Succeeded()) << found.Describe();
    EXPECT_THAT(found.output, HasSubstr("\"block\":\"" + address + "\""));
    EXPECT_THAT(found.output, HasSubstr("\"referrers\":["));
  }

  void ExpectMapped(const std::string& pid) {
    const std::string page = scratch_.path() + "/map.html";
    const Outcome map = Look({"map", pid, "-o", page});
    EXPECT_TRUE(map.Succeeded()) << map.Describe();
    EXPECT_THAT(ReadFile(page), HasSubstr("<title>Heap of process " + pid));
    EXPECT_TRUE(Look({"map", pid, "--format=json"}).Succeeded());
  }

  // A snapshot answers as the process does, and differs from it by little.
  void ExpectKept(const std::string& pid, long least_bytes) {
    const std::string file = scratch_.path() + "/kept.snapshot";
    const Outcome snapshot = Look({"snapshot", pid, "-o", file});
    ASSERT_TRUE(snapshot.Succeeded()) << snapshot.Describe();
    const Outcome stats = Look({"stats", file, "--format=json"});
    EXPECT_GE(NumberIn(stats.output, "bytes", "\"live\""), least_bytes) << stats.Describe();
    EXPECT_THAT(Look({"check", file}).output, HasSubstr(": all sound"));
    const Outcome diff = Look({"diff", file, pid});
    EXPECT_TRUE(diff.Succeeded()) << diff.Describe();
    EXPECT_THAT(diff.output, HasSubstr("live: "));
  }

  const ScratchDirectory scratch_;
};

TEST_F(RealTarget, ProgramOfClasses) {
  const RunningProgram zoo({"zoo", "20000", "2000", "1000", "1000"});
  ASSERT_TRUE(zoo.is_ready());
  LookAtAllOf(zoo.name(), 2 * kMegabyte);
  EXPECT_THAT(Look({"types", zoo.name()}).output, HasSubstr("class zoo::Circle"));
}

TEST_F(RealTarget, Python) {
  const std::string python = FindProgram("python3");
  if (python.empty()) GTEST_SKIP() << "python3 is not installed";
  const RunningProgram program(
      {python, "-c",
       // What Python's own allocator leaves to malloc: above 512 bytes.
       "import sys; kept = ['text ' * (120 + i % 500) for i in range(5000)];"
       "print('ready', flush=True); sys.stdin.read()"});
  ASSERT_TRUE(program.is_ready());
  LookAtAllOf(program.name(), 2 * kMegabyte);
}

TEST_F(RealTarget, Node) {
  const std::string node = FindProgram("node");
  if (node.empty()) GTEST_SKIP() << "node is not installed";
  const RunningProgram program(
      {node, "-e",
       "const kept = Array.from({length: 2000}, (_, i) => Buffer.alloc(9000, i));"
       "console.log('ready'); process.stdin.on('data', () => kept.length);"});
  ASSERT_TRUE(program.is_ready());
  LookAtAllOf(program.name(), 2000L * 9000);
}

long AvailableMegabytes() {
  std::ifstream info("/proc/meminfo");
  for (std::string line; std::getline(info, line);) {
    if (line.rfind("MemAvailable:", 0) == 0) return std::stol(line.substr(13)) / 1024;
  }
  return 0;
}

class RedisTarget : public RealTarget {
 protected:
  std::string Ask(const std::vector<std::string>& words) const {
    Command command;
    command.patience = kPatience;
    command.arguments = {"redis-cli", "-p", port_};
    command.arguments.insert(command.arguments.end(), words.begin(), words.end());
    return RunProgram(command).output;
  }

  const ScratchDirectory directory_;
  const std::string port_ = FreePort();
};

TEST_F(RedisTarget, WithAGigabyte) {
  constexpr long kNeededMegabytes = 3 * 1024;
  if (FindProgram("redis-server").empty()) GTEST_SKIP() << "redis-server is not installed";
  if (AvailableMegabytes() < kNeededMegabytes) {
    GTEST_SKIP() << "only " << AvailableMegabytes() << " MiB of memory are free, of the "
                 << kNeededMegabytes << " that a gigabyte of live blocks and its readers take";
  }
  Command command;
  command.arguments = {
      "redis-server",           "--port", port_,   "--bind",         "127.0.0.1", "--save", "",
      "--enable-debug-command", "yes",    "--dir", directory_.path()};
  command.preload = {LibraryUnderTest()};
  BackgroundProcess server(command);
  ASSERT_TRUE(AwaitListener(port_));
  ASSERT_EQ(Ask({"debug", "populate", "1000000", "key", "1000"}), "OK\n");
  LookAtAllOf(std::to_string(server.pid()), 1000L * 1000 * 1000);
  EXPECT_EQ(Ask({"dbsize"}), "1000000\n");
  Ask({"shutdown", "nosave"});
}

// A server of many processes, which will not run as root; and whose processes are another user's
// then, whom the test must let read what it needs.
class PostgresTarget : public RealTarget {
 protected:
  void SetUp() override {
    for (const auto& version : std::filesystem::directory_iterator(Versions())) {
      programs_ = version.path().string() + "/bin/";
    }
    if (programs_.empty()) GTEST_SKIP() << "postgresql is not installed";
    library_ = folder_.path() + "/libmymalloc.so";
    CopyProgram(LibraryUnderTest(), library_);
    data_ = folder_.path() + "/data";
    std::filesystem::create_directory(data_);
    if (geteuid() == 0) GiveToNobody();
    const Outcome made =
        RunProgram(ByUser({"initdb", "-D", data_, "--no-sync", "-A", "trust", "-U", "test"}));
    ASSERT_TRUE(made.Succeeded()) << made.Describe();
  }

  Command ByUser(std::vector<std::string> arguments) const {
    arguments[0] = programs_ + arguments[0];
    Command command;
    if (geteuid() == 0) {
      command.arguments = {"setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"};
    }
    command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
    command.environment = {{"LC_ALL", "C"}};
    command.patience = kPatience;
    return command;
  }
  Command Server() const {
    Command command = ByUser(
        {"postgres", "-D", data_, "-k", data_, "-c", "listen_addresses=", "-c", "fsync=off"});
    command.preload = {library_};
    return command;
  }
  Command Session(const std::vector<std::string>& statements) const {
    std::vector<std::string> arguments = {"psql", "-h", data_, "-U", "test", "-At", "postgres"};
    for (const std::string& statement : statements) {
      arguments.insert(arguments.end(), {"-c", statement});
    }
    return ByUser(arguments);
  }
  // The answer, once there is one that is not empty.
  std::string Await(const std::string& question) const {
    std::string answer;
    for (int i = 0; i < 200 && answer.empty(); ++i) {
      answer = RunProgram(Session({question})).output;
      if (answer.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return answer.substr(0, answer.find('\n'));
  }

 private:
  static std::string Versions() {
    const std::string folder = "/usr/lib/postgresql";
    return std::filesystem::exists(folder) ? folder : "/var/empty";
  }

  void GiveToNobody() const {
    const passwd* const nobody = getpwnam("nobody");
    ASSERT_NE(nobody, nullptr);
    EXPECT_EQ(chmod(folder_.path().c_str(), 0755), 0);
    EXPECT_EQ(chmod(library_.c_str(), 0755), 0);
    EXPECT_EQ(chown(data_.c_str(), nobody->pw_uid, nobody->pw_gid), 0);
  }

  // Not the test's own folder: that may lie where nobody else can come.
  const ScratchDirectory folder_{"/tmp"};
  std::string programs_;
  std::string library_;
  std::string data_;
};

TEST_F(PostgresTarget, TheServerAndASession) {
  BackgroundProcess server(Server());
  ASSERT_EQ(Await("select 1"), "1");
  BackgroundProcess session(
      Session({"create temp table kept as select i, md5(i::text) from generate_series(1, 50000) i",
               "select pg_sleep(600) /* waits */"}));
  const std::string backend = Await(
      "select pid from pg_stat_activity where query like '%/* waits */' and pid <> "
      "pg_backend_pid()");
  ASSERT_NE(backend, "");
  LookAtAllOf(backend, kMegabyte);
  LookAtAllOf(std::to_string(server.pid()), kMegabyte / 4);
  EXPECT_EQ(Await("select 1 + 1"), "2");
  // The server ends when its last session has.
  EXPECT_EQ(Await("select pg_terminate_backend(" + backend + ")"), "t");
  EXPECT_TRUE(server.Stop().Succeeded());
}

}  // namespace
}  // namespace mymalloc::test
