#include "mymalloc/page/tag.h"

namespace mymalloc {
namespace {

// Whether every multiple of `step` by 1 to `most`, mod 2^64, is farther from 0 than kLowMask, above
// and below. Euclid's algorithm on 2^64 and step: the remainders are the distances from 0 of the
// multiples that come nearer to it than all those before.
bool StaysAway(uint64_t step, uint64_t most) {
  uint64_t before = step;
  uint64_t remainder = 0 - step;  // 2^64 less one step, to begin with
  uint64_t multiple_before = 1;
  uint64_t multiple = 1;
  while (multiple <= most) {
    if (before <= TagSecret::kLowMask || remainder <= TagSecret::kLowMask) return false;
    const uint64_t quotient = before / remainder;
    const uint64_t next = before - quotient * remainder;
    const uint64_t next_multiple = multiple_before + quotient * multiple;
    before = remainder;
    remainder = next;
    multiple_before = multiple;
    multiple = next_multiple;
  }
  return true;
}

uint64_t NextRandom(uint64_t* state) {
  *state = *state * 6364136223846793005 + 1442695040888963407;
  return *state ^ *state >> 29;
}

// Of an odd number. Each step doubles the number of bits that are right, three to begin with.
uint64_t InverseOf(uint64_t factor) {
  uint64_t inverse = factor;
  for (int bits = 3; bits < 64; bits *= 2) inverse *= 2 - factor * inverse;
  return inverse;
}

}  // namespace

void TagSecret::Set(uint64_t random_a, uint64_t random_b) {
  constexpr uint64_t kBlocksAway = uint64_t{1} << 31;
  offset = (random_a ^ random_b >> 31) << Tag::kClassBits;
  // About every second number will do, here and below.
  do {
    spread = (NextRandom(&random_a) | 1) * kBlockAlignment;
  } while (!StaysAway(spread * kBlockAlignment, kBlocksAway));
  do {
    factor = NextRandom(&random_b) | 1;
    inverse = InverseOf(factor);
  } while (!StaysAway(inverse, kLowMask));
  live_delta = Tag::kLive * factor;
  veil = NextRandom(&random_a) * factor;
  most = kLowMask;
}

TagSecret g_tag_secret;

}  // namespace mymalloc
