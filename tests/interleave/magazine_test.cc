// The janitor steals from a magazine while its owner pops and pushes: every short sequence of both,
// at every fill, in every order, with the stores of both delayed as long as x86-64 may delay them:
// but no store takes as long as the time between the janitor's two steps.

#include "gtest/gtest.h"
#include "tests/interleave/engine.h"
#include "tests/interleave/machine.h"

namespace mymalloc::interleave {
namespace {

constexpr unsigned kMostEntries = 3;
// Few, so that an owner whose magazine is empty gets few at a time.
constexpr unsigned kFreeSlots = 2;

// The owner's calls, 'a' for malloc and 'f' for free, with `entries` in its magazine.
Result RunAll(const std::string& calls, unsigned entries, bool time_passes, unsigned steals = 1) {
  EngineProgram p;
  const auto blocks = p.MakeFullPage(0, kFreeSlots);
  p.Become(0);
  for (unsigned i = 0; i < entries; ++i) p.Free(blocks[i]);
  p.WatchHeap(0);
  p.WatchMagazine(0);
  p.program().barriers_do_nothing = !time_passes;
  p.AddOwner(0, [&] {
    unsigned next = entries;
    for (const char call : calls) {
      if (call == 'a') {
        p.Allocate();
      } else {
        p.Free(blocks[next++]);
      }
    }
  });
  p.AddStranger([&] {
    for (unsigned i = 0; i < steals; ++i) {
      p.heap(0).RaiseFloors();
      Machine::Running()->BarrierOnAllThreads();
      p.heap(0).TakeHeld();
    }
  });
  return p.Explore();
}

// All sequences of so many calls, at a fill.
std::vector<std::string> Sequences(unsigned length) {
  std::vector<std::string> all = {""};
  for (unsigned i = 0; i < length; ++i) {
    std::vector<std::string> longer;
    for (const std::string& sequence : all) {
      for (const char* call : {"a", "f"}) longer.push_back(sequence + call);
    }
    all = longer;
  }
  return all;
}

struct Case {
  unsigned entries;
  unsigned longest;  // sequence of calls
};

class MagazineTest : public testing::TestWithParam<Case> {};

TEST_P(MagazineTest, NoBlockIsInTwoHands) {
  for (unsigned length = 1; length <= GetParam().longest; ++length) {
    for (const std::string& calls : Sequences(length)) {
      const Result result = RunAll(calls, GetParam().entries, /*time_passes=*/true);
      result.Print((std::to_string(GetParam().entries) + " entries, calls " + calls).c_str());
      EXPECT_EQ(result.violation, "");
      EXPECT_TRUE(result.complete);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Entries, MagazineTest,
                         testing::Values(Case{1, 3}, Case{2, 3}, Case{3, 2}));

TEST(MagazineStealTest, TwiceInARow) {
  for (const char* calls : {"a", "f", "af", "fa"}) {
    const Result result = RunAll(calls, kMostEntries, /*time_passes=*/true, /*steals=*/2);
    result.Print(calls);
    EXPECT_EQ(result.violation, "");
    EXPECT_TRUE(result.complete);
  }
}

TEST(MagazineStealTest, MutationIfNoTimePassesABlockIsInTwoHands) {
  for (const unsigned entries : {2u, 3u}) {
    // The owner pops all, and what the janitor has put into the bitmap is among them.
    const Result result = RunAll(std::string(entries, 'a'), entries, /*time_passes=*/false);
    result.Print("at once");
    EXPECT_EQ(result.violation.rfind("a live block is free", 0), 0u) << result.violation;
  }
}

}  // namespace
}  // namespace mymalloc::interleave
