// The report of a misuse, with the calling stack: one write(2) to stderr from a fixed buffer, and
// one to the file of the option report_file, a call of the listener if there is one (listener.h),
// then SIGABRT, unless the option on_error says otherwise. Safe under any lock, in a signal handler
// and on any thread.
//
// A report needs about 2 KiB of stack; one that comes while another is being made, 6 KiB.

#ifndef MYMALLOC_FAULT_FAULT_H_
#define MYMALLOC_FAULT_FAULT_H_

#include <cstddef>
#include <cstdint>

#include "mymalloc/fault/damage.h"
#include "mymalloc/fault/misuse.h"

namespace mymalloc {

struct FaultBlock {
  uintptr_t begin = 0;  // 0: none
  size_t usable = 0;
  static constexpr char kFree[] = "free";
  const char* state = nullptr;  // "live", kFree
  uintptr_t page = 0;           // 0 if it lies in none
  unsigned slot = 0;
  uintptr_t freed_from = 0;     // where the block lies in no page
  const char* maker = nullptr;  // what allocated it, where that is known
  bool sampling_shows_more = true;
};

// What allocated a block of that kind; nullptr where kinds are not noted.
const char* NotedMaker(Kind kind);

// What happened to a block once: on which thread, with what calling stack.
struct FaultEvent {
  static constexpr unsigned kMostFrames = 12;

  long thread = 0;  // 0: it is not known
  unsigned count = 0;
  uintptr_t frames[kMostFrames] = {};
};

struct Fault {
  Fault() = default;
  Fault(Message message, const char* function, uintptr_t given_address)
      : called(function), address(given_address) {
    Say(message);
  }
  void Say(Message message) {
    const MisuseText& text = TextOf(message);
    what = text.kind;
    detail = text.detail;
    advice = text.advice;
  }

  // The function, "free"; nullptr: a later one found it, with other arguments.
  const char* called = nullptr;
  uintptr_t address = 0;  // what it was given
  Misuse what = Misuse::kInvalidPointer;
  const char* detail = "";  // one sentence about the address
  const char* advice = "";  // one line: what to do

  // What else the call was given, by name ("size"); nullptr if nothing that matters.
  const char* given_name = nullptr;
  uint64_t given = 0;

  FaultBlock block;  // that the address lies in or near
  // Bytes there or behind it that are no longer what was written there: what overwrote them. Beyond
  // them there may be more of it, where nobody knows what stood before.
  FaultBytes written;
  FaultBlock culprit;  // that probably did it
  // The block's past, where it is known.
  const FaultEvent* allocated = nullptr;
  const FaultEvent* freed = nullptr;
};

// What comes to light later than at the call that did it.
inline Fault FoundLater(Message message, uintptr_t address) { return {message, nullptr, address}; }

// Returns only if on_error is warn or ignore, or while memory is given back; the caller then drops
// the call.
void Report(const Fault& fault);
// The same, but always returns: for what ends the process by itself, a signal.
void Explain(const Fault& fault);

// Between these the calling thread gives memory back, for any heap, under locks that a handler of
// SIGABRT may need: what it finds is reported, but does not abort.
void BeginGivingBack();
// Returns whether the caller must Abort (abort.h), when it has released its locks.
bool EndGivingBack();
// Whether the calling thread does.
bool IsGivingBack();

// Something is wrong that is no fault of the program's: the message, then SIGABRT.
[[noreturn]] void Die(const char* message);

}  // namespace mymalloc

#endif  // MYMALLOC_FAULT_FAULT_H_
