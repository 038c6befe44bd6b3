// Whether the heap's own figures are those of the blocks that are live, with no thread at work.

#ifndef MYMALLOC_TESTS_STRESS_ACCOUNTS_H_
#define MYMALLOC_TESTS_STRESS_ACCOUNTS_H_

#include <malloc.h>

#include <cstddef>
#include <string>
#include <vector>

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

// Bytes of the arena that are neither in a page, nor the guard behind one, nor free.
inline size_t LostBytes() {
  size_t pages = 0;
  g_page_map.ForEach([&](Interval range, Owner owner) {
    const size_t bytes = range.length();
    if (owner.page() != nullptr) pages += bytes + PageSupply::GuardOf(bytes);
  });
  return os::g_arena.UsableBytes() - pages - g_page_supply.FreeBytes();
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
