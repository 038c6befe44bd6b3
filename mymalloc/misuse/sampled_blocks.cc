#include "mymalloc/misuse/sampled_blocks.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "absl/base/attributes.h"
#include "mymalloc/base/options.h"
#include "mymalloc/fault/stack_trace.h"
#include "mymalloc/large/large.h"
#include "mymalloc/os/memory.h"
#include "mymalloc/os/metadata.h"
#include "mymalloc/supply/page_map.h"

namespace mymalloc {
namespace {

// What the slot's page holds around the block.
constexpr unsigned char kMargin = 0xfb;

// Without asking the kernel, which a sandbox may not allow: libc knows, and the number of a
// thread's clock is made of the thread's.
long OwnTid() {
  clockid_t clock;
  if (pthread_getcpuclockid(pthread_self(), &clock) != 0) return 0;
  return ~(clock >> 3);
}

void NoteEvent(FaultEvent* event) {
  event->thread = OwnTid();
  event->count = CaptureStack(event->frames, FaultEvent::kMostFrames);
}

// Where a block of n bytes lies on the page: at its end, where the first byte behind faults (or, if
// n is no multiple of 16, a few bytes on), or at its start. 0 if it does not fit after all.
uintptr_t Place(uintptr_t page, size_t n, size_t alignment, bool at_start) {
  const uintptr_t first = RoundUp(page + kBlockAlignment, alignment);
  const uintptr_t last = RoundDown(page + KernelPage() - Max(n, size_t{1}), alignment);
  return first > last ? 0 : at_start ? first : last;
}

void FillMargins(const SampledSlot& slot, uintptr_t page) {
  memset(reinterpret_cast<void*>(page), kMargin, slot.block - page);
  const uintptr_t end = slot.block + slot.size;
  memset(reinterpret_cast<void*>(end), kMargin, page + KernelPage() - end);
}

bool IsMargin(uintptr_t begin, uintptr_t end) {
  for (uintptr_t byte = begin; byte < end; ++byte) {
    if (*reinterpret_cast<const unsigned char*>(byte) != kMargin) return false;
  }
  return true;
}

// What lies around a block is as it was filled.
struct Margins {
  bool before = true;
  bool behind = true;

