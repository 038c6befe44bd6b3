// A heap: one thread's magazines, and the pages behind them.
//
//   Allocate   magazine -- empty --> what others freed -> spill -> bits of a page -> new page
//   Free       magazine -- full ---> the older half to the spill, or back into the bitmaps
//              a page all free ----> kept, or to the page supply
//   AllocateRun, FreeRun             longer blocks: slots that follow each other, bits at once
//
// A heap belongs to one thread at a time and outlives it (process/registry.h). Its owner uses the
// magazines without a lock; everything else is under the heap's lock, which the owner takes about
// once in 64 operations on short blocks. Any thread that finds too much memory free may take it to
// give back what this heap has of that.

#ifndef MYMALLOC_HEAP_HEAP_H_
#define MYMALLOC_HEAP_HEAP_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "mymalloc/base/lock.h"
#include "mymalloc/heap/magazine.h"
#include "mymalloc/heap/page_cache.h"
#include "mymalloc/heap/page_queue.h"
#include "mymalloc/heap/quarantine.h"
#include "mymalloc/heap/remote_frees.h"
#include "mymalloc/heap/spill.h"
#include "mymalloc/page/page.h"
#include "mymalloc/supply/budget.h"
#include "mymalloc/supply/step.h"

namespace mymalloc {

class RetiredPages;

// Its padding keeps what other threads write to on lines of its own.
class Heap {  // NOLINT(clang-analyzer-optin.performance.Padding)
 public:
  // Zeroed memory is a heap that owns nothing, has no room in its magazines, and to which no block
  // belongs: every operation on it goes to the slow way.
  void Init(HeapId id);

  HeapId id() const { return id_; }
  // How the tags of this heap's live blocks are told.
  const Tag::Key& key() const { return key_; }
  // Not by []: where OwnHeap() is asked, gcc warns of one that is called for no heap.
  Magazine& magazine(SizeClass c) { return magazines_.items[c.value()]; }
  // The magazine of SmallClassOf(n), by one look into a table. REQUIRES: n <= kLargestSmall.
  Magazine& SmallMagazine(size_t n);
  const Magazine& magazine(SizeClass c) const { return magazines_[c]; }

  // The slow ways. An entry (see magazine.h), or 0 if the system has no memory.
  uintptr_t AllocateSlow(SizeClass c);
  // Takes a block of this heap that is marked free.
  void FreeSlow(uintptr_t block, SizeClass c);

  // A block of another heap that this thread, which owns this one, has marked free: gathered if it
  // is small and its turn in the table; else false, and nothing has happened.
  bool FreeRemoteQuickly(uintptr_t block, Tag tag);
  // The same in every case. False if the block is free already.
  bool FreeRemote(uintptr_t block, Tag tag);
  // Whether enough was freed, since the last call, to look what can be given back.
  bool TakePollIsDue() {
    const bool due = poll_is_due_;
    poll_is_due_ = false;
    return due;
  }
  bool PollIsDue() const { return poll_is_due_; }
  void SetPollIsDue() { poll_is_due_ = true; }
  // What the budget was not told yet.
  void TellBudget();
  // FreeRemote from a thread without a heap of its own.
  static void FreeRemoteAtOnce(uintptr_t block, Tag tag);

  // A run for n bytes, as RunFor says or packed better; 0 if the system has no memory. `*zeroed`:
  // its memory is known to be zero.
  uintptr_t AllocateRun(RunFit run, size_t n, bool* zeroed);
  // Takes a live run of this heap that has this tag. False if it has that no more. `caller`: from
  // where it is freed, for reports.
  bool FreeRun(PageHeader* page, uintptr_t block, Tag tag, uintptr_t caller = 0);
  // The same from a thread that does not own the page's heap but this one; or nullptr, none.
  static bool FreeRunRemotely(Heap* own, PageHeader* page, uintptr_t block, Tag tag,
                              uintptr_t caller = 0);
  // Any thread may call this. Makes the live block with this tag `want` slots long, if the slots
  // behind its own are free, or gives back what it has beyond them. False if it is as it was.
  bool ResizeRun(PageHeader* page, uintptr_t block, Tag tag, SlotCount want);

  // The owner's, and only for blocks on the detour (front/detour.h).
  Quarantine& quarantine() { return quarantine_; }
  const Quarantine& quarantine() const { return quarantine_; }
  PageCache& page_cache() { return page_cache_; }
  // Samples: one in so many of the owner's allocations, or bytes of them, at random distances
  // (option sample). AllocateSlow counts what it fills magazines with, its caller all else.
  void CountAllocated(uint64_t amount) { until_sample_ -= static_cast<int64_t>(amount); }
  bool SampleIsDue() const { return until_sample_ <= 0; }
  // REQUIRES: one is due. False if it does not fit, and is left to the next that does.
  bool TakeSample(bool fits);
  void DrawSample();
  // The owner's; hard to predict for who does not know the tags' secret.
  uint64_t Random();

