// Whether the heap's own figures are those of the blocks that are live, with no thread at work.

#ifndef MYMALLOC_TESTS_STRESS_ACCOUNTS_H_
#define MYMALLOC_TESTS_STRESS_ACCOUNTS_H_

#include <malloc.h>

#include <cstddef>
#include <string>
#include <vector>

#include "mymalloc/large/large.h"
#include "mymalloc/mymalloc.h"
#include "mymalloc/os/chunks.h"
#include "mymalloc/page/page_glance.h"
#include "mymalloc/report/inspector.h"
#include "mymalloc/report/verify.h"
#include "mymalloc/supply/page_map.h"
#include "mymalloc/supply/page_supply.h"
#include "tests/stress/shadow.h"
#include "tests/support/check.h"
#include "tree/interval.h"

namespace mymalloc::test {

// Bytes of a block outside of the pages, which has a range of its own or was sampled; else 0.
inline size_t MappedBytes(const Shadow& block) {
  Interval range;
  Owner owner;
  MYMALLOC_CHECK(g_page_map.Find(block.begin(), &range, &owner));
  if (owner.page() != nullptr) return 0;
  return owner.sampled() ? KernelPage() : range.length();
}

// Of a block in a page: of its slots, tag and all.
inline size_t SlotBytes(const Shadow& block) {
  Interval range;
  Owner owner;
  MYMALLOC_CHECK(g_page_map.Find(block.begin(), &range, &owner));
  const PageHeader& page = *owner.page();
  return RunAt(page, page.SlotAt(block.begin())).slots * page.stride();
}

inline bool IsOutsidePages(const Shadow& block) { return MappedBytes(block) != 0; }

// Bytes of the slots of a page, each with its tag, that were used at any time and lie neither at
// its start nor under its header.
inline size_t UsedSlotBytes(const PageHeader& page) {
  const uintptr_t header = reinterpret_cast<uintptr_t>(&page);
  size_t bytes = 0;
  for (SlotIndex slot{1}; slot < page.touched_end(); ++slot) {
    const uintptr_t tag = page.Block(slot) - kTagBytes;
    const bool under_header = tag < header + sizeof(page) && tag + page.stride() > header;
    if (!under_header) bytes += page.stride();
  }
  return bytes;
}

// What is had of the system and in no live large block.
inline size_t SystemBytes() {
  size_t bytes = g_page_supply.DirtyBytes() + g_large_blocks.Bytes();
  g_page_map.ForEach([&bytes](Interval, Owner owner) {
    if (owner.page() != nullptr) bytes += UsedSlotBytes(*owner.page());
  });
  return bytes;
}

// What mallinfo2 says wrong; empty if nothing.
inline std::string FindMiscount(const std::vector<Shadow>& live) {
  size_t slot_bytes = 0;
  size_t large = 0;
  size_t large_bytes = 0;
  for (const Shadow& block : live) {
    if (const size_t mapped = MappedBytes(block)) {
      ++large;
      large_bytes += mapped;
    } else {
      slot_bytes += SlotBytes(block);
    }
  }
  const struct mallinfo2 info = mymalloc_mallinfo2();
  const auto differs = [](const char* name, size_t is, size_t should_be) {
    return std::string(name) + " is " + std::to_string(is) + ", not " + std::to_string(should_be);
  };
  if (info.uordblks != slot_bytes) return differs("uordblks", info.uordblks, slot_bytes);
  if (info.hblks != large) return differs("hblks", info.hblks, large);
  if (info.hblkhd != large_bytes) return differs("hblkhd", info.hblkhd, large_bytes);
  const size_t system = SystemBytes();
  if (info.arena != system) return differs("arena", info.arena, system);
  const size_t free = system - slot_bytes;
  return info.fordblks != free ? differs("fordblks", info.fordblks, free) : "";
}

// Calls visit(range, mapped) for each range that is a page or a large block, guards and all;
// mapped: a mapping of its own, outside of the chunks.
template <typename Visitor>
void ForEachRange(Visitor&& visit) {
  g_page_map.ForEach([&](Interval range, Owner owner) {
    const LargeBlock* const large = owner.large();
    if (owner.page() != nullptr) {
      visit(Interval{range.begin, range.end + PageSupply::GuardOf(range.length())}, false);
    } else if (large != nullptr) {
      visit(Interval{range.begin - large->guard, range.end + large->guard}, large->mapped);
    }
  });
}

// Bytes of the chunks that are neither used nor free.
inline size_t LostBytes() {
  size_t used = 0;
  ForEachRange([&](Interval range, bool mapped) { used += mapped ? 0 : range.length(); });
  return os::g_chunks.mapped() - used - g_page_supply.FreeBytes() -
         Inspector::HeldBytesOfSupply(g_large_blocks);
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
