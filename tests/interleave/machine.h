// A modelled computer: some threads, and memory with x86-64's store buffers.
//
// Each thread of the model is a fiber. At every atomic operation it stops and waits to be chosen;
// the operation, and everything up to the thread's next one, is then one step. A store goes to the
// thread's buffer, and from there to memory by a step of its own, first in, first out; what locks
// the bus (read-modify-write) empties the thread's buffer first, and a barrier on all threads
// empties all of them. That is what x86-64 promises and no more: the operations' memory orders are
// the compiler's concern, and are not looked at.
//
// Which thread takes the next step is the caller's choice (explorer.h). Outside of steps the
// operations act on memory at once.

#ifndef MYMALLOC_TESTS_INTERLEAVE_MACHINE_H_
#define MYMALLOC_TESTS_INTERLEAVE_MACHINE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "tests/interleave/fiber.h"

namespace mymalloc::interleave {

struct Range {
  uintptr_t begin;
  uintptr_t end;
  std::string name;  // in traces
};

// What is to be run. The threads' behaviour may depend only on what they read from memory.
struct Program {
  std::function<void()> reset;  // makes memory what it is at the start
  std::vector<std::function<void()>> threads;
  // After all threads have ended, at one go: calls Fail if something is wrong.
  std::function<void()> check;

  // Operations on these addresses are steps; others are part of the step before. Empty: on all.
  std::vector<Range> watched;
  // Asked before each operation on a watched address, outside of the model: what is wrong with it,
  // or nullptr.
  std::function<const char*(uintptr_t)> objection;
  // Variables, of a word each, that each thread has for itself, and with which values it begins.
  std::vector<void*> locals;
  std::vector<std::vector<uint64_t>> local_values;

  bool store_buffers = true;
  // Mutations: bugs made on purpose, to see that they are found.
  bool barriers_do_nothing = false;
  // What fetch_or returns, given what it should return.
  std::function<uint64_t(uint64_t)> fetch_or_result;
  // A load of this address is preceded by what it returns, an exchange with 0 of another: whose
  // result the thread gets when it comes to that operation itself. 0: nothing of the kind.
  std::function<uintptr_t(uintptr_t)> exchange_before_load;
};

// By a thread or the check: ends the execution with a violation. Does not return.
void Fail(const std::string& what);

class Machine {
 public:
  static constexpr unsigned kMostThreads = 5;

  struct Step {
    unsigned thread;
    bool flush;  // the oldest store in the thread's buffer reaches memory
    bool operator==(const Step& o) const { return thread == o.thread && flush == o.flush; }
  };

  // The machine that a thread of the model runs on; nullptr outside of steps.
  static Machine* Running() { return running_; }

  // Resets memory and runs each thread up to its first operation.
  void Begin(const Program& program);
  // What can happen next. None: all have ended, or wait for each other.
  void Enabled(std::vector<Step>* steps) const;
  void Do(Step step);
  bool AllEnded() const;
  // Runs the program's check. REQUIRES: all have ended.
  void Check();

  // A hash of all that has happened, but for the order of steps that do not depend on each other:
  // where it is the same, everything that follows is.
  uint64_t Signature() const;

  const std::string& failure() const { return failure_; }
  // The steps so far, one a line.
  std::string Trace() const;

  // The operations, as called by a thread. A value is at most 8 bytes.
  uint64_t Load(const void* address, unsigned size);
  void Store(void* address, unsigned size, uint64_t value);
  void DrainBuffer();
  // Calls change(old, &value), which returns whether to write `value`. Returns the old value.
  template <typename Change>
  uint64_t Modify(void* address, unsigned size, Change&& change);
  uint64_t Exchange(void* address, unsigned size, uint64_t value);
  uint64_t FetchOr(void* address, unsigned size, uint64_t bits);
  // For memory that is not watched as a rule. A store does not go through the buffer.
  uint64_t LoadPlain(const void* address, unsigned size);
  void StorePlain(void* address, unsigned size, uint64_t value);
  void BarrierOnAllThreads();
  // The thread spins on what it read last: it is not chosen until that has changed.
  void Pause();
  // As the kernel's futex: if the word has the value, the thread sleeps until woken. A wake ends
  // the sleep of whoever has slept longest on that word, and is nothing where nobody does.
  void SleepOn(const uint32_t* word, uint32_t value);
  void WakeOne(const uint32_t* word);
  void Fail(const std::string& what);

 private:
  // No execution of these programs has so many operations, unless it goes round in circles.
  static constexpr unsigned kMostOperations = 20000;

  enum Kind : uint8_t {
    kLoad,
    kStore,
    kModify,
    kFailedModify,
    kFlush,
    kBarrier,
    kPause,
    kSleep,
    kWake
  };

  struct Buffered {
    void* address;
    unsigned size;
    uint64_t value;
    uint64_t hash;
  };
  struct Thread {
    Fiber fiber;
    bool ended;
    uint64_t history;        // a hash of what it did and saw
    uint64_t flush_history;  // the same of its buffer
    std::vector<Buffered> buffer;
    uintptr_t last_read;
    uint32_t last_version;
    bool paused;
    uintptr_t sleeps_on;  // 0: awake
    std::vector<uint64_t> locals;
    uintptr_t exchanged;  // see Program::exchange_before_load
    uint64_t exchanged_value;
  };
  // What has happened to an address: the last write and, in no order, the reads since.
  struct Location {
    uint64_t write = 0;
    uint64_t reads = 0;
    uint32_t version = 0;
  };
  struct Event {
    uint8_t thread;
    Kind kind;
    uintptr_t address;
    uint64_t value;
  };

  static void RunThread();
  static void RunCheck();
  void StartThread(unsigned i, void (*body)());
  void Stop();  // the thread ends here
  Thread& Self() { return threads_[self_]; }
  void Resume(unsigned thread);
  // The variables get the thread's values, and the thread theirs.
  void SwapLocals();
  void Suspend();
  // The thread stops here until chosen, if the address is watched.
  void Point(uintptr_t address);
  bool Watched(uintptr_t address) const;
  std::string NameOf(uintptr_t address) const;
  void StoreAtOnce(void* address, unsigned size, uint64_t value);
  void NoteRead(uintptr_t address);
  void NoteWrite(uintptr_t address);
  void Flush(unsigned thread);
  void Note(Kind kind, uintptr_t address, uint64_t value);
  static uint64_t Read(const void* address, unsigned size);
  static void Write(void* address, unsigned size, uint64_t value);

  static Machine* running_;

  const Program* program_ = nullptr;
  Thread threads_[kMostThreads + 1];  // and the check
  unsigned count_ = 0;
  unsigned self_ = 0;
  bool checking_ = false;
  unsigned operations_ = 0;
  absl::flat_hash_map<uintptr_t, Location> locations_;
  std::vector<unsigned> sleepers_;  // the longest sleep first
  std::vector<Event> trace_;
  std::string failure_;
};

template <typename Change>
uint64_t Machine::Modify(void* address, unsigned size, Change&& change) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(address);
  Point(at);
  DrainBuffer();
  const uint64_t old = Read(address, size);
  uint64_t value = 0;
  const bool write = change(old, &value);
  if (write) {
    NoteWrite(at);
    Write(address, size, value);
  } else {
    NoteRead(at);
  }
  Note(write ? kModify : kFailedModify, at, write ? value : old);
  return old;
}

}  // namespace mymalloc::interleave

#endif  // MYMALLOC_TESTS_INTERLEAVE_MACHINE_H_
