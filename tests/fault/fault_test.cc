#include "mymalloc/fault/fault.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <sstream>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "mymalloc/base/options.h"
#include "mymalloc/fault/listener.h"

namespace mymalloc {
namespace {

using ::testing::internal::CaptureStderr;
using ::testing::internal::GetCapturedStderr;

Fault Example() {
  Fault fault{};
  fault.called = "free";
  fault.what = Misuse::kDoubleFree;
  fault.address = 0x1000;
  fault.detail = "the block is free.";
  fault.advice = "Free it once.";
  return fault;
}

std::string Reported(const Fault& fault, OnError on_error = OnError::kWarn) {
  g_options.on_error = on_error;
  CaptureStderr();
  Report(fault);
  g_options.on_error = OnError::kAbort;
  return GetCapturedStderr();
}

// The stack is of this test and what called it: stack_trace_test and report_test look at it.
std::string WithoutStack(const std::string& report) {
  std::istringstream lines(report);
  std::string rest;
  bool in_stack = false;
  for (std::string line; std::getline(lines, line);) {
    in_stack = line == "  stack:" || (in_stack && line.compare(0, 4, "    ") == 0);
    if (!in_stack) rest += line + "\n";
  }
  return rest;
}

std::string Prefix() {
  return "mymalloc[" + std::to_string(getpid()) + "." + std::to_string(gettid()) + "]: ";
}

TEST(FaultTest, SaysWhatWhereAndWhatToDo) {
  EXPECT_EQ(WithoutStack(Reported(Example())), Prefix() +
                                                   "double free: free(0x1000): the block is free.\n"
                                                   "  Free it once.\n");
}

// Where sampling would show more.
constexpr char kNextStep[] =
    "  Run it with MYMALLOC_SAMPLE=1 to see where such blocks are allocated and freed.\n";

TEST(FaultTest, DescribesABlockInAPage) {
  Fault fault = Example();
  fault.block.begin = 0x1000;
  fault.block.usable = 24;
  fault.block.state = "free";
  fault.block.page = 0x800;
  fault.block.slot = 5;
  EXPECT_EQ(WithoutStack(Reported(fault)),
            Prefix() +
                "double free: free(0x1000): the block is free.\n"
                "  block: [0x1000, 0x1018), 24 usable bytes, free; slot 5 of page "
                "0x800\n"
                "  Free it once.\n" +
                kNextStep);
}

TEST(FaultTest, SaysWhereInTheBlockThePointerIs) {
  Fault fault = Example();
  fault.block.begin = 0xff0;
  fault.block.usable = 100;
  fault.block.state = "live";
  EXPECT_NE(
      Reported(fault).find("[0xff0, 0x1054), 100 usable bytes, live, the pointer is at offset "
                           "16; a range of its own\n"),
      std::string::npos);
  fault.block.begin = 0x1008;
  EXPECT_NE(Reported(fault).find("at offset -8;"), std::string::npos);
}

// A block of 40 bytes, with other memory behind it.
struct alignas(16) Overrun {
  char bytes[64];

