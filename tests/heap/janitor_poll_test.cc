// The janitor where it can have no thread: malloc and free do its work when it is due. In a process
// of its own, for the first pass is due from when it was first told.

#include <chrono>
#include <thread>

#include "mymalloc/front/front.h"
#include "tests/heap/engine.h"

namespace mymalloc {
namespace {

using JanitorPollTest = test::EngineTest;

TEST_F(JanitorPollTest, SlowPathsDoTheWorkWhereThereIsNoThread) {
  g_options.decay = Millis{20};
  const uint16_t before = g_janitor.tick();
  for (int i = 0; i < 200 && g_janitor.tick() < before + 5; ++i) {
    void* blocks[2000];
    for (void*& block : blocks) block = Allocate(1000);
    for (void* block : blocks) Free(block);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  EXPECT_GE(g_janitor.tick(), before + 5);
}

}  // namespace
}  // namespace mymalloc
