// The verifier sees each kind of damage: every test breaks one thing, looks, and mends it.

#include "mymalloc/report/verify.h"

#include <cstring>
#include <thread>
#include <vector>

#include "mymalloc/front/front.h"
#include "mymalloc/report/inspector.h"
#include "tests/heap/engine.h"

namespace mymalloc {
namespace {

using test::Address;

constexpr size_t kSize = 100;

class VerifyTest : public test::EngineTest {
 protected:
  // Live blocks, free ones in a magazine, and free ones in the bitmap.
  VerifyTest() {
    for (void*& block : live_) block = Allocate(kSize);
    page_ = HeaderOf(Address(live_[10]), Tag::Of(Address(live_[10])));
    EXPECT_STREQ(VerifyHeap(), nullptr);
  }
  ~VerifyTest() override {
    for (void* block : live_) Free(block);
  }

  static void ExpectFound(const char* what) {
    const char* const found = VerifyHeap();
    ASSERT_NE(found, nullptr) << "not found: " << what;
    EXPECT_STREQ(found, what);
  }
  // A slot of the page that is free in its bitmap, or that is taken.
  SlotIndex Slot(bool free) const {
    for (SlotIndex slot{kSlotsPerPage - 1}; slot > kFirstSlot; --slot) {
      if (page_->free.Test(slot) == free) return slot;
    }
    ADD_FAILURE();
    return kFirstSlot;
  }
  uint64_t& TagBefore(void* block) { return static_cast<uint64_t*>(block)[-1]; }

