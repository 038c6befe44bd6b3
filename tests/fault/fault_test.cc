#include "mymalloc/fault/fault.h"

#include <signal.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "mymalloc/base/options.h"

namespace mymalloc {
namespace {

using ::testing::internal::CaptureStderr;
using ::testing::internal::GetCapturedStderr;

Fault Example() {
  Fault fault{};
  fault.called = "free";
  fault.what = "double free";
  fault.address = 0x1000;
  fault.detail = "the block is free.";
  fault.advice = "Free it once.";
  return fault;
}

std::string Reported(const Fault& fault) {
  g_options.on_error = OnError::kWarn;
  CaptureStderr();
  Report(fault);
  g_options.on_error = OnError::kAbort;
  return GetCapturedStderr();
}

std::string Prefix() {
  return "mymalloc[" + std::to_string(getpid()) + "." + std::to_string(gettid()) + "]: ";
}

TEST(FaultTest, SaysWhatWhereAndWhatToDo) {
  EXPECT_EQ(Reported(Example()), Prefix() +
                                     "double free: free(0x1000): the block is free.\n"
                                     "  Free it once.\n");
}

TEST(FaultTest, DescribesABlockInAPage) {
  Fault fault = Example();
  fault.block = 0x1000;
  fault.usable = 24;
  fault.state = "free";
  fault.page = 0x800;
  fault.slot = 5;
  EXPECT_EQ(Reported(fault), Prefix() +
                                 "double free: free(0x1000): the block is free.\n"
                                 "  block: [0x1000, 0x1018), 24 usable bytes, free; slot 5 of page "
                                 "0x800\n"
                                 "  Free it once.\n");
}

TEST(FaultTest, SaysWhereInTheBlockThePointerIs) {
  Fault fault = Example();
  fault.block = 0xff0;
  fault.usable = 100;
  fault.state = "live";
  EXPECT_NE(
      Reported(fault).find("[0xff0, 0x1054), 100 usable bytes, live, the pointer is at offset "
                           "16; a mapping of its own\n"),
      std::string::npos);
  fault.block = 0x1008;
  EXPECT_NE(Reported(fault).find("at offset -8;"), std::string::npos);
}

TEST(FaultTest, CanBeSilent) {
  g_options.on_error = OnError::kIgnore;
  CaptureStderr();
  Report(Example());
  g_options.on_error = OnError::kAbort;
  EXPECT_EQ(GetCapturedStderr(), "");
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