  Margins() = default;
  Margins(const SampledSlot& slot, uintptr_t page)
      : before(IsMargin(page, slot.block)),
        behind(IsMargin(slot.block + slot.size, page + KernelPage())) {}
  bool Intact() const { return before && behind; }
};

// Whoever is told may use the heap: reports are made of a copy of the slot, without the lock.
Fault MakeFault(Message message, const char* called, uintptr_t address, const SampledSlot& slot) {
  Fault fault(message, called, address);
  if (slot.state != SampledSlot::kUnused) fault.block = slot.Describe();
  fault.allocated = &slot.allocated;
  fault.freed = &slot.freed;
  return fault;
}
void ReportSlot(Message message, const char* called, uintptr_t address, const SampledSlot& slot) {
  Report(MakeFault(message, called, address, slot));
}

void ReportNotLive(uintptr_t address, const SampledSlot& slot, const char* called) {
  const bool freed = slot.state == SampledSlot::kFree && slot.block == address;
  const Message message = slot.state == SampledSlot::kUnused ? Message::kInAllocatorsMemory
                          : freed                            ? Message::kIsFree
                                                             : Message::kInsideOrBesideBlock;
  ReportSlot(message, called, address, slot);
}

// What of a margin is not as it was filled, from the first such byte on.
FaultBytes WrittenIn(uintptr_t begin, uintptr_t end) {
  const auto is_margin = [](uintptr_t byte) { return IsMargin(byte, byte + 1); };
  while (begin < end && is_margin(begin)) ++begin;
  size_t count = 0;
  while (begin + count < end && !is_margin(begin + count)) ++count;
  return {begin, count};
}

void ReportMargins(Margins margins, const SampledSlot& slot, const char* called) {
  const Message message = margins.behind ? Message::kUnderrun : Message::kOverrun;
  Fault fault = MakeFault(message, called, slot.block, slot);
  const uintptr_t page = RoundDown(slot.block, KernelPage());
  fault.written = margins.behind ? WrittenIn(page, slot.block)
                                 : WrittenIn(slot.block + slot.size, page + KernelPage());
  Report(fault);
}

}  // namespace

ABSL_CONST_INIT SampledBlocks g_sampled;

bool SampledBlocks::IsThere() {
  if (begin_ != 0) return true;
  if (slots_ == nullptr) {
    slots_ = static_cast<SampledSlot*>(os::AllocateMetadata(kSlots * sizeof(SampledSlot)));
  }
  const uintptr_t begin = slots_ != nullptr ? os::Reserve(kBytes) : 0;
  if (begin == 0) return false;
  for (unsigned i = 0; i < kSlots; ++i) queue_[i] = static_cast<uint16_t>(i);
  // Who finds the range in the map may look at it at once.
  begin_ = begin;
  if (g_page_map.Insert({begin, begin + kBytes}, Owner::Sampled())) return true;
  begin_ = 0;
  os::Unmap(Interval::From(begin, kBytes));
  return false;
}

uintptr_t SampledBlocks::Allocate(size_t n, size_t alignment, Kind kind, uint64_t random) {
  LockHolder holder(lock_);
  if (!IsThere()) return 0;
  SealReleased();
  const unsigned most_live = g_options.sample.bytes ? kMostLiveByBytes : kSlots;
  if (live() + unsealed_ >= most_live) return 0;
  const unsigned index = queue_[first_];
  const uintptr_t page = PageOf(index);
  const uintptr_t block = Place(page, n, Max(alignment, kBlockAlignment), random >> 63 != 0);
  if (block == 0 || !os::Commit(Interval::From(page, KernelPage()))) return 0;
  first_ = (first_ + 1) % kSlots;
  SetLive(live() + 1);
  SampledSlot& slot = slots_[index];
  slot.block = block;
  slot.size = n;
  slot.kind = kind;
  slot.freed.thread = 0;
  NoteEvent(&slot.allocated);
  FillMargins(slot, page);
  slot.state = SampledSlot::kLive;
  return block;
}

void SampledBlocks::Free(uintptr_t address, const Call& called) {
  // A misuse is not to wait for the lock, which this thread itself may hold.
  SampledSlot found;
  Margins margins;
  {
    const ReportLockHolder holder(lock_);
    const unsigned index = SlotNear(address);
    found = slots_[index];
    if (found.IsLiveBlock(address)) margins = Margins(found, PageOf(index));
  }
  if (!found.IsLiveBlock(address)) return ReportNotLive(address, found, called);
  // What was overwritten can still be looked at.
  if (!margins.Intact()) ReportMargins(margins, found, called);
  if (g_options.check_kind && SamplesAreStrict() && found.kind != called.frees) {
    ReportSlot(OfKind(found.kind), called, address, found);
  }
  {
    LockHolder holder(lock_);
    const unsigned index = SlotNear(address);
    found = slots_[index];
    if (found.IsLiveBlock(address)) {
      Release(index);
      return SealReleased();
    }
  }
  ReportNotLive(address, found, called);  // somebody else was quicker
}

void SampledBlocks::Release(unsigned index) {
  slots_[index].state = SampledSlot::kFree;
  NoteEvent(&slots_[index].freed);
  queue_[(first_ + kSlots - live()) % kSlots] = static_cast<uint16_t>(index);
  SetLive(live() - 1);
  ++unsealed_;
}

// The kernel may refuse (vm.max_map_count): a page waits then for the next call, and is not used
// before.
void SampledBlocks::SealReleased() {
  for (; unsealed_ != 0; --unsealed_) {
    const unsigned index = queue_[(first_ + kSlots - live() - unsealed_) % kSlots];
    if (!os::Seal(Interval::From(PageOf(index), KernelPage()))) return;
  }
}

void SampledBlocks::SetLive(unsigned live) {
  const size_t more = size_t{live} - live_.load(std::memory_order_relaxed);
  live_.store(live, std::memory_order_relaxed);
  LockHolder holder(g_large_blocks.lock());
  g_large_blocks.CountLive(more, more * KernelPage());
}

bool SampledBlocks::FindLive(uintptr_t address, const char* called, size_t* size) {
  SampledSlot found;
  {
    const ReportLockHolder holder(lock_);
    found = Nearest(address);
  }
  *size = found.size;
  if (found.IsLiveBlock(address)) return true;
  ReportNotLive(address, found, called);
  return false;
}

void SampledBlocks::ReportWrongSize(uintptr_t address, const char* called, const char* name,
                                    uint64_t given) {
  SampledSlot found;
  {
    const ReportLockHolder holder(lock_);
    found = Nearest(address);
  }
  Fault fault = MakeFault(Message::kWrongSize, called, address, found);
  fault.given_name = name;
  fault.given = given;
  Report(fault);
}

const char* SampledBlocks::Verify() {
  if (begin_ == 0) return nullptr;
  LockHolder holder(lock_);
  unsigned live = 0;
  for (unsigned i = 0; i < kSlots; ++i) live += slots_[i].state == SampledSlot::kLive ? 1 : 0;
  if (live != this->live()) return "the sampled blocks are not as many as their count says";
  if (unsealed_ > kSlots - live) return "more sampled blocks are to be sealed than were freed";
  bool waits[kSlots] = {};
  for (unsigned i = 0; i < kSlots - live; ++i) {
    const unsigned index = queue_[(first_ + i) % kSlots];
    if (waits[index]) return "a slot for sampled blocks waits twice, and another is lost";
    if (slots_[index].state == SampledSlot::kLive) return "a sampled block's slot waits for reuse";
    waits[index] = true;
  }
  return nullptr;
}

// Of the two slots beside a guard page: the block that is nearer.
unsigned SampledBlocks::SlotNear(uintptr_t address) const {
  const size_t page = (address - begin_) / KernelPage();
  if (page % 2 == 1) return static_cast<unsigned>(page / 2);
  const unsigned above = static_cast<unsigned>(page / 2);
  if (above == 0) return 0;
  const unsigned below = above - 1;
  if (above == kSlots) return below;
  const SampledSlot& a = slots_[above];
  const SampledSlot& b = slots_[below];
  if (a.state == SampledSlot::kUnused || b.state == SampledSlot::kUnused) {
    return a.state == SampledSlot::kUnused ? below : above;
  }
  return address - (b.block + b.size) <= a.block - address ? below : above;
}

ABSL_ATTRIBUTE_NO_SANITIZE_THREAD bool SampledBlocks::Peek(uintptr_t address,
                                                           SampledSlot* slot) const {
  const size_t page = (address - begin_) / KernelPage();
  if (page % 2 == 0) return false;
  *slot = slots_[page / 2];
  return true;
}

SampledSlot SampledBlocks::Nearest(uintptr_t address) const { return slots_[SlotNear(address)]; }

}  // namespace mymalloc
