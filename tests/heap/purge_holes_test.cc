// Holes among live blocks go back in parts where they are longer than a step: what has gone is
// known, what has not goes later, and nothing else is touched.

#include <algorithm>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "mymalloc/front/front.h"
#include "mymalloc/supply/step.h"
#include "mymalloc/supply/tick.h"
#include "tests/heap/engine.h"
#include "tests/heap/free_pages.h"
#include "tests/support/block.h"

namespace mymalloc {
namespace {

using test::Address;

// Of slots of this engine's longest class one goes, and hardly two.
constexpr size_t kShort = Step::kCall + 20;

class PurgeHolesTest : public test::EngineTest, public testing::WithParamInterface<size_t> {
 protected:
  // Blocks, each written to as a whole, of which one in eight stays, or fewer where holes would be
  // shorter than a kernel page.
  void MakeHoles() {
    const size_t size = GetParam();
    const size_t kept = std::max<size_t>(8, 32 * kKiB / size);
    std::vector<void*> blocks(std::max<size_t>(64, 4 * kMiB / size));
    for (void*& block : blocks) memset(block = Allocate(size), 0x5a, size);
    for (size_t i = 0; i < blocks.size(); ++i) {
      if (i % kept == 0) {
        kept_.push_back(blocks[i]);
        pages_.insert(HeaderOf(Address(blocks[i]), Tag::Of(Address(blocks[i]))));
      } else {
        Free(blocks[i]);
      }
    }
    CurrentHeap()->Flush();
  }
  void FreeKept() {
    for (void* const block : kept_) Free(block);
  }

  bool KeptAreIntact() const {
    return std::all_of(kept_.begin(), kept_.end(), [](const void* block) {
      const auto* const bytes = static_cast<const char*>(block);
      return std::all_of(bytes, bytes + GetParam(), [](char byte) { return byte == 0x5a; });
    });
  }

  size_t Resident(bool clean) const {
    size_t count = 0;
    for (const PageHeader* page : pages_) count += test::FreePages(*page, clean, /*resident=*/true);
    return count;
  }

  // A tick that was not yet.
  static uint16_t Later() {
    static uint16_t later = CurrentTick();
    return later = static_cast<uint16_t>(later + 3);
  }

  std::vector<void*> kept_;
  std::set<PageHeader*> pages_;
};

INSTANTIATE_TEST_SUITE_P(Size, PurgeHolesTest,
                         testing::Values(40, 1000, 5000, 12000, 30000, 40000, 250000, 1000000),
                         [](const auto& instance) { return std::to_string(instance.param); });

TEST_P(PurgeHolesTest, InAsManySteps) {
  MakeHoles();
  EXPECT_GE(Resident(/*clean=*/false), 50u);
  const uint16_t now = Later();
  int steps = 0;
  for (bool finished = false; !finished; ++steps) {
    Step step(kShort);
    finished =
        CurrentHeap()->Decay(now, /*by_owner=*/true, &step) != Heap::DecayResult::kUnfinished;
    ASSERT_EQ(Resident(/*clean=*/true), 0u) << "after step " << steps;
    ASSERT_LE(steps, 100000);
  }
  EXPECT_GE(steps, GetParam() >= 5000 ? 20 : 1);
  EXPECT_EQ(Resident(/*clean=*/true) + Resident(/*clean=*/false), 0u);
  EXPECT_TRUE(KeptAreIntact());
  EXPECT_STREQ(VerifyHeap(), nullptr);
  FreeKept();
}

// As malloc_trim does it.
TEST_P(PurgeHolesTest, AllAtOnce) {
  MakeHoles();
  EXPECT_GE(Resident(/*clean=*/false), 50u);
  GiveAllBack();
  EXPECT_EQ(Resident(/*clean=*/true) + Resident(/*clean=*/false), 0u);
  EXPECT_TRUE(KeptAreIntact());
  EXPECT_STREQ(VerifyHeap(), nullptr);
  FreeKept();
}

}  // namespace
}  // namespace mymalloc
