// Threads that end and leave their heaps to others, while blocks of those heaps come home.

#include "gtest/gtest.h"
#include "tests/interleave/engine.h"

namespace mymalloc::interleave {
namespace {

class ParkTest : public testing::Test {
 protected:
  void ExpectSound() {
    const Result result = p_.Explore();
    result.Print(testing::UnitTest::GetInstance()->current_test_info()->name());
    EXPECT_EQ(result.violation, "");
    EXPECT_TRUE(result.complete);
    EXPECT_GT(result.schedules, 1u);
  }

  EngineProgram p_;
};

// A thread ends, one frees a block of its heap, and one begins and takes the heap over.
TEST_F(ParkTest, AFreeIntoAHeapThatIsParkedAndAdopted) {
  const auto blocks = p_.MakePage(0, {140, 200});
  p_.WatchRegistry();
  p_.WatchHeap(0);
  p_.WatchPage(blocks[0]);
  p_.AddOwner(0, [] { EngineProgram::Exit(); });
  p_.AddOwner(1, [&] {
    p_.Free(blocks[0]);
    p_.heap(1).Settle();
  });
  p_.AddStranger([&] {
    p_.Free(p_.Allocate());
    EngineProgram::Exit();
  });
  ExpectSound();
}

// What a thread gathered goes home as it ends, while the owner collects; another takes its heap.
TEST_F(ParkTest, AnExitSendsWhatWasGathered) {
  const auto blocks = p_.MakePage(0, {140, 141, 200, 142});
  p_.WatchRegistry();
  p_.WatchHeap(0);
  p_.WatchPage(blocks[0]);
  p_.AddOwner(0, [&] {
    p_.Allocate();
    p_.heap(0).Settle();
  });
  p_.AddOwner(1, [&] {
    p_.Free(blocks[0]);
    p_.Free(blocks[2]);
    EngineProgram::Exit();
  });
  p_.AddStranger([&] {
    p_.Free(blocks[1]);
    EngineProgram::Exit();
  });
  ExpectSound();
}

// Two threads end, each with the other's block in its gather, and two begin.
TEST_F(ParkTest, TwoExitsAtOnce) {
  const auto first = p_.MakePage(0, {140});
  const auto second = p_.MakePage(1, {140});
  p_.WatchRegistry();
  p_.WatchHeap(0);
  p_.WatchHeap(1);
  p_.WatchPage(first[0]);
  p_.WatchPage(second[0]);
  p_.AddOwner(0, [&] {
    p_.Free(second[0]);
    EngineProgram::Exit();
  });
  p_.AddOwner(1, [&] {
    p_.Free(first[0]);
    EngineProgram::Exit();
  });
  p_.AddStranger([&] { p_.Allocate(); });
  ExpectSound();
}

// A thread that has ended, but for a destructor that frees: it has no heap of its own any more.
TEST_F(ParkTest, AFreeAfterTheExit) {
  const auto blocks = p_.MakePage(0, {140, 141, 200});
  p_.WatchRegistry();
  p_.WatchHeap(0);
  p_.WatchPage(blocks[0]);
  p_.AddOwner(0, [&] {
    EngineProgram::Exit();
    p_.Free(blocks[0]);
  });
  p_.AddOwner(1, [&] {
    p_.Free(blocks[1]);
    p_.heap(1).Settle();
  });
  p_.AddStranger([&] {
    p_.Allocate();
    p_.heap(0).DecayAll();
  });
  ExpectSound();
}

}  // namespace
}  // namespace mymalloc::interleave
