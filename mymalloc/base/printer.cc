#include "mymalloc/base/printer.h"

#include "mymalloc/base/syscall.h"
#include "mymalloc/base/units.h"

namespace mymalloc {

Printer& Printer::Text(const char* text) {
  while (*text != '\0') Append(*text++);
  return *this;
}

Printer& Printer::Decimal(uint64_t n) {
  char digits[20];
  size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + n % 10);
    n /= 10;
  } while (n != 0);
  while (count > 0) Append(digits[--count]);
  return *this;
}

Printer& Printer::Signed(int64_t n) {
  if (n >= 0) return Decimal(static_cast<uint64_t>(n));
  Append('-');
  return Decimal(uint64_t{0} - static_cast<uint64_t>(n));
}

Printer& Printer::Hex(uint64_t n) {
  Text("0x");
  int shift = 60;
  while (shift > 0 && (n >> shift) == 0) shift -= 4;
  for (; shift >= 0; shift -= 4) Append("0123456789abcdef"[(n >> shift) & 15]);
  return *this;
}

Printer& Printer::Size(uint64_t bytes) {
  if (bytes != 0 && bytes % kGiB == 0) return Decimal(bytes / kGiB).Text("G");
  if (bytes != 0 && bytes % kMiB == 0) return Decimal(bytes / kMiB).Text("M");
  if (bytes != 0 && bytes % kKiB == 0) return Decimal(bytes / kKiB).Text("K");
  return Decimal(bytes);
}

void Printer::WriteTo(int fd) {
  Syscall(SYS_write, fd, reinterpret_cast<long>(buffer_), static_cast<long>(size_));
  size_ = 0;
}

}  // namespace mymalloc