  // For a thread that exits: gives the others what is theirs, and keeps the magazines as they are,
  // warm for the next thread, if that is not too much.
  void Settle();
  // Returns all that the owner holds to the bitmaps.
  void Flush();

  // Gives back to the kernel or the page supply what has been free since before the last ticks
  // (`now` is the janitor's tick), until the step is over. `by_owner`: the caller owns this heap,
  // and is not in the middle of an operation on it.
  enum class DecayResult : uint8_t {
    kNothing,     // is left
    kLater,       // something is left, but it is too young
    kUnfinished,  // there is more to do now
  };
  DecayResult Decay(uint16_t now, bool by_owner, Step* step);
  // Gives back all that can be, however young. What other threads hold only if TakeHeld took it.
  void DecayAll();
  // Nothing of what the owner holds at the bottom of its magazines, or has gathered for others, is
  // touched by it from a moment after this call on, as long as it comes to no slow way: magazine.h.
  void RaiseFloors();
  // What then lies there goes back: what was gathered, to other heaps.
  void TakeHeld();
  // By the owner: its next allocation of each class comes to the slow way.
  void ComeAgainSoon();
  // Whether it is worth asking for that; a glance without the lock.
  bool MayGiveBack() const {
    return dirty_bytes_.load(std::memory_order_relaxed) != 0 || !remote_.LooksEmpty() ||
           parked_bytes_.load(std::memory_order_relaxed) != 0;
  }
  // Gives back about so many bytes of what has been free longest, if the lock is free now. Returns
  // how many they were; kBusy if the lock was taken.
  static constexpr size_t kBusy = ~size_t{0};
  size_t TryGiveBack(size_t bytes, Step* step);

  // Also counts what the owner has left here.
  void set_parked(bool parked);
  bool parked() const { return parked_.load(std::memory_order_relaxed); }

