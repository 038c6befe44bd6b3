// Text of any length to a file descriptor, through one buffer: no malloc, no stdio.

#ifndef MYMALLOC_ANSWER_OUT_H_
#define MYMALLOC_ANSWER_OUT_H_

#include <cstddef>
#include <cstdint>

#include "mymalloc/base/printer.h"

namespace mymalloc {

class Out {
 public:
  explicit Out(int fd) : fd_(fd) {}
  ~Out() { printer_.WriteTo(fd_); }
  Out(const Out&) = delete;
  Out& operator=(const Out&) = delete;

  // The text may be as long as this.
  static constexpr size_t kLongest = 256;

  Out& Text(const char* text) {
    MakeRoom();
    printer_.Text(text);
    return *this;
  }
  Out& Decimal(uint64_t n) {
    MakeRoom();
    printer_.Decimal(n);
    return *this;
  }
  Out& Hex(uint64_t n) {
    MakeRoom();
    printer_.Hex(n);
    return *this;
  }
  Out& Char(char c) {
    MakeRoom();
    printer_.Char(c);
    return *this;
  }
  // The number at the right of so many places.
  Out& Right(uint64_t n, unsigned width);
  // part / whole, with three digits behind the point; 0 of nothing.
  Out& Ratio(uint64_t part, uint64_t whole);

 private:
  void MakeRoom() {
    if (printer_.room() < kLongest) printer_.WriteTo(fd_);
  }

  const int fd_;
  Printer printer_;
};

}  // namespace mymalloc

#endif  // MYMALLOC_ANSWER_OUT_H_
