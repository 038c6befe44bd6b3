// node with worker threads.

#include <gtest/gtest.h>

#include "tests/preload/comparison.h"
#include "tests/support/process.h"

namespace mymalloc::test {
namespace {

TEST(Node, WorkerThreads) {
  MYMALLOC_REQUIRE_PROGRAM("node");
  Command command;
  command.arguments = {"node", Script("workers.js")};
  ExpectSameUnderPreload(command);
}

}  // namespace
}  // namespace mymalloc::test
