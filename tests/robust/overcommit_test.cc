// Strict overcommit (vm.overcommit_memory=2). That is a setting of the whole system, so the test
// only runs for root, and only if TEST_MALLOC_OVERCOMMIT=1 says that it may; limits_test has the
// same for one process. A guardian puts the setting back even if the test is killed.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/support/block.h"
#include "tests/support/check.h"
#include "tests/support/library.h"
#include "tests/support/process.h"

namespace mymalloc::test {
namespace {

constexpr char kSetting[] = "/proc/sys/vm/overcommit_memory";
constexpr char kStrict[] = "2";
constexpr size_t kHeadroom = 700 * kMiB;  // What the setting leaves for all processes together.

std::string ReadSetting() {
  std::ifstream file(kSetting);
  std::string value;
  file >> value;
  return value;
}

// Without allocating: also for the guardian.
bool WriteSetting(const char* value) {
  const int fd = open(kSetting, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool written = write(fd, value, 1) == 1;
  close(fd);
  return written;
}

// Strict overcommit for as long as the object lives, or the process.
class StrictOvercommit {
 public:
  StrictOvercommit() : before_(ReadSetting()) {
    int pipe_ends[2];
    MYMALLOC_CHECK(pipe2(pipe_ends, O_CLOEXEC) == 0);
    guardian_ = fork();
    MYMALLOC_CHECK(guardian_ >= 0);
    if (guardian_ == 0) Guard(pipe_ends);
    close(pipe_ends[0]);
    lifeline_ = pipe_ends[1];
    MYMALLOC_CHECK(WriteSetting(kStrict));
  }
  StrictOvercommit(const StrictOvercommit&) = delete;
  StrictOvercommit& operator=(const StrictOvercommit&) = delete;
  ~StrictOvercommit() {
    close(lifeline_);
    waitpid(guardian_, nullptr, 0);
    MYMALLOC_CHECK(ReadSetting() == before_);
  }

 private:
  // Waits in a session of its own until nobody holds the pipe's other end any more.
  [[noreturn]] void Guard(const int (&pipe_ends)[2]) const {
    setsid();
    close(pipe_ends[1]);
    char nothing;
    while (read(pipe_ends[0], &nothing, 1) > 0) continue;
    _exit(WriteSetting(before_.c_str()) ? 0 : 1);
  }

  const std::string before_;
  pid_t guardian_;
  int lifeline_;
};

size_t MemInfo(const std::string& name) {
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(name + ":", 0) == 0) return strtoull(&line[name.size() + 1], nullptr, 10) * kKiB;
  }
  return 0;
}

// Takes all that may be committed but the headroom, without touching it.
class Hog {
 public:
  Hog() {
    const size_t taken = MemInfo("Committed_AS") + kHeadroom;
    const size_t limit = MemInfo("CommitLimit");
    if (taken >= limit) return;
    size_ = limit - taken;
    start_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  }
  Hog(const Hog&) = delete;
  Hog& operator=(const Hog&) = delete;
  ~Hog() {
    if (ok()) munmap(start_, size_);
  }

  bool ok() const { return start_ != MAP_FAILED; }

 private:
  void* start_ = MAP_FAILED;
  size_t size_ = 0;
};

class OvercommitTest : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Fill, OvercommitTest,
                         ::testing::Values("small", "medium", "large", "mixed", "threads"));

TEST_P(OvercommitTest, MemoryRunsOutAndComesBack) {
  const char* allowed = getenv("TEST_MALLOC_OVERCOMMIT");
  if (allowed == nullptr || std::string(allowed) != "1") {
    GTEST_SKIP() << "changes the whole system: set TEST_MALLOC_OVERCOMMIT=1 to allow it";
  }
  if (access(kSetting, W_OK) != 0) GTEST_SKIP() << "only root may write " << kSetting;
  Command command;
  command.arguments = {DataFile("tests/robust/fill_program"), GetParam(), "128"};
  command.patience = std::chrono::seconds(20);
  if (!LibraryUnderTest().empty()) command.preload = {LibraryUnderTest()};
  Outcome outcome;
  {
    const StrictOvercommit strict;
    const Hog hog;
    if (!hog.ok()) GTEST_SKIP() << "too little memory may be committed";
    outcome = RunProgram(command);
  }
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
}

}  // namespace
}  // namespace mymalloc::test
