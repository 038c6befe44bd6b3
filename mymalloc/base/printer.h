// Text into a fixed buffer, out with one write(2): no malloc, no stdio, no lock.

#ifndef MYMALLOC_BASE_PRINTER_H_
#define MYMALLOC_BASE_PRINTER_H_

#include <cstddef>
#include <cstdint>

namespace mymalloc {

// What does not fit is cut off: a report must never fail for its own length.
class Printer {
 public:
  constexpr Printer() = default;
  Printer(const Printer&) = delete;
  Printer& operator=(const Printer&) = delete;

  Printer& Text(const char* text);
  Printer& Decimal(uint64_t n);
  Printer& Signed(int64_t n);
  Printer& Hex(uint64_t n);           // with 0x
  Printer& Byte(unsigned char byte);  // two digits, without 0x
  Printer& Char(char c) {
    Append(c);
    return *this;
  }
  Printer& Pointer(uintptr_t p) { return Hex(p); }
  // A size as a person reads it: 48, 64K, 16M where it is a whole number of those.
  Printer& Size(uint64_t bytes);

  // One write(2) of everything so far; the buffer is then empty. If it cannot be written, that
  // causes no signal (SIGPIPE).
  void WriteTo(int fd) {
    CopyTo(fd);
    size_ = 0;
  }
  // The same, but the buffer stays.
  void CopyTo(int fd) const;

  const char* data() const { return buffer_; }
  size_t size() const { return size_; }
  // How much more fits.
  size_t room() const { return kCapacity - size_; }
  // Takes back what was printed since size() was that.
  void CutBackTo(size_t size) { size_ = size; }
  // The text as C has it, until more is printed.
  const char* Terminated() {
    buffer_[size_] = '\0';
    return buffer_;
  }

 private:
  void Append(char c) {
    if (size_ < kCapacity) buffer_[size_++] = c;
  }

  // What a pipe takes as a whole, and what a thread with the smallest of stacks has to spare.
  static constexpr size_t kCapacity = 4096;

  char buffer_[kCapacity + 1] = {};
  size_t size_ = 0;
};

}  // namespace mymalloc

#endif  // MYMALLOC_BASE_PRINTER_H_