  void* live_[100];
  PageHeader* page_;
};

TEST_F(VerifyTest, TheFreeCount) {
  ++page_->free_count;
  ExpectFound("a page's free count is not the bitmap's");
  --page_->free_count;
}

TEST_F(VerifyTest, TheBitmap) {
  const SlotIndex slot = Slot(/*free=*/true);
  page_->free.ClearRange(slot, kOneSlot);
  EXPECT_NE(VerifyHeap(), nullptr);
  page_->free.SetRange(slot, kOneSlot);
}

TEST_F(VerifyTest, ALiveBlockThatIsFreeInTheBitmap) {
  const SlotIndex slot = Tag::Of(Address(live_[10])).slot();
  page_->free.SetRange(slot, kOneSlot);
  ExpectFound("a page's free count is not the bitmap's");
  page_->free.ClearRange(slot, kOneSlot);
}

TEST_F(VerifyTest, SlotsThatMustNotBeHandedOut) {
  page_->free.SetRange(kFirstSlot, kOneSlot);
  ExpectFound("a slot that must not be handed out is free");
  page_->free.ClearRange(kFirstSlot, kOneSlot);
  const SlotIndex under = page_->SlotAt(Address(page_)) + kOneSlot;
  page_->free.SetRange(under, kOneSlot);
  ExpectFound("a slot that must not be handed out is free");
  page_->free.ClearRange(under, kOneSlot);
}

TEST_F(VerifyTest, TheHeader) {
  page_->check ^= 1;
  ExpectFound("a page's header is broken");
  page_->check ^= 1;
}

TEST_F(VerifyTest, TheHighWater) {
  const uint16_t high_water = page_->high_water;
  page_->high_water = 3;
  ExpectFound("a slot above the high water was handed out");
  page_->high_water = 257;
  ExpectFound("a page's high water is past its end");
  page_->high_water = high_water;
}

// Whatever the broken tag would say: that it is a run's, once in a hundred times.
TEST_F(VerifyTest, ABrokenTag) {
  for (unsigned block = 10; block < 20; ++block) {
    for (unsigned bit = 0; bit < 64; ++bit) {
      TagBefore(live_[block]) ^= uint64_t{1} << bit;
      ExpectFound("a block's tag is broken");
      TagBefore(live_[block]) ^= uint64_t{1} << bit;
    }
  }
  std::swap(TagBefore(live_[10]), TagBefore(live_[11]));
  ExpectFound("a block's tag is broken");
  std::swap(TagBefore(live_[10]), TagBefore(live_[11]));
}

TEST_F(VerifyTest, ABrokenFence) {
  // The last block of a run: behind it is a free slot.
  const SlotIndex behind = Slot(/*free=*/false) + kOneSlot;
  void* const pointer = reinterpret_cast<void*>(page_->Block(behind));
  const uint64_t before = TagBefore(pointer);
  TagBefore(pointer) ^= 1;
  ExpectFound("a block's fence is broken");
  TagBefore(pointer) = before;
}

TEST_F(VerifyTest, AnothersTag) {
  const uint64_t before = TagBefore(live_[10]);
  const Tag tag = Tag::Of(Address(live_[10]));
  Tag::Make(Address(live_[10]), tag.heap(), tag.size_class(), SlotIndex{tag.slot().value() ^ 1})
      .Live()
      .WriteTo(Address(live_[10]));
  ExpectFound("a block's tag is another's");
  TagBefore(live_[10]) = before;
}

TEST_F(VerifyTest, ALostBlock) {
  Tag::Of(Address(live_[10])).Free().WriteTo(Address(live_[10]));
  ExpectFound("a free block is lost");
  MarkLive(Address(live_[10]));
}

TEST_F(VerifyTest, AFreeBlockThatSaysLive) {
  Free(live_[10]);
  MarkLive(Address(live_[10]));
  ExpectFound("a free block's tag says live");
  Tag::Of(Address(live_[10])).Free().WriteTo(Address(live_[10]));
  live_[10] = Allocate(kSize);
}

TEST_F(VerifyTest, ABlockInAMagazineTwice) {
  Magazine& magazine = CurrentHeap()->magazine(ClassOf(kSize));
  while (magazine.Valid() != 0) Allocate(kSize);
  Free(live_[10]);
  const uintptr_t block = Address(live_[10]);
  ASSERT_TRUE(magazine.Push(block));
  ExpectFound("a free block is held in two places");
  ASSERT_EQ(magazine.Pop(), block);
  // One twice and another lost: the number is right.
  Free(live_[11]);
  ASSERT_EQ(magazine.Pop(), Address(live_[11]));
  ASSERT_TRUE(magazine.Push(block));
  ExpectFound("a free block is held in two places, and another is lost");
  ASSERT_EQ(magazine.Pop(), block);
  ASSERT_TRUE(magazine.Push(Address(live_[11])));
  live_[10] = Allocate(kSize);
  live_[11] = Allocate(kSize);
}

TEST_F(VerifyTest, AnothersBlockInAMagazine) {
  Free(live_[10]);
  Magazine& magazine = CurrentHeap()->magazine(ClassOf(kSize));
  Magazine& other = CurrentHeap()->magazine(ClassOf(3 * kSize));
  Free(Allocate(3 * kSize));
  void* const spare = Allocate(3 * kSize);  // leaves room for one
  ASSERT_TRUE(other.Push(magazine.Pop()));
  ExpectFound("a heap holds another's block");
  ASSERT_TRUE(magazine.Push(other.Pop()));
  Free(spare);
  live_[10] = Allocate(kSize);
}

TEST_F(VerifyTest, ABlockInMagazineAndBitmap) {
  Free(live_[10]);
  const SlotIndex slot = Tag::Of(Address(live_[10])).slot();
  page_->free.SetRange(slot, kOneSlot);
  ++page_->free_count;
  ++page_->dirty;
  ExpectFound("a block that is held is free in the bitmap");
  --page_->dirty;
  --page_->free_count;
  page_->free.ClearRange(slot, kOneSlot);
  live_[10] = Allocate(kSize);
}

TEST_F(VerifyTest, ARemoteBlock) {
  const Tag tag = Tag::Of(Address(live_[10]));
  const unsigned w = SlotSet::WordOf(tag.slot());
  page_->remote.Release(w, SlotSet::BitOf(tag.slot()));
  ExpectFound("a block that was freed remotely is live");
  tag.Free().WriteTo(Address(live_[10]));
  ExpectFound("a word of remote frees is in no list");
  page_->remote.Collect(w);
  MarkLive(Address(live_[10]));
  const SlotIndex free = Slot(/*free=*/true);
  page_->remote.Release(SlotSet::WordOf(free), SlotSet::BitOf(free));
  ExpectFound("a slot is free both in the bitmap and remotely");
  page_->remote.Collect(SlotSet::WordOf(free));
}

TEST_F(VerifyTest, TheLists) {
  PageHeader* const next = page_->next;
  page_->next = page_;
  EXPECT_NE(VerifyHeap(), nullptr);
  page_->next = next;
  PageHeader* const prev = page_->prev;
  page_->prev = page_;
  ExpectFound("a list's links disagree");
  page_->prev = prev;
}

TEST_F(VerifyTest, TheFloorOfAMagazine) {
  void* const blocks[] = {Allocate(kSize), Allocate(kSize), Allocate(kSize)};
  for (void* block : blocks) Free(block);
  Magazine& magazine = CurrentHeap()->magazine(ClassOf(kSize));
  ASSERT_TRUE(magazine.RaiseFloor());
  ExpectFound("a magazine's floor was left raised");
  magazine.LowerFloor(0);
}

TEST_F(VerifyTest, LargeBlocks) {
  void* const block = Allocate(5 * kMiB);
  TagBefore(block) ^= uint64_t{1} << 50;
  ExpectFound("a large block's tag is broken");
  TagBefore(block) ^= uint64_t{1} << 50;
  Interval range;
  Owner owner;
  ASSERT_TRUE(g_page_map.Find(Address(block), &range, &owner));
  owner.large()->end += KernelPage();
  ExpectFound("a large block's record is not that of its range");
  owner.large()->end -= KernelPage();
  Free(block);
}

class VerifyRunTest : public VerifyTest {
 protected:
  VerifyRunTest() : run_(Allocate(100 * kKiB)), behind_(Allocate(100 * kKiB)) {
    page_ = HeaderOf(Address(run_), Tag::Of(Address(run_)));
    EXPECT_STREQ(VerifyHeap(), nullptr);
  }
  ~VerifyRunTest() override {
    Free(run_);
    Free(behind_);
  }

