// What step 5 brings, and the later steps keep: the tag, the 8 bytes before each block. It says
// class, slot and whether the block is live, under a key: hardly any other 8 bytes verify. And
// where slots lie in a page.

#ifndef BENCHMARKS_STEPS_TAGS_H_
#define BENCHMARKS_STEPS_TAGS_H_

#include "benchmarks/steps/ranges.h"
#include "benchmarks/steps/size_classes.h"

namespace steps {

constexpr size_t kTagBytes = sizeof(uint64_t);

struct Said {
  unsigned size_class;
  unsigned slot;
  bool is_live;
};

constexpr uint64_t kFactor = 0x9e3779b97f4a7c15;

constexpr uint64_t InverseOf(uint64_t factor) {
  uint64_t inverse = factor;  // Right in three bits; each turn doubles them.
  for (int turn = 0; turn < 5; ++turn) inverse *= 2 - factor * inverse;
  return inverse;
}
static_assert(kFactor * InverseOf(kFactor) == 1, "what is multiplied can be divided again");

inline uint64_t& TagOf(uintptr_t block) { return At<uint64_t>(block)[-1]; }

inline void WriteTag(uintptr_t block, const Said& said) {
  const uint64_t low = uint64_t{said.size_class} << 16 | said.slot << 1 | (said.is_live ? 1 : 0);
  TagOf(block) = ((block ^ g_secret) + low) * kFactor;
}

// Whether it is a tag that was written for this very block; then *said is what it says.
inline bool ReadTag(uintptr_t block, Said* said) {
  const uint64_t low = TagOf(block) * InverseOf(kFactor) - (block ^ g_secret);
  *said = {static_cast<unsigned>(low >> 16), static_cast<uint8_t>(low >> 1), (low & 1) != 0};
  return low < uint64_t{kClasses} << 16 && (low & 0xfe00) == 0;
}

// The same of any pointer: in the window the bytes before it can be read, whatever it is.
inline bool FindTag(const void* pointer, Said* said) {
  const uintptr_t address = AddressOf(pointer);
  return address % kAlignment == 0 && IsInWindow(address - kTagBytes) && ReadTag(address, said);
}

// ---- Pages of slots, whose header lies in the first of them ----

constexpr unsigned kMostSlots = 256;  // A bitmap has so many bits.
constexpr size_t kLongestPage = 512 << 10;

// The first that is not taken for good. The end of the slot before it is the first block's tag.
template <typename Page>
constexpr unsigned FirstSlot(unsigned size_class) {
  return static_cast<unsigned>((sizeof(Page) + kTagBytes - 1) / SizeOf(size_class) + 1);
}

constexpr unsigned EndOfSlots(unsigned size_class) {
  const size_t fit = kLongestPage / SizeOf(size_class);
  return fit < kMostSlots ? static_cast<unsigned>(fit) : kMostSlots;
}

// For a page of that class; 0: there is no memory.
inline uintptr_t TakePage(unsigned size_class) {
  return TakeRange(RoundUp(EndOfSlots(size_class) * SizeOf(size_class), kKernelPage));
}

// The class whose slots have room for so many bytes and a tag, and begin at such multiples;
// kClasses if there is none.
inline unsigned ClassFor(size_t alignment, size_t size) {
  if (alignment > kKernelPage || size + kTagBytes > kLargest) return kClasses;
  unsigned size_class = ClassOf(size + kTagBytes);
  while (size_class < kClasses && SizeOf(size_class) % alignment != 0) ++size_class;
  return size_class;
}

}  // namespace steps

#endif  // BENCHMARKS_STEPS_TAGS_H_
