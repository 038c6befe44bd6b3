#include "mymalloc/page/canary.h"

#include <vector>

#include "gtest/gtest.h"

namespace mymalloc {
namespace {

class CanaryTest : public testing::Test {
 protected:
  CanaryTest() { g_tag_secret.Set(0x1234567812345678, 0x8765432187654321); }

  uintptr_t block() const { return reinterpret_cast<uintptr_t>(memory_.bytes); }

  struct alignas(16) Memory {
    unsigned char bytes[4096] = {};
  };
  Memory memory_;
};

TEST_F(CanaryTest, AnyChangeOfAnyByteIsFound) {
  for (const size_t usable : {8u, 24u, 200u, 1032u}) {
    for (size_t asked = 0; asked < usable; asked += 1 + asked / 40) {
      const Canary canary(block(), asked, usable);
      canary.Write();
      ASSERT_TRUE(canary.Intact());
      for (size_t at = asked; at < usable; ++at) {
        for (const unsigned change : {0x01u, 0x80u, 0x5au, 0xffu}) {
          memory_.bytes[at] = static_cast<unsigned char>(memory_.bytes[at] ^ change);
          ASSERT_FALSE(canary.Intact()) << asked << " of " << usable << ", at " << at;
          memory_.bytes[at] = static_cast<unsigned char>(memory_.bytes[at] ^ change);
        }
      }
    }
  }
}

TEST_F(CanaryTest, NothingElseIsTouched) {
  for (size_t asked = 0; asked < 200; ++asked) {
    memory_ = Memory();
    for (unsigned char& byte : memory_.bytes) byte = 'x';
    Canary(block(), asked, 200).Write();
    for (size_t i = 0; i < asked; ++i) ASSERT_EQ(memory_.bytes[i], 'x') << asked;
    for (size_t i = 200; i < 300; ++i) ASSERT_EQ(memory_.bytes[i], 'x') << asked;
    // What the program writes to its own bytes does not matter.
    for (size_t i = 0; i < asked; ++i) memory_.bytes[i] = static_cast<unsigned char>(i);
    ASSERT_TRUE(Canary(block(), asked, 200).Intact());
  }
}

TEST_F(CanaryTest, NoByteIsOneThatProgramsWriteByMistake) {
  for (size_t shift = 0; shift < 1024; shift += 16) {
    const Canary canary(block() + shift, 0, 200);
    canary.Write();
    for (size_t i = 0; i < 200; ++i) {
      const unsigned char byte = memory_.bytes[shift + i];
      ASSERT_GE(byte, 0x80);
      ASSERT_NE(byte, 0xff);
    }
  }
}

TEST_F(CanaryTest, TwoBlocksOrTwoSecretsHaveOthers) {
  const auto made = [](uintptr_t at) {
    Canary(at, 0, 8).Write();
    const auto* const bytes = reinterpret_cast<const unsigned char*>(at);
    return std::vector<unsigned char>(bytes, bytes + 8);
  };
  const auto here = made(block());
  EXPECT_NE(here, made(block() + 16));
  g_tag_secret.Set(1, 2);
  EXPECT_NE(here, made(block()));
}

TEST_F(CanaryTest, ABlockThatWasAskedForWholeHasNone) {
  const Canary canary(block(), 200, 200);
  memory_.bytes[199] = 'x';
  canary.Write();
  EXPECT_TRUE(canary.Intact());
  EXPECT_EQ(memory_.bytes[199], 'x');
}

}  // namespace
}  // namespace mymalloc
