// What `mymalloc symbolize` may be given besides reports: anything, for any time.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>
#include <string>
#include <vector>

#include "tests/command/support.h"
#include "tests/support/check.h"
#include "tests/support/scratch_directory.h"

namespace mymalloc::test {
namespace {

void ExpectUntouched(const std::string& text) {
  const Outcome outcome = RunMymalloc({"symbolize"}, text);
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
  EXPECT_TRUE(outcome.output == text)
      << "the output has " << outcome.output.size() << " bytes of " << text.size();
  EXPECT_EQ(outcome.errors, "");
}

// The frame, its address changed by one.
std::string NotAtAPage(std::string frame) {
  char& digit = frame[frame.find(": ") - 1];
  digit = digit == '9' ? '8' : digit == 'f' ? 'e' : static_cast<char>(digit + 1);
  return frame;
}

TEST(HostileTest, WhatOnlyLooksSimilarIsUntouched) {
  const std::string path = ProgramPath("orders");
  for (const std::string& line : std::vector<std::string>{
           "    #0 0x1000: " + path,
           "    #0 0x1000: " + path + "+1000",
           "    #0 0x1000: " + path + "+0x",
           "    #0 0x1000: +0x1000",
           "    #0 0x1000: " + path + "+0x1000 ",
           "    #0 0x1000: " + path + "+0x1000 (build id )",
           "    #0 0x1000: " + path + "+0x1000 (build id abc)",
           "    #0 0x1000: " + path + "+0x1000 (build id XY)",
           // Loaded at no page's begin, or below nothing.
           NotAtAPage(FramesOf(ReportOf(path))[0]),
           "    #0 0x1000: " + path + "+0x2000",
           "    #0 0x11111111111111111: " + path + "+0x1",
           "    #0 0x1000 in main (" + path + "+0x1000)",
           "    #x 0x1000: " + path + "+0x1000",
           "   #0 0x1000: " + path + "+0x1000",
           "    #0 1000: " + path + "+0x1000",
           std::string("    #0 0x1000: in no module"),
           std::string("    #0 0x1000: linux-vdso.so.1+0x1000"),
           std::string("    #"),
           std::string("mymalloc["),
       }) {
    ExpectUntouched(line + "\n" + line + "\r\n" + line);
  }
}

TEST(HostileTest, JunkGoesThrough) {
  std::mt19937 random(1);
  std::string junk(300000, '\0');
  for (char& c : junk) c = static_cast<char>(random());
  ExpectUntouched(junk);
  ExpectUntouched(std::string(100000, '\0'));
  ExpectUntouched("");
  ExpectUntouched("\n\n\n");
}

TEST(HostileTest, LinesOfAnyLengthGoThrough) {
  for (const size_t size :
       std::vector<size_t>{8190, 8191, 8192, 8193, 65535, 65536, 65537, 10000000}) {
    ExpectUntouched("a\n" + std::string(size, 'x') + "\nb\n");
    ExpectUntouched("    #0 0x1000: /" + std::string(size, 'x') + "+0x1\n");
  }
}

TEST(HostileTest, NoFileThatAFrameMayNameDoesHarm) {
  const ScratchDirectory scratch;
  ASSERT_EQ(mkfifo((scratch.path() + "/pipe").c_str(), 0600), 0);
  WriteFile(scratch.path() + "/text", "text");
  WriteFile(scratch.path() + "/empty", "");
  std::string text;
  for (const std::string& path :
       {scratch.path() + "/pipe", std::string("/dev/zero"), std::string("/dev/tty"),
        std::string("/proc/self/mem"), scratch.path(), scratch.path() + "/text",
        scratch.path() + "/empty", std::string("/proc/kmsg")}) {
    text += "    #0 0x2000: " + path + "+0x1000\n";
  }
  text += "    #0 0x2000: /no/such/file+0x1000 (build id 0123456789)\n";
  Command command = MymallocCommand({"symbolize", "--debug-dir=" + scratch.path()}, text);
  command.patience = std::chrono::seconds(20);
  const Outcome outcome = RunProgram(command);
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
  EXPECT_EQ(outcome.output, text);
}

// A program file that is cut, or has bytes that nobody wrote there, gives names or none; and ends.
TEST(HostileTest, BrokenProgramFiles) {
  const ScratchDirectory scratch;
  const std::string path = scratch.path() + "/program";
  CopyProgram(ProgramPath("orders"), path);
  const std::string whole = ReadFile(path);
  const std::string report = ReportOf(path);
  std::mt19937 random(2);
  for (int i = 0; i < 150; ++i) {
    std::string broken = whole;
    if (i % 3 == 0) broken.resize(random() % whole.size());
    for (int changes = 0; i % 3 != 0 && changes < 1 << (i % 12); ++changes) {
      // The headers more often than the rest.
      const size_t range = i % 2 == 0 ? 1024 : broken.size();
      broken[random() % range] = static_cast<char>(random());
    }
    WriteFile(path, broken);
    Command command = MymallocCommand({"symbolize"}, report);
    command.patience = std::chrono::seconds(20);
    const Outcome outcome = RunProgram(command);
    ASSERT_TRUE(outcome.Succeeded()) << i << ": " << outcome.Describe();
    EXPECT_EQ(LinesOf(outcome.output)[0], LinesOf(report)[0]);
  }
}

// The command, with pipes to talk to it.
class Conversation {
 public:
  Conversation() {
    int input[2];
    int output[2];
    MYMALLOC_CHECK(pipe2(input, O_CLOEXEC) == 0 && pipe2(output, O_CLOEXEC) == 0);
    const std::string path = CommandPath();
    pid_ = fork();
    if (pid_ == 0) {
      dup2(input[0], STDIN_FILENO);
      dup2(output[1], STDOUT_FILENO);
      execl(path.c_str(), "mymalloc", "symbolize", nullptr);
      _exit(127);
    }
    close(input[0]);
    close(output[1]);
    input_ = input[1];
    output_ = output[0];
  }
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;
  ~Conversation() {
    CloseInput();
    CloseOutput();
    if (pid_ > 0) Wait();
  }

