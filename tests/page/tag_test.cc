#include "mymalloc/page/tag.h"

#include <cmath>
#include <cstring>
#include <random>
#include <utility>

#include "gtest/gtest.h"

namespace mymalloc {
namespace {

class TagTest : public testing::Test {
 protected:
  TagTest() { g_tag_secret.Set(random_(), random_()); }

  uintptr_t RandomBlock() { return (random_() & 0x7ffffffffff0) | 0x10000; }
  HeapId RandomHeap() { return HeapId(static_cast<unsigned>(random_() % kMaxHeaps)); }
  HeapId RandomOwner() { return HeapId{1 + RandomHeap().value() % (kMaxHeaps - 1)}; }
  SizeClass RandomClass() { return SizeClass(static_cast<unsigned>(random_() % kSizeClasses)); }
  SlotIndex RandomSlot() { return SlotIndex(static_cast<unsigned>(random_() % kSlotsPerPage)); }
  Tag RandomTag(uintptr_t block) {
    const Tag tag = Tag::Make(block, RandomHeap(), RandomClass(), RandomSlot());
    return random_() % 2 == 0 ? tag : tag.Live();
  }

  static constexpr int kRounds = 20000;
  std::mt19937_64 random_{20240117};
};

TEST_F(TagTest, SaysWhatItWasMadeOf) {
  for (int i = 0; i < kRounds; ++i) {
    const uintptr_t block = RandomBlock();
    const HeapId heap = RandomHeap();
    const SizeClass c = RandomClass();
    const SlotIndex slot = RandomSlot();
    const Tag tag = Tag::Make(block, heap, c, slot);
    ASSERT_TRUE(tag.Verifies(block));
    ASSERT_FALSE(tag.live());
    ASSERT_EQ(tag.heap(), heap);
    ASSERT_EQ(tag.size_class(), c);
    ASSERT_EQ(tag.slot(), slot);
  }
}

TEST_F(TagTest, HoldsTheExtremesOfItsFields) {
  const uintptr_t block = RandomBlock();
  const Tag tag =
      Tag::Make(block, HeapId{kMaxHeaps - 1}, Tag::kLargeClass, SlotIndex{kSlotsPerPage - 1})
          .Live();
  EXPECT_TRUE(tag.Verifies(block));
  EXPECT_TRUE(tag.live());
  EXPECT_EQ(tag.heap(), HeapId{kMaxHeaps - 1});
  EXPECT_EQ(tag.size_class(), Tag::kLargeClass);
  EXPECT_EQ(tag.slot(), SlotIndex{kSlotsPerPage - 1});
}

TEST_F(TagTest, LiveAndFreeAreOneStepApart) {
  for (int i = 0; i < kRounds; ++i) {
    const uintptr_t block = RandomBlock();
    const Tag tag = Tag::Make(block, RandomHeap(), RandomClass(), RandomSlot());
    const Tag live = tag.Live();
    ASSERT_TRUE(live.Verifies(block));
    ASSERT_TRUE(live.live());
    ASSERT_EQ(live.heap(), tag.heap());
    ASSERT_EQ(live.size_class(), tag.size_class());
    ASSERT_EQ(live.slot(), tag.slot());
    ASSERT_EQ(live.Free().bits(), tag.bits());
  }
}

Tag::Key KeyOf(uint64_t owner_bits) {
  Tag::Key key;
  key.Set(owner_bits);
  return key;
}

TEST_F(TagTest, BelongsToItsHeapOnlyWhileLive) {
  for (int i = 0; i < kRounds; ++i) {
    const HeapId heap = RandomOwner();
    const HeapId other{heap.value() ^ (1U << (random_() % Tag::kHeapBits))};
    const uintptr_t block = RandomBlock();
    const Tag tag = Tag::Make(block, heap, RandomClass(), RandomSlot());
    ASSERT_TRUE(tag.Live().VerifiesAsOwn(block, KeyOf(Tag::OwnerBits(heap))));
    ASSERT_FALSE(tag.VerifiesAsOwn(block, KeyOf(Tag::OwnerBits(heap))));
    ASSERT_FALSE(tag.Live().VerifiesAsOwn(block, KeyOf(Tag::OwnerBits(other))));
    ASSERT_FALSE(tag.Live().VerifiesAsOwn(block, KeyOf(Tag::OwnerBits(Tag::kNoHeap))));
  }
}

TEST_F(TagTest, NoFlippedBitVerifies) {
  for (int i = 0; i < kRounds; ++i) {
    const uintptr_t block = RandomBlock();
    const Tag tag = RandomTag(block);
    for (unsigned bit = 0; bit < 64; ++bit) {
      ASSERT_FALSE(Tag::FromBits(tag.bits() ^ (uint64_t{1} << bit), block).Verifies(block)) << bit;
    }
  }
}

// What an overrun of one to three bytes from the block before can do.
TEST_F(TagTest, NoOverrunOfTheLowBytesVerifies) {
  for (int i = 0; i < 200; ++i) {
    const uintptr_t block = RandomBlock();
    const Tag tag = RandomTag(block);
    for (uint64_t byte = 0; byte < 256; ++byte) {
      const uint64_t changed = (tag.bits() & ~uint64_t{0xff}) | byte;
      ASSERT_EQ(Tag::FromBits(changed, block).Verifies(block), changed == tag.bits());
    }
    for (const uint64_t mask : {0xffffull, 0xffffffull}) {
      for (int k = 0; k < 1000; ++k) {
        const uint64_t changed = (tag.bits() & ~mask) | (random_() & mask);
        ASSERT_EQ(Tag::FromBits(changed, block).Verifies(block), changed == tag.bits());
      }
    }
  }
}

// Any other low 31 bits, any other high 33: without exception, so chance has no part in it.
TEST_F(TagTest, NoChangeOfOneEndVerifies) {
  for (int i = 0; i < 200 * kRounds; ++i) {
    if (i % 1000 == 0) g_tag_secret.Set(random_(), random_());
    const uintptr_t block = RandomBlock();
    const Tag tag = RandomTag(block);
    const uint64_t random = random_();
    const uint64_t low = tag.bits() ^ ((random & TagSecret::kLowMask) | 1);
    ASSERT_FALSE(Tag::FromBits(low, block).Verifies(block));
    const uint64_t high = tag.bits() ^ ((random & ~TagSecret::kLowMask) | uint64_t{1} << 63);
    ASSERT_FALSE(Tag::FromBits(high, block).Verifies(block));
  }
}

// A change of a tag, and what it does to the low word: all such pairs are a lattice.
struct Change {
  __int128 bits;
  __int128 low;

