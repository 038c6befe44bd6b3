// A process in a container that limits its resident memory: as long as what it has allocated fits
// with some room, what it has freed must not get it killed. For root, where a memory control group
// can be made; else the test is skipped.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "tests/support/block.h"
#include "tests/support/library.h"
#include "tests/support/process.h"

namespace mymalloc::test {
namespace {

constexpr size_t kUsedMiB = 200;
constexpr size_t kLimitMiB = 380;  // tags, rounding, fragmentation, the program itself

// A group of its own with a limit, in whichever form the system has them.
class MemoryGroup {
 public:
  MemoryGroup() {
    const std::string name = "/mymalloc_test_" + std::to_string(getpid());
    const struct {
      const char* root;
      const char* limit;
    } kForms[] = {{"/sys/fs/cgroup", "/memory.max"},
                  {"/sys/fs/cgroup/memory", "/memory.limit_in_bytes"}};
    for (const auto& form : kForms) {
      const std::string path = form.root + name;
      if (mkdir(path.c_str(), 0755) != 0) continue;
      path_ = path;
      if (access((path + form.limit).c_str(), W_OK) == 0 &&
          Write(path + form.limit, std::to_string(kLimitMiB * kMiB))) {
        ready_ = true;
        return;
      }
      rmdir(path.c_str());
    }
  }
  MemoryGroup(const MemoryGroup&) = delete;
  MemoryGroup& operator=(const MemoryGroup&) = delete;
  ~MemoryGroup() {
    if (ready_) rmdir(path_.c_str());
  }

  bool ready() const { return ready_; }
  std::string Members() const { return path_ + "/cgroup.procs"; }

 private:
  static bool Write(const std::string& file, const std::string& text) {
    std::ofstream stream(file);
    stream << text << std::flush;
    return stream.good();
  }

  std::string path_;
  bool ready_ = false;
};

TEST(CgroupTest, StaysWithinTheLimit) {
  const MemoryGroup group;
  if (!group.ready()) GTEST_SKIP() << "no memory control group can be made here";
  Command command;
  command.arguments = {"/bin/bash", "-c",
                       "echo $$ > " + group.Members() + " && LD_PRELOAD=" + LibraryUnderTest() +
                           " exec " + DataFile("tests/robust/fill_program") + " within " +
                           std::to_string(kUsedMiB)};
  const Outcome outcome = RunProgram(command);
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
}

}  // namespace
}  // namespace mymalloc::test
