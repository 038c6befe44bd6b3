// Every replaceable form of C++'s operator new and delete.
//
// The library must not need libstdc++, but a program that uses it must get its new handler called
// and its std::bad_alloc thrown (override/cxx_runtime.h). This and that are the only files compiled
// with exceptions.

#include <new>

#include "mymalloc/override/api.h"
#include "mymalloc/override/cxx_runtime.h"

__asm__(MYMALLOC_CATCH_THROUGH_CXX_RUNTIME);

namespace mymalloc::api {
namespace {

#define MYMALLOC_API __attribute__((visibility("default")))

constexpr size_t kNoAlignment = kBlockAlignment;

void* TryNew(size_t n, size_t alignment) {
  if (alignment <= kNoAlignment) return Malloc(n);
  void* pointer = nullptr;
  return PosixMemalign(&pointer, alignment, n) == 0 ? pointer : nullptr;
}

// As the standard asks: calls the handler until there is memory or no handler. A handler that gives
// up throws through here, for which nothing needs to be cleaned up.
void* NewSlow(size_t n, size_t alignment, const void* caller) {
  if (!IsPowerOfTwo(alignment)) return nullptr;  // no handler can help
  for (;;) {
    const std::new_handler handler = GetNewHandler(caller);
    if (handler == nullptr) return nullptr;
    handler();
    if (void* const pointer = TryNew(n, alignment)) return pointer;
  }
}

ABSL_ATTRIBUTE_NOINLINE void* NewOrThrow(size_t n, size_t alignment, const void* caller) {
  void* const pointer = NewSlow(n, alignment, caller);
  if (pointer == nullptr) ThrowBadAlloc(caller);
  return pointer;
}

// What the handler throws means "no memory" here.
ABSL_ATTRIBUTE_NOINLINE void* NewOrNull(size_t n, size_t alignment, const void* caller) noexcept {
  try {
    return NewSlow(n, alignment, caller);
  } catch (...) {
    return nullptr;
  }
}

// Part of the operators, as their caller is asked for.
ABSL_ATTRIBUTE_ALWAYS_INLINE inline void* New(size_t n) {
  void* const pointer = Malloc(n);
  if (ABSL_PREDICT_TRUE(pointer != nullptr)) return pointer;
  return NewOrThrow(n, kNoAlignment, __builtin_return_address(0));
}

ABSL_ATTRIBUTE_ALWAYS_INLINE inline void* NewAligned(size_t n, std::align_val_t alignment) {
  const size_t align = static_cast<size_t>(alignment);
  if (void* const pointer = TryNew(n, align)) return pointer;
  return NewOrThrow(n, align, __builtin_return_address(0));
}

ABSL_ATTRIBUTE_ALWAYS_INLINE inline void* NewNothrow(size_t n, size_t alignment) noexcept {
  if (void* const pointer = TryNew(n, alignment)) return pointer;
  return NewOrNull(n, alignment, __builtin_return_address(0));
}

}  // namespace
}  // namespace mymalloc::api

using namespace mymalloc::api;  // NOLINT: the names below are C++'s

MYMALLOC_API void* operator new(size_t n) { return New(n); }
MYMALLOC_API void* operator new[](size_t n) { return New(n); }
MYMALLOC_API void* operator new(size_t n, std::align_val_t a) { return NewAligned(n, a); }
MYMALLOC_API void* operator new[](size_t n, std::align_val_t a) { return NewAligned(n, a); }
MYMALLOC_API void* operator new(size_t n, const std::nothrow_t&) noexcept {
  return NewNothrow(n, kNoAlignment);
}
MYMALLOC_API void* operator new[](size_t n, const std::nothrow_t&) noexcept {
  return NewNothrow(n, kNoAlignment);
}
MYMALLOC_API void* operator new(size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return NewNothrow(n, static_cast<size_t>(a));
}
MYMALLOC_API void* operator new[](size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return NewNothrow(n, static_cast<size_t>(a));
}

namespace {

constexpr char kDelete[] = "operator delete";
constexpr char kDeleteArray[] = "operator delete[]";

void DeleteAligned(void* p, size_t n, std::align_val_t a, const char* called) {
  mymalloc::FreeKnownSlow(p, n, static_cast<size_t>(a), /*exact=*/true, called);
}

}  // namespace

MYMALLOC_API void operator delete(void* p) noexcept { mymalloc::Free(p, kDelete); }
MYMALLOC_API void operator delete[](void* p) noexcept { mymalloc::Free(p, kDeleteArray); }
MYMALLOC_API void operator delete(void* p, const std::nothrow_t&) noexcept {
  mymalloc::Free(p, kDelete);
}
MYMALLOC_API void operator delete[](void* p, const std::nothrow_t&) noexcept {
  mymalloc::Free(p, kDeleteArray);
}
MYMALLOC_API void operator delete(void* p, size_t n) noexcept {
  mymalloc::FreeOfSize(p, n, kDelete);
}
MYMALLOC_API void operator delete[](void* p, size_t n) noexcept {
  mymalloc::FreeOfSize(p, n, kDeleteArray);
}
MYMALLOC_API void operator delete(void* p, std::align_val_t) noexcept {
  mymalloc::Free(p, kDelete);
}
MYMALLOC_API void operator delete[](void* p, std::align_val_t) noexcept {
  mymalloc::Free(p, kDeleteArray);
}
MYMALLOC_API void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept {
  mymalloc::Free(p, kDelete);
}
MYMALLOC_API void operator delete[](void* p, std::align_val_t, const std::nothrow_t&) noexcept {
  mymalloc::Free(p, kDeleteArray);
}
MYMALLOC_API void operator delete(void* p, size_t n, std::align_val_t a) noexcept {
  DeleteAligned(p, n, a, kDelete);
}
MYMALLOC_API void operator delete[](void* p, size_t n, std::align_val_t a) noexcept {
  DeleteAligned(p, n, a, kDeleteArray);
}
