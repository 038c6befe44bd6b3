#include "mymalloc/answer/out.h"

namespace mymalloc {

Out& Out::Right(uint64_t n, unsigned width) {
  unsigned digits = 1;
  for (uint64_t rest = n / 10; rest != 0; rest /= 10) ++digits;
  for (; digits < width; ++digits) Char(' ');
  return Decimal(n);
}

Out& Out::Ratio(uint64_t part, uint64_t whole) {
  const uint64_t unit = whole / 1000 + 1;  // so that nothing overflows
  const uint64_t thousandths = whole == 0        ? 0
                               : whole < 1000000 ? part * 1000 / whole
                                                 : part / unit * 1000 / (whole / unit);
  Decimal(thousandths / 1000).Char('.');
  return Char(static_cast<char>('0' + thousandths / 100 % 10))
      .Char(static_cast<char>('0' + thousandths / 10 % 10))
      .Char(static_cast<char>('0' + thousandths % 10));
}

}  // namespace mymalloc
