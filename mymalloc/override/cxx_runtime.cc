#include "mymalloc/override/cxx_runtime.h"

#include <dlfcn.h>
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

// Not kept: the library may be unloaded again, and whoever comes here is out of memory anyway.
template <typename Function>
Function* Find(Function* bound, const char* name) {
  if (bound != nullptr) return bound;
  void* const library = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD);
  if (library == nullptr) return nullptr;
  void* const found = dlsym(library, name);
  dlclose(library);
  return reinterpret_cast<Function*>(found);
}

}  // namespace

std::new_handler GetNewHandler() {
  const auto get = Find(&LibGetNewHandler, "_ZSt15get_new_handlerv");
  return get != nullptr ? get() : nullptr;
}

void ThrowBadAlloc() {
  if (const auto raise = Find(&LibThrowBadAlloc, "_ZSt17__throw_bad_allocv")) raise();
  Die("out of memory in operator new, in a program without libstdc++'s std::bad_alloc");
}

}  // namespace mymalloc::api

using mymalloc::api::Find;

// Without a personality a frame is passed by.
extern "C" _Unwind_Reason_Code mymalloc_cxx_personality(int version, _Unwind_Action actions,
                                                        _Unwind_Exception_Class kind,
                                                        _Unwind_Exception* exception,
                                                        _Unwind_Context* context) {
  const auto personality = Find(&LibPersonality, "__gxx_personality_v0");
  if (personality == nullptr) return _URC_CONTINUE_UNWIND;
  return personality(version, actions, kind, exception, context);
}

// Called only when the personality was there.
extern "C" void* mymalloc_cxx_begin_catch(void* exception) {
  return Find(&LibBeginCatch, "__cxa_begin_catch")(exception);
}

extern "C" void mymalloc_cxx_end_catch() { Find(&LibEndCatch, "__cxa_end_catch")(); }
