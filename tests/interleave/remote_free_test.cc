// Blocks that other threads free while the owner of their page collects, retires and allocates: no
// block is lost or handed out twice, no page that is gone is touched, and all threads come to an
// end. The mutations show that it would be noticed.

#include <iostream>

#include "gtest/gtest.h"
#include "tests/interleave/engine.h"

namespace mymalloc::interleave {
namespace {

constexpr unsigned kOwner = 0;
// Slots of one word, and of another.
constexpr unsigned kOneWord[] = {140, 141, 142, 143};
constexpr unsigned kOtherWord[] = {200, 201};

class RemoteFreeTest : public testing::Test {
 protected:
  void MakePage(const std::vector<unsigned>& slots, bool may_come_back = false) {
    blocks_ = p_.MakePage(kOwner, slots);
    p_.WatchHeap(kOwner);
    p_.WatchPage(blocks_[0], may_come_back);
  }
  // A thread of another heap that frees blocks, by index, and sends each home at once.
  void AddRemote(unsigned heap, std::vector<unsigned> frees) {
    p_.AddOwner(heap, [this, heap, frees] {
      for (const unsigned i : frees) {
        p_.Free(blocks_[i]);
        p_.heap(heap).Settle();
      }
    });
  }
  Result Run() {
    const Result result = p_.Explore();
    result.Print(testing::UnitTest::GetInstance()->current_test_info()->name());
    return result;
  }
  void ExpectSound() {
    const Result result = Run();
    EXPECT_EQ(result.violation, "");
    EXPECT_TRUE(result.complete);
    EXPECT_GT(result.schedules, 1u);
  }
  void ExpectViolation() {
    const Result result = Run();
    EXPECT_NE(result.violation, "");
    RecordProperty("violation", result.violation);
    std::cout << "  " << result.violation.substr(0, result.violation.find('\n')) << std::endl;
  }
  void Decay() { p_.heap(kOwner).DecayAll(); }

  EngineProgram p_;
  std::vector<void*> blocks_;
};

TEST_F(RemoteFreeTest, OneWord) {
  MakePage({kOneWord[0], kOneWord[1], kOneWord[2]});
  AddRemote(1, {0});
  AddRemote(2, {1});
  p_.AddOwner(kOwner, [this] {
    p_.Allocate();
    p_.heap(kOwner).Settle();
  });
  ExpectSound();
}

TEST_F(RemoteFreeTest, TwoWords) {
  MakePage({kOneWord[0], kOtherWord[0], kOneWord[1]});
  AddRemote(1, {0});
  AddRemote(2, {1});
  p_.AddOwner(kOwner, [this] {
    p_.Allocate();
    p_.heap(kOwner).Settle();
  });
  ExpectSound();
}

// A word is taken and becomes non-empty again while the list is walked.
TEST_F(RemoteFreeTest, AWordComesAgain) {
  MakePage({kOneWord[0], kOneWord[1], kOtherWord[0], kOtherWord[1], kOneWord[2]});
  AddRemote(1, {0, 1});
  AddRemote(2, {2, 3});
  p_.AddOwner(kOwner, [this] {
    p_.heap(kOwner).Settle();
    p_.Allocate();
  });
  ExpectSound();
}

// The last blocks of a page come home, and the page goes.
TEST_F(RemoteFreeTest, ThePageIsRetired) {
  MakePage({kOneWord[0], kOneWord[1], kOtherWord[0]});
  AddRemote(1, {0, 2});
  AddRemote(2, {1});
  p_.AddOwner(kOwner, [this] {
    Decay();
    Decay();
  });
  ExpectSound();
}

// ... while the owner frees its own last block there, and another thread looks after the heap.
TEST_F(RemoteFreeTest, TheJanitorRetiresThePage) {
  MakePage({kOneWord[0], kOtherWord[0], kOneWord[1]});
  AddRemote(1, {0});
  AddRemote(2, {1});
  p_.AddOwner(kOwner, [this] {
    p_.Free(blocks_[2]);
    p_.heap(kOwner).Flush();
  });
  p_.AddStranger([this] { Decay(); });
  ExpectSound();
}

// ... and another takes its place, for blocks that come home at once.
TEST_F(RemoteFreeTest, ThePageComesBack) {
  MakePage({kOneWord[0], kOtherWord[0]}, /*may_come_back=*/true);
  ScheduledAtomic<void*> fresh{nullptr};
  p_.Watch(reinterpret_cast<uintptr_t>(&fresh), sizeof(fresh), "fresh");
  const auto reset = p_.program().reset;
  p_.program().reset = [&fresh, reset] {
    reset();
    fresh.store(nullptr);
  };
  p_.AddOwner(1, [this, &fresh] {
    p_.Free(blocks_[0]);
    p_.heap(1).Settle();
    void* const block = fresh.load();
    if (block == nullptr) return;
    p_.Free(block);
    p_.heap(1).Settle();
  });
  AddRemote(2, {1});
  p_.AddOwner(kOwner, [this, &fresh] {
    Decay();
    fresh.store(p_.Allocate());
    Decay();
  });
  ExpectSound();
}

TEST_F(RemoteFreeTest, MutationAWordIsPushedByEveryFree) {
  MakePage({kOneWord[0], kOneWord[1], kOtherWord[0]});
  AddRemote(1, {0});
  AddRemote(2, {1});
  p_.AddOwner(kOwner, [this] { Decay(); });
  p_.program().fetch_or_result = [](uint64_t) { return uint64_t{0}; };
  ExpectViolation();
}

TEST_F(RemoteFreeTest, MutationTheBitsAreTakenBeforeTheLink) {
  MakePage({kOneWord[0], kOneWord[1], kOtherWord[0], kOneWord[2]});
  AddRemote(1, {0, 1});
  AddRemote(2, {2});
  p_.AddOwner(kOwner, [this] { p_.heap(kOwner).Settle(); });
  const PageHeader* const page = p_.PageOf(blocks_[0]);
  p_.program().exchange_before_load = [page](uintptr_t address) -> uintptr_t {
    const uintptr_t links = reinterpret_cast<uintptr_t>(&page->remote_link);
    if (address - links >= sizeof(page->remote_link)) return 0;
    return reinterpret_cast<uintptr_t>(&page->remote) + (address - links);
  };
  ExpectViolation();
}

// The owner looks into the page for what others freed, and not into the list.
TEST_F(RemoteFreeTest, MutationThePageIsRetiredWithWordsOnTheirWay) {
  MakePage({kOneWord[0]});
  AddRemote(1, {0});
  p_.AddOwner(kOwner, [this] {
    PageHeader* const page = p_.PageOf(blocks_[0]);
    {
      LockHolder holder(p_.heap(kOwner).lock());
      const unsigned w = SlotBitmap::WordOf(kOneWord[0]);
      const uint64_t mask = page->remote.Collect(w);
      page->free.ReleaseMask(w, mask);
      page->free_count = static_cast<uint8_t>(page->free_count + SlotBitmap::PopCount(mask));
    }
    Decay();
  });
  ExpectViolation();
}

}  // namespace
}  // namespace mymalloc::interleave
