#include "mymalloc/base/printer.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <thread>

#include "gtest/gtest.h"

namespace mymalloc {
namespace {

template <typename Print>
std::string Printed(Print&& print) {
  Printer out;
  print(out);
  return std::string(out.data(), out.size());
}

TEST(PrinterTest, Decimal) {
  for (const uint64_t n : {uint64_t{0}, uint64_t{7}, uint64_t{10}, uint64_t{9999999999},
                           std::numeric_limits<uint64_t>::max()}) {
    EXPECT_EQ(Printed([&](Printer& out) { out.Decimal(n); }), std::to_string(n));
  }
}

TEST(PrinterTest, Signed) {
  for (const int64_t n : {int64_t{0}, int64_t{-1}, int64_t{42}, std::numeric_limits<int64_t>::min(),
                          std::numeric_limits<int64_t>::max()}) {
    EXPECT_EQ(Printed([&](Printer& out) { out.Signed(n); }), std::to_string(n));
  }
}

TEST(PrinterTest, Hex) {
  EXPECT_EQ(Printed([](Printer& out) { out.Hex(0); }), "0x0");
  EXPECT_EQ(Printed([](Printer& out) { out.Hex(0xf); }), "0xf");
  EXPECT_EQ(Printed([](Printer& out) { out.Hex(0x10); }), "0x10");
  EXPECT_EQ(Printed([](Printer& out) { out.Hex(0x123456789abcdef0); }), "0x123456789abcdef0");
  EXPECT_EQ(Printed([](Printer& out) { out.Pointer(~uintptr_t{0}); }), "0xffffffffffffffff");
}

TEST(PrinterTest, SizesOfWholeUnitsAreShort) {
  EXPECT_EQ(Printed([](Printer& out) { out.Size(0); }), "0");
  EXPECT_EQ(Printed([](Printer& out) { out.Size(48); }), "48");
  EXPECT_EQ(Printed([](Printer& out) { out.Size(64 << 10); }), "64K");
  EXPECT_EQ(Printed([](Printer& out) { out.Size(16 << 20); }), "16M");
  EXPECT_EQ(Printed([](Printer& out) { out.Size(uint64_t{3} << 30); }), "3G");
  EXPECT_EQ(Printed([](Printer& out) { out.Size((64 << 10) + 1); }), "65537");
}

TEST(PrinterTest, Chains) {
  EXPECT_EQ(Printed([](Printer& out) { out.Text("a=").Decimal(1).Text(", ").Hex(2).Text("\n"); }),
            "a=1, 0x2\n");
}

TEST(PrinterTest, CutsOffWhatDoesNotFit) {
  Printer out;
  for (int i = 0; i < 1000; ++i) out.Text("0123456789");
  const size_t full = out.size();
  EXPECT_GE(full, 2000u);
  EXPECT_LT(full, 10000u);
  out.Text("more").Decimal(5).Hex(6);
  EXPECT_EQ(out.size(), full);
  EXPECT_EQ(std::string(out.data(), 10), "0123456789");
}

TEST(PrinterTest, TakesBack) {
  Printer out;
  const size_t capacity = out.room();
  out.Text("hello");
  const size_t before = out.size();
  out.Text(" world");
  EXPECT_EQ(out.room(), capacity - 11);
  EXPECT_STREQ(out.Terminated(), "hello world");
  out.CutBackTo(before);
  EXPECT_STREQ(out.Terminated(), "hello");
  while (out.room() > 0) out.Text("x");
  EXPECT_EQ(strlen(out.Terminated()), capacity);
}

TEST(PrinterTest, WritesAtOnceAndStartsAnew) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  Printer out;
  out.Text("hello").WriteTo(ends[1]);
  EXPECT_EQ(out.size(), 0u);
  out.Text(" world").WriteTo(ends[1]);
  close(ends[1]);
  char text[32] = {};
  EXPECT_EQ(read(ends[0], text, sizeof(text)), 11);
  EXPECT_STREQ(text, "hello world");
  close(ends[0]);
}

// A pipe that nobody reads, for a program that counts its signals.
class UnreadPipeTest : public testing::Test {
 protected:
  UnreadPipeTest() {
    count = 0;
    EXPECT_EQ(pipe(ends_), 0);
    close(ends_[0]);
    before_ = signal(SIGPIPE, [](int) { ++count; });
  }
  ~UnreadPipeTest() override {
    SetBlocked(false);
    signal(SIGPIPE, before_);
    close(ends_[1]);
  }

  void WriteToIt() const {
    Printer out;
    out.Text("hello").WriteTo(ends_[1]);
    EXPECT_EQ(out.size(), 0u);
  }

  static void SetBlocked(bool blocked) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(blocked ? SIG_BLOCK : SIG_UNBLOCK, &set, nullptr);
  }
  static bool IsBlocked() {
    sigset_t set;
    pthread_sigmask(SIG_BLOCK, nullptr, &set);
    return sigismember(&set, SIGPIPE) == 1;
  }
  static bool IsPending() {
    sigset_t set;
    sigpending(&set);
    return sigismember(&set, SIGPIPE) == 1;
  }

  static inline volatile sig_atomic_t count = 0;

 private:
  int ends_[2];
  void (*before_)(int);
};

