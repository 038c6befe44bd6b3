// Random numbers and block sizes, the same in every run and under every allocator.

#ifndef BENCHMARKS_WORKLOADS_RANDOM_H_
#define BENCHMARKS_WORKLOADS_RANDOM_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace workloads {

// The finaliser of splitmix64: spreads a counter over all 64 bits.
inline uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// xorshift64*: cheap enough not to be what is measured.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(Mix(seed + 0x9e3779b97f4a7c15ULL) | 1) {}

  uint64_t Next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1dULL;
  }

  // Uniform in [0, bound); `bound` fits 32 bits.
  uint64_t Below(uint64_t bound) { return ((Next() >> 32) * bound) >> 32; }

  // Uniform in [low, high].
  uint64_t Between(uint64_t low, uint64_t high) { return low + Below(high - low + 1); }

 private:
  uint64_t state_;
};

// Log-uniform in [low, 2^doublings * low): every doubling is as likely as every other.
inline size_t LogUniform(Random& random, size_t low, uint64_t doublings) {
  const size_t base = low << random.Below(doublings);
  return static_cast<size_t>(random.Between(base, 2 * base - 1));
}

// The sizes of an ordinary program: mostly small, a few of some KiB. Drawn from a table made
// beforehand, so that choosing a size costs one load.
class MixedSizes {
 public:
  MixedSizes() {
    Random random(20);
    for (uint32_t& size : table_) size = static_cast<uint32_t>(Draw(random));
  }

  size_t Pick(Random& random) const { return table_[random.Next() >> 52]; }

 private:
  static uint64_t Draw(Random& random) {
    const uint64_t percent = random.Below(100);
    if (percent < 70) return random.Between(16, 128);
    if (percent < 95) return random.Between(129, 1024);
    return random.Between(1025, 8192);
  }

  std::array<uint32_t, 4096> table_;
};

inline const MixedSizes& SharedSizes() {
  static const MixedSizes sizes;
  return sizes;
}

}  // namespace workloads

#endif  // BENCHMARKS_WORKLOADS_RANDOM_H_
