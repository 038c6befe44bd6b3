#include "mymalloc/heap/heap.h"

#include "absl/base/optimization.h"
#include "mymalloc/base/options.h"
#include "mymalloc/base/probe.h"
#include "mymalloc/heap/broken.h"
#include "mymalloc/supply/tick.h"
#include "mymalloc/supply/totals.h"

namespace mymalloc {
namespace {

unsigned LowestBit(uint64_t word) { return static_cast<unsigned>(__builtin_ctzll(word)); }

// What a thread has gathered for others does not wait longer than this for its owners.
constexpr uint32_t kSlowCallsToFlush = 64;

// What the block was asked for when it was live before is forgotten in the same step.
void MarkLiveFresh(uintptr_t block) {
  if (ABSL_PREDICT_TRUE(!g_policy.Notes())) return MarkLive(block);
  const Tag tag = Tag::Of(block);
  if (!tag.Verifies(block) || tag.live()) return MarkLive(block);
  tag.Live().WithNote({}).WriteTo(block);
}

// A free slot whose tag is not as it was written: it was overrun. Where the slot was not used yet,
// or its memory was given back, there is none; but behind a block there always is, as its fence.
void CheckFreeTag(uintptr_t block, uint64_t expected, bool may_be_zero) {
  const Tag found = Tag::Of(block);
  if ((found.bits() == 0 && may_be_zero) ||
      (found.Verifies(block) && found.WithNote({}).bits() == expected))
    return;
  SlotIndex slot;
  FindBrokenFreeBlock(block, &slot);
}

}  // namespace

ArrayBy<HeapId, Heap*, kMaxHeaps> g_heaps;

void Heap::Init(HeapId id) {
  id_ = id;
  key_.Set(Tag::OwnerBits(id == Tag::kNobody ? Tag::kNoHeap : id));
  random_state_ = g_tag_secret.Encode(id.value(), 0) | 1;
  DrawSample();
}

uintptr_t Heap::AllocateSlow(SizeClass c) {
  MYMALLOC_PROBE(slow_alloc, c.value(), RefillOf(c));
  LockHolder holder(lock_);
  NoteSlowCall(&Events::allocations);
  CollectRemote(kWordsAtOnce);
  Magazine& m = magazines_[c];
  m.Compact();
  m.LowerFloor(0);
  if (m.Valid() == 0) CountFilled(c, Fill(c, m, Min(m.Deepen(c), RefillOf(c))));
  if (ABSL_PREDICT_FALSE(g_options.random_slots)) m.Shuffle(Random());
  const uintptr_t entry = m.Pop();
  if (entry != 0) MarkLiveFresh(BlockOf(entry));
  return entry;
}

unsigned Heap::Fill(SizeClass c, Magazine& m, unsigned want) {
  if (Spill::Takes(c) && spill_.Holds(c)) {
    while (m.Depth() < DepthOf(c)) m.Deepen(c);  // it must have room for a bundle, and blocks freed
    spill_.Take(c, m.Extend(Bundle::kBlocks));
    return Bundle::kBlocks;
  }
  unsigned left = want;
  while (left > 0) {
    PageHeader* page = lists_[c].head;
    if (page == nullptr) {
      // A new page only when there is nothing at all.
      if (left < want) break;
      page = NewPage(c);
      if (page == nullptr) break;
    }
    left -= TakeSlots(page, m, left);
  }
  return want - left;
}

unsigned Heap::TakeSlots(PageHeader* page, Magazine& m, unsigned want) {
  if (ABSL_PREDICT_FALSE(!page->Intact())) ReportBrokenHeader(page);
  if (page->AllFree()) EmptyBytes(page->size_class()) -= page->DirtyBytes();
  const SizeClass c = page->size_class();
  const size_t stride = StrideOf(c);
  unsigned w = page->free.FirstWordWithBits();
  want = Min(want, SlotBitmap::kSlotsPerWord);
  uint64_t mask = ABSL_PREDICT_TRUE(!g_options.random_slots) ? page->free.TakeLowest(w, want)
                                                             : TakeRandom(page, &w, want);
  const unsigned taken = SlotBitmap::PopCount(mask);
  const unsigned first = w * SlotBitmap::kSlotsPerWord;
  const unsigned zeroed_from = c > SmallClassOf(kLargestSmall) ? page->high_water : kSlotsPerPage;
  const SlotIndex end(first + 64 - static_cast<unsigned>(__builtin_clzll(mask)));
  const uint64_t clean_mask = page->clean.Word(w) & mask;
  const unsigned clean = SlotBitmap::PopCount(clean_mask);
  page->clean.TakeMask(w, mask);
  CountTaken(page, SlotCount(taken), SlotCount(clean), end);
  page->free_count = static_cast<uint8_t>(page->free_count - taken);
  RaiseHighWater(page, end);
  if (clean != 0) {
    const SlotIndex first_clean(first + LowestBit(clean_mask));
    Populate(page, first_clean, end, SlotCount(clean));
  }
  WriteFences(page, w, mask);

  // From the top down, so that blocks are handed out in address order.
  Entry* entry = m.Extend(taken) + taken;
  const uintptr_t word_begin = page->page() + first * stride;
  const uint64_t word_tag = Tag::Make(word_begin, id_, c, SlotIndex(first)).bits();
  const uint64_t tag_step = Tag::Step(stride);
  const uint64_t all = mask;
  for (; mask != 0; mask &= mask - 1) {
    const unsigned bit = LowestBit(mask);
    const uintptr_t block = word_begin + bit * stride;
    if (ABSL_PREDICT_FALSE(g_policy.Notes())) {
      const SlotIndex slot(first + bit);
      const bool before_is_free = !page->IsPlace(slot - kOneSlot) ||
                                  page->free.Test(slot - kOneSlot) ||
                                  (bit != 0 && (all >> (bit - 1) & 1) != 0);
      CheckFreeTag(block, word_tag + bit * tag_step, before_is_free);
    }
    Tag::WriteBits(block, word_tag + bit * tag_step);
    const bool zeroed = first + bit >= zeroed_from;
    (--entry)->store(block | (zeroed ? kZeroed : 0), std::memory_order_relaxed);
  }
  if (page->free_count == 0) Unlink(page);
  return taken;
}

uint64_t Heap::Random() {
  random_state_ = random_state_ * 6364136223846793005 + 1442695040888963407;
  // The lowest bits of such a state come round soon: every bit is made to depend on the high ones.
  const uint64_t mixed = (random_state_ ^ random_state_ >> 32) * g_tag_secret.factor;
  return mixed ^ mixed >> 32;
}

void Heap::DrawSample() {
  const auto every = static_cast<int64_t>(g_options.sample.every);
  const auto random = static_cast<int64_t>(Random() >> 16);
  until_sample_ = every != 0 ? 1 + random % (2 * every - 1) : INT64_MAX;
}

bool Heap::TakeSample(bool fits) {
  if (!fits) return false;
  DrawSample();
  return g_options.sample.every != 0;
}

void Heap::CountFilled(SizeClass c, size_t blocks) {
  if (g_options.sample.bytes) {
    CountAllocated(blocks * StrideOf(c));
  } else if (!CountsEachAllocation(g_options.sample)) {
    CountAllocated(blocks);
  }
}

// Any free slot that was touched before; and where those are too few to hide which it is, one of
// the lowest: if it were any of the page's, a few blocks would soon make all of it resident.
uint64_t Heap::TakeRandomLong(PageHeader* page, unsigned* w) {
  constexpr unsigned kLeastChoice = 16;
  SlotSet touched = page->free;
  touched.ClearRange(page->touched_end(), SlotIndex{kSlotsPerPage} - page->touched_end());
  const unsigned choice = Min<unsigned>(Max(touched.Count(), kLeastChoice), page->free_count);
  unsigned below = static_cast<unsigned>(Random() >> 32) % choice;
  uint64_t word = page->free.Word(*w = 0);
  for (unsigned n = SlotBitmap::PopCount(word); below >= n; n = SlotBitmap::PopCount(word)) {
    below -= n;
    word = page->free.Word(++*w);
  }
  for (; below > 0; --below) word &= word - 1;
  const uint64_t mask = word & (~word + 1);
  page->free.TakeMask(*w, mask);
  return mask;
}

// As TakeLowest, from a random word with free slots and there from a random place on; of long slots
// one.
uint64_t Heap::TakeRandom(PageHeader* page, unsigned* w, unsigned want) {
  constexpr size_t kShortStride = 1024;
  if (page->stride() > kShortStride) return TakeRandomLong(page, w);
  const uint64_t random = Random();
  *w = static_cast<unsigned>(random >> 32) % SlotBitmap::kWords;
  while (page->free.Word(*w) == 0) *w = (*w + 1) % SlotBitmap::kWords;
  const unsigned turn = static_cast<unsigned>(random >> 58);
  const uint64_t word = page->free.Word(*w);
  const uint64_t turned = turn == 0 ? word : word >> turn | word << (64 - turn);
  uint64_t rest = turned;
  for (unsigned i = 0; i < want && rest != 0; ++i) rest &= rest - 1;
  const uint64_t taken = turned ^ rest;
  const uint64_t mask = turn == 0 ? taken : taken << turn | taken >> (64 - turn);
  page->free.TakeMask(*w, mask);
  return mask;
}

// The tag behind each block that was taken and has a free slot behind it: that slot's tag may never
// have been written.
inline void Heap::WriteFences(const PageHeader* page, unsigned w, uint64_t mask) {
  const unsigned first = w * SlotBitmap::kSlotsPerWord;
  for (uint64_t behind = mask << 1 & page->free.Word(w); behind != 0; behind &= behind - 1) {
    page->WriteFence(SlotIndex(first + LowestBit(behind)));
  }
  const unsigned end = page->slots().value();
  if (ABSL_PREDICT_FALSE(end < first + SlotBitmap::kSlotsPerWord && end > first &&
                         (mask >> (end - 1 - first) & 1) != 0)) {
    page->WriteFence(page->slots_end());
  }
  if (ABSL_PREDICT_FALSE(mask >> 63 != 0)) {
    const SlotIndex next(first + SlotBitmap::kSlotsPerWord);
    if (next == page->slots_end() || page->free.Test(next)) page->WriteFence(next);
  }
}

void Heap::FreeSlow(uintptr_t block, SizeClass c) {
  MYMALLOC_PROBE(slow_free, block, c.value());
  LockHolder holder(lock_);
  NoteSlowCall(&Events::frees);
  poll_is_due_ = true;
  Magazine& m = magazines_[c];
  m.Compact();
  if (m.Push(block)) return;
  m.Deepen(c);
  if (m.Push(block)) return;
  MakeRoom(c, m);
  m.Push(block);
}

// The older half goes. Where far too much is free, all that the owner holds does, a step of it:
// each such block keeps its page from being given back.
void Heap::MakeRoom(SizeClass c, Magazine& m) {
  if (ABSL_PREDICT_FALSE(g_budget.IsFarExceeded())) {
    Step step;
    FlushHeld(&step);
    m.Deepen(c);
    return;
  }
  const unsigned half = (m.Depth() + 1) / 2;
  if (!Spill::Takes(c) || m.Depth() < kDeepestMagazine ||
      !spill_.Put(c, m.begin(), CurrentTick())) {
    ReturnEntries(c, m.begin(), half);
  }
  m.DropOldest(half);
}

// Blocks of one bitmap word that follow each other go back together.
void Heap::ReturnEntries(SizeClass c, const Entry* entries, unsigned count) {
  const size_t stride = StrideOf(c);
  for (unsigned i = 0; i < count;) {
    const uintptr_t first = BlockOf(entries[i++].load(std::memory_order_relaxed));
    const Tag tag = Tag::Of(first);
    SlotIndex slot = tag.slot();
    if (ABSL_PREDICT_FALSE(!tag.IsFreeOf(first, id_, c)) && !FindBrokenFreeBlock(first, &slot)) {
      continue;
    }
    const PageAddress page(first - slot.value() * stride);
    const unsigned w = SlotSet::WordOf(slot);
    const uintptr_t word_begin = page + w * (SlotBitmap::kSlotsPerWord * stride);
    uint64_t mask = SlotSet::BitOf(slot);
    unsigned blocks = 1;
    for (; i < count; ++i, ++blocks) {
      const uintptr_t block = BlockOf(entries[i].load(std::memory_order_relaxed));
      const unsigned bit = Tag::Of(block).slot().value() % SlotBitmap::kSlotsPerWord;
      // Its place says that it is of this word, so the tag need not be asked more.
      if (block != word_begin + bit * stride || (mask >> bit & 1) != 0) break;
      mask |= uint64_t{1} << bit;
    }
    Return(HeaderOf(page), w, mask, SlotCount(blocks));
  }
}

void Heap::Return(PageHeader* page, unsigned w, uint64_t mask, SlotCount blocks) {
  const uint64_t twice = page->free.ReleaseMask(w, mask);
  if (ABSL_PREDICT_FALSE(twice != 0)) {
    ReportFreeTwice(page, SlotSet::SlotOf(w, LowestBit(twice)));
    blocks = blocks - SlotCount(SlotBitmap::PopCount(twice));
    if (blocks == kNoSlots) return;  // a page that was all free would become so again
  }
  const unsigned before = page->free_count;
  page->free_count = static_cast<uint8_t>(before + blocks.value());
  CountFreed(page, blocks);
  if (before == 0) PushFront(page);
  if (page->AllFree()) PageBecameEmpty(page);
}

bool Heap::CollectRemote(unsigned most) {
  if (remote_.Empty()) return false;
  remote_.Take(most,
               [this](PageHeader* page, unsigned w, uint64_t mask) ABSL_NO_THREAD_SAFETY_ANALYSIS {
                 if (MayHaveRuns(page->size_class())) {
                   CollectRuns(page, w, mask);
                 } else {
                   const SlotCount blocks(SlotBitmap::PopCount(mask));
                   NoteCollected(page, blocks);
                   Return(page, w, mask, blocks);
                 }
               });
  return true;
}

// The budget knows of these since they were sent.
void Heap::NoteCollected(const PageHeader* page, SlotCount slots) {
  const auto bytes = static_cast<int64_t>(slots * page->stride());
  unsettled_free_ -= bytes;
  unsettled_live_ += bytes;
}

bool Heap::FreeRemote(uintptr_t block, Tag tag) {
  const size_t stride = StrideOf(tag.size_class());
  const RemoteWord word = RemoteWordOf(block, tag);
  const uint64_t bit = SlotSet::BitOf(tag.slot());
  if (stride > RemoteGather::kLargestStride) {
    SendGathered(word, bit);
    return true;
  }
  while (!gather_.Begin()) OpenGather();
  const bool fresh = gather_.Add(word, bit, stride,
                                 [this](RemoteWord w, uint64_t mask) { SendGathered(w, mask); });
  gather_.End();
  return fresh;
}

void Heap::OpenGather() {
  LockHolder holder(lock_);
  gather_.Open();
}

void Heap::FreeRemoteAtOnce(uintptr_t block, Tag tag) {
  Send(RemoteWordOf(block, tag), SlotSet::BitOf(tag.slot()));
  g_budget.TellSent(static_cast<int64_t>(StrideOf(tag.size_class())));
}

void Heap::SendGathered(RemoteWord word, uint64_t mask) {
  const unsigned blocks = (mask & (mask - 1)) == 0 ? 1 : SlotBitmap::PopCount(mask);
  CountSent(blocks * word.page()->stride());
  Send(word, mask);
}

void Heap::Send(RemoteWord word, uint64_t mask) {
  PageHeader* const page = word.page();
  const uint64_t before = page->remote.Release(word.word(), mask);
  if (ABSL_PREDICT_FALSE((before & mask) != 0)) {
    ReportFreeTwice(page, SlotSet::SlotOf(word.word(), LowestBit(before & mask)));
  }
  // Whoever makes the word non-empty tells the owner.
  if (before == 0) g_heaps[page->heap()]->remote_.Push(word);
}

void Heap::CountSent(size_t bytes) {
  sent_bytes_ += static_cast<int64_t>(bytes);
  if (sent_bytes_ < Budget::kStep) return;
  TellSent();
  poll_is_due_ = true;
}

void Heap::TellSent() {
  if (sent_bytes_ == 0) return;
  g_budget.TellSent(sent_bytes_);
  sent_bytes_ = 0;
}

void Heap::NoteSlowCall(uint64_t Events::*event) {
  ++(events_.*event);
  ++slow_calls_;
  if (slow_calls_ % kSlowCallsToFlush == 0) FlushGather();
}

void Heap::FlushGather() {
  gather_.FlushAll([this](RemoteWord word, uint64_t mask) { SendGathered(word, mask); });
  TellSent();
}

bool Heap::Holds(uintptr_t block) const {
  bool found = false;
  ForEachHeld([&](SizeClass, const Entry* entries, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      found |= BlockOf(entries[i].load(std::memory_order_relaxed)) == block;
    }
  });
  return found;
}

}  // namespace mymalloc
