// The fuzzer's bytes, read from the front. Behind their end there are only zeros, so that every
// input means something.

#ifndef MYMALLOC_TESTS_FUZZ_INPUT_H_
#define MYMALLOC_TESTS_FUZZ_INPUT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace mymalloc::test {

class Input {
 public:
  Input(const uint8_t* data, size_t size) : next_(data), left_(size) {}

  bool empty() const { return left_ == 0; }

  uint8_t Byte() {
    if (left_ == 0) return 0;
    --left_;
    return *next_++;
  }
  uint64_t Number(unsigned bytes) {
    uint64_t number = 0;
    for (unsigned i = 0; i < bytes; ++i) number |= uint64_t{Byte()} << 8 * i;
    return number;
  }
  // REQUIRES: n != 0.
  size_t Below(size_t n) { return Number(2) % n; }

  // Everything up to the next `end`, which is passed over.
  std::string TextUntil(uint8_t end) {
    const uint8_t* const stop = std::find(next_, next_ + left_, end);
    std::string text(next_, stop);
    left_ -= std::min(text.size() + 1, left_);
    next_ = stop + (left_ != 0 ? 1 : 0);
    return text;
  }

 private:
  const uint8_t* next_;
  size_t left_;
};

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_FUZZ_INPUT_H_
