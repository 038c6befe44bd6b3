// One block, freed by two threads: there is one report whatever the order, and the block comes home
// once.

#include "gtest/gtest.h"
#include "tests/interleave/engine.h"

namespace mymalloc::interleave {
namespace {

class DoubleFreeTest : public testing::Test {
 protected:
  DoubleFreeTest() {
    blocks_ = p_.MakePage(0, {140, 200});
    p_.WatchHeap(0);
    p_.WatchPage(blocks_[0]);
    p_.WatchTag(blocks_[0]);
    p_.ExpectReports(1);
  }
  // Both free through FreeAgain: neither knows which of them is the first.
  void FreeAndSettle(unsigned heap) {
    p_.FreeAgain(blocks_[0]);
    p_.heap(heap).Settle();
  }
  void ExpectSound() {
    const Result result = p_.Explore();
    result.Print(testing::UnitTest::GetInstance()->current_test_info()->name());
    EXPECT_EQ(result.violation, "");
    EXPECT_TRUE(result.complete);
    EXPECT_GT(result.schedules, 1u);
  }

  EngineProgram p_;
  std::vector<void*> blocks_;
};

TEST_F(DoubleFreeTest, ByTwoOthersWhileTheOwnerCollects) {
  p_.Forget(blocks_[0]);
  p_.AddOwner(1, [this] { FreeAndSettle(1); });
  p_.AddOwner(2, [this] { FreeAndSettle(2); });
  p_.AddOwner(0, [this] { p_.heap(0).Settle(); });
  ExpectSound();
}

TEST_F(DoubleFreeTest, ByTheOwnerAndAnother) {
  p_.Forget(blocks_[0]);
  p_.AddOwner(0, [this] { FreeAndSettle(0); });
  p_.AddOwner(1, [this] { FreeAndSettle(1); });
  ExpectSound();
}

TEST_F(DoubleFreeTest, ByTheOwnerWhoGivesBackAndAnother) {
  p_.Forget(blocks_[0]);
  p_.AddOwner(0, [this] {
    p_.FreeAgain(blocks_[0]);
    p_.heap(0).Flush();
  });
  p_.AddOwner(1, [this] { FreeAndSettle(1); });
  ExpectSound();
}

}  // namespace
}  // namespace mymalloc::interleave
