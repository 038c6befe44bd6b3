// The canary of a block: what lies between the bytes that the program asked for and the next tag.
//
//   | tag | what was asked for ... | canary | tag of the next slot
//
// It is filled with bytes that depend on a secret and on the block's address, and looked at when
// the block is freed or resized: so a write of one byte too far is found though the block has room
// for it. No byte of it is one of a text or a number that is common: each has its highest bit set
// and its lowest not, so none is 0, a letter, or 0xff.

#ifndef MYMALLOC_PAGE_CANARY_H_
#define MYMALLOC_PAGE_CANARY_H_

#include <cstddef>
#include <cstdint>

#include "mymalloc/base/units.h"
#include "mymalloc/page/size_class.h"
#include "mymalloc/page/tag.h"
#include "tree/interval.h"

namespace mymalloc {

class Canary {
 public:
  // Of the block's bytes from `asked` to `usable`, which is a multiple of 8. The block is aligned
  // to 16.
  Canary(uintptr_t block, size_t asked, size_t usable)
      : begin_(block + asked), end_(block + usable), word_(WordOf(block)) {}

  void Write() const {
    uintptr_t at = FirstWord();
    if (at != begin_) {
      Store(at, (Load(at) & ~FirstMask()) | (word_ & FirstMask()));
      at += kWord;
    }
    for (; at < end_; at += kWord) Store(at, word_);
  }
  bool Intact() const {
    uintptr_t at = FirstWord();
    if (at != begin_ && ((Load(at) ^ word_) & FirstMask()) != 0) return false;
    if (at != begin_) at += kWord;
    for (; at < end_; at += kWord) {
      if (Load(at) != word_) return false;
    }
    return true;
  }

  // The same for at most 16 bytes, and in line: in a block of the caller's.
  static constexpr size_t kShort = 16;
#if defined(MYMALLOC_SANITIZED)
  // Of the shortest block the 16 bytes have its tag, which stays what it is, in one half: others
  // may look at that meanwhile, and ThreadSanitizer sees a write.
  static void WriteShort(uintptr_t block, size_t slack, size_t usable) {
    Canary(block, usable - slack, usable).Write();
  }
  static bool ShortIntact(uintptr_t block, size_t slack, size_t usable) {
    return Canary(block, usable - slack, usable).Intact();
  }
#else
  static void WriteShort(uintptr_t block, size_t slack, size_t usable) {
    const uintptr_t at = block + usable - kShort;
    const Pair found = LoadPair(at);
    const Pair pair = found ^ ((found ^ PairOf(block)) & ShortMask(slack));
    __builtin_memcpy(reinterpret_cast<void*>(at), &pair, sizeof(pair));
  }
  static bool ShortIntact(uintptr_t block, size_t slack, size_t usable) {
    const Pair found = LoadPair(block + usable - kShort);
    const Pair changed = (found ^ PairOf(block)) & ShortMask(slack);
    return (changed[0] | changed[1]) == 0;
  }
#endif

  bool Zero() const {
    for (uintptr_t at = begin_; at < end_; ++at) {
      if (*reinterpret_cast<const volatile unsigned char*>(at) != 0) return false;
    }
    return true;
  }
  // From the first byte that was changed through the last; empty if none was.
  Interval Changed() const {
    Interval changed{};
    for (uintptr_t at = begin_; at < end_; ++at) {
      const auto byte = static_cast<unsigned char>(word_ >> (at % kWord * 8));
      if (*reinterpret_cast<const volatile unsigned char*>(at) == byte) continue;
      if (changed.empty()) changed.begin = at;
      changed.end = at + 1;
    }
    return changed;
  }

 private:
  static constexpr size_t kWord = sizeof(uint64_t);

  // The words are those of the block: the first may be asked for in part.
  uintptr_t FirstWord() const { return RoundDown(begin_, kWord); }
  uint64_t FirstMask() const { return ~uint64_t{0} << (begin_ % kWord * 8); }
  static uint64_t WordOf(uintptr_t block) {
    return ((block ^ g_tag_secret.factor) & kNotLowest) | kHighest;
  }
  static constexpr uint64_t kHighest = 0x8080808080808080;
  static constexpr uint64_t kNotLowest = 0xfefefefefefefefe;
  static uint64_t Load(uintptr_t at) {
    return __atomic_load_n(reinterpret_cast<const uint64_t*>(at), __ATOMIC_RELAXED);
  }
  static void Store(uintptr_t at, uint64_t word) {
    __atomic_store_n(reinterpret_cast<uint64_t*>(at), word, __ATOMIC_RELAXED);
  }

  // The last 16 bytes of the block; of the shortest block the tag is one half.
  using Pair = uint64_t __attribute__((vector_size(16)));
  static Pair LoadPair(uintptr_t at) {
    Pair pair;
    __builtin_memcpy(&pair, reinterpret_cast<const void*>(at), sizeof(pair));
    return pair;
  }
  static Pair PairOf(uintptr_t block) {
    const uint64_t word = block ^ g_tag_secret.factor;
    return (Pair{word, word} & Pair{kNotLowest, kNotLowest}) | Pair{kHighest, kHighest};
  }
  // All bits of the last `slack` of 16 bytes.
  static Pair ShortMask(size_t slack) {
    return LoadPair(reinterpret_cast<uintptr_t>(kMasks) + slack);
  }
  static constexpr uint64_t kMasks[4] = {0, 0, ~uint64_t{0}, ~uint64_t{0}};

  uintptr_t begin_;
  uintptr_t end_;
  uint64_t word_;
};

// Whether the last `slack` bytes of a block are as they were written.
inline bool CanaryIntact(uintptr_t block, size_t slack, size_t usable) {
  if (__builtin_expect(slack <= Canary::kShort, 1)) {
    return Canary::ShortIntact(block, slack, usable);
  }
  return slack <= usable && Canary(block, usable - slack, usable).Intact();
}
inline bool CanaryIntact(uintptr_t block, Tag tag) {
  return CanaryIntact(block, tag.note().slack, UsableOf(tag.size_class()));
}

}  // namespace mymalloc

#endif  // MYMALLOC_PAGE_CANARY_H_
