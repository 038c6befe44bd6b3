// Reads the numbers of a table in memory, one after the other, never past its end.

#ifndef MYMALLOC_FAULT_BYTE_READER_H_
#define MYMALLOC_FAULT_BYTE_READER_H_

#include <cstddef>
#include <cstdint>

namespace mymalloc {

// Reading past the end gives zeros, and ok() is false from then on.
class ByteReader {
 public:
  ByteReader() = default;
  ByteReader(const uint8_t* begin, const uint8_t* end) : next_(begin), end_(end) {}

  bool ok() const { return ok_; }
  bool AtEnd() const { return next_ >= end_; }
  const uint8_t* position() const { return next_; }

  template <typename T>
  T Read() {
    T value = 0;
    if (!Has(sizeof(T))) return 0;
    __builtin_memcpy(&value, next_, sizeof(T));
    next_ += sizeof(T);
    return value;
  }

  void Skip(uint64_t bytes) {
    if (Has(bytes)) next_ += bytes;
  }

  // Numbers of variable length: seven bits a byte, the lowest first.
  uint64_t Unsigned() {
    unsigned bits = 0;
    return Groups(&bits);
  }
  int64_t Signed() {
    unsigned bits = 0;
    const uint64_t value = Groups(&bits);
    const bool negative = bits < 64 && ((value >> (bits - 1)) & 1) != 0;
    return static_cast<int64_t>(negative ? value | ~uint64_t{0} << bits : value);
  }

 private:
  bool Has(uint64_t bytes) {
    ok_ = ok_ && bytes <= static_cast<uint64_t>(end_ - next_);
    return ok_;
  }

  uint64_t Groups(unsigned* bits) {
    uint64_t value = 0;
    uint8_t byte = 0;
    do {
      byte = Read<uint8_t>();
      if (*bits < 64) value |= static_cast<uint64_t>(byte & 0x7f) << *bits;
      *bits += 7;
    } while ((byte & 0x80) != 0);
    return value;
  }

  const uint8_t* next_ = nullptr;
  const uint8_t* end_ = nullptr;
  bool ok_ = true;
};

}  // namespace mymalloc

#endif  // MYMALLOC_FAULT_BYTE_READER_H_
