// python3 with all of its objects from malloc: threads, multiprocessing, json, sqlite3.

#include <gtest/gtest.h>

#include <string>

#include "tests/preload/comparison.h"
#include "tests/support/process.h"

namespace mymalloc::test {
namespace {

class PythonTest : public ::testing::TestWithParam<const char*> {
 protected:
  static void ExpectSame(const std::string& script, size_t programs) {
    MYMALLOC_REQUIRE_PROGRAM("python3");
    Command command;
    command.arguments = {"python3", Script(script)};
    command.environment = {{"PYTHONMALLOC", GetParam()}, {"PYTHONHASHSEED", "0"}};
    ExpectSameUnderPreload(command, programs);
  }
};

INSTANTIATE_TEST_SUITE_P(Allocator, PythonTest, ::testing::Values("malloc", "pymalloc"),
                         [](const auto& instance) { return std::string(instance.param); });

TEST_P(PythonTest, ThreadsAndData) { ExpectSame("data.py", 1); }

TEST_P(PythonTest, Processes) { ExpectSame("processes.py", 4); }

}  // namespace
}  // namespace mymalloc::test
