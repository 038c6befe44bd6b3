#include "bitmap/slot_bitmap.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <random>
#include <utility>

#include "gtest/gtest.h"

namespace mymalloc {
namespace {

constexpr unsigned kSlots = SlotBitmap::kSlots;
constexpr unsigned kWords = SlotBitmap::kWords;
constexpr unsigned kSlotsPerWord = SlotBitmap::kSlotsPerWord;

constexpr unsigned RunInAConstantExpression() {
  SlotBitmap bitmap{};
  bitmap.SetRange(60, 10);
  bitmap.Claim(62);
  return bitmap.FindRun(5);
}
static_assert(RunInAConstantExpression() == 63);

// The simplest thing that does the same.
class Model {
 public:
  bool Test(unsigned slot) const { return free_[slot]; }
  bool Set(unsigned slot, bool free) { return std::exchange(free_[slot], free); }
  unsigned Count() const {
    return static_cast<unsigned>(std::count(free_.begin(), free_.end(), true));
  }
  bool All(unsigned first, unsigned count) const {
    return std::all_of(free_.begin() + first, free_.begin() + first + count,
                       [](bool free) { return free; });
  }
  unsigned CountInRange(unsigned first, unsigned count) const {
    return static_cast<unsigned>(
        std::count(free_.begin() + first, free_.begin() + first + count, true));
  }
  uint64_t Word(unsigned w) const {
    uint64_t word = 0;
    for (unsigned b = 0; b < kSlotsPerWord; ++b) {
      word |= uint64_t{free_[w * kSlotsPerWord + b]} << b;
    }
    return word;
  }
  unsigned LengthAt(unsigned slot) const {
    unsigned length = 0;
    while (slot + length < kSlots && free_[slot + length]) ++length;
    return length;
  }
  unsigned LongestRun(unsigned most) const {
    unsigned longest = 0;
    unsigned length = 0;
    for (const bool free : free_) longest = std::max(longest, length = free ? length + 1 : 0);
    return std::min(longest, most);
  }
  unsigned FindRun(unsigned count) const {
    unsigned slot = 0;
    while (slot < kSlots && LengthAt(slot) < count) ++slot;
    return slot;
  }

 private:
  std::array<bool, kSlots> free_{};
};

class SlotBitmapTest : public ::testing::Test {
 protected:
  unsigned Random(unsigned n) { return static_cast<unsigned>(random_() % n); }

  void Edit();
  void EditSlot();
  void EditWord();
  void EditRange();
  void TakeLowest();
  void TakeMask();
  void ExpectSame() const;
  void ExpectSameRuns(unsigned from) const;