  // Calls visit(class, entries, count) for the free blocks that the bitmaps call taken: those in
  // the magazines and the spill, together or apart.
  template <typename Visit>
  void ForEachHeld(Visit&& visit) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) {
    ForEachInMagazines(visit);
    ForEachInSpill(visit);
  }
  template <typename Visit>
  void ForEachInMagazines(Visit&& visit) const;
  template <typename Visit>
  void ForEachInSpill(Visit&& visit) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  // For reports: what this thread holds of other heaps' freed blocks.
  const RemoteGather& gather() const { return gather_; }
  // Whether a block of this heap is among those. Slow.
  bool Holds(uintptr_t block) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);

  // Whether new blocks of the class come from that page next: a glance, without the lock.
  bool ServesFrom(SizeClass c, uintptr_t header) const ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const auto* const head = reinterpret_cast<const volatile uintptr_t*>(&lists_[c].head);
    return *head == header;
  }

  // Bytes of the slots of its pages that have been used: now, and the most there ever were.
  size_t system() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) { return system_; }
  size_t most_system() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) { return most_system_; }
  // Slots of runs but the first.
  size_t run_tails() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) { return run_tails_; }

  // What came to its slow ways so far.
  struct Events {
    uint64_t allocations;
    uint64_t frees;
    uint64_t new_pages;
  };
  const Events& events() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) { return events_; }

  Lock& lock() ABSL_LOCK_RETURNED(lock_) { return lock_; }

 private:
  friend class Inspector;
  friend struct Layout;

  // The pages of a class that have a free slot; those that are all free at the end.
  struct PageList {
    PageHeader* head;
    PageHeader* tail;
  };
  // The pages of a run class that have a free slot, by how many follow each other in one.
  struct RunLists {
    PageList lists[kMostRunSlots.value() + 1];
    uint64_t any;  // bit i: list i + 1 is not empty
  };

  // Returns how many blocks came.
  unsigned Fill(SizeClass c, Magazine& m, unsigned want) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  unsigned TakeSlots(PageHeader* page, Magazine& m, unsigned want)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  uint64_t TakeRandom(PageHeader* page, unsigned* w, unsigned want);
  uint64_t TakeRandomLong(PageHeader* page, unsigned* w);
  void Populate(PageHeader* page, SlotIndex first, SlotIndex end, SlotCount slots)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  static void WriteFences(const PageHeader* page, unsigned w, uint64_t mask);
  PageHeader* NewPage(SizeClass c) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  unsigned PagesAtOnce(SizeClass c) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void Adopt(PageHeader* page) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  PageHeader* PageWithRun(SizeClass c, SlotCount slots) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  PageHeader* PageForRun(RunFit* run, size_t n) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void TakeRun(PageHeader* page, SlotIndex first, SlotCount slots)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void ReturnRun(PageHeader* page, SlotIndex first, SlotCount slots)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void CollectRuns(PageHeader* page, unsigned w, uint64_t mask)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void CountTaken(PageHeader* page, SlotCount slots, SlotCount clean, SlotIndex end)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void CountFilled(SizeClass c, size_t blocks);
  void CountFreed(PageHeader* page, SlotCount slots) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  static size_t CountedOf(const PageHeader* page, unsigned free, unsigned dirty);
  void AddDirty(size_t difference) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void SetDirty(PageHeader* page, unsigned dirty) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void AccountLong(const PageHeader* page, int64_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void Account(int64_t free, int64_t live) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void SettleAccounts() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void RaiseHighWater(PageHeader* page, SlotIndex slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void CountSystem(size_t difference) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);

  void MakeRoom(SizeClass c, Magazine& m) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void ReturnEntries(SizeClass c, const Entry* entries, unsigned count)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void Return(PageHeader* page, unsigned w, uint64_t mask, SlotCount blocks)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  bool ReturnSpill(uint16_t now, uint16_t age, Step* step) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  // Takes what other threads have freed here, of so many words of bitmaps at most. Whether there
  // was anything. A part of a millisecond's work:
  static constexpr unsigned kWordsAtOnce = 128;
  bool CollectRemote(unsigned most) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void NoteSlowCall(uint64_t Events::*event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void OpenGather();
  void FlushGather();
  void NoteCollected(const PageHeader* page, SlotCount slots) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  static void Send(RemoteWord word, uint64_t mask);
  void SendGathered(RemoteWord word, uint64_t mask);
  void CountSent(size_t bytes);
  void TellSent();
  size_t HeldBytes() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);

  void PageBecameEmpty(PageHeader* page) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  size_t& EmptyBytes(SizeClass c) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) {
    return empty_bytes_[IsRunClass(c) ? 1 : 0];
  }
  void RetireSome(SizeClass c, size_t to_keep) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void RetireFor(SizeClass c) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  bool RetireLongerThan(size_t bytes, RetiredPages* retired) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void RetireShorterThan(size_t bytes, RetiredPages* retired) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void Retire(PageHeader* page, RetiredPages* retired) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  PageHeader* EmptyPageOf(SizeClass c) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  PageList& ListOf(const PageHeader* page) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void NoteList(const PageHeader* page) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void SetLongest(PageHeader* page, SlotCount longest) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void PushFront(PageHeader* page) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void PushBack(PageHeader* page) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void Unlink(PageHeader* page) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);

  // heap_held.cc, heap_decay.cc
  void StealMagazines() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void StealGather(Step* step) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void LowerFloors() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void RaiseFloorsLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void DiscardMagazines() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void FlushLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void FlushHeld(Step* step) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void ReturnAll(SizeClass c, Magazine& m) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void FlushParked(Step* step) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void CountParked(size_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void EmptyUnused() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void DecayHeld(bool by_owner, Step* step) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  DecayResult DecayLocked(uint16_t now, bool by_owner, Step* step)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  bool DecayPages(uint16_t now, Step* step) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void CollectSome(Step* step) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void Enqueue(PageHeader* page) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void EnqueueFirst(PageHeader* page) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  size_t GiveBackSparse(size_t bytes, Step* step) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  PageHeader* NextSparse() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  size_t GiveBackFrom(PageHeader* page, size_t least, Step* step, RetiredPages* retired)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  bool PurgeHoles(PageHeader* page, size_t least, Step* step) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  bool PurgeHole(PageHeader* page, SlotIndex first, SlotIndex end_slot, size_t least, Step* step,
                 size_t* purged) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  size_t DecayStep(size_t most) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);

  Tag::Key key_;
  HeapId id_;
  std::atomic<bool> parked_;
  PerClass<Magazine> magazines_;

  alignas(64) Lock lock_ MYMALLOC_LOCK(kHeap);
  uint32_t slow_calls_ ABSL_GUARDED_BY(lock_);       // by the owner
  uint32_t slow_calls_seen_ ABSL_GUARDED_BY(lock_);  // at the last Decay
  // Dirty bytes of pages that are all free: those of slots, those of runs.
  size_t empty_bytes_[2] ABSL_GUARDED_BY(lock_);
  size_t system_ ABSL_GUARDED_BY(lock_);
  size_t most_system_ ABSL_GUARDED_BY(lock_);
  size_t run_tails_ ABSL_GUARDED_BY(lock_);
  std::atomic<size_t> dirty_bytes_;                // of all pages; changes under the lock
  int64_t unsettled_free_ ABSL_GUARDED_BY(lock_);  // what the budget was not told yet
  int64_t unsettled_live_ ABSL_GUARDED_BY(lock_);
  int64_t unsettled_long_ ABSL_GUARDED_BY(lock_);  // what of that is runs
  std::atomic<size_t> parked_bytes_;  // that a parked heap holds; changes under the lock
  bool floors_raised_ ABSL_GUARDED_BY(lock_);
  uint16_t decayed_at_ ABSL_GUARDED_BY(lock_);   // tick
  size_t left_to_decay_ ABSL_GUARDED_BY(lock_);  // pages to look at in that tick
  PerClass<uint32_t, kPageClasses> pages_ ABSL_GUARDED_BY(lock_);
  PerClass<PageList> lists_ ABSL_GUARDED_BY(lock_);
  RunLists runs_[kRunClasses] ABSL_GUARDED_BY(lock_);
  PageQueue<0> dirty_ ABSL_GUARDED_BY(lock_);   // pages with dirty slots, and new ones
  PageQueue<1> sparse_ ABSL_GUARDED_BY(lock_);  // those of them that are sparse, or were
  Spill spill_ ABSL_GUARDED_BY(lock_);
  Events events_ ABSL_GUARDED_BY(lock_);
  PerClass<const Entry*> seen_end_ ABSL_GUARDED_BY(lock_);  // of magazines, at the last Decay

  // The owner's: what it has freed for others and not yet told to the budget; whether Poll is due.
  int64_t sent_bytes_;
  bool poll_is_due_;
  RemoteGather gather_;
  Quarantine quarantine_;
  PageCache page_cache_;
  uint64_t random_state_;  // the owner's
  int64_t until_sample_;   // the owner's: allocations, or bytes of them, until one is due

  alignas(64) RemoteList remote_;
};

