// A library to be preloaded that itself wraps malloc, as a tracer does, and passes each call on to
// the next library. At the end it says on stderr whom it has called, if it was called at all.

#include <dlfcn.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstring>

#include "tests/support/check.h"

namespace mymalloc::test {
namespace {

std::atomic<bool> called{false};

template <typename Function>
Function* Next(const char* name) {
  called = true;
  auto* next = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
  MYMALLOC_CHECK(next != nullptr);
  return next;
}

[[gnu::destructor(101)]] void Tell() {
  Dl_info info = {};
  if (!called || dladdr(dlsym(RTLD_NEXT, "malloc"), &info) == 0) return;
  WriteError("wrapped: ");
  WriteError(info.dli_fname);
  WriteError("\n");
}

}  // namespace
}  // namespace mymalloc::test

extern "C" {

using mymalloc::test::Next;

__attribute__((visibility("default"))) void* malloc(size_t size) {
  static auto* const next = Next<void*(size_t)>("malloc");
  return next(size);
}

__attribute__((visibility("default"))) void free(void* block) {
  static auto* const next = Next<void(void*)>("free");
  next(block);
}

__attribute__((visibility("default"))) void* calloc(size_t count, size_t size) {
  static auto* const next = Next<void*(size_t, size_t)>("calloc");
  return next(count, size);
}

__attribute__((visibility("default"))) void* realloc(void* block, size_t size) {
  static auto* const next = Next<void*(void*, size_t)>("realloc");
  return next(block, size);
}

}  // extern "C"
