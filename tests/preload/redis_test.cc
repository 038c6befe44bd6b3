// redis-server under redis-benchmark's load, on a port of its own of 127.0.0.1.

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

#include "tests/preload/comparison.h"
#include "tests/support/library.h"
#include "tests/support/loopback.h"
#include "tests/support/process.h"
#include "tests/support/scratch_directory.h"

namespace mymalloc::test {
namespace {

Command Server(const std::string& port, const std::string& directory) {
  Command command;
  command.arguments = {"redis-server", "--bind",  "127.0.0.1", "--port", port,
                       "--dir",        directory, "--save",    ""};
  return command;
}

Outcome Client(const std::string& port, const std::string& input) {
  Command command;
  command.arguments = {"redis-cli", "-p", port};
  command.input = input;
  return RunProgram(command);
}

bool AwaitAnswer(const std::string& port) {
  for (int i = 0; i < 200; ++i) {
    if (Client(port, "PING\n").output == "PONG\n") return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

// Commands with one possible answer each, and a save by a forked child.
std::string Commands() {
  std::string commands = "FLUSHALL\n";
  for (int i = 0; i < 2000; ++i) {
    const std::string n = std::to_string(i);
    commands += "SET key" + n + " " + std::string(static_cast<size_t>(i % 500), 'v') + "\n";
    commands += "RPUSH list" + std::to_string(i % 10) + " " + n + "\n";
    commands += "HSET hash" + std::to_string(i % 20) + " field" + n + " " + n + "\n";
    commands += "ZADD scores " + n + " member" + n + "\n";
    commands += "APPEND growing " + n + "\n";
    if (i % 3 == 0) commands += "DEL key" + std::to_string(i / 2) + "\n";
  }
  return commands +
         "DBSIZE\nGET growing\nLRANGE list3 0 -1\nZRANGE scores 100 200\nHLEN hash7\nSAVE\n";
}

Command Benchmark(const std::string& port) {
  Command command;
  command.arguments = {"redis-benchmark",
                       "-p",
                       port,
                       "-n",
                       "10000",
                       "-c",
                       "20",
                       "--threads",
                       "2",
                       "-r",
                       "500",
                       "-d",
                       "300",
                       "-P",
                       "8",
                       "-q",
                       "-t"};
  command.arguments.push_back("set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,mset");
  return command;
}

TEST(Redis, AnswersTheSameUnderLoad) {
  MYMALLOC_REQUIRE_PROGRAM("redis-server");
  MYMALLOC_REQUIRE_PROGRAM("redis-benchmark");
  MYMALLOC_REQUIRE_PROGRAM("redis-cli");
  const ScratchDirectory scratch;
  std::string expected;
  {
    const std::string port = FreePort();
    BackgroundProcess plain(Server(port, scratch.path()));
    ASSERT_TRUE(AwaitAnswer(port));
    expected = Client(port, Commands()).output;
    EXPECT_TRUE(plain.Stop().Succeeded());
  }
  ASSERT_NE(expected, "");

  const std::string logs = scratch.path() + "/logs";
  const std::string port = FreePort();
  BackgroundProcess server(UnderPreload(Server(port, scratch.path()), logs));
  ASSERT_TRUE(AwaitAnswer(port));
  EXPECT_TRUE(IsLoaded(LibraryUnderTest(), server.pid()));
  const Outcome load = RunProgram(UnderPreload(Benchmark(port), logs));
  EXPECT_TRUE(load.Succeeded()) << load.Describe();
  EXPECT_NE(load.output.find("MSET"), std::string::npos) << load.output;
  EXPECT_EQ(Client(port, Commands()).output, expected);
  EXPECT_NE(Client(port, "BGSAVE\n").output.find("started"), std::string::npos);
  const Outcome end = server.Stop();
  EXPECT_TRUE(end.Succeeded()) << end.Describe();
  ExpectAllLoaded(logs, 2);
}

}  // namespace
}  // namespace mymalloc::test
