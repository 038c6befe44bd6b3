// mymalloc_on_misuse: what a program wants to have called when it misuses the heap.

#define MYMALLOC_LINKED

#include "mymalloc/fault/fault.h"
#include "mymalloc/fault/listener.h"
#include "mymalloc/mymalloc.h"

namespace mymalloc {
namespace {

// Both are set and read as one, without a lock: a misuse may happen while they are set, in a signal
// handler for one.
struct alignas(16) Registration {
  mymalloc_misuse_callback callback;
  void* argument;
};

// The kinds of the public header are ours.
#define MYMALLOC_SAME(ours, theirs) \
  static_assert(static_cast<int>(Misuse::ours) == (theirs), "one order")
MYMALLOC_SAME(kDoubleFree, MYMALLOC_DOUBLE_FREE);
MYMALLOC_SAME(kInvalidPointer, MYMALLOC_INVALID_POINTER);
MYMALLOC_SAME(kInvalidSize, MYMALLOC_INVALID_SIZE);
MYMALLOC_SAME(kCorruptedHeap, MYMALLOC_CORRUPTED_HEAP);
MYMALLOC_SAME(kWriteAfterFree, MYMALLOC_WRITE_AFTER_FREE);
MYMALLOC_SAME(kUseAfterFree, MYMALLOC_USE_AFTER_FREE);
MYMALLOC_SAME(kOutOfBounds, MYMALLOC_OUT_OF_BOUNDS);
MYMALLOC_SAME(kMismatchedFree, MYMALLOC_MISMATCHED_FREE);
static_assert(kMisuses == 8, "a new kind is one of the public header's, too");
#undef MYMALLOC_SAME

Registration g_registration;

// Puts `desired` where `expected` was; returns whether it was, and in `expected` what was there. By
// hand, as the compilers call a library for 16 bytes.
bool Exchange(Registration* expected, const Registration& desired) {
  bool exchanged;
  __asm__ volatile("lock cmpxchg16b %1"
                   : "=@ccz"(exchanged), "+m"(g_registration), "+a"(expected->callback),
                     "+d"(expected->argument)
                   : "b"(desired.callback), "c"(desired.argument)
                   : "memory");
  return exchanged;
}

Registration CurrentRegistration() {
  Registration current = {};
  Exchange(&current, current);
  return current;
}

void Register(const Registration& registration) {
  Registration before = {};
  while (!Exchange(&before, registration)) {
  }
}

void CallBack(const Fault& fault, const char* message, size_t size) {
  const Registration registration = CurrentRegistration();
  if (registration.callback == nullptr) return;
  mymalloc_misuse misuse = {};
  misuse.what = NameOf(fault.what);
  misuse.kind = static_cast<mymalloc_misuse_kind>(fault.what);
  misuse.called = fault.called != nullptr ? fault.called
                  : IsGivingBack()        ? "giving memory back"
                                          : "a later call";
  misuse.address = reinterpret_cast<void*>(fault.address);
  misuse.block = reinterpret_cast<void*>(fault.block.begin);
  misuse.usable_size = fault.block.usable;
  misuse.message = message;
  misuse.message_size = size;
  registration.callback(&misuse, registration.argument);
}

}  // namespace
}  // namespace mymalloc

extern "C" __attribute__((visibility("default"))) void mymalloc_on_misuse(
    mymalloc_misuse_callback callback, void* argument) noexcept {
  mymalloc::Register({callback, argument});
  mymalloc::SetFaultListener(callback != nullptr ? mymalloc::CallBack : nullptr);
}
