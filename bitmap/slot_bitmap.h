// A bitmap of 256 slots in 32 bytes; a set bit is a free slot.
//
// The all-zero bitmap (no slot free) is a valid one, so that a bitmap in memory fresh from the
// kernel is ready for use without a constructor. Not thread safe: see atomic_slot_bitmap.h for the
// twin that other threads may write to.
//
//   one slot    Test, Claim, Release          the latter two tell what the slot was before, so that
//                                             a double free is found by the act that would do it
//   one word    Word, TakeLowest, ReleaseMask up to 64 slots for the price of one
//   ranges      SetRange, ClearRange, TestRange, AnyInRange, CountInRange
//   searches    FirstWordWithBits, NextRun, FindRun, LongestRun, RunAround
//
// A search that finds nothing returns the end (kWords, kSlots), as the standard algorithms do.

#ifndef MYMALLOC_BITMAP_SLOT_BITMAP_H_
#define MYMALLOC_BITMAP_SLOT_BITMAP_H_

#include <cstdint>
#include <type_traits>

namespace mymalloc {

class SlotBitmap {
 public:
  static constexpr unsigned kSlots = 256;
  static constexpr unsigned kSlotsPerWord = 64;
  static constexpr unsigned kWords = kSlots / kSlotsPerWord;

  // Trivial on purpose: zeroed memory is a bitmap, and `SlotBitmap b{}` has no slot free. (A plain
  // `SlotBitmap b;` is as indeterminate as a plain `int i;`.)
  SlotBitmap() = default;

  static constexpr unsigned WordOf(unsigned slot) { return slot / kSlotsPerWord; }
  static constexpr uint64_t BitOf(unsigned slot) { return uint64_t{1} << (slot % kSlotsPerWord); }

  // REQUIRES: slot < kSlots, here and below.
  constexpr bool Test(unsigned slot) const { return (words_[WordOf(slot)] & BitOf(slot)) != 0; }

  // Takes the slot. Returns whether it was free: only then it is the caller's.
  constexpr bool Claim(unsigned slot) {
    const bool was_free = Test(slot);
    words_[WordOf(slot)] &= ~BitOf(slot);
    return was_free;
  }

  // Frees the slot. Returns whether it was free already, that is, a double free.
  constexpr bool Release(unsigned slot) {
    const bool was_free = Test(slot);
    words_[WordOf(slot)] |= BitOf(slot);
    return was_free;
  }

  // Bit b of word w is slot w * kSlotsPerWord + b.
  // REQUIRES: w < kWords, here and below.
  constexpr uint64_t Word(unsigned w) const { return words_[w]; }

  // Takes up to `max` of word w's free slots, the lowest ones, and returns them as a mask.
  // REQUIRES: 1 <= max <= kSlotsPerWord.
  constexpr uint64_t TakeLowest(unsigned w, unsigned max);

  // Takes the slots of `mask`. REQUIRES: all of them are free.
  constexpr void TakeMask(unsigned w, uint64_t mask) { words_[w] &= ~mask; }

  // Frees the slots of `mask`. Returns those among them that were free already: double frees.
  constexpr uint64_t ReleaseMask(unsigned w, uint64_t mask) {
    const uint64_t overlap = words_[w] & mask;
    words_[w] |= mask;
    return overlap;
  }

  constexpr unsigned Count() const;
  constexpr bool Empty() const { return (words_[0] | words_[1] | words_[2] | words_[3]) == 0; }
  constexpr bool Full() const { return (words_[0] & words_[1] & words_[2] & words_[3]) == ~0ull; }

  // The lowest word with a free slot, or kWords.
  constexpr unsigned FirstWordWithBits() const;

  // REQUIRES: first + count <= kSlots, here and below. A count of 0 is the empty range.
  constexpr void SetRange(unsigned first, unsigned count);
  constexpr void ClearRange(unsigned first, unsigned count);
  // Whether every slot of the range is free; how many are.
  constexpr bool TestRange(unsigned first, unsigned count) const;
  constexpr unsigned CountInRange(unsigned first, unsigned count) const;
  // Whether one of them is free: cheaper than to count them.
  constexpr bool AnyInRange(unsigned first, unsigned count) const;

