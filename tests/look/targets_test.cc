// What the command says of targets that are not as it would like them, or change meanwhile.

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/command/support.h"
#include "tests/look/running_program.h"
#include "tests/support/library.h"
#include "tests/support/process.h"
#include "tests/support/scratch_directory.h"

namespace mymalloc::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::vector<std::string> kReaders = {"stats", "types", "check", "leaks"};

int CodeOf(const Outcome& outcome) {
  return WIFEXITED(outcome.status) ? WEXITSTATUS(outcome.status) : -1;
}

void ExpectComplaint(const std::string& target, const std::string& words) {
  for (const std::string& reader : kReaders) {
    const Outcome outcome = RunMymalloc({reader, target});
    EXPECT_EQ(CodeOf(outcome), 1) << reader << ": " << outcome.Describe();
    EXPECT_THAT(outcome.errors, HasSubstr(words)) << reader;
    EXPECT_EQ(outcome.output, "");
  }
}

TEST(TargetsTest, NoSuchProcess) {
  ExpectComplaint("2147483646", "there is no process 2147483646");
  ExpectComplaint("99999999999999999999", "there is no process 99999999999999999999");
}

TEST(TargetsTest, AnEndedProcess) {
  const pid_t pid = fork();
  if (pid == 0) _exit(0);
  siginfo_t ended;
  waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOWAIT);
  ExpectComplaint(std::to_string(pid), "has ended");
  waitpid(pid, nullptr, 0);
}

TEST(TargetsTest, AProcessOfAnotherAllocator) {
  const RunningProgram zoo({"zoo", "1", "1", "1", "1"}, {}, /*preload=*/false);
  ASSERT_TRUE(zoo.is_ready());
  ExpectComplaint(zoo.name(), "does not run on mymalloc; start it by: mymalloc run");
}

TEST(TargetsTest, AProcessOfAnotherVersion) {
  const RunningProgram other({"other_version"}, {}, /*preload=*/false);
  ASSERT_TRUE(other.is_ready());
  ExpectComplaint(other.name(), "runs on mymalloc 77.0.1, whose memory is laid out otherwise");
}

TEST(TargetsTest, FilesThatAreNone) {
  const ScratchDirectory scratch;
  const std::string text = scratch.path() + "/text";
  WriteFile(text, "hello");
  ExpectComplaint(text, "is neither a core file nor a snapshot");
  ExpectComplaint(scratch.path() + "/none", "there is no file");
  ExpectComplaint(scratch.path(), "is no regular file");
}

// Each of its segments in turn.
TEST(TargetsTest, ACoreFileThatSaysItHasMoreThanThereIs) {
  if (FindProgram("gcore").empty()) GTEST_SKIP() << "gcore is not installed (package gdb)";
  const ScratchDirectory scratch;
  const std::string base = scratch.path() + "/core";
  const RunningProgram zoo({"zoo", "100", "50", "30", "20"});
  ASSERT_TRUE(zoo.is_ready());
  Command command;
  command.arguments = {"gcore", "-o", base, zoo.name()};
  if (!RunProgram(command).Succeeded()) GTEST_SKIP() << "gcore may not look into processes here";
  const std::string core = base + "." + zoo.name();
  const std::string whole = ReadFile(core);
  Elf64_Ehdr header;
  std::memcpy(&header, whole.data(), sizeof(header));
  for (size_t i = 0; i < header.e_phnum; ++i) {
    const size_t at = header.e_phoff + i * sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, p_memsz);
    const uint64_t bytes = uint64_t{1} << 62;
    std::string damaged = whole;
    std::memcpy(&damaged[at], &bytes, sizeof(bytes));
    WriteFile(core, damaged);
    command.arguments = {CommandPath(), "snapshot", core, "-o", base};
    command.patience = std::chrono::seconds(10);
    EXPECT_FALSE(RunProgram(command).timed_out) << i;
    if (HasFailure()) break;
  }
}

