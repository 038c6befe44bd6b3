#include "mymalloc/page/tag.h"

#include <cstring>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace mymalloc {
namespace {

class TagTest : public testing::Test {
 protected:
  TagTest() { g_tag_secret.Set(random_(), random_()); }

  uintptr_t RandomBlock() { return (random_() & 0x7ffffffffff0) | 0x10000; }
  HeapId RandomHeap() { return static_cast<HeapId>(random_() % kMaxHeaps); }
  SizeClass RandomClass() { return static_cast<SizeClass>(random_() % kSizeClasses); }
  unsigned RandomSlot() { return static_cast<unsigned>(random_() % kSlotsPerPage); }
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
    const unsigned slot = RandomSlot();
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
  const Tag tag = Tag::Make(block, kMaxHeaps - 1, Tag::kLargeClass, kSlotsPerPage - 1).Live();
  EXPECT_TRUE(tag.Verifies(block));
  EXPECT_TRUE(tag.live());
  EXPECT_EQ(tag.heap(), kMaxHeaps - 1);
  EXPECT_EQ(tag.size_class(), Tag::kLargeClass);
  EXPECT_EQ(tag.slot(), kSlotsPerPage - 1);
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
    const HeapId heap = 1 + RandomHeap() % (kMaxHeaps - 1);
    const HeapId other = heap ^ (1u << (random_() % Tag::kHeapBits));
    const uintptr_t block = RandomBlock();
    const Tag tag = Tag::Make(block, heap, RandomClass(), RandomSlot());
    ASSERT_TRUE(tag.Live().VerifiesAsOwn(block, KeyOf(Tag::OwnerBits(heap))));
    ASSERT_FALSE(tag.VerifiesAsOwn(block, KeyOf(Tag::OwnerBits(heap))));
    ASSERT_FALSE(tag.Live().VerifiesAsOwn(block, KeyOf(Tag::OwnerBits(other))));
    ASSERT_FALSE(tag.Live().VerifiesAsOwn(block, KeyOf(0)));
  }
}

TEST_F(TagTest, NoFlippedBitVerifies) {
  for (int i = 0; i < kRounds; ++i) {
    const uintptr_t block = RandomBlock();
    const Tag tag = RandomTag(block);
    for (unsigned bit = 0; bit < 64; ++bit) {
      ASSERT_FALSE(Tag(tag.bits() ^ (uint64_t{1} << bit)).Verifies(block)) << bit;
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
      ASSERT_EQ(Tag(changed).Verifies(block), changed == tag.bits());
    }
    for (const uint64_t mask : {0xffffull, 0xffffffull}) {
      for (int k = 0; k < 1000; ++k) {
        const uint64_t changed = (tag.bits() & ~mask) | (random_() & mask);
        ASSERT_EQ(Tag(changed).Verifies(block), changed == tag.bits());
      }
    }
  }
}

// Any other low 31 bits: without exception, so chance has no part in it.
TEST_F(TagTest, NoOtherFieldsVerify) {
  for (int i = 0; i < 200 * kRounds; ++i) {
    const uintptr_t block = RandomBlock();
    const Tag tag = Tag::Make(block, RandomHeap(), RandomClass(), RandomSlot());
    const uint64_t changed = tag.bits() ^ ((random_() & TagSecret::kLowMask) | 1);
    ASSERT_FALSE(Tag(changed).Verifies(block));
  }
}

// One chance in 2^33 for each.
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
    ASSERT_FALSE(Tag(0).Verifies(block));
    ASSERT_FALSE(Tag(~uint64_t{0}).Verifies(block));
    ASSERT_FALSE(Tag(random_()).Verifies(block));
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
  const Tag tag = Tag::Make(block, 3, 4, 5);
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

}  // namespace
}  // namespace mymalloc
