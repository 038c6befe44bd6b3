#include "mymalloc/answer/slot_state.h"

#include "absl/base/attributes.h"
#include "mymalloc/base/options.h"
#include "mymalloc/heap/quarantine.h"

namespace mymalloc {
namespace {

// What leaves the quarantine has something else in its first word (page/freed_from.h).
ABSL_ATTRIBUTE_NO_SANITIZE_THREAD bool LooksQuarantined(uintptr_t block) {
  if (g_options.quarantine.value == 0) return false;
  const uint64_t word = *reinterpret_cast<const volatile uint64_t*>(block);
  return word == Quarantine::kPattern * (~uint64_t{0} / 255);
}

// What malloc was asked for, where the tag has a note of that.
size_t AskedOf(const PageGlance& page, SlotRun run, mymalloc_state state) {
  if (!g_tag_secret.NotesAllowed() || state == MYMALLOC_NEVER_USED) return MYMALLOC_UNKNOWN_SIZE;
  const Tag tag = page.TagAt(run.first);
  const size_t usable = run.Usable(page.stride());
  const size_t slack = tag.note().slack;
  return page.IsOwn(tag, run.first) && slack <= usable ? usable - slack : MYMALLOC_UNKNOWN_SIZE;
}

}  // namespace

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

}  // namespace mymalloc