TEST(TargetsTest, ASnapshotThatIsOlderCutOrDamaged) {
  const ScratchDirectory scratch;
  const std::string snapshot = scratch.path() + "/snapshot";
  {
    const RunningProgram zoo({"zoo", "100", "50", "30", "20"});
    ASSERT_TRUE(zoo.is_ready());
    ASSERT_TRUE(RunMymalloc({"snapshot", zoo.name(), "--output", snapshot}).Succeeded());
  }
  const std::string whole = ReadFile(snapshot);
  std::string older = whole;
  older.replace(older.find("snap-"), 6, "snap-0");
  WriteFile(snapshot, older);
  ExpectComplaint(snapshot, "another version of this command made this snapshot");
  for (size_t size = 1; size < whole.size(); size += whole.size() / 17) {
    WriteFile(snapshot, whole.substr(0, size));
    for (const std::string& reader : kReaders) {
      const Outcome outcome = RunMymalloc({reader, snapshot});
      EXPECT_GT(CodeOf(outcome), 0) << reader << " " << size << ": " << outcome.Describe();
    }
  }
  for (size_t at = 16; at < whole.size(); at += whole.size() / 41) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    WriteFile(snapshot, damaged);
    for (const std::string& reader : kReaders) {
      EXPECT_GE(CodeOf(RunMymalloc({reader, snapshot})), 0) << reader << " " << at;
    }
  }
}

TEST(TargetsTest, AnOverrunIsFoundBeforeItsFree) {
  RunningProgram program({"overrun"});
  ASSERT_TRUE(program.is_ready());
  const Outcome outcome = RunMymalloc({"check", program.name()});
  EXPECT_EQ(CodeOf(outcome), 3) << outcome.Describe();
  EXPECT_THAT(outcome.output, HasSubstr("the block at " + program.Said("block") + " was overrun"));
}

TEST(TargetsTest, AProcessThatIsBusyGoesOn) {
  const RunningProgram busy({"busy"});
  ASSERT_TRUE(busy.is_ready());
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(RunMymalloc({"stats", busy.name()}).Succeeded());
    EXPECT_TRUE(RunMymalloc({"types", busy.name()}).Succeeded());
    const Outcome check = RunMymalloc({"check", busy.name()});
    EXPECT_TRUE(check.Succeeded()) << check.output;
    const Outcome leaks = RunMymalloc({"leaks", busy.name(), "--format=json"});
    EXPECT_EQ(NumberIn(leaks.output, "leaked_blocks"), 5) << leaks.Describe() << leaks.output;
  }
  EXPECT_EQ(kill(busy.pid(), 0), 0);
  EXPECT_EQ(waitpid(busy.pid(), nullptr, WNOHANG), 0) << "it has ended, or was left stopped";
}

long TextsOf(const std::string& target) {
  const Outcome types = RunMymalloc({"types", target, "--format=json", "--limit=0"});
  EXPECT_TRUE(types.Succeeded()) << types.Describe();
  return NumberIn(types.output, "blocks", "\"type\":\"text\"");
}

TEST(TargetsTest, ParentAndChildAreTheirOwn) {
  RunningProgram parent({"forking"});
  ASSERT_TRUE(parent.is_ready());
  const long texts = TextsOf(parent.name());
  EXPECT_GE(texts, 40);
  EXPECT_EQ(TextsOf(parent.Said("child")), texts - 10);
  EXPECT_TRUE(RunMymalloc({"check", parent.Said("child")}).Succeeded());
}

TEST(TargetsTest, AStrippedProgramThatHasTheAllocatorInItself) {
  const RunningProgram linked({"linked"}, {}, /*preload=*/false);
  ASSERT_TRUE(linked.is_ready());
  EXPECT_EQ(TextsOf(linked.name()), 77);
  EXPECT_TRUE(RunMymalloc({"check", linked.name()}).Succeeded());
}

TEST(TargetsTest, OnesThatEndMeanwhile) {
  for (int i = 0; i < 20; ++i) {
    const RunningProgram zoo({"zoo", "2000", "2000", "10", "10"});
    ASSERT_TRUE(zoo.is_ready());
    const pid_t killer = fork();
    if (killer == 0) {
      usleep(static_cast<useconds_t>(i) * 500);
      kill(zoo.pid(), SIGKILL);
      _exit(0);
    }
    const Outcome outcome =
        RunMymalloc({kReaders[static_cast<size_t>(i) % kReaders.size()], zoo.name()});
    EXPECT_GE(CodeOf(outcome), 0) << outcome.Describe();
    waitpid(killer, nullptr, 0);
  }
}

