// Frees of blocks that belong to another thread's heap.
//
// A block goes back by a bit in its page's remote bitmap, an atomic operation on a line that the
// owner reads too. Consecutive frees tend to hit the same word (a producer takes its blocks a word
// at a time), so a thread gathers them: a small table of (word, mask), each entry returned by one
// fetch_or for up to 64 frees. The table is bounded, holds small blocks only, and is flushed at
// every 64th slow call and at thread exit.

#ifndef MYMALLOC_HEAP_REMOTE_FREES_H_
#define MYMALLOC_HEAP_REMOTE_FREES_H_

#include <atomic>
#include <cstdint>

#include "absl/base/optimization.h"
#include "mymalloc/page/page.h"

namespace mymalloc {

// A page's header and the number of one of its remote words, in one pointer.
class RemoteWord {
 public:
  RemoteWord() = default;
  RemoteWord(PageHeader* page, unsigned w) : bits_(reinterpret_cast<uintptr_t>(page) | w) {}
  explicit RemoteWord(uintptr_t bits) : bits_(bits) {}

  PageHeader* page() const { return reinterpret_cast<PageHeader*>(bits_ & ~uintptr_t{63}); }
  unsigned word() const { return bits_ & 63; }
  std::atomic<uintptr_t>& link() const { return page()->remote_link[word()]; }
  uintptr_t bits() const { return bits_; }
  bool operator==(RemoteWord other) const { return bits_ == other.bits_; }

 private:
  uintptr_t bits_ = 0;
};

// The words of a heap's pages that other threads have put blocks into: a stack that any thread
// pushes to and the owner takes whole, to go through it at its leisure.
class RemoteList {
 public:
  void Push(RemoteWord word) {
    uintptr_t top = top_.load(std::memory_order_relaxed);
    do {
      word.link().store(top, std::memory_order_relaxed);
    } while (!top_.compare_exchange_weak(top, word.bits(), std::memory_order_release,
                                         std::memory_order_relaxed));
  }

  // The owner's question, and a stranger's.
  bool Empty() const { return taken_ == 0 && top_.load(std::memory_order_relaxed) == 0; }
  bool LooksEmpty() const {
    return !left_.load(std::memory_order_relaxed) && top_.load(std::memory_order_relaxed) == 0;
  }
  // Whether Take has left something.
  bool left() const { return taken_ != 0; }

  // Calls collect(page, word, mask) for so many words at most, having taken their bits.
  static constexpr unsigned kAll = ~0u;
  template <typename Collect>
  void Take(unsigned most, Collect&& collect) {
    const bool left_before = taken_ != 0;
    if (taken_ == 0) taken_ = top_.exchange(0, std::memory_order_acquire);
    for (; most > 0 && taken_ != 0; --most) {
      const RemoteWord word(taken_);
      // First the link: once the bits are taken, the next thread that frees here reuses it.
      taken_ = word.link().load(std::memory_order_relaxed);
      collect(word.page(), word.word(), word.page()->remote.Collect(word.word()));
    }
    const bool left = taken_ != 0;
    if (left != left_before) left_.store(left, std::memory_order_relaxed);
  }

 private:
  friend class Inspector;

  std::atomic<uintptr_t> top_;
  uintptr_t taken_;         // only the owner comes here
  std::atomic<bool> left_;  // whether there is something
};

// What an idle thread has gathered others may take, in the way of its magazines (magazine.h): the
// janitor closes the table at one tick, and at a later one, if it is closed still, takes what lies
// there. By then the owner can at most be in the middle of an Add that began before, and that
// shows: it says when it begins and ends.
class RemoteGather {
 public:
  // Blocks with a longer stride are returned one by one.
  static constexpr size_t kLargestStride = 1040;
  // What lies here is memory that nobody uses: so much, and then all goes back.
  static constexpr size_t kMostBytes = 256 * kKiB;
  static constexpr unsigned kEntryBits = 9;

