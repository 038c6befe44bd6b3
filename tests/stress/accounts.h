// Whether the heap's own figures are those of the blocks that are live, with no thread at work.

#ifndef MYMALLOC_TESTS_STRESS_ACCOUNTS_H_
#define MYMALLOC_TESTS_STRESS_ACCOUNTS_H_

#include <malloc.h>

#include <cstddef>
#include <string>
#include <vector>

#include "mymalloc/heap/large.h"
#include "mymalloc/heap/page_map.h"
#include "mymalloc/heap/page_supply.h"
#include "mymalloc/os/arena.h"
#include "mymalloc/override/prefixed.h"
#include "mymalloc/report/verify.h"
#include "tests/stress/shadow.h"
#include "tests/support/check.h"
#include "tree/interval.h"

namespace mymalloc::test {

// Whether a block is in none of the pages: has a mapping of its own, or was sampled.
inline bool IsOutsidePages(const Shadow& block) {
  Interval range;
  Owner owner;
  MYMALLOC_CHECK(g_page_map.Find(block.begin(), &range, &owner));
  return owner.page() == nullptr;
}

// What mallinfo2 says wrong; empty if nothing.
inline std::string FindMiscount(const std::vector<Shadow>& live) {
  size_t slot_bytes = 0;
  size_t large = 0;
  size_t large_bytes = 0;
  for (const Shadow& block : live) {
    if (IsOutsidePages(block)) {
      ++large;
      large_bytes += block.usable();
    } else {
      slot_bytes += block.SlotBytes();
    }
  }
  const struct mallinfo2 info = mymalloc_mallinfo2();
  const auto differs = [](const char* name, size_t is, size_t should_be) {
    return std::string(name) + " is " + std::to_string(is) + ", not " + std::to_string(should_be);
  };
  if (info.uordblks != slot_bytes) return differs("uordblks", info.uordblks, slot_bytes);
  if (info.hblks != large) return differs("hblks", info.hblks, large);
  if (info.hblkhd < large_bytes) return differs("hblkhd", info.hblkhd, large_bytes);
  const size_t parts = info.uordblks + info.fordblks;
  return info.arena != parts ? differs("arena", info.arena, parts) : "";
}

// Calls visit(range) for each range of the arena that is a page or a large block in want of a
// mapping of its own, guards and all.
template <typename Visitor>
void ForEachUsed(Visitor&& visit) {
  g_page_map.ForEach([&](Interval range, Owner owner) {
    const LargeBlock* const large = owner.large();
    if (owner.page() != nullptr) {
      visit(Interval{range.begin, range.end + PageSupply::GuardOf(range.length())});
    } else if (large != nullptr && large->from_supply) {
      visit(Interval{range.begin - large->guard, range.end + large->guard});
    }
  });
}

// Bytes of the arena that are neither used nor free.
inline size_t LostBytes() {
  size_t used = 0;
  ForEachUsed([&](Interval range) { used += range.length(); });
  return os::g_arena.UsableBytes() - used - g_page_supply.FreeBytes();
}

// What is wrong with the heap, its figures or these blocks; empty if nothing.
inline std::string FindWrong(const std::vector<Shadow>& live) {
  if (const char* const wrong = VerifyHeap()) return wrong;
  for (const Shadow& block : live) block.CheckContents();
  if (!AreApart(live)) return "blocks overlap";
  const size_t lost = LostBytes();
  return lost != 0 ? std::to_string(lost) + " bytes are lost" : FindMiscount(live);
}

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_STRESS_ACCOUNTS_H_