// Each look finds what seemed lost before, and more that does.
TEST(LeaksTest, OfAProcessThatKeepsChangingSaysSo) {
  const RunningProgram hider({"hider"});
  ASSERT_TRUE(hider.is_ready());
  const Outcome outcome = RunMymalloc({"leaks", hider.name()});
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
  EXPECT_THAT(outcome.output, HasSubstr("not settled: the process kept changing"));
  EXPECT_THAT(outcome.output, HasSubstr("look again with --stop"));
  const Outcome json = RunMymalloc({"leaks", hider.name(), "--format=json"});
  EXPECT_THAT(json.output, HasSubstr("\"settled\":false"));
  const Outcome stopped = RunMymalloc({"leaks", hider.name(), "--stop"});
  EXPECT_THAT(stopped.output, Not(HasSubstr("not settled")));
}

// What of the heap is in memory, of blocks that were touched or not.
TEST(StatsTest, TellTheHeapsOwnResidentMemory) {
  constexpr long kMebibyte = 1 << 20;
  for (const long touched : {1, 24, 60}) {
    for (const char* const size : {"61", "500"}) {  // among others, and as a mapping of its own
      const RunningProgram program({"touched", size, std::to_string(touched)});
      ASSERT_TRUE(program.is_ready());
      const Outcome stats = RunMymalloc({"stats", program.name(), "--format=json"});
      const long resident = NumberIn(stats.output, "heap_resident");
      EXPECT_GE(resident, touched * kMebibyte) << size;
      EXPECT_LE(resident, (touched + 1) * kMebibyte) << size;
      EXPECT_GT(NumberIn(stats.output, "process_resident"), resident);
      EXPECT_THAT(RunMymalloc({"stats", program.name()}).output,
                  HasSubstr("all of that, resident"));
    }
  }
}

TEST(LeaksTest, OfAProgramAtItsEnd) {
  const std::string zoo = DataFile("tests/look/zoo");
  const Outcome outcome = RunMymalloc({"leaks", "--library", LibraryUnderTest(), "--exit-code=23",
                                       "--format=json", "--", zoo, "10", "10", "10", "10", "3"});
  EXPECT_EQ(CodeOf(outcome), 23) << outcome.Describe();
  EXPECT_EQ(NumberIn(outcome.errors, "leaked_blocks"), 9) << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("ready\n"));
}

TEST(LeaksTest, WithoutAnyTheProgramsCodeIsKept) {
  const Outcome outcome = RunMymalloc({"leaks", "--library", LibraryUnderTest(), "--exit-code=23",
                                       "--", "/bin/sh", "-c", "exit 7"});
  EXPECT_EQ(CodeOf(outcome), 7) << outcome.Describe();
  EXPECT_THAT(outcome.errors, HasSubstr("no leaks among"));
  EXPECT_EQ(CodeOf(RunMymalloc({"leaks", "--library", LibraryUnderTest(), "--", "/none/such"})),
            127);
}

TEST(LeaksTest, OfAProgramThatASignalEnds) {
  const Outcome outcome = RunMymalloc(
      {"leaks", "--library", LibraryUnderTest(), "--", "/bin/sh", "-c", "kill -TERM $$"});
  EXPECT_TRUE(WIFSIGNALED(outcome.status)) << outcome.Describe();
}

TEST(PythonTest, AnswersWithoutPreparation) {
  const std::string python = FindProgram("python3");
  if (python.empty()) GTEST_SKIP() << "python3 is not installed";
  const RunningProgram program(
      {python, "-c",
       "import sys; kept = [bytes(3000) for _ in range(1234)]; print('ready', flush=True); "
       "sys.stdin.read()"});
  ASSERT_TRUE(program.is_ready());
  const Outcome types = RunMymalloc({"types", program.name(), "--format=json", "--limit=0"});
  EXPECT_EQ(NumberIn(types.output, "blocks", "other, 3080 bytes"), 1234) << types.output;
  EXPECT_THAT(RunMymalloc({"check", program.name()}).output, HasSubstr("all sound"));
}

}  // namespace
}  // namespace mymalloc::test
