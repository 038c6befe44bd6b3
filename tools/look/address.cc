#include "tools/look/address.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace mymalloc::look {
namespace {

AddressState StateOf(SlotState state) {
  switch (state) {
    case SlotState::kOwn:
      return AddressState::kNone;
    case SlotState::kFree:
    case SlotState::kClean:
      return AddressState::kFree;
    case SlotState::kCached:
      return AddressState::kCached;
    case SlotState::kQuarantined:
      return AddressState::kQuarantined;
    case SlotState::kLive:
    case SlotState::kRunHead:
    case SlotState::kRunTail:
      return AddressState::kLive;
  }
  return AddressState::kNone;
}

// Where blocks have notes: how this one was asked for.
void AddNote(const Target& target, const HeapModel& model, AddressInfo* info) {
  uint64_t bits = 0;
  if (!model.secret.NotesAllowed() || info->state != AddressState::kLive ||
      !target.memory().Get(info->base - kTagBytes, &bits) || !model.Verifies(info->base, bits)) {
    return;
  }
  const Note note = model.TagOf(info->base, bits).note();
  if (note.slack > info->usable || note.kind > Kind::kNewArrayAligned) return;
  info->has_asked = true;
  info->asked = info->usable - note.slack;
  info->made_by = note.kind;
}

AddressInfo InPage(const Target& target, const HeapModel& model, const Page& page,
                   uint64_t address) {
  AddressInfo info;
  info.page = page.range.begin;
  info.size_class = page.size_class;
  info.stride = page.stride;
  info.heap = page.heap;
  unsigned slot = static_cast<unsigned>((address - page.range.begin) / page.stride);
  if (slot >= page.slots) slot = page.slots - 1U;
  const bool in_header = address >= page.header && address < page.header + sizeof(PageHeader);
  if (in_header || Has(page.own, slot)) {
    info.kind = AddressKind::kHeader;
    info.base = page.header;
    info.usable = sizeof(PageHeader);
    return info;
  }
  while (Has(page.tails, slot) && slot > 0) --slot;
  const SlotState state = page.StateOf(slot);
  info.kind = state == SlotState::kRunHead ? AddressKind::kRun : AddressKind::kSmall;
  info.state = StateOf(state);
  info.clean = state == SlotState::kClean;
  info.slot = slot;
  info.slots = page.SlotsAt(slot);
  info.base = page.Block(slot);
  info.usable = page.Usable(slot);
  info.in_tag = address >= info.base + info.usable;
  AddNote(target, model, &info);
  return info;
}

AddressInfo InLarge(const Large& large, AddressState state, bool notes) {
  AddressInfo info;
  info.kind = AddressKind::kLarge;
  info.state = state;
  info.base = large.block;
  info.usable = large.usable;
  info.has_asked = notes;
  info.asked = large.requested;
  return info;
}

bool InSampled(const HeapModel& model, uint64_t address, AddressInfo* info) {
  if (!model.sampled_range.Contains(address)) return false;
  info->kind = AddressKind::kGuard;
  info->base = RoundDown(address, KernelPage());
  info->usable = KernelPage();
  for (const SampledBlock& block : model.sampled) {
    if (RoundDown(block.block, KernelPage()) != info->base) continue;
    info->kind = AddressKind::kSampled;
    info->state = block.live ? AddressState::kLive : AddressState::kFree;
    info->base = block.block;
    info->usable = info->asked = block.size;
    info->has_asked = true;
    break;
  }
  return true;
}

void InRange(AddressKind kind, const Interval& range, AddressInfo* info) {
  info->kind = kind;
  info->base = range.begin;
  info->usable = range.length();
}

}  // namespace

AddressInfo LookUp(const Target& target, const HeapModel& model, uint64_t address) {
  if (const Page* const page = model.PageAt(address)) {
    return InPage(target, model, *page, address);
  }
  if (const Large* const large = model.LargeAt(address)) {
    return InLarge(*large, large->live ? AddressState::kLive : AddressState::kFree, true);
  }
  AddressInfo info;
  if (InSampled(model, address, &info)) return info;
  for (const Large& held : model.held_large) {
    if (held.range.Contains(address)) return InLarge(held, AddressState::kQuarantined, true);
  }
  for (const Interval& range : model.metadata) {
    if (range.Contains(address)) InRange(AddressKind::kMetadata, range, &info);
  }
  for (const FreeRange& range : model.free_ranges) {
    if (!range.range.Contains(address)) continue;
    InRange(AddressKind::kFreeRange, range.range, &info);
    info.state = AddressState::kFree;
    info.clean = !range.dirty;
  }
  if (info.kind != AddressKind::kNotOurs) return info;
  const Mapping* const mapping = FindMapping(target.mappings(), address);
  const bool in_chunk = std::any_of(model.chunks.begin(), model.chunks.end(),
                                    [=](const Interval& c) { return c.Contains(address); });
  if (mapping == nullptr) return info;
  if (in_chunk) InRange(AddressKind::kGuard, mapping->range, &info);
  info.mapping = mapping->path.empty() ? "anonymous memory" : mapping->path;
  return info;
}

const char* NameOf(AddressKind kind) {
  switch (kind) {
    case AddressKind::kSmall:
      return "small";
    case AddressKind::kRun:
      return "run";
    case AddressKind::kLarge:
      return "large";
    case AddressKind::kSampled:
      return "sampled";
    case AddressKind::kHeader:
      return "header";
    case AddressKind::kFreeRange:
      return "free range";
    case AddressKind::kMetadata:
      return "metadata";
    case AddressKind::kGuard:
      return "guard";
    case AddressKind::kNotOurs:
      return "not ours";
  }
  return "";
}

const char* NameOf(AddressState state) {
  switch (state) {
    case AddressState::kNone:
      return "";
    case AddressState::kLive:
      return "live";
    case AddressState::kFree:
      return "free";
    case AddressState::kCached:
      return "cached";
    case AddressState::kQuarantined:
      return "quarantined";
  }
  return "";
}

const char* NameOf(Kind kind) {
  switch (kind) {
    case Kind::kMalloc:
      return "malloc";
    case Kind::kNew:
      return "new";
    case Kind::kNewArray:
      return "new[]";
    case Kind::kNewAligned:
      return "aligned new";
    case Kind::kNewArrayAligned:
      return "aligned new[]";
  }
  return "";
}

}  // namespace mymalloc::look