TEST_F(UnreadPipeTest, CausesNoSignal) {
  WriteToIt();
  EXPECT_FALSE(IsBlocked());
  EXPECT_EQ(count, 0);
}

TEST_F(UnreadPipeTest, LeavesABlockedSignalBlockedAndNonePending) {
  SetBlocked(true);
  WriteToIt();
  EXPECT_TRUE(IsBlocked());
  EXPECT_FALSE(IsPending());
}

TEST_F(UnreadPipeTest, TakesNoSignalThatWasPendingBefore) {
  SetBlocked(true);
  raise(SIGPIPE);
  WriteToIt();
  EXPECT_TRUE(IsPending());
  SetBlocked(false);
  EXPECT_EQ(count, 1);
}

// ulimit -f, and stderr is a file.
TEST(PrinterTest, AFileThatMayGrowNoLongerCausesNoSignal) {
  static volatile sig_atomic_t count;
  count = 0;
  auto* const before = signal(SIGXFSZ, [](int) { ++count; });
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit low = {5, limit.rlim_max};
  const int file = memfd_create("file", MFD_CLOEXEC);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &low), 0);
  Printer out;
  out.Text("hello world").WriteTo(file);
  out.Text("hello").WriteTo(file);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  EXPECT_EQ(lseek(file, 0, SEEK_END), 5);
  EXPECT_EQ(count, 0);
  close(file);
  signal(SIGXFSZ, before);
}

std::string ReadAll(int fd) {
  std::string all;
  char buffer[4096];
  for (ssize_t got; (got = read(fd, buffer, sizeof(buffer))) > 0;) {
    all.append(buffer, static_cast<size_t>(got));
  }
  return all;
}

// Signals come to this thread, every few milliseconds, and system calls are not restarted.
class Interruptions {
 public:
  Interruptions() {
    count = 0;
    struct sigaction action = {};
    action.sa_handler = [](int) { ++count; };
    sigaction(SIGUSR1, &action, nullptr);
    sender_ = std::thread([this, thread = pthread_self()] {
      for (; !done_; usleep(5000)) pthread_kill(thread, SIGUSR1);
    });
  }
  Interruptions(const Interruptions&) = delete;
  Interruptions& operator=(const Interruptions&) = delete;
  ~Interruptions() {
    done_ = true;
    sender_.join();
    signal(SIGUSR1, SIG_IGN);
  }

  static inline volatile sig_atomic_t count = 0;

 private:
  std::atomic<bool> done_{false};
  std::thread sender_;
};

// A pipe that is full, and is read after a while.
class FullPipeTest : public testing::Test {
 protected:
  FullPipeTest() {
    EXPECT_EQ(pipe(ends_), 0);
    SetNonBlocking(true);
    const std::string filling(4096, '.');
    while (write(ends_[1], filling.data(), filling.size()) > 0) {
    }
    SetNonBlocking(false);
  }
  ~FullPipeTest() override { close(ends_[0]); }

  void SetNonBlocking(bool is) const {
    EXPECT_EQ(fcntl(ends_[1], F_SETFL, is ? O_NONBLOCK : 0), 0);
  }

  // What came of a message.
  std::string Written(const std::string& message) {
    std::string all;
    std::thread reader([this, &all] {
      usleep(300000);
      all = ReadAll(ends_[0]);
    });
    Write(message);
    reader.join();
    return all.substr(all.find_last_of('.') + 1);
  }

  void Write(const std::string& message) const {
    Printer out;
    out.Text(message.c_str()).WriteTo(ends_[1]);
    close(ends_[1]);
  }

 private:
  int ends_[2];
};

TEST_F(FullPipeTest, IsWaitedFor) { EXPECT_EQ(Written("hello"), "hello"); }

TEST_F(FullPipeTest, IsWaitedForThoughSignalsInterrupt) {
  const Interruptions interruptions;
  EXPECT_EQ(Written("hello"), "hello");
  EXPECT_GT(interruptions.count, 0);
}

TEST_F(FullPipeTest, IsWaitedForThoughItDoesNotBlock) {
  SetNonBlocking(true);
  const Interruptions interruptions;
  EXPECT_EQ(Written("hello"), "hello");
}

TEST_F(FullPipeTest, IsGivenUpInTheEndIfItDoesNotBlock) {
  SetNonBlocking(true);
  const Interruptions interruptions;
  const time_t begin = time(nullptr);
  Write("hello");
  EXPECT_LT(time(nullptr) - begin, 10);
}

// A terminal takes what it has room for.
TEST(PrinterTest, WritesTheRestOfWhatIsTakenInParts) {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_TRUE(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
  const int screen = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_NONBLOCK);
  ASSERT_GE(screen, 0);
  std::string expected;
  std::thread writer([&] {
    for (int i = 0; i < 5; ++i) {
      Printer out;
      while (out.room() > 0) out.Text("0123456789abcdef");
      expected += out.Terminated();
      out.WriteTo(screen);
    }
    close(screen);
  });
  usleep(100000);
  const std::string all = ReadAll(terminal);
  writer.join();
  EXPECT_EQ(all, expected);
  close(terminal);
}

}  // namespace
}  // namespace mymalloc
