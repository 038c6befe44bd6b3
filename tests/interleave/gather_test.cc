// The janitor takes what a thread has gathered for another heap, while that thread gathers more: in
// every order, with stores delayed as in magazine_test.cc.

#include "gtest/gtest.h"
#include "tests/interleave/engine.h"

namespace mymalloc::interleave {
namespace {

constexpr unsigned kOwner = 0;        // of the page
constexpr unsigned kGatherer = 1;     // frees its blocks
constexpr unsigned kFirstSlot = 140;  // behind the header

// The gatherer has one block already and frees so many more, of one word of the page or of several.
Result RunAll(unsigned frees, unsigned apart, bool time_passes) {
  EngineProgram p;
  std::vector<unsigned> slots;
  for (unsigned i = 0; i < 5; ++i) slots.push_back(kFirstSlot + i * apart);
  const auto blocks = p.MakePage(kOwner, slots);
  p.Become(kGatherer);
  p.Free(blocks[0]);
  p.WatchHeap(kGatherer);
  p.program().barriers_do_nothing = !time_passes;
  p.AddOwner(kGatherer, [&] {
    for (unsigned i = 1; i <= frees; ++i) p.Free(blocks[i]);
  });
  p.AddStranger([&] {
    p.heap(kGatherer).RaiseFloors();
    Machine::Running()->BarrierOnAllThreads();
    p.heap(kGatherer).TakeHeld();
  });
  const Result result = p.Explore();
  const std::string name =
      std::to_string(frees) + " frees, " + std::to_string(apart) + " slots apart";
  result.Print(name.c_str());
  return result;
}

TEST(GatherTest, EachBlockGoesHomeOnce) {
  for (const unsigned apart : {1u, 15u}) {
    for (const unsigned frees : {1u, 2u}) {
      const Result result = RunAll(frees, apart, /*time_passes=*/true);
      EXPECT_EQ(result.violation, "");
      EXPECT_TRUE(result.complete);
    }
  }
}

TEST(GatherTest, MutationIfNoTimePassesABlockGoesTwice) {
  const Result result = RunAll(/*frees=*/1, /*apart=*/1, /*time_passes=*/false);
  EXPECT_NE(result.violation, "");
}

}  // namespace
}  // namespace mymalloc::interleave