  std::mt19937_64 random_{1};
  SlotBitmap bitmap_{};
  Model model_;
};

void SlotBitmapTest::EditSlot() {
  const unsigned slot = Random(kSlots);
  if (Random(2) == 0) {
    ASSERT_EQ(bitmap_.Claim(slot), model_.Set(slot, false));
  } else {
    ASSERT_EQ(bitmap_.Release(slot), model_.Set(slot, true));
  }
}

void SlotBitmapTest::EditWord() {
  const unsigned w = Random(kWords);
  const uint64_t mask = random_() & random_() & random_();
  const uint64_t overlap = model_.Word(w) & mask;
  ASSERT_EQ(bitmap_.ReleaseMask(w, mask), overlap);
  for (unsigned b = 0; b < kSlotsPerWord; ++b) {
    if ((mask >> b & 1) != 0) model_.Set(w * kSlotsPerWord + b, true);
  }
}

void SlotBitmapTest::TakeLowest() {
  const unsigned w = Random(kWords);
  const unsigned max = 1 + Random(kSlotsPerWord);
  uint64_t expected = 0;
  for (unsigned b = 0, left = max; b < kSlotsPerWord && left > 0; ++b) {
    if (!model_.Set(w * kSlotsPerWord + b, false)) continue;
    expected |= uint64_t{1} << b;
    --left;
  }
  ASSERT_EQ(bitmap_.TakeLowest(w, max), expected);
}

void SlotBitmapTest::TakeMask() {
  const unsigned w = Random(kWords);
  const uint64_t mask = model_.Word(w) & random_() & random_();
  bitmap_.TakeMask(w, mask);
  for (unsigned b = 0; b < kSlotsPerWord; ++b) {
    if ((mask >> b & 1) != 0) model_.Set(w * kSlotsPerWord + b, false);
  }
}

void SlotBitmapTest::EditRange() {
  const unsigned first = Random(kSlots + 1);
  const unsigned count = Random(kSlots - first + 1);
  ASSERT_EQ(bitmap_.TestRange(first, count), model_.All(first, count));
  ASSERT_EQ(bitmap_.CountInRange(first, count), model_.CountInRange(first, count));
  ASSERT_EQ(bitmap_.AnyInRange(first, count), model_.CountInRange(first, count) != 0);
  const bool free = Random(2) == 0;
  if (free) {
    bitmap_.SetRange(first, count);
  } else {
    bitmap_.ClearRange(first, count);
  }
  for (unsigned i = 0; i < count; ++i) model_.Set(first + i, free);
  ASSERT_EQ(bitmap_.TestRange(first, count), free || count == 0);
  ASSERT_EQ(bitmap_.CountInRange(first, count), free ? count : 0);
}

void SlotBitmapTest::Edit() {
  const unsigned dice = Random(100);
  if (dice < 60) return EditSlot();
  if (dice < 75) return EditWord();
  if (dice < 85) return TakeLowest();
  if (dice < 95) return TakeMask();
  EditRange();
}

void SlotBitmapTest::ExpectSameRuns(unsigned from) const {
  unsigned first = from;
  unsigned count = 0;
  while (first < kSlots && !model_.Test(first)) ++first;
  unsigned found_first = 1000;
  unsigned found_count = 1000;
  const bool found = bitmap_.NextRun(from, &found_first, &found_count);
  ASSERT_EQ(found, first < kSlots);
  if (found) count = model_.LengthAt(first);
  ASSERT_EQ(found_first, found ? first : 1000);
  ASSERT_EQ(found_count, found ? count : 1000);
}

void SlotBitmapTest::ExpectSame() const {
  unsigned first_word = kWords;
  for (unsigned w = kWords; w-- > 0;) {
    ASSERT_EQ(bitmap_.Word(w), model_.Word(w));
    if (model_.Word(w) != 0) first_word = w;
  }
  ASSERT_EQ(bitmap_.FirstWordWithBits(), first_word);
  ASSERT_EQ(bitmap_.Count(), model_.Count());
  ASSERT_EQ(bitmap_.Empty(), model_.Count() == 0);
  ASSERT_EQ(bitmap_.Full(), model_.Count() == kSlots);
}

TEST_F(SlotBitmapTest, AgreesWithAModel) {
  for (unsigned i = 0; i < 2000000 && !HasFatalFailure(); ++i) {
    Edit();
    const unsigned slot = Random(kSlots);
    ASSERT_EQ(bitmap_.Test(slot), model_.Test(slot));
    ExpectSameRuns(Random(kSlots + 1));
    const unsigned count = 1 + Random(Random(2) == 0 ? 20 : kSlots + 10);
    ASSERT_EQ(bitmap_.FindRun(count), model_.FindRun(count));
    ASSERT_EQ(bitmap_.LongestRun(count), model_.LongestRun(count));
    if (i % 16 == 0) ExpectSame();
  }
}

TEST_F(SlotBitmapTest, ZeroedMemoryIsAnEmptyBitmap) {
  SlotBitmap bitmap;
  std::memset(static_cast<void*>(&bitmap), 0, sizeof(bitmap));
  EXPECT_TRUE(bitmap.Empty());
  EXPECT_FALSE(bitmap.Full());
  EXPECT_EQ(bitmap.Count(), 0u);
  EXPECT_EQ(bitmap.FirstWordWithBits(), kWords);
  EXPECT_EQ(bitmap.FindRun(1), kSlots);
}

// Every range there is: set it in an empty bitmap, clear it from a full one.
TEST_F(SlotBitmapTest, EveryRange) {
  for (unsigned first = 0; first <= kSlots; ++first) {
    for (unsigned count = 0; first + count <= kSlots; ++count) {
      SlotBitmap set{};
      set.SetRange(first, count);
      ASSERT_EQ(set.Count(), count);
      ASSERT_TRUE(set.TestRange(first, count));
      unsigned found = 0;
      unsigned length = 0;
      ASSERT_EQ(set.NextRun(0, &found, &length), count > 0);
      ASSERT_EQ(found, count > 0 ? first : 0);
      ASSERT_EQ(length, count);
      SlotBitmap cleared{};
      cleared.SetRange(0, kSlots);
      cleared.ClearRange(first, count);
      ASSERT_EQ(cleared.Count(), kSlots - count);
      if (count == 0) continue;
      ASSERT_EQ(set.FindRun(count), first);
      ASSERT_EQ(set.LongestRun(kSlots), count);
      ASSERT_EQ(set.CountInRange(first, count), count);
      ASSERT_EQ(cleared.CountInRange(first, count), 0u);
      ASSERT_EQ(cleared.CountInRange(0, kSlots), kSlots - count);
      ASSERT_EQ(cleared.LongestRun(kSlots), std::max(first, kSlots - first - count));
      ASSERT_EQ(set.FindRun(count + 1), kSlots);
      ASSERT_FALSE(cleared.Test(first));
      ASSERT_FALSE(cleared.Test(first + count - 1));
    }
  }
}

TEST_F(SlotBitmapTest, TakeLowestTakesInOrderAndNoMoreThanAsked) {
  bitmap_.SetRange(0, kSlots);
  EXPECT_EQ(bitmap_.TakeLowest(1, 1), 1u);
  EXPECT_EQ(bitmap_.TakeLowest(1, 2), 6u);
  EXPECT_EQ(bitmap_.TakeLowest(1, 60), (~uint64_t{0} >> 1) & ~uint64_t{7});
  EXPECT_EQ(bitmap_.TakeLowest(1, 64), uint64_t{1} << 63);
  EXPECT_EQ(bitmap_.TakeLowest(1, 64), 0u);
  EXPECT_EQ(bitmap_.TakeLowest(2, 64), ~uint64_t{0});
  EXPECT_EQ(bitmap_.Count(), 2 * kSlotsPerWord);
}

TEST_F(SlotBitmapTest, TakeMaskTakesThoseSlotsOfThatWordAndNoOthers) {
  bitmap_.SetRange(0, kSlots);
  bitmap_.TakeMask(2, 0);
  EXPECT_TRUE(bitmap_.Full());
  bitmap_.TakeMask(2, uint64_t{5} << 61);
  EXPECT_EQ(bitmap_.Word(2), ~(uint64_t{5} << 61));
  EXPECT_EQ(bitmap_.Count(), kSlots - 2);
  bitmap_.TakeMask(2, bitmap_.Word(2));
  EXPECT_EQ(bitmap_.Word(2), 0u);
  EXPECT_EQ(bitmap_.Count(), kSlots - kSlotsPerWord);
}

TEST_F(SlotBitmapTest, ADoubleFreeIsFoundByTheFree) {
  EXPECT_FALSE(bitmap_.Release(100));
  EXPECT_TRUE(bitmap_.Release(100));
  EXPECT_EQ(bitmap_.ReleaseMask(1, SlotBitmap::BitOf(100) | SlotBitmap::BitOf(101)),
            SlotBitmap::BitOf(100));
  EXPECT_TRUE(bitmap_.Claim(101));
  EXPECT_FALSE(bitmap_.Claim(101));
}

TEST_F(SlotBitmapTest, RunsCanBeWalked) {
  bitmap_.SetRange(0, 1);
  bitmap_.SetRange(60, 10);
  bitmap_.SetRange(128, 128);
  unsigned runs = 0;
  unsigned slots = 0;
  for (unsigned first = 0, n = 0; bitmap_.NextRun(first + n, &first, &n);) {
    ++runs;
    slots += n;
  }
  EXPECT_EQ(runs, 3u);
  EXPECT_EQ(slots, 139u);
}

}  // namespace
}  // namespace mymalloc