  // Finds the next run of free slots that begins at or after `from` and makes it as long as it is;
  // if `from` lies inside a run, the part from `from` on. Returns false, and leaves the outputs
  // alone, when no slot from there on is free. `from` may be kSlots.
  // All runs:  for (unsigned first = 0, n = 0; b.NextRun(first + n, &first, &n);) Use(first, n);
  constexpr bool NextRun(unsigned from, unsigned* first, unsigned* count) const;

  // The most free slots that follow each other, or `most` if there are more.
  constexpr unsigned LongestRun(unsigned most) const;

  // The length of the run of free slots that a range of free slots lies in; it need not be exact if
  // that is `most` or more.
  constexpr unsigned RunAround(unsigned first, unsigned count, unsigned most) const;

  // The first slot of the lowest `count` consecutive free slots, or kSlots.
  // REQUIRES: count >= 1.
  constexpr unsigned FindRun(unsigned count) const;

  // The number of set bits in a word, such as Word and TakeLowest return.
  static constexpr unsigned PopCount(uint64_t word);

 private:
  static constexpr unsigned LowestBit(uint64_t word) {
    return static_cast<unsigned>(__builtin_ctzll(word));
  }
  // How many bits are set from the highest down.
  static constexpr unsigned HighRun(uint64_t word) {
    return word == ~uint64_t{0} ? kSlotsPerWord : static_cast<unsigned>(__builtin_clzll(~word));
  }
  template <typename Visit>
  static constexpr void ForEachWord(unsigned first, unsigned count, Visit&& visit);

  // The lowest slot at or after `from` whose bit differs from that of `flip` (0 finds set bits, all
  // ones finds clear ones), or kSlots.
  constexpr unsigned NextDifferent(unsigned from, uint64_t flip) const;

