#include "mymalloc/answer/snapshot.h"

#include "mymalloc/answer/describe.h"
#include "mymalloc/os/memory.h"
#include "mymalloc/process/attach.h"
#include "mymalloc/process/freeze.h"
#include "mymalloc/report/inspector.h"
#include "mymalloc/supply/page_map.h"

namespace mymalloc {
namespace {

constexpr uint16_t kNotNoted = 0xffff;

// Calls visit(info) for the sampled blocks that lie in this range of the page map.
template <typename Visit>
void ForEachSampled(Interval range, Visit&& visit) {
  for (uintptr_t at = range.begin + KernelPage(); at < range.end; at += 2 * KernelPage()) {
    mymalloc_info info = {};
    DescribeSampled(at, &info);
    if (info.state != MYMALLOC_NEVER_USED) visit(info);
  }
}

}  // namespace

SlotRun Snapshot::Page::RunAt(SlotIndex first) const {
  SlotIndex end = first + kOneSlot;
  while (end < slots_end() && StateAt(end) == kContinues) ++end;
  return {first, end - first};
}

void Snapshot::Page::Describe(SlotIndex first, mymalloc_info* info) const {
  const SlotRun run = RunAt(first);
  const size_t stride = StrideOf(size_class_of());
  const bool in_runs = IsRunClass(size_class_of()) || run.slots != kOneSlot;
  info->kind = in_runs ? MYMALLOC_RUN : MYMALLOC_SMALL;
  info->state = static_cast<mymalloc_state>(StateAt(first));
  info->base = reinterpret_cast<void*>(page + first.value() * stride);
  info->usable_size = run.Usable(stride);
  info->asked_size = MYMALLOC_UNKNOWN_SIZE;
  if (noted && slacks()[first.value()] != kNotNoted) {
    info->usable_size -= slacks()[first.value()];
    info->asked_size = info->usable_size;
  }
  info->page = reinterpret_cast<void*>(page);
  info->slot = first.value();
  info->slots = run.slots.value();
  info->slot_size = stride;
  info->size_class = size_class;
  info->heap = heap;
}

size_t Snapshot::PageBytes() {
  return sizeof(Page) + (g_tag_secret.NotesAllowed() ? kSlotsPerPage * sizeof(uint16_t) : 0);
}

// Large and sampled blocks, and those held back. REQUIRES: Freeze.
template <typename Visit>
void Snapshot::ForEachOther(Visit&& visit) {
  Inspector::Freed(g_large_blocks).ForEachHeld([&visit](const FreedLarge::Record& record) {
    mymalloc_info info = {};
    DescribeFreedLarge(record, &info);
    visit(info);
  });
}

void Snapshot::Count() {
  const auto count_other = [this](const mymalloc_info& info) {
    needed_ += sizeof(Item) + sizeof(info);
  };
  g_page_map.ForEach([&](Interval range, Owner owner) {
    if (owner.sampled()) {
      ForEachSampled(range, count_other);
    } else {
      needed_ += sizeof(Item) + (owner.large() != nullptr ? sizeof(mymalloc_info) : PageBytes());
    }
  });
  ForEachOther(count_other);
}

void Snapshot::Take() {
  const auto add_other = [this](const mymalloc_info& info) { AddOther(info); };
  g_page_map.ForEach([&](Interval range, Owner owner) {
    if (owner.sampled()) {
      ForEachSampled(range, add_other);
    } else if (const LargeBlock* const large = owner.large()) {
      mymalloc_info info = {};
      DescribeLarge(*large, &info);
      AddOther(info);
    } else {
      AddPage(*owner.page());
    }
  });
  ForEachOther(add_other);
}

// Both go over what does not change between them.
Snapshot::Snapshot() {
  EnsureHeap();
  const Frozen frozen;
  Count();
  const size_t bytes = RoundUp(needed_ + 1, KernelPage());
  memory_ = Interval::From(os::MapLazily(bytes), bytes);
  end_ = memory_.begin;
  if (taken()) Take();
}

Snapshot::~Snapshot() {
  if (taken()) os::Unmap(memory_);
}

void* Snapshot::Add(bool is_page, size_t bytes) {
  auto* const item = reinterpret_cast<Item*>(end_);
  *item = {static_cast<uint32_t>(bytes), is_page ? 1U : 0U};
  end_ += sizeof(Item) + bytes;
  return item + 1;
}

void Snapshot::AddOther(const mymalloc_info& info) {
  *static_cast<mymalloc_info*>(Add(/*is_page=*/false, sizeof(info))) = info;
}

// A page whose header was overwritten has no slots to tell of.
void Snapshot::AddPage(const PageHeader& header) {
  const PageGlance page(header);
  if (!page.Intact()) return;
  auto* const noted = static_cast<Page*>(Add(/*is_page=*/true, PageBytes()));
  noted->page = page.page().value();
  noted->heap = static_cast<uint16_t>(page.heap().value());
  noted->size_class = static_cast<uint8_t>(page.size_class().value());
  noted->noted = g_tag_secret.NotesAllowed();
  for (SlotIndex slot = kFirstSlot; slot < page.slots_end();) {
    if (!page.IsPlace(slot)) {
      ++slot;
      continue;
    }
    const SlotRun run = page.RunAt(slot);
    const mymalloc_state state = StateOf(page, run);
    noted->SetState(slot, state);
    if (noted->noted) {
      const size_t asked = AskedOf(page, run, state);
      const size_t slack = run.Usable(page.stride()) - asked;
      noted->slacks()[slot.value()] =
          asked == MYMALLOC_UNKNOWN_SIZE ? kNotNoted : static_cast<uint16_t>(slack);
    }
    for (++slot; slot < run.end() && slot < page.slots_end(); ++slot) {
      noted->SetState(slot, kContinues);
    }
  }
}

}  // namespace mymalloc