  explicit Overrun(const std::string& text) {
    memset(bytes, '#', sizeof(bytes));
    memcpy(bytes, "0123456789abcdef\1\2\3\x7f", 20);
    memcpy(bytes + 40, text.data(), text.size());
  }
  std::string Report(size_t from, size_t count) const {
    Fault fault = Example();
    const auto begin = reinterpret_cast<uintptr_t>(bytes);
    fault.address = begin;
    fault.block = {begin, 40, "live", 0, 0};
    fault.block.maker = "operator new[]";
    fault.written = {begin + from, count};
    return WithoutStack(Reported(fault));
  }
};

TEST(FaultTest, ShowsWhatWasOverwrittenAndWhatLiesAroundIt) {
  EXPECT_THAT(Overrun(std::string("no\0", 3)).Report(40, 3),
              testing::HasSubstr(
                  "  overwritten: 3 bytes, from offset 40 on: 6e 6f 00 \"no\" and a zero\n"
                  "  around it:\n"
                  "    +16: 01 02 03 7f 23 23 23 23 23 23 23 23 23 23 23 23  ....############\n"
                  "    +32: 23 23 23 23 23 23 23 23 6e 6f 00                 ########no.     \n"
                  "  Free it once.\n"));
}

TEST(FaultTest, ShowsNothingOfWhatLiesBeforeTheBlockOrBehindIt) {
  EXPECT_THAT(Overrun("").Report(3, 1),
              testing::HasSubstr(
                  "  overwritten: 1 byte, from offset 3 on: 33 \"3\"\n"
                  "  around it:\n"
                  "    +0: 30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef\n"
                  "    +16: 01 02 03 7f 23 23 23 23 23 23 23 23 23 23 23 23  ....############\n"
                  "  Free it once.\n"));
}

TEST(FaultTest, ShowsNothingBetweenTheBlockAndWhatWasOverwritten) {
  EXPECT_THAT(Overrun("").Report(44, 1),
              testing::HasSubstr(
                  "    +32: 23 23 23 23 23 23 23 23             23           ########    #   \n"));
}

TEST(FaultTest, SaysWhatAllocatedTheBlock) {
  EXPECT_THAT(
      Overrun("").Report(0, 1),
      testing::HasSubstr("), 40 usable bytes by operator new[], live; a range of its own\n"));
}

TEST(FaultTest, ShowsTheStackBeforeTheAdvice) {
  const std::string report = Reported(Example());
  EXPECT_THAT(report, testing::MatchesRegex(".*: the block is free.\n  stack:\n"
                                            "    #0 0x[0-9a-f]+: /.*/fault_test\\+0x[0-9a-f]+ "
                                            "\\(build id [0-9a-f]+\\)\n"
                                            "    #1 0x[0-9a-f]+: /.*/fault_test\\+0x[0-9a-f]+\n"
                                            "(    #.*\n)*"
                                            "  Free it once.\n"));
}

// Runs `depth` functions deep, with long lines in a long report.
__attribute__((noinline)) std::string ReportedDeep(int depth, const Fault& fault) {
  std::string report = depth == 0 ? Reported(fault) : ReportedDeep(depth - 1, fault);
  __asm__ volatile("");
  return report;
}

TEST(FaultTest, AdviceIsNeverCutOff) {
  for (size_t length = 0; length < 4000; length += 97) {
    Fault fault = Example();
    const std::string detail(length, 'x');
    fault.detail = detail.c_str();
    const std::string report = ReportedDeep(20, fault);
    EXPECT_LE(report.size(), 4096u);
    EXPECT_THAT(report, testing::EndsWith("\n  Free it once.\n"));
    EXPECT_THAT(WithoutStack(report), testing::EndsWith(detail + "\n  Free it once.\n"));
    if (length > 3000) {
      EXPECT_THAT(report, testing::Not(testing::HasSubstr("#15 ")));
    }
  }
}

TEST(FaultTest, CanBeSilent) { EXPECT_EQ(Reported(Example(), OnError::kIgnore), ""); }

// What the listener was told.
struct Told {
  int calls = 0;
  std::string message;
  const Fault* fault = nullptr;
};
Told told;

class Listening {
 public:
  explicit Listening(FaultListener listener) {
    told = Told();
    SetFaultListener(listener);
  }
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;
  ~Listening() { SetFaultListener(nullptr); }
};

void Remember(const Fault& fault, const char* message, size_t size) {
  ++told.calls;
  told.fault = &fault;
  told.message = message;
  EXPECT_EQ(told.message.size(), size);
}

TEST(ListenerTest, IsToldTheWholeReport) {
  const Fault fault = Example();
  {
    const Listening listening(Remember);
    EXPECT_EQ(Reported(fault), told.message);
    EXPECT_EQ(told.fault, &fault);
    Reported(fault);
    EXPECT_EQ(told.calls, 2);
  }
  Reported(fault);
  EXPECT_EQ(told.calls, 2);
}

TEST(ListenerTest, IsToldWhatIsNotWritten) {
  const Listening listening(Remember);
  for (int i = 1; i < 4; ++i) {
    EXPECT_EQ(Reported(Example(), OnError::kIgnore), "");
    EXPECT_EQ(told.calls, i);
    EXPECT_THAT(told.message, testing::StartsWith("mymalloc["));
    EXPECT_THAT(told.message, testing::EndsWith("  Free it once.\n"));
  }
}

// It reports while it is told: that is written, not told, and the first message is left alone.
void MisuseAgain(const Fault&, const char* message, size_t size) {
  ++told.calls;
  Fault another = Example();
  another.what = Misuse::kOutOfBounds;
  Report(another);
  EXPECT_EQ(std::string(message).size(), size);
  EXPECT_EQ(std::string(message).find("out of bounds"), std::string::npos);
}

TEST(ListenerTest, IsNotToldOfItself) {
  const Listening listening(MisuseAgain);
  for (int i = 1; i < 4; ++i) {
    const std::string report = Reported(Example());
    EXPECT_EQ(told.calls, i);
    EXPECT_NE(report.find("out of bounds: free("), std::string::npos);
  }
}

std::atomic<int> inside{0};

void WaitForAll(const Fault&, const char* message, size_t size) {
  ++inside;
  while (inside < 3) usleep(100);
  EXPECT_EQ(strlen(message), size);
  EXPECT_NE(std::string(message).find("  Free it once.\n"), std::string::npos);
}

TEST(ListenerTest, ThreadsAreToldAtTheSameTime) {
  const Listening listening(WaitForAll);
  g_options.on_error = OnError::kIgnore;
  std::thread threads[3];
  for (std::thread& thread : threads) thread = std::thread([] { Report(Example()); });
  for (std::thread& thread : threads) thread.join();
  g_options.on_error = OnError::kAbort;
  EXPECT_EQ(inside, 3);
}

TEST(FaultDeathTest, AbortsByDefault) {
  EXPECT_EXIT(Report(Example()), testing::KilledBySignal(SIGABRT), "double free: free\\(0x1000\\)");
  EXPECT_EXIT(Die("no way on"), testing::KilledBySignal(SIGABRT), "no way on");
}

TEST(FaultDeathTest, AbortsThoughTheSignalIsBlocked) {
  EXPECT_EXIT(
      {
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, nullptr);
        Report(Example());
      },
      testing::KilledBySignal(SIGABRT), "double free");
}

TEST(FaultDeathTest, TellsBeforeItAborts) {
  const Listening listening([](const Fault&, const char*, size_t) { Report(Example()); });
  EXPECT_EXIT(Report(Example()), testing::KilledBySignal(SIGABRT),
              "Free it once(.|\n)*double free");
  const Listening exiting([](const Fault&, const char*, size_t) { _exit(3); });
  EXPECT_EXIT(Report(Example()), testing::ExitedWithCode(3), "double free");
}

// The handler's own misuse is reported, and ends the program.
TEST(FaultDeathTest, AbortsInAHandlerThatMisusesTheHeap) {
  EXPECT_EXIT(
      {
        signal(SIGABRT, [](int) { Report(Example()); });
        Report(Example());
      },
      testing::KilledBySignal(SIGABRT), "Free it once(.|\n)*double free");
}

// A crash reporter's handler runs, and the program still ends.
TEST(FaultDeathTest, AbortsAfterAHandlerThatReturns) {
  EXPECT_EXIT(
      {
        signal(SIGABRT, [](int) {
          if (write(STDERR_FILENO, "handled\n", 8) != 8) _exit(1);
        });
        Report(Example());
      },
      testing::KilledBySignal(SIGABRT), "double free(.|\n)*handled");
}

}  // namespace
}  // namespace mymalloc
