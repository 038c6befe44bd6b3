// mymalloc_on_misuse: what a program wants to have called when it misuses the heap.

#include "mymalloc/fault/fault.h"
#include "mymalloc/fault/listener.h"
#include "mymalloc/override/prefixed.h"

namespace mymalloc {
namespace {

// Both are set and read as one, without a lock: a misuse may happen while they are set, in a signal
// handler for one.
struct Registration {
  mymalloc_misuse_callback callback;
  void* argument;
};

using Bits = unsigned __int128;
static_assert(sizeof(Bits) == sizeof(Registration));

Bits g_registration = 0;

// The compilers call a library for 16 bytes unless they may use the one instruction for it.
__attribute__((target("cx16"))) Bits Exchange(Bits expected, Bits desired) {
  return __sync_val_compare_and_swap(&g_registration, expected, desired);
}

Registration CurrentRegistration() {
  const Bits bits = Exchange(0, 0);
  Registration registration;
  __builtin_memcpy(&registration, &bits, sizeof(bits));
  return registration;
}

void Register(const Registration& registration) {
  Bits bits;
  __builtin_memcpy(&bits, &registration, sizeof(bits));
  Bits expected = 0;
  for (;;) {
    const Bits found = Exchange(expected, bits);
    if (found == expected) return;
    expected = found;
  }
}

void CallBack(const Fault& fault, const char* message, size_t size) {
  const Registration registration = CurrentRegistration();
  if (registration.callback == nullptr) return;
  mymalloc_misuse misuse = {};
  misuse.what = fault.what;
  misuse.called = fault.called;
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
