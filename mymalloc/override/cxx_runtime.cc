#include "mymalloc/override/cxx_runtime.h"

#include <dlfcn.h>
#include <stdint.h>
#include <unwind.h>

#include "mymalloc/fault/fault.h"

// By the linker's names, since the compiler has ideas of its own about some of the functions.
#define LIBSTDCXX(name) __asm__(name) __attribute__((weak))

extern "C" {
std::new_handler LibGetNewHandler() LIBSTDCXX("_ZSt15get_new_handlerv");
void LibThrowBadAlloc() LIBSTDCXX("_ZSt17__throw_bad_allocv");
_Unwind_Reason_Code LibPersonality(int, _Unwind_Action, _Unwind_Exception_Class, _Unwind_Exception*,
                                   _Unwind_Context*) LIBSTDCXX("__gxx_personality_v0");
void* LibBeginCatch(void*) LIBSTDCXX("__cxa_begin_catch");
void LibEndCatch() LIBSTDCXX("__cxa_end_catch");
}

namespace mymalloc::api {
namespace {

// nullptr if there is none, or no such library.
void* FindIn(const char* library, const char* name) {
  void* const opened = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
  if (opened == nullptr) return nullptr;
  void* const found = dlsym(opened, name);
  dlclose(opened);
  return found;
}

// In the very module that this code is in, not in one that it needs.
void* FindBeside(const void* code, const char* name) {
  Dl_info module;
  if (dladdr(code, &module) == 0 || module.dli_fname == nullptr) return nullptr;
  void* const found = FindIn(module.dli_fname, name);
  Dl_info where;
  const bool beside = found != nullptr && dladdr(found, &where) != 0;
  return beside && where.dli_fbase == module.dli_fbase ? found : nullptr;
}

// Not kept: the library may be unloaded again, and whoever comes here is out of memory anyway.
template <typename Function>
Function* Find(Function* bound, const char* name, const void* caller) {
  if (bound != nullptr) return bound;
  void* found = FindBeside(caller, name);
  if (found == nullptr) found = FindIn("libstdc++.so.6", name);
  return reinterpret_cast<Function*>(found);
}

template <typename... Arguments>
void Call(void* function, Arguments... arguments) {
  reinterpret_cast<void (*)(Arguments...)>(function)(arguments...);
}

constexpr char kGetNewHandler[] = "_ZSt15get_new_handlerv";
constexpr char kThrowBadAlloc[] = "_ZSt17__throw_bad_allocv";
constexpr char kNew[] = "_Znwm";
constexpr char kNewAligned[] = "_ZnwmSt11align_val_t";

}  // namespace

std::new_handler GetNewHandler(const void* caller) {
  const auto get = Find(&LibGetNewHandler, kGetNewHandler, caller);
  return get != nullptr ? get() : nullptr;
}

void ThrowBadAlloc(const void* caller) {
  if (&LibThrowBadAlloc != nullptr) LibThrowBadAlloc();
  if (void* const raise = FindBeside(caller, kThrowBadAlloc)) Call(raise);
  // A C++ library inside of a module may have been linked without that function, but not without
  // the operator that would have been called but for ours. What cannot be makes it throw: the
  // aligned form at once, the plain one after it has asked the handler.
  if (void* const own = FindBeside(caller, kNewAligned)) Call(own, size_t{1}, size_t{3});
  if (void* const own = FindBeside(caller, kNew)) Call(own, size_t{PTRDIFF_MAX});
  if (void* const raise = FindIn("libstdc++.so.6", kThrowBadAlloc)) Call(raise);
  Die("out of memory in operator new, in a program without libstdc++'s std::bad_alloc");
}

}  // namespace mymalloc::api

using mymalloc::api::Find;

namespace {

// The library that threw put the address of its own code there.
const void* ThrowerOf(const _Unwind_Exception* exception) {
  return reinterpret_cast<const void*>(exception->exception_cleanup);
}

}  // namespace

// Without a personality a frame is passed by.
extern "C" _Unwind_Reason_Code mymalloc_cxx_personality(int version, _Unwind_Action actions,
                                                        _Unwind_Exception_Class kind,
                                                        _Unwind_Exception* exception,
                                                        _Unwind_Context* context) {
  const auto personality = Find(&LibPersonality, "__gxx_personality_v0", ThrowerOf(exception));
  if (personality == nullptr) return _URC_CONTINUE_UNWIND;
  return personality(version, actions, kind, exception, context);
}

// Called only when the personality was there. The end belongs to the same library, and there would
// be no telling which by then: it comes at once.
extern "C" void* mymalloc_cxx_begin_catch(void* exception) {
  const void* const thrower = ThrowerOf(static_cast<const _Unwind_Exception*>(exception));
  const auto end = Find(&LibEndCatch, "__cxa_end_catch", thrower);
  Find(&LibBeginCatch, "__cxa_begin_catch", thrower)(exception);
  end();
  return nullptr;
}

extern "C" void mymalloc_cxx_end_catch() {}