  void* const run_;
  void* const behind_;
};

TEST_F(VerifyRunTest, TheListThatThePageIsIn) {
  --page_->longest;
  ExpectFound("a page's longest run is another");
  ++page_->longest;
  // It is in none.
  PageHeader* const next = page_->next;
  PageHeader* const prev = page_->prev;
  page_->next = page_;
  EXPECT_NE(VerifyHeap(), nullptr);
  page_->next = next;
  page_->prev = page_;
  ExpectFound("a list's links disagree");
  page_->prev = prev;
}

TEST_F(VerifyRunTest, ThatItsSlotsAreTaken) {
  const SlotIndex slot = Tag::Of(Address(run_)).slot() + SlotCount{3};
  page_->free.SetRange(slot, kOneSlot);
  ExpectFound("a slot of a run is free");
  page_->free.ClearRange(slot, kOneSlot);
  const unsigned w = SlotSet::WordOf(slot);
  page_->remote.Release(w, SlotSet::BitOf(slot));
  ExpectFound("a slot of a run is free");
  page_->remote.Collect(w);
}

TEST_F(VerifyRunTest, ThatAFreeOneWaitsForItsOwner) {
  const Tag tag = Tag::Of(Address(run_));
  const unsigned w = SlotSet::WordOf(tag.slot());
  page_->remote.Release(w, SlotSet::BitOf(tag.slot()));
  ExpectFound("a run that was freed remotely is live");
  page_->remote.Collect(w);
  tag.Free().WriteTo(Address(run_));
  ExpectFound("a free run is lost");
  tag.WriteTo(Address(run_));
}

TEST_F(VerifyRunTest, ItsLength) {
  const Tag tag = Tag::Of(Address(run_));
  Tag::MakeRun(Address(run_), tag.size_class(), tag.slot(), tag.slots() - kOneSlot)
      .Live()
      .WriteTo(Address(run_));
  EXPECT_NE(VerifyHeap(), nullptr);
  Tag::MakeRun(Address(run_), tag.size_class(), tag.slot(), kMostRunSlots)
      .Live()
      .WriteTo(Address(run_));
  EXPECT_NE(VerifyHeap(), nullptr);
  tag.WriteTo(Address(run_));
}

TEST_F(VerifyRunTest, ItsTagAndItsFence) {
  TagBefore(run_) ^= uint64_t{1} << 40;
  EXPECT_NE(VerifyHeap(), nullptr);
  TagBefore(run_) ^= uint64_t{1} << 40;
  const Tag tag = Tag::Of(Address(behind_));
  void* const fence = reinterpret_cast<void*>(page_->Block(tag.slot() + tag.slots()));
  TagBefore(fence) ^= 1;
  ExpectFound("a run's fence is broken");
  TagBefore(fence) ^= 1;
}

TEST_F(VerifyRunTest, TheHighWater) {
  const uint16_t high_water = page_->high_water;
  page_->high_water = static_cast<uint16_t>(high_water - 1);
  ExpectFound("a run goes on above the high water");
  page_->high_water = high_water;
}

TEST_F(VerifyRunTest, TheDirtySlots) {
  Free(run_);
  const SlotIndex slot = Slot(/*free=*/true);
  const bool clean = page_->clean.Test(slot);
  ++page_->dirty;
  ExpectFound("a page's dirty count is wrong");
  page_->dirty = static_cast<uint16_t>(page_->dirty + (clean ? 0 : -2));
  clean ? page_->clean.Claim(slot) : page_->clean.Release(slot);
  ExpectFound("the bytes of dirty slots are not their sum");
  clean ? page_->clean.Release(slot) : page_->clean.Claim(slot);
  page_->dirty = static_cast<uint16_t>(page_->dirty + (clean ? -1 : 1));
  ASSERT_EQ(Allocate(100 * kKiB), run_);
}

TEST_F(VerifyTest, RangesInTwoPlaces) {
  g_page_map.Insert({KernelPage(), 2 * KernelPage()}, Owner(page_));
  ExpectFound("a page's header is not that of its range");
  g_page_map.Erase(KernelPage());
  // Free although in use.
  g_page_supply.Free(page_->page().value(), KernelPage());
  ExpectFound("a free range is in use");
  ASSERT_EQ(g_page_supply.Allocate(KernelPage()).begin, page_->page().value());
}

TEST_F(VerifyTest, SoundWithEverythingInUse) {
  std::vector<void*> blocks;
  for (size_t n = 1; n < 3 * kMiB; n += 1 + n / 3) {
    for (int i = 0; i < 40; ++i) blocks.push_back(Allocate(n));
  }
  std::thread([&] {
    for (size_t i = 0; i < blocks.size(); i += 2) Free(blocks[i]);
    EXPECT_STREQ(VerifyHeap(), nullptr);
  }).join();
  EXPECT_STREQ(VerifyHeap(), nullptr);
  for (size_t i = 1; i < blocks.size(); i += 2) Free(blocks[i]);
  EXPECT_STREQ(VerifyHeap(), nullptr);
}

}  // namespace
}  // namespace mymalloc