  long double Dot(const Change& other) const {
    return static_cast<long double>(bits) * static_cast<long double>(other.bits) +
           static_cast<long double>(low) * static_cast<long double>(other.low);
  }
  Change Plus(const Change& other, __int128 times) const {
    return {bits + times * other.bits, low + times * other.low};
  }
  // Both in 31 bits.
  bool IsSmall() const {
    constexpr auto kMost = static_cast<__int128>(TagSecret::kLowMask);
    return -kMost <= bits && bits <= kMost && -kMost <= low && low <= kMost;
  }
};

// Whether multiples of `step` by up to 31 bits, other than 0, are that near to 0: by Gauss's
// reduction of the lattice, as Set, which avoids it, goes another way.
bool ComesNear(uint64_t step) {
  Change u = {1, static_cast<__int128>(step)};
  Change v = {0, static_cast<__int128>(1) << 64};
  for (bool shorter = true; shorter;) {
    if (u.Dot(u) > v.Dot(v)) std::swap(u, v);
    const auto times = static_cast<__int128>(std::round(u.Dot(v) / u.Dot(u)));
    v = v.Plus(u, -times);
    shorter = times != 0;
  }
  bool near = false;
  for (int i = 0; i <= 2; ++i) {
    for (int j = -2; j <= 2; ++j) {
      const Change sum = Change{0, 0}.Plus(u, i).Plus(v, j);
      near |= (i != 0 || j != 0) && sum.IsSmall();
    }
  }
  return near;
}

TEST_F(TagTest, SecretsKeepSmallChangesApart) {
  int near = 0;
  for (int i = 0; i < 2000; ++i) {
    near += ComesNear(random_() | 1);
    g_tag_secret.Set(random_(), random_());
    ASSERT_FALSE(ComesNear(g_tag_secret.inverse));
    // Of addresses so many granules apart.
    ASSERT_FALSE(ComesNear(g_tag_secret.spread * kBlockAlignment));
    ASSERT_EQ(g_tag_secret.factor * g_tag_secret.inverse, 1u);
  }
  EXPECT_GT(near, 500) << "of 2000 numbers that nobody has chosen";
}

// The zero that ends a string is what most often overwrites a tag's first byte.
TEST_F(TagTest, TheFirstByteIsNeverZero) {
  for (int i = 0; i < 10 * kRounds; ++i) {
    if (i % 100 == 0) g_tag_secret.Set(random_(), random_());
    const uintptr_t block = RandomBlock();
    const SizeClass c{1 + RandomClass().value() % (kSizeClasses - 1)};
    const Tag tag = Tag::Make(block, RandomHeap(), c, RandomSlot());
    ASSERT_NE(tag.bits() & 0xff, 0u);
    ASSERT_NE(tag.Live().bits() & 0xff, 0u);
  }
}

TEST_F(TagTest, FollowsOnlyItsNeighbour) {
  for (int i = 0; i < kRounds; ++i) {
    g_tag_secret.Set(random_(), random_());
    const HeapId heap = RandomOwner();
    const Tag::Key key = KeyOf(Tag::OwnerBits(heap));
    const SizeClass c = RandomClass();
    const SlotIndex slot = RandomSlot();  // the last one's neighbour, too
    const uintptr_t block = RandomBlock();
    const uint64_t bits = Tag::Make(block, heap, c, slot).Live().bits();
    const Tag next = Tag::Make(block + StrideOf(c), heap, c, slot + kOneSlot);
    ASSERT_TRUE(key.Follows(next.bits(), bits, StrideOf(c)));
    ASSERT_TRUE(key.Follows(next.Live().bits(), bits, StrideOf(c)));
    for (unsigned bit = 0; bit < 64; ++bit) {
      ASSERT_FALSE(key.Follows(next.bits() ^ uint64_t{1} << bit, bits, StrideOf(c))) << bit;
      ASSERT_FALSE(key.Follows(next.Live().bits() ^ uint64_t{1} << bit, bits, StrideOf(c))) << bit;
    }
    ASSERT_FALSE(key.Follows(random_(), bits, StrideOf(c)));
    const Tag other = Tag::Make(block + StrideOf(c), heap, c, slot + SlotCount{2});
    ASSERT_FALSE(key.Follows(other.bits(), bits, StrideOf(c)));
  }
}

TEST_F(TagTest, WhatLiveAddsIsASecret) {
  g_tag_secret.Set(1, 2);
  const uint64_t before = g_tag_secret.live_delta;
  g_tag_secret.Set(1, 3);
  EXPECT_NE(g_tag_secret.live_delta, before);
}

// One chance in 2^33 for each; none within 32 GiB.
TEST_F(TagTest, NoCopyVerifiesElsewhere) {
  for (int i = 0; i < 10 * kRounds; ++i) {
    const uintptr_t block = RandomBlock();
    const Tag tag = RandomTag(block);
    ASSERT_FALSE(tag.Verifies(RandomBlock()));
    for (unsigned bit = 4; bit < 47; ++bit) {
      ASSERT_FALSE(tag.Verifies(block ^ (uintptr_t{1} << bit))) << bit;
    }
  }
}

TEST_F(TagTest, NeitherZerosNorOnesNorNoiseVerify) {
  for (int i = 0; i < 10 * kRounds; ++i) {
    const uintptr_t block = RandomBlock();
    ASSERT_FALSE(Tag::FromBits(0, block).Verifies(block));
    ASSERT_FALSE(Tag::FromBits(~uint64_t{0}, block).Verifies(block));
    ASSERT_FALSE(Tag::FromBits(random_(), block).Verifies(block));
  }
}

TEST_F(TagTest, AnotherSecretMakesOtherTags) {
  for (int i = 0; i < kRounds; ++i) {
    const uintptr_t block = RandomBlock();
    const Tag tag = RandomTag(block);
    g_tag_secret.Set(random_(), random_());
    ASSERT_FALSE(tag.Verifies(block));
  }
}

TEST_F(TagTest, LiesInTheEightBytesBeforeTheBlock) {
  alignas(16) unsigned char memory[64];
  memset(memory, 0xaa, sizeof(memory));
  const uintptr_t block = reinterpret_cast<uintptr_t>(memory) + 32;
  const Tag tag = Tag::Make(block, HeapId{3}, SizeClass{4}, SlotIndex{5});
  tag.WriteTo(block);
  EXPECT_EQ(Tag::Of(block).bits(), tag.bits());
  uint64_t written;
  memcpy(&written, memory + 24, sizeof(written));
  EXPECT_EQ(written, tag.bits());
  for (unsigned i = 0; i < 64; ++i) {
    const bool in_tag = i >= 24 && i < 32;
    EXPECT_TRUE(in_tag || memory[i] == 0xaa) << i;
  }
  MarkLive(block);
  EXPECT_EQ(Tag::Of(block).bits(), tag.Live().bits());
}

// A tag that also says how its block was asked for.
class TagNoteTest : public TagTest {
 protected:
  static constexpr uintptr_t kBlock = 0x7f1234567890;

