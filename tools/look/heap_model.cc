#include "tools/look/heap_model.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace mymalloc::look {

SlotState Page::StateOf(unsigned slot) const {
  if (Has(own, slot)) return SlotState::kOwn;
  if (Has(free, slot)) return Has(clean, slot) ? SlotState::kClean : SlotState::kFree;
  if (Has(cached, slot)) return SlotState::kCached;
  if (Has(quarantined, slot)) return SlotState::kQuarantined;
  if (Has(heads, slot)) return SlotState::kRunHead;
  return Has(tails, slot) ? SlotState::kRunTail : SlotState::kLive;
}

unsigned Page::SlotsAt(unsigned slot) const {
  unsigned count = 1;
  if (!Has(heads, slot)) return count;
  while (slot + count < slots && Has(tails, slot + count)) ++count;
  return count;
}

void HeapModel::NoteDamage(std::string what) {
  ++damages;
  if (damage.size() < kMostDamage) damage.push_back(std::move(what));
}

std::string HeapModel::DescribeDamage() const {
  if (damages == 0) return "";
  const uint64_t more = damages - damage.size();
  return absl::StrCat("the heap's metadata is damaged: ", absl::StrJoin(damage, "; "),
                      more == 0 ? "" : absl::StrCat("; and ", more, " more"));
}

const Page* HeapModel::PageAt(uint64_t address) const {
  const auto behind = std::upper_bound(pages.begin(), pages.end(), address,
                                       [](uint64_t a, const Page& p) { return a < p.range.begin; });
  if (behind == pages.begin()) return nullptr;
  const Page& page = *(behind - 1);
  return page.range.Contains(address) ? &page : nullptr;
}

Page* HeapModel::PageAt(uint64_t address) {
  return const_cast<Page*>(std::as_const(*this).PageAt(address));
}

const Large* HeapModel::LargeAt(uint64_t address) const {
  const auto behind =
      std::upper_bound(large.begin(), large.end(), address,
                       [](uint64_t a, const Large& l) { return a < l.range.begin; });
  if (behind == large.begin()) return nullptr;
  const Large& found = *(behind - 1);
  return found.range.Contains(address) ? &found : nullptr;
}

Block HeapModel::BlockAt(const Page& page, unsigned slot) const {
  const bool is_run = Has(page.heads, slot);
  return {page.Block(slot), page.Usable(slot), is_run ? BlockKind::kRun : BlockKind::kSmall,
          page.size_class, page.heap};
}

}  // namespace mymalloc::look
