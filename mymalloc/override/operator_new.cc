// Every replaceable form of C++'s operator new and delete.
//
// The library must not need libstdc++, but a program that uses it must get its new handler called
// and its std::bad_alloc thrown (override/cxx_runtime.h). This and that are the only files compiled
// with exceptions.

#include <new>

#include "mymalloc/base/options.h"
#include "mymalloc/override/api.h"
#include "mymalloc/override/cxx_runtime.h"

__asm__(MYMALLOC_CATCH_THROUGH_CXX_RUNTIME);

namespace mymalloc::api {
namespace {

#define MYMALLOC_API __attribute__((visibility("default")))

constexpr size_t kNoAlignment = kBlockAlignment;

void* TryNew(size_t n, size_t alignment, Kind kind) {
  if (alignment <= kNoAlignment) return Malloc(n, kind);
  void* pointer = nullptr;
  return PosixMemalign(&pointer, alignment, n, kind) == 0 ? pointer : nullptr;
}

// As the standard asks: calls the handler until there is memory or no handler. A handler that gives
// up throws through here, for which nothing needs to be cleaned up.
void* NewSlow(size_t n, size_t alignment, Kind kind, const void* caller) {
  if (!IsPowerOfTwo(alignment)) return nullptr;  // no handler can help
  for (;;) {
    const std::new_handler handler = GetNewHandler(caller);
    if (handler == nullptr) return nullptr;
    handler();
    if (void* const pointer = TryNew(n, alignment, kind)) return pointer;
  }
}

ABSL_ATTRIBUTE_NOINLINE void* NewOrThrow(size_t n, size_t alignment, Kind kind,
                                         const void* caller) {
  void* const pointer = NewSlow(n, alignment, kind, caller);
  if (pointer == nullptr) ThrowBadAlloc(caller);
  return pointer;
}

// What the handler throws means "no memory" here.
ABSL_ATTRIBUTE_NOINLINE void* NewOrNull(size_t n, size_t alignment, Kind kind,
                                        const void* caller) noexcept {
  try {
    return NewSlow(n, alignment, kind, caller);
  } catch (...) {
    return nullptr;
  }
}

// Part of the operators, as their caller is asked for.
ABSL_ATTRIBUTE_ALWAYS_INLINE inline void* New(size_t n, Kind kind) {
  void* const pointer = Malloc(n, kind);
  if (ABSL_PREDICT_TRUE(pointer != nullptr)) return pointer;
  return NewOrThrow(n, kNoAlignment, kind, __builtin_return_address(0));
}

ABSL_ATTRIBUTE_ALWAYS_INLINE inline void* NewAligned(size_t n, std::align_val_t alignment,
                                                     Kind kind) {
  const size_t align = static_cast<size_t>(alignment);
  if (void* const pointer = TryNew(n, align, kind)) return pointer;
  return NewOrThrow(n, align, kind, __builtin_return_address(0));
}

ABSL_ATTRIBUTE_ALWAYS_INLINE inline void* NewNothrow(size_t n, size_t alignment,
                                                     Kind kind) noexcept {
  if (void* const pointer = TryNew(n, alignment, kind)) return pointer;
  return NewOrNull(n, alignment, kind, __builtin_return_address(0));
}

}  // namespace
}  // namespace mymalloc::api

using namespace mymalloc::api;  // NOLINT: the names below are C++'s

using mymalloc::Call;
using mymalloc::Kind;

MYMALLOC_API void* operator new(size_t n) { return New(n, Kind::kNew); }
MYMALLOC_API void* operator new[](size_t n) { return New(n, Kind::kNewArray); }
MYMALLOC_API void* operator new(size_t n, std::align_val_t a) {
  return NewAligned(n, a, Kind::kNewAligned);
}
MYMALLOC_API void* operator new[](size_t n, std::align_val_t a) {
  return NewAligned(n, a, Kind::kNewArrayAligned);
}
MYMALLOC_API void* operator new(size_t n, const std::nothrow_t&) noexcept {
  return NewNothrow(n, kNoAlignment, Kind::kNew);
}
MYMALLOC_API void* operator new[](size_t n, const std::nothrow_t&) noexcept {
  return NewNothrow(n, kNoAlignment, Kind::kNewArray);
}
MYMALLOC_API void* operator new(size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return NewNothrow(n, static_cast<size_t>(a), Kind::kNewAligned);
}
MYMALLOC_API void* operator new[](size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return NewNothrow(n, static_cast<size_t>(a), Kind::kNewArrayAligned);
}

namespace {

constexpr Call kDelete = {"operator delete", Kind::kNew};
constexpr Call kDeleteArray = {"operator delete[]", Kind::kNewArray};
// In a report their names are those of the others: what differs is an argument.
constexpr Call kDeleteAligned = {kDelete.name, Kind::kNewAligned};
constexpr Call kDeleteArrayAligned = {kDeleteArray.name, Kind::kNewArrayAligned};

void FreeAligned(void* p, size_t n, std::align_val_t a, const Call& called) {
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
  mymalloc::Free(p, kDeleteAligned);
}
MYMALLOC_API void operator delete[](void* p, std::align_val_t) noexcept {
  mymalloc::Free(p, kDeleteArrayAligned);
}
MYMALLOC_API void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept {
  mymalloc::Free(p, kDeleteAligned);
}
MYMALLOC_API void operator delete[](void* p, std::align_val_t, const std::nothrow_t&) noexcept {
  mymalloc::Free(p, kDeleteArrayAligned);
}
MYMALLOC_API void operator delete(void* p, size_t n, std::align_val_t a) noexcept {
  FreeAligned(p, n, a, kDeleteAligned);
}
MYMALLOC_API void operator delete[](void* p, size_t n, std::align_val_t a) noexcept {
  FreeAligned(p, n, a, kDeleteArrayAligned);
}

// Where the module that this is linked into begins and ends: the linker says so.
extern "C" {
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));
}

namespace {

template <typename Function>
bool IsOurs(Function* function) {
  const auto begin = reinterpret_cast<uintptr_t>(__ehdr_start);
  return reinterpret_cast<uintptr_t>(function) - begin < reinterpret_cast<uintptr_t>(_end) - begin;
}

// Where the program has some of these operators of its own, they go with the others of ours, by the
// standard's rules: what another kind made is then freed here. After the options were read.
__attribute__((constructor(102))) void AllowKindsOfTheProgram() {
  using New = void* (*)(size_t);
  using Delete = void (*)(void*) noexcept;
  using SizedDelete = void (*)(void*, size_t) noexcept;
  const bool ours = IsOurs(static_cast<New>(&::operator new)) &&
                    IsOurs(static_cast<New>(&::operator new[])) &&
                    IsOurs(static_cast<Delete>(&::operator delete)) &&
                    IsOurs(static_cast<Delete>(&::operator delete[])) &&
                    IsOurs(static_cast<SizedDelete>(&::operator delete)) &&
                    IsOurs(static_cast<SizedDelete>(&::operator delete[]));
  if (!ours) mymalloc::g_options.check_kind = false;
}

}  // namespace