// Where the magazines of the small requests lie in a heap.
struct SmallMagazines {
  uint16_t offset[size_class_internal::SmallIndex(kLargestSmall) + 1];

  static constexpr SmallMagazines Make(size_t first) {
    SmallMagazines table{};
    for (size_t n = 0; n <= kLargestSmall; ++n) {
      const size_t offset = first + SmallClassOf(n).value() * sizeof(Magazine);
      table.offset[size_class_internal::SmallIndex(n)] = static_cast<uint16_t>(offset);
    }
    return table;
  }
};

inline Magazine& Heap::SmallMagazine(size_t n) {
  static_assert(offsetof(Heap, magazines_) == 64, "on the line behind the key's");
  static_assert(sizeof(Magazine) * (SmallClassOf(kLargestSmall).value() + 1) < 65536,
                "offsets fit");
  static constexpr SmallMagazines kTable = SmallMagazines::Make(offsetof(Heap, magazines_));
  const uintptr_t offset = kTable.offset[size_class_internal::SmallIndex(n)];
  return *reinterpret_cast<Magazine*>(reinterpret_cast<uintptr_t>(this) + offset);
}

inline RemoteWord RemoteWordOf(uintptr_t block, Tag tag) {
  return RemoteWord(HeaderOf(block, tag), SlotSet::WordOf(tag.slot()));
}

inline bool Heap::FreeRemoteQuickly(uintptr_t block, Tag tag) {
  const size_t stride = StrideOf(tag.size_class());
  if (ABSL_PREDICT_FALSE(stride > RemoteGather::kLargestStride) ||
      ABSL_PREDICT_FALSE(!gather_.Begin())) {
    return false;
  }
  const bool added =
      gather_.AddQuickly(RemoteWordOf(block, tag), SlotSet::BitOf(tag.slot()), stride);
  gather_.End();
  return added;
}

template <typename Visit>
void Heap::ForEachInMagazines(Visit&& visit) const {
  for (const SizeClass c : EachSizeClass()) {
    const Magazine& m = magazines_[c];
    if (m.Valid() != 0) visit(c, m.begin(), m.Valid());
  }
}

template <typename Visit>
void Heap::ForEachInSpill(Visit&& visit) const {
  for (const SizeClass c : EachSizeClass()) {
    spill_.ForEach(c, [&](const Entry* entries, unsigned count) { visit(c, entries, count); });
  }
}

// None is nobody's.
extern ArrayBy<HeapId, Heap*, kMaxHeaps> g_heaps;

}  // namespace mymalloc

#endif  // MYMALLOC_HEAP_HEAP_H_
