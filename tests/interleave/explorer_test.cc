// The checker checked: what x86-64 may and may not do in small programs whose outcomes are known,
// and that giving up what was seen loses nothing.

#include "tests/interleave/explorer.h"

#include <set>
#include <string>

#include "gtest/gtest.h"
#include "tests/interleave/scheduled_atomic.h"

namespace mymalloc::interleave {
namespace {

struct Shared {
  ScheduledAtomic<uint64_t> x{0};
  ScheduledAtomic<uint64_t> y{0};
  uint64_t seen[4] = {};
};

class ExplorerTest : public testing::Test {
 protected:
  ExplorerTest() {
    program_.reset = [this] { new (&shared_) Shared; };
    program_.check = [this] {
      std::string outcome;
      for (const uint64_t value : shared_.seen) outcome += std::to_string(value);
      outcomes_.insert(outcome);
    };
  }
  void AddThread(std::function<void()> body) { program_.threads.push_back(std::move(body)); }

  // The outcomes, as the values seen; the same whether or not what was seen is given up.
  std::set<std::string> Outcomes() {
    outcomes_.clear();
    const Result all = Explore(program_, /*give_up=*/false);
    EXPECT_TRUE(all.complete) << all.violation;
    const std::set<std::string> expected = outcomes_;
    outcomes_.clear();
    const Result few = Explore(program_);
    EXPECT_TRUE(few.complete) << few.violation;
    EXPECT_EQ(outcomes_, expected);
    EXPECT_LE(few.schedules, all.schedules);
    return expected;
  }

  static constexpr auto kRelaxed = std::memory_order_relaxed;

  Shared shared_;
  Program program_;
  std::set<std::string> outcomes_;
};

using Set = std::set<std::string>;

TEST_F(ExplorerTest, StoresAreSeenLate) {
  AddThread([this] {
    shared_.x.store(1, kRelaxed);
    shared_.seen[0] = shared_.y.load();
  });
  AddThread([this] {
    shared_.y.store(1, kRelaxed);
    shared_.seen[1] = shared_.x.load();
  });
  EXPECT_EQ(Outcomes(), (Set{"0000", "0100", "1000", "1100"}));
  program_.store_buffers = false;
  EXPECT_EQ(Outcomes(), (Set{"0100", "1000", "1100"}));
}

TEST_F(ExplorerTest, ABarrierOnOneSideIsEnough) {
  AddThread([this] {
    shared_.x.store(1, kRelaxed);
    shared_.seen[0] = shared_.y.load();
  });
  AddThread([this] {
    shared_.y.store(1, kRelaxed);
    Machine::Running()->BarrierOnAllThreads();
    shared_.seen[1] = shared_.x.load();
  });
  EXPECT_EQ(Outcomes(), (Set{"0100", "1000", "1100"}));
  program_.barriers_do_nothing = true;
  EXPECT_EQ(Outcomes(), (Set{"0000", "0100", "1000", "1100"}));
}

TEST_F(ExplorerTest, AStoreInOrderEmptiesTheBuffer) {
  AddThread([this] {
    shared_.x.store(1);
    shared_.seen[0] = shared_.y.load();
  });
  AddThread([this] {
    shared_.y.exchange(1);
    shared_.seen[1] = shared_.x.load();
  });
  EXPECT_EQ(Outcomes(), (Set{"0100", "1000", "1100"}));
}

TEST_F(ExplorerTest, StoresStayInOrder) {
  AddThread([this] {
    shared_.x.store(1, kRelaxed);
    shared_.x.store(2, kRelaxed);
    shared_.y.store(1, kRelaxed);
    shared_.seen[0] = shared_.x.load();  // its own, at once
  });
  AddThread([this] {
    shared_.seen[1] = shared_.y.load();
    shared_.seen[2] = shared_.x.load();
  });
  EXPECT_EQ(Outcomes(), (Set{"2000", "2010", "2020", "2120"}));
}

TEST_F(ExplorerTest, AnUpdateInTwoStepsIsLost) {
  for (int i = 0; i < 3; ++i) {
    AddThread([this] { shared_.x.store(shared_.x.load() + 1); });
  }
  const auto check = program_.check;
  program_.check = [this, check] {
    shared_.seen[0] = shared_.x.load();
    check();
  };
  EXPECT_EQ(Outcomes(), (Set{"1000", "2000", "3000"}));
  for (auto& thread : program_.threads) thread = [this] { shared_.x.fetch_add(1); };
  EXPECT_EQ(Outcomes(), (Set{"3000"}));
}

TEST_F(ExplorerTest, WhoWaitsForEachOtherIsFound) {
  const auto wait = [](ScheduledAtomic<uint64_t>& word) {
    while (word.load() == 0) Machine::Running()->Pause();
  };
  AddThread([this, wait] {
    wait(shared_.y);
    shared_.x.store(1);
  });
  AddThread([this] { shared_.y.store(1, kRelaxed); });
  EXPECT_EQ(Outcomes(), (Set{"0000"}));
  program_.threads[1] = [this, wait] {
    wait(shared_.x);
    shared_.y.store(1);
  };
  const Result result = Explore(program_);
  EXPECT_NE(result.violation.find("wait for each other"), std::string::npos) << result.violation;
}

TEST_F(ExplorerTest, AFailureStopsAndTellsTheSteps) {
  AddThread([this] { shared_.x.store(1); });
  AddThread([this] {
    if (shared_.y.load() == 0 && shared_.x.load() == 1) Fail("both");
  });
  const Result result = Explore(program_);
  EXPECT_EQ(result.violation.rfind("both\n", 0), 0u) << result.violation;
  EXPECT_NE(result.violation.find("thread 1: load"), std::string::npos) << result.violation;
  EXPECT_FALSE(result.complete);
}

TEST_F(ExplorerTest, GoingRoundInCirclesIsFound) {
  AddThread([this] {
    while (shared_.x.load() == 0) {
    }
  });
  AddThread([this] { shared_.x.store(1); });
  const Result result = Explore(program_);
  EXPECT_NE(result.violation.find("do not come to an end"), std::string::npos) << result.violation;
}

// The number of orders of n and m steps that all touch one word: n + m over n.
TEST_F(ExplorerTest, EveryOrderIsRun) {
  const auto three = [this] {
    for (int i = 0; i < 3; ++i) shared_.x.fetch_add(1);
  };
  AddThread(three);
  AddThread(three);
  EXPECT_EQ(Explore(program_, /*give_up=*/false).schedules, 20u);
  AddThread([this] {
    for (int i = 0; i < 3; ++i) shared_.y.fetch_add(1);
  });
  EXPECT_EQ(Explore(program_, /*give_up=*/false).schedules, 1680u);
  // What the third does makes no difference.
  EXPECT_EQ(Explore(program_).schedules, 20u);
}

}  // namespace
}  // namespace mymalloc::interleave