  void Say(const std::string& text) {
    MYMALLOC_CHECK(write(input_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  bool TrySay(const std::string& text) { return write(input_, text.data(), text.size()) > 0; }

  // What comes within a while, up to the text's length.
  std::string Hear(size_t size, int patience_ms = 10000) {
    std::string heard;
    while (heard.size() < size) {
      pollfd file = {output_, POLLIN, 0};
      char buffer[4096];
      if (poll(&file, 1, patience_ms) <= 0) break;
      const ssize_t got = read(output_, buffer, sizeof(buffer));
      if (got <= 0) break;
      heard.append(buffer, static_cast<size_t>(got));
    }
    return heard;
  }

  void CloseInput() {
    if (input_ >= 0) close(input_);
    input_ = -1;
  }
  void CloseOutput() {
    if (output_ >= 0) close(output_);
    output_ = -1;
  }
  int Wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_;
  int input_;
  int output_;
};

TEST(StreamTest, EachLineGoesOnWhenItCame) {
  Conversation talk;
  for (const char* const line : {"one\n", "two\n", "\n"}) {
    talk.Say(line);
    EXPECT_EQ(talk.Hear(std::string(line).size()), line);
  }
}

TEST(StreamTest, APromptIsNotHeldBack) {
  Conversation talk;
  talk.Say("name? ");
  EXPECT_EQ(talk.Hear(6), "name? ");
  talk.Say("more\n");
  EXPECT_EQ(talk.Hear(5), "more\n");
}

TEST(StreamTest, AFrameThatComesInPartsIsOne) {
  const std::string frame = FramesOf(ReportOf(ProgramPath("orders")))[0] + "\n";
  Conversation talk;
  talk.Say(frame.substr(0, 30));
  EXPECT_EQ(talk.Hear(1, 300), "");
  talk.Say(frame.substr(30));
  EXPECT_NE(talk.Hear(100).find("orders::Order::Release()"), std::string::npos);
}

TEST(StreamTest, EndsWhenNobodyListens) {
  signal(SIGPIPE, SIG_IGN);
  Conversation talk;
  talk.Say("one\n");
  EXPECT_EQ(talk.Hear(4), "one\n");
  talk.CloseOutput();
  while (talk.TrySay(std::string(1000, 'x') + "\n")) continue;
  const int status = talk.Wait();
  EXPECT_TRUE(WIFEXITED(status) || WTERMSIG(status) == SIGPIPE);
}

// Ever new files in text without end: what is known of the older ones is given up.
TEST(StreamTest, ManyModules) {
  std::string text;
  for (int i = 0; i < 20000; ++i) {
    text +=
        "    #0 0x2000: /no/file/" + std::to_string(i) + "+0x1000 (build id 0123456789abcdef)\n";
  }
  const Outcome outcome = RunMymalloc({"symbolize"}, text);
  EXPECT_TRUE(outcome.Succeeded());
  EXPECT_EQ(outcome.output, text);
  EXPECT_LT(outcome.errors.size(), 2000u);
}

}  // namespace
}  // namespace mymalloc::test
