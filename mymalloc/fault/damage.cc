#include "mymalloc/fault/damage.h"

#include "mymalloc/base/units.h"

namespace mymalloc {
namespace {

constexpr size_t kRow = 16;

bool IsPrintable(unsigned char byte) { return byte >= ' ' && byte <= '~'; }

// As text, if it may be one: with the zero at its end, which is what most overruns write.
void PrintIfText(Printer& out, const unsigned char* bytes, size_t count, bool whole) {
  const bool ends = whole && count > 1 && bytes[count - 1] == 0;
  const size_t length = ends ? count - 1 : count;
  for (size_t i = 0; i < length; ++i) {
    if (!IsPrintable(bytes[i])) return;
  }
  out.Text(" \"");
  for (size_t i = 0; i < length; ++i) out.Char(static_cast<char>(bytes[i]));
  out.Text(ends ? "\" and a zero" : "\"");
}

void PrintWritten(Printer& out, FaultBytes block, FaultBytes written) {
  const size_t count = written.count;
  const size_t shown = Min(count, kRow);
  const auto* const bytes = reinterpret_cast<const unsigned char*>(written.begin);
  out.Text("  overwritten: ").Decimal(count).Text(count == 1 ? " byte" : " bytes");
  out.Text(", from offset ").Signed(static_cast<int64_t>(written.begin - block.begin));
  out.Text(" on:");
  for (size_t i = 0; i < shown; ++i) out.Text(" ").Byte(bytes[i]);
  if (shown < count) out.Text(" ...");
  PrintIfText(out, bytes, shown, shown == count);
  out.Text("\n");
}

bool Contains(FaultBytes bytes, uintptr_t at) { return at - bytes.begin < bytes.count; }

// A row of the bytes that are the block's, or were overwritten: what else lies there is another's.
void PrintRow(Printer& out, uintptr_t row, FaultBytes block, FaultBytes written) {
  const auto shown = [&](uintptr_t at) { return Contains(block, at) || Contains(written, at); };
  const auto byte = [](uintptr_t at) { return *reinterpret_cast<const unsigned char*>(at); };
  out.Text("    ").Text(row < block.begin ? "" : "+");
  out.Signed(static_cast<int64_t>(row - block.begin)).Text(":");
  for (uintptr_t at = row; at < row + kRow; ++at) {
    shown(at) ? out.Text(" ").Byte(byte(at)) : out.Text("   ");
  }
  out.Text("  ");
  for (uintptr_t at = row; at < row + kRow; ++at) {
    const char c = shown(at) ? static_cast<char>(byte(at)) : ' ';
    out.Char(IsPrintable(static_cast<unsigned char>(c)) ? c : '.');
  }
  out.Text("\n");
}

// The row where the damage begins, and those beside it.
void PrintAround(Printer& out, FaultBytes block, FaultBytes written) {
  const uintptr_t begin = Min(block.begin, written.begin);
  const uintptr_t end = Max(block.begin + block.count, written.begin + written.count);
  const uintptr_t damaged = RoundDown(written.begin, kRow);
  out.Text("  around it:\n");
  for (uintptr_t row = damaged - kRow; row <= damaged + kRow; row += kRow) {
    if (row + kRow > begin && row < end) PrintRow(out, row, block, written);
  }
}

}  // namespace

void PrintDamage(Printer& out, FaultBytes block, FaultBytes written) {
  if (written.count == 0) return;
  PrintWritten(out, block, written);
  PrintAround(out, block, written);
}

}  // namespace mymalloc