  uint64_t words_[kWords];
};

static_assert(sizeof(SlotBitmap) == 32, "half a cache line: a page header has one of these");
static_assert(std::is_standard_layout<SlotBitmap>::value &&
                  std::is_trivially_default_constructible<SlotBitmap>::value &&
                  std::is_trivially_copyable<SlotBitmap>::value,
              "usable in zeroed memory");
static_assert(SlotBitmap::kWords == 4, "Empty and Full spell the words out");

// The baseline x86-64 has no popcnt instruction, and the builtin would be a call into libgcc.
constexpr unsigned SlotBitmap::PopCount(uint64_t word) {
  constexpr uint64_t kOnes = ~uint64_t{0};
  word -= (word >> 1) & (kOnes / 3);
  word = (word & (kOnes / 5)) + ((word >> 2) & (kOnes / 5));
  word = (word + (word >> 4)) & (kOnes / 17);
  return static_cast<unsigned>((word * (kOnes / 255)) >> (kSlotsPerWord - 8));
}

constexpr uint64_t SlotBitmap::TakeLowest(unsigned w, unsigned max) {
  const uint64_t word = words_[w];
  uint64_t rest = 0;
  // Counting first makes "all of them" (the usual case once a batch is large) cheap; otherwise a
  // step for each slot taken is little beside what the caller does with each.
  if (max < kSlotsPerWord && PopCount(word) > max) {
    rest = word;
    for (unsigned i = 0; i < max; ++i) rest &= rest - 1;
  }
  words_[w] = rest;
  return word ^ rest;
}

constexpr unsigned SlotBitmap::Count() const {
  unsigned count = 0;
  for (const uint64_t word : words_) count += PopCount(word);
  return count;
}

constexpr unsigned SlotBitmap::FirstWordWithBits() const {
  unsigned w = 0;
  while (w < kWords && words_[w] == 0) ++w;
  return w;
}

// Calls visit(word index, bits of the range in it) for the words that a range touches.
template <typename Visit>
constexpr void SlotBitmap::ForEachWord(unsigned first, unsigned count, Visit&& visit) {
  while (count > 0) {
    const unsigned bit = first % kSlotsPerWord;
    const unsigned room = kSlotsPerWord - bit;
    const unsigned n = count < room ? count : room;
    // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): n is 1 to 64
    visit(WordOf(first), (~uint64_t{0} >> (kSlotsPerWord - n)) << bit);
    first += n;
    count -= n;
  }
}

constexpr void SlotBitmap::SetRange(unsigned first, unsigned count) {
  ForEachWord(first, count, [this](unsigned w, uint64_t mask) { words_[w] |= mask; });
}

constexpr void SlotBitmap::ClearRange(unsigned first, unsigned count) {
  ForEachWord(first, count, [this](unsigned w, uint64_t mask) { words_[w] &= ~mask; });
}

constexpr bool SlotBitmap::TestRange(unsigned first, unsigned count) const {
  uint64_t missing = 0;
  ForEachWord(first, count, [&, this](unsigned w, uint64_t mask) { missing |= ~words_[w] & mask; });
  return missing == 0;
}

constexpr bool SlotBitmap::AnyInRange(unsigned first, unsigned count) const {
  uint64_t found = 0;
  ForEachWord(first, count, [&, this](unsigned w, uint64_t mask) { found |= words_[w] & mask; });
  return found != 0;
}

constexpr unsigned SlotBitmap::CountInRange(unsigned first, unsigned count) const {
  unsigned found = 0;
  ForEachWord(first, count,
              [&, this](unsigned w, uint64_t mask) { found += PopCount(words_[w] & mask); });
  return found;
}

// Goes from run to run with few steps each: `run` is the one that reaches the end of the words so
// far.
constexpr unsigned SlotBitmap::LongestRun(unsigned most) const {
  unsigned longest = 0;
  unsigned run = 0;
  for (unsigned w = 0; w < kWords && longest < most; ++w) {
    uint64_t word = words_[w];
    if (word == ~uint64_t{0}) {
      run += kSlotsPerWord;
      longest = run > longest ? run : longest;
      continue;
    }
    const unsigned low = LowestBit(~word);
    run += low;
    longest = run > longest ? run : longest;
    run = word != 0 ? HighRun(word) : 0;
    word &= ~uint64_t{0} << low;
    while (word != 0) {
      word >>= LowestBit(word);
      const unsigned n = LowestBit(~word);  // not all ones: the word was not
      longest = n > longest ? n : longest;
      word &= ~uint64_t{0} << n;
    }
  }
  return longest < most ? longest : most;
}

constexpr unsigned SlotBitmap::RunAround(unsigned first, unsigned count, unsigned most) const {
  unsigned length = count;
  for (unsigned at = first; at > 0 && length < most;) {
    const unsigned bit = at % kSlotsPerWord;
    const unsigned w = WordOf(at - 1);
    // The slots of the word below `at`, at the top; a slot that is not free ends them.
    const uint64_t below = bit == 0 ? words_[w] : words_[w] << (kSlotsPerWord - bit);
    const unsigned n = HighRun(below);
    length += n;
    at -= n;
    if (n == 0 || n < (bit == 0 ? kSlotsPerWord : bit)) break;
  }
  const unsigned end = first + count;
  return length < most ? length + NextDifferent(end, ~uint64_t{0}) - end : length;
}

constexpr unsigned SlotBitmap::NextDifferent(unsigned from, uint64_t flip) const {
  if (from >= kSlots) return kSlots;
  unsigned w = WordOf(from);
  uint64_t word = (words_[w] ^ flip) & (~uint64_t{0} << (from % kSlotsPerWord));
  while (word == 0) {
    if (++w == kWords) return kSlots;
    word = words_[w] ^ flip;
  }
  return w * kSlotsPerWord + LowestBit(word);
}

constexpr bool SlotBitmap::NextRun(unsigned from, unsigned* first, unsigned* count) const {
  const unsigned begin = NextDifferent(from, 0);
  if (begin == kSlots) return false;
  *first = begin;
  *count = NextDifferent(begin, ~uint64_t{0}) - begin;
  return true;
}

constexpr unsigned SlotBitmap::FindRun(unsigned count) const {
  for (unsigned first = 0, n = 0; NextRun(first + n, &first, &n);) {
    if (n >= count) return first;
  }
  return kSlots;
}

}  // namespace mymalloc

#endif  // MYMALLOC_BITMAP_SLOT_BITMAP_H_