  // Around Add and AddQuickly, by the owner. Begin returns false where the table is closed: then
  // the owner opens it first, under the heap's lock.
  bool Begin() {
    adding_.store(true, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (ABSL_PREDICT_TRUE(open_.load(std::memory_order_acquire))) return true;
    End();
    return false;
  }
  void End() { adding_.store(false, std::memory_order_release); }

  // Under the heap's lock.
  void Open() { open_.store(true, std::memory_order_relaxed); }
  // By the janitor, if there is something. What is there is a glance.
  void Close() {
    if (Holds()) open_.store(false, std::memory_order_relaxed);
  }
  bool Holds() const {
#if defined(MYMALLOC_SANITIZED)  // they cannot see what orders this, and would call it a race
    return false;
#else
    return bytes_ != 0;
#endif
  }
  // Whether it was closed at an earlier tick, and the owner is not in the middle of something.
  bool IsStealable() const {
    return !open_.load(std::memory_order_relaxed) && !adding_.load(std::memory_order_acquire);
  }

  // Adds a block that was marked free, if its word is in the table and nothing needs to be flushed.
  bool AddQuickly(RemoteWord word, uint64_t bit, size_t stride) {
    Entry& entry = entries_[IndexOf(word)];
    const uint64_t before = entry.mask.load(std::memory_order_relaxed);
    const uint64_t mask = before | bit;
    if (ABSL_PREDICT_FALSE(!(entry.word == word) || mask == before || mask == ~uint64_t{0} ||
                           bytes_ + stride >= kMostBytes)) {
      return false;
    }
    entry.mask.store(mask, std::memory_order_relaxed);
    bytes_ += stride;
    return true;
  }

  // Adds a block that was marked free. What has to make room for it is handed to flush(word, mask).
  // Returns false if the block is in the table already: a double free.
  template <typename Flush>
  bool Add(RemoteWord word, uint64_t bit, size_t stride, Flush&& flush) {
    Entry& entry = entries_[IndexOf(word)];
    if (!(entry.word == word)) {
      FlushEntry(entry, flush);
      entry.word = word;
    }
    const uint64_t before = entry.mask.load(std::memory_order_relaxed);
    entry.mask.store(before | bit, std::memory_order_relaxed);
    bytes_ += stride;
    if ((before | bit) == ~uint64_t{0}) {
      FlushEntry(entry, flush);
      bytes_ -= Min(bytes_, stride * SlotBitmap::kSlotsPerWord);
    } else if (bytes_ >= kMostBytes) {
      FlushAll(flush);
    }
    return (before & bit) == 0;
  }

  template <typename Flush>
  void FlushAll(Flush&& flush) {
    if (bytes_ == 0) return;
    for (Entry& entry : entries_) FlushEntry(entry, flush);
    bytes_ = 0;
  }

  // Calls visit(word, mask) for what lies here. Exact when the owner is idle.
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    for (const Entry& entry : entries_) {
      const uint64_t mask = entry.mask.load(std::memory_order_relaxed);
      if (mask != 0) visit(entry.word, mask);
    }
  }

 private:
  struct Entry {
    RemoteWord word;
    std::atomic<uint64_t> mask;
  };

  // First out of the table: were this thread lost in a fork after the flush, the child would return
  // the same blocks again.
  template <typename Flush>
  static void FlushEntry(Entry& entry, Flush&& flush) {
    const uint64_t mask = entry.mask.load(std::memory_order_relaxed);
    if (mask == 0) return;
    entry.mask.store(0, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);  // the kernel's copy sees stores in order
    flush(entry.word, mask);
  }

  static unsigned IndexOf(RemoteWord word) {
    constexpr uint64_t kSpread = 0x9e3779b97f4a7c15;  // 2^64 divided by the golden ratio
    return static_cast<unsigned>(word.bits() * kSpread >> (64 - kEntryBits));
  }

  std::atomic<bool> open_;
  std::atomic<bool> adding_;
  size_t bytes_;
  Entry entries_[1u << kEntryBits];
};

}  // namespace mymalloc

#endif  // MYMALLOC_HEAP_REMOTE_FREES_H_