  TagNoteTest() { g_tag_secret.AllowNotes(); }
};

TEST_F(TagNoteTest, TheNoteIsBesideTheRest) {
  const Tag tag = Tag::Make(kBlock, HeapId(7), SizeClass(20), SlotIndex(133)).Live();
  for (const size_t slack : {size_t{0}, size_t{1}, size_t{4000}, Note::kMostSlack}) {
    for (const Kind kind : {Kind::kMalloc, Kind::kNew, Kind::kNewArrayAligned}) {
      const Tag made = tag.WithNote({slack, kind});
      const Tag noted = Tag::FromBits(made.bits(), kBlock);
      EXPECT_TRUE(noted.Verifies(kBlock));
      EXPECT_TRUE(noted.live());
      EXPECT_EQ(noted.low(), tag.low());
      EXPECT_EQ(noted.heap(), HeapId(7));
      EXPECT_EQ(noted.size_class(), SizeClass(20));
      EXPECT_EQ(noted.slot(), SlotIndex(133));
      EXPECT_EQ(noted.note().slack, slack);
      EXPECT_EQ(noted.note().kind, kind);
      // It stays when the block is freed, and another takes its place.
      EXPECT_EQ(noted.Free().note().slack, slack);
      EXPECT_FALSE(noted.Free().live());
      EXPECT_EQ(noted.WithNote({}).bits(), tag.bits());
    }
  }
}

// Whoever knows the low word finds every change of its bits.
TEST_F(TagNoteTest, NoOverrunOfTheLowBytesKeepsTheLowWord) {
  const Tag before = Tag::Make(kBlock, HeapId(7), SizeClass(20), SlotIndex(132));
  const uintptr_t behind = kBlock + StrideOf(SizeClass(20));
  const Tag next =
      Tag::Make(behind, HeapId(7), SizeClass(20), SlotIndex(133)).WithNote({9, Kind::kNew});
  EXPECT_TRUE(next.Follows(before) && next.Live().Follows(before) && next.Follows(before.Live()));
  std::mt19937_64 random(5);
  for (int i = 0; i < 100000; ++i) {
    const uint64_t change = (random() & TagSecret::kLowMask) | 1;
    const Tag changed = Tag::FromBits(next.bits() ^ change, behind);
    ASSERT_FALSE(changed.Verifies(behind) && changed.Follows(before)) << change;
  }
}

TEST_F(TagNoteTest, WithoutThemATagThatHasOneDoesNotVerify) {
  const Tag noted =
      Tag::Make(kBlock, HeapId(7), SizeClass(20), SlotIndex(133)).WithNote({1, Kind::kMalloc});
  EXPECT_TRUE(noted.Verifies(kBlock));
  g_tag_secret.most = TagSecret::kLowMask;
  EXPECT_FALSE(noted.Verifies(kBlock));
}

}  // namespace
}  // namespace mymalloc
