// A heap: one thread's magazines, and the pages behind them.
//
//   Allocate: magazine -- empty --> collect what others freed -> spill -> bits of a page -> new
//   page Free:     magazine -- full ---> the older half to the spill, or back into the bitmaps ->
//   empty
//                                   pages to the supply
//
// A heap belongs to one thread at a time and outlives it (heap/registry.h). Its owner uses the
// magazines without a lock; everything else is under the heap's lock, which the owner takes about
// once in 64 operations and the janitor now and then.

#ifndef MYMALLOC_HEAP_HEAP_H_
#define MYMALLOC_HEAP_HEAP_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "mymalloc/base/lock.h"
#include "mymalloc/heap/magazine.h"
#include "mymalloc/heap/page_cache.h"
#include "mymalloc/heap/quarantine.h"
#include "mymalloc/heap/remote_frees.h"
#include "mymalloc/heap/spill.h"
#include "mymalloc/page/page.h"

namespace mymalloc {

// Its padding keeps what other threads write to on lines of its own.
class Heap {  // NOLINT(clang-analyzer-optin.performance.Padding)
 public:
  // Zeroed memory is a heap that owns nothing, has no room in its magazines, and to which no block
  // belongs: every operation on it goes to the slow path.
  void Init(HeapId id);

  HeapId id() const { return id_; }
  // How the tags of this heap's live blocks are told.
  const Tag::Key& key() const { return key_; }
  Magazine& magazine(SizeClass c) { return magazines_[c]; }
  // The magazine of SmallClassOf(n), by one look into a table. REQUIRES: n <= kLargestSmall.
  Magazine& SmallMagazine(size_t n);
  const Magazine& magazine(SizeClass c) const { return magazines_[c]; }

  // The slow paths. An entry (see magazine.h), or 0 if the system has no memory.
  uintptr_t AllocateSlow(SizeClass c);
  // Takes a block of this heap that is marked free.
  void FreeSlow(uintptr_t block, SizeClass c);

  // A block of another heap that this thread, which owns this one, has marked free: gathered if it
  // is small and its turn in the table; else false, and nothing has happened.
  bool FreeRemoteQuickly(uintptr_t block, Tag tag);
  // The same in every case. False if the block is free already.
  bool FreeRemote(uintptr_t block, Tag tag);
  // The same from a thread without a heap of its own.
  static void FreeRemoteAtOnce(uintptr_t block, Tag tag);

  // Any thread may call these two. Makes a live block of the page `want` slots long, if the slots
  // behind its own are free; want > run.slots.
  bool GrowRun(PageHeader* page, SlotRun run, unsigned want);
  // Makes live blocks of one slot each of a run that has this tag. False if it has that no more.
  bool SplitRun(PageHeader* page, SlotRun run, Tag tag);

  // The owner's, and only for blocks on the detour (front/detour.h).
  Quarantine& quarantine() { return quarantine_; }
  const Quarantine& quarantine() const { return quarantine_; }
  PageCache& page_cache() { return page_cache_; }
  // Whether the owner's next allocation is to be sampled: one in `every`, at random distances.
  bool SampleIsDue(uint32_t every);
  // The owner's; hard to predict for who does not know the tags' secret.
  uint64_t Random();

  // For a thread that exits: gives the others what is theirs. The magazines stay as they are, warm
  // for the next thread; the janitor empties them if none comes.
  void Settle();
  // Returns all that the owner holds to the bitmaps.
  void Flush();

  // Gives back what has not been used lately (now: the janitor's ticks). `all`: and what has.
  // Returns whether there is more to give back later.
  bool Decay(uint16_t now, bool all);

  void set_parked(bool parked) { parked_.store(parked, std::memory_order_relaxed); }
  bool parked() const { return parked_.load(std::memory_order_relaxed); }

  // Calls visit(class, entries, count) for the free blocks that the bitmaps call taken: those in
  // the magazines and the spill.
  template <typename Visit>
  void ForEachHeld(Visit&& visit) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  // For reports: what this thread holds of other heaps' freed blocks.
  const RemoteGather& gather() const { return gather_; }
  // Whether a block of this heap is among those. Slow.
  bool Holds(uintptr_t block) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);

