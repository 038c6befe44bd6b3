#include "mymalloc/answer/describe.h"

#include "absl/base/attributes.h"
#include "mymalloc/base/options.h"
#include "mymalloc/heap/quarantine.h"
#include "mymalloc/misuse/sampled_blocks.h"

namespace mymalloc {
namespace {

// What leaves the quarantine has something else in its first word (page/freed_from.h).
ABSL_ATTRIBUTE_NO_SANITIZE_THREAD bool LooksQuarantined(uintptr_t block) {
  if (g_options.quarantine.value == 0) return false;
  const uint64_t word = *reinterpret_cast<const volatile uint64_t*>(block);
  return word == Quarantine::kPattern * (~uint64_t{0} / 255);
}

mymalloc_state StateOf(SampledSlot::State state) {
  return state == SampledSlot::kLive   ? MYMALLOC_LIVE
         : state == SampledSlot::kFree ? MYMALLOC_QUARANTINED
                                       : MYMALLOC_NEVER_USED;
}

}  // namespace

size_t AskedOf(const PageGlance& page, SlotRun run, mymalloc_state state) {
  if (!g_tag_secret.NotesAllowed() || state == MYMALLOC_NEVER_USED) return MYMALLOC_UNKNOWN_SIZE;
  const Tag tag = page.TagAt(run.first);
  const size_t usable = run.Usable(page.stride());
  const size_t slack = tag.note().slack;
  return page.IsOwn(tag, run.first) && slack <= usable ? usable - slack : MYMALLOC_UNKNOWN_SIZE;
}

void DescribeRange(mymalloc_kind kind, Interval range, mymalloc_info* info) {
  info->kind = kind;
  info->base = reinterpret_cast<void*>(range.begin);
  info->usable_size = range.length();
}

// The bitmap first: of what is free there the tag may say anything.
mymalloc_state StateOf(const PageGlance& page, SlotRun run) {
  const SlotIndex slot = run.first;
  if (page.IsFree(slot)) return slot < page.touched_end() ? MYMALLOC_FREE : MYMALLOC_NEVER_USED;
  if (page.IsFreeRemotely(slot)) return MYMALLOC_FREE;
  const Tag tag = page.TagAt(slot);
  if (!page.IsOwn(tag, slot)) return MYMALLOC_OVERWRITTEN;
  if (tag.live()) return MYMALLOC_LIVE;
  return LooksQuarantined(page.Block(slot)) ? MYMALLOC_QUARANTINED : MYMALLOC_CACHED;
}

void DescribeSlots(const PageGlance& page, SlotRun run, mymalloc_info* info) {
  const bool in_runs = IsRunClass(page.size_class()) || run.slots != kOneSlot;
  info->kind = in_runs ? MYMALLOC_RUN : MYMALLOC_SMALL;
  info->state = StateOf(page, run);
  info->base = reinterpret_cast<void*>(page.Block(run.first));
  info->usable_size = run.Usable(page.stride());
  info->asked_size = AskedOf(page, run, info->state);
  if (info->asked_size != MYMALLOC_UNKNOWN_SIZE) info->usable_size = info->asked_size;
  info->page = reinterpret_cast<void*>(page.page().value());
  info->slot = run.first.value();
  info->slots = run.slots.value();
  info->slot_size = page.stride();
  info->size_class = page.size_class().value();
  info->heap = page.heap().value();
}

ABSL_ATTRIBUTE_NO_SANITIZE_THREAD void DescribeLarge(const LargeBlock& large, mymalloc_info* info) {
  info->kind = MYMALLOC_LARGE;
  info->state = large.IsLive() ? MYMALLOC_LIVE : MYMALLOC_FREE;
  info->base = reinterpret_cast<void*>(large.block);
  info->usable_size = large.usable();
  info->asked_size = large.requested;
}

void DescribeSampled(uintptr_t address, mymalloc_info* info) {
  SampledSlot slot;
  if (!g_sampled.Peek(address, &slot)) {
    const uintptr_t page = RoundDown(address, KernelPage());
    return DescribeRange(MYMALLOC_GUARD, Interval::From(page, KernelPage()), info);
  }
  info->kind = MYMALLOC_SAMPLED;
  info->state = StateOf(slot.state);
  info->base = reinterpret_cast<void*>(slot.block);
  info->usable_size = slot.size;
  info->asked_size = slot.size;
  if (slot.state == SampledSlot::kFree && slot.freed.count != 0) {
    info->freed_at = reinterpret_cast<const void*>(slot.freed.frames[0]);
  }
}

void DescribeFreedLarge(const FreedLarge::Record& freed, mymalloc_info* info) {
  info->kind = MYMALLOC_LARGE;
  info->state = freed.held.empty() ? MYMALLOC_FREE : MYMALLOC_QUARANTINED;
  info->base = reinterpret_cast<void*>(freed.block);
  info->usable_size = freed.asked;
  info->asked_size = g_options.check_ends ? freed.asked : MYMALLOC_UNKNOWN_SIZE;
  info->freed_at = reinterpret_cast<const void*>(freed.caller);
}

}  // namespace mymalloc
