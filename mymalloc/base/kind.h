// By what a block was allocated, and what frees it.

#ifndef MYMALLOC_BASE_KIND_H_
#define MYMALLOC_BASE_KIND_H_

#include <cstdint>

namespace mymalloc {

enum class Kind : uint8_t { kMalloc, kNew, kNewArray, kNewAligned, kNewArrayAligned };

// A function that was given a block: its name, as reports have it, and which kind it is for. Handed
// on by its address, so that it takes one register on the way to a slow one.
struct Call {
  // NOLINTNEXTLINE(google-explicit-constructor): what has only a name is one of malloc's
  constexpr Call(const char* a_name, Kind kind = Kind::kMalloc, uintptr_t from = 0)
      : name(a_name), frees(kind), caller(from) {}
  // NOLINTNEXTLINE(google-explicit-constructor): reports want the name
  constexpr operator const char*() const { return name; }

  const char* name;
  Kind frees;
  uintptr_t caller;  // where the program called; 0: whoever is asked returns there
};

inline constexpr Call kFreeCall = {"free"};
inline constexpr Call kReallocCall = {"realloc"};

}  // namespace mymalloc

#endif  // MYMALLOC_BASE_KIND_H_