  // Bytes of the slots of its pages that have been used: now, and the most there ever were.
  size_t system() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) { return system_; }
  size_t most_system() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) { return most_system_; }

  Lock& lock() ABSL_LOCK_RETURNED(lock_) { return lock_; }

 private:
  friend class Inspector;

  // The pages of a class that have a free slot; those that are all free at the end.
  struct PageList {
    PageHeader* head;
    PageHeader* tail;
  };

  void Fill(SizeClass c, Magazine& m, unsigned want) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  unsigned TakeSlots(PageHeader* page, Magazine& m, unsigned want)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  uint64_t TakeRandom(PageHeader* page, unsigned* w, unsigned want);
  uint64_t TakeRandomLong(PageHeader* page, unsigned* w);
  static void WriteFences(const PageHeader* page, unsigned w, uint64_t mask);
  PageHeader* NewPage(SizeClass c) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void RaiseHighWater(PageHeader* page, unsigned slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void CountSystem(size_t difference) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);

  void ReturnEntries(SizeClass c, const Entry* entries, unsigned count)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void Return(PageHeader* page, unsigned w, uint64_t mask, unsigned blocks)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  bool ReturnSpill(uint16_t now, uint16_t age) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void TellJanitor() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void CollectRemote() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void NoteSlowCall() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void FlushGather();
  static void Send(RemoteWord word, uint64_t mask);

  void PageBecameEmpty(PageHeader* page) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void Retire(PageHeader* page) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void PushFront(PageHeader* page) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void PushBack(PageHeader* page) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void Unlink(PageHeader* page) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);

  // heap_decay.cc
  void StealMagazines() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  bool DecayPages(SizeClass c, uint16_t now, bool all) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  bool PurgeHoles(PageHeader* page) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);

  Tag::Key key_;
  HeapId id_;
  std::atomic<bool> parked_;
  Magazine magazines_[kSizeClasses];

  alignas(64) Lock lock_;
  size_t freed_bytes_ ABSL_GUARDED_BY(lock_);        // since the janitor was told
  uint32_t slow_calls_ ABSL_GUARDED_BY(lock_);       // by the owner
  uint32_t slow_calls_seen_ ABSL_GUARDED_BY(lock_);  // at the last Decay
  size_t empty_bytes_ ABSL_GUARDED_BY(lock_);        // touched bytes of pages that are all free
  size_t system_ ABSL_GUARDED_BY(lock_);
  size_t most_system_ ABSL_GUARDED_BY(lock_);
  PageList lists_[kSizeClasses] ABSL_GUARDED_BY(lock_);
  Spill spill_ ABSL_GUARDED_BY(lock_);

  RemoteGather gather_;
  Quarantine quarantine_;
  PageCache page_cache_;
  uint64_t random_state_;  // the owner's
  uint32_t until_sample_;  // the owner's: allocations until one is sampled

  alignas(64) RemoteList remote_;
};

// Where the magazines of the small requests lie in a heap.
struct SmallMagazines {
  uint16_t offset[size_class_internal::SmallIndex(kLargestSmall) + 1];

  static constexpr SmallMagazines Make(size_t first) {
    SmallMagazines table{};
    for (size_t n = 0; n <= kLargestSmall; ++n) {
      const size_t offset = first + SmallClassOf(n) * sizeof(Magazine);
      table.offset[size_class_internal::SmallIndex(n)] = static_cast<uint16_t>(offset);
    }
    return table;
  }
};

inline Magazine& Heap::SmallMagazine(size_t n) {
  static_assert(offsetof(Heap, magazines_) == sizeof(Magazine) / 9, "right behind the key");
  static_assert(sizeof(Magazine) * (SmallClassOf(kLargestSmall) + 1) < 65536, "offsets fit");
  static constexpr SmallMagazines kTable = SmallMagazines::Make(offsetof(Heap, magazines_));
  const uintptr_t offset = kTable.offset[size_class_internal::SmallIndex(n)];
  return *reinterpret_cast<Magazine*>(reinterpret_cast<uintptr_t>(this) + offset);
}

inline RemoteWord RemoteWordOf(uintptr_t block, Tag tag) {
  return RemoteWord(HeaderOf(block, tag), SlotBitmap::WordOf(tag.slot()));
}

inline bool Heap::FreeRemoteQuickly(uintptr_t block, Tag tag) {
  const size_t stride = StrideOf(tag.size_class());
  return ABSL_PREDICT_TRUE(stride <= RemoteGather::kLargestStride) &&
         gather_.AddQuickly(RemoteWordOf(block, tag), SlotBitmap::BitOf(tag.slot()), stride);
}

template <typename Visit>
void Heap::ForEachHeld(Visit&& visit) const {
  for (SizeClass c = 0; c < kSizeClasses; ++c) {
    const Magazine& m = magazines_[c];
    if (m.Valid() != 0) visit(c, m.begin(), m.Valid());
    spill_.ForEach(c, [&](const Entry* entries, unsigned count) { visit(c, entries, count); });
  }
}

// Heaps by id; 0 is never an owner's.
extern Heap* g_heaps[kMaxHeaps];

}  // namespace mymalloc

#endif  // MYMALLOC_HEAP_HEAP_H_
