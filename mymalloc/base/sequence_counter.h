// Counts edits, so that readers may go without the lock that the writers take: a reader looks at
// the counter, reads what it likes, and looks at the counter again. If it did not move, nothing
// did.
//
// Odd: an edit is under way. A reader may see any mixture of old and new words until the counter
// tells it so: it must load each word that it decides by once (as an atomic), and ask before it
// follows a pointer.

#ifndef MYMALLOC_BASE_SEQUENCE_COUNTER_H_
#define MYMALLOC_BASE_SEQUENCE_COUNTER_H_

#include <atomic>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "mymalloc/base/lock.h"

namespace mymalloc {

class SequenceCounter {
 public:
  constexpr SequenceCounter() = default;
  SequenceCounter(const SequenceCounter&) = delete;
  SequenceCounter& operator=(const SequenceCounter&) = delete;

  // What a reader starts with, and asks then.
  class Snapshot {
   public:
    explicit Snapshot(const SequenceCounter& counter)
        : counter_(counter), even_(counter.value_.load(std::memory_order_acquire) & ~uint64_t{1}) {}

    // Whether no edit was under way then and none has begun since. What was loaded before the call
    // is from before it, and what is loaded after it from after it.
    bool operator()() const {
      std::atomic_thread_fence(std::memory_order_acquire);
      return counter_.value_.load(std::memory_order_acquire) == even_;
    }

   private:
    const SequenceCounter& counter_;
    const uint64_t even_;
  };

  // Differs whenever an edit has begun or ended since; odd while one is under way.
  uint64_t Value() const { return value_.load(std::memory_order_acquire); }

 private:
  friend class EditHolder;
  // One writer at a time, so that it need not add atomically.
  void Begin() {
    value_.store(value_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
  }
  void End() {
    value_.store(value_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  std::atomic<uint64_t> value_{0};  // does not come round while a reader sleeps
};

// Which thread edits, as that thread itself may ask: in a signal handler that interrupted it.
class Editor {
 public:
  bool IsThisThread() const { return thread_.load(std::memory_order_relaxed) == ThreadPointer(); }

 private:
  friend class EditHolder;
  std::atomic<uintptr_t> thread_{0};
};

// Holds the writers' lock, and keeps the counter odd.
class ABSL_SCOPED_LOCKABLE EditHolder {
 public:
  EditHolder(Lock& lock, SequenceCounter& counter, Editor& editor)
      ABSL_EXCLUSIVE_LOCK_FUNCTION(lock)
      : holder_(lock), counter_(counter), editor_(editor) {
    editor_.thread_.store(ThreadPointer(), std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    counter_.Begin();
  }
  ~EditHolder() ABSL_UNLOCK_FUNCTION() {
    counter_.End();
    std::atomic_signal_fence(std::memory_order_seq_cst);
    editor_.thread_.store(0, std::memory_order_relaxed);
  }
  EditHolder(const EditHolder&) = delete;
  EditHolder& operator=(const EditHolder&) = delete;

 private:
  LockHolder holder_;
  SequenceCounter& counter_;
  Editor& editor_;
};

}  // namespace mymalloc

#endif  // MYMALLOC_BASE_SEQUENCE_COUNTER_H_
