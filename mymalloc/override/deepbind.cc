// dlopen, without RTLD_DEEPBIND.
//
// A library opened with RTLD_DEEPBIND is bound to libc's malloc and free instead of the program's:
// it then frees blocks of ours by libc's free, which can only crash. So this dlopen drops that flag
// and goes on to the real one. It goes there by a jump, leaving the return address as it was: the
// real dlopen looks at it to find out which library is calling, and hence where to search.

#include <dlfcn.h>

#include "absl/base/attributes.h"

namespace {

using DlopenFunction = void* (*)(const char*, int);

DlopenFunction RealDlopen() {
  static DlopenFunction real = nullptr;
  DlopenFunction found = __atomic_load_n(&real, __ATOMIC_RELAXED);
  if (found == nullptr) {
    found = reinterpret_cast<DlopenFunction>(dlsym(RTLD_NEXT, "dlopen"));
    __atomic_store_n(&real, found, __ATOMIC_RELAXED);
  }
  return found;
}

}  // namespace

extern "C" __attribute__((visibility("default"), no_stack_protector)) void* dlopen(
    const char* file, int mode) noexcept {
  const DlopenFunction real = RealDlopen();
  if (real == nullptr) return nullptr;  // In a program that is linked statically.
  return real(file, mode & ~RTLD_DEEPBIND);
}
