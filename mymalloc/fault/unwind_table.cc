#include "mymalloc/fault/unwind_table.h"

namespace mymalloc {
namespace {

// How an address is written: the form in the low four bits, what it is relative to in the next.
constexpr uint8_t kFormMask = 0x0f;
constexpr uint8_t kFormPointer = 0x00;
constexpr uint8_t kFormUint16 = 0x02;
constexpr uint8_t kFormUint32 = 0x03;
constexpr uint8_t kFormUint64 = 0x04;
constexpr uint8_t kFormInt16 = 0x0a;
constexpr uint8_t kFormInt32 = 0x0b;
constexpr uint8_t kFormInt64 = 0x0c;
constexpr uint8_t kRelativeToItself = 0x10;
constexpr uint8_t kRelativeToTable = 0x30;

constexpr uint8_t kReturnAddressColumn = 16;

// A line of the search table: both relative to the table's start, in ascending order of `function`.
struct SearchLine {
  int32_t function;
  int32_t entry;
};

const uint8_t* EndOf(const Module& module) { return reinterpret_cast<const uint8_t*>(module.end); }

// What every linker writes: version 1; the address of .eh_frame and the count in four bytes each;
// lines of two 32-bit offsets.
bool ReadSearchTable(const Module& module, const SearchLine** lines, uint32_t* count) {
  ByteReader reader(module.unwind_table, EndOf(module));
  const uint8_t version = reader.Read<uint8_t>();
  const uint8_t frame_encoding = reader.Read<uint8_t>();
  const uint8_t count_encoding = reader.Read<uint8_t>();
  const uint8_t line_encoding = reader.Read<uint8_t>();
  if (version != 1 || (frame_encoding & kFormMask) != kFormInt32 || count_encoding != kFormUint32 ||
      line_encoding != (kRelativeToTable | kFormInt32)) {
    return false;
  }
  reader.Skip(sizeof(int32_t));
  *count = reader.Read<uint32_t>();
  *lines = reinterpret_cast<const SearchLine*>(reader.position());
  reader.Skip(uint64_t{*count} * sizeof(SearchLine));
  return reader.ok() && *count > 0;
}

// The last function that begins at or below the address, or nullptr.
const uint8_t* FindEntryBytes(const Module& module, uintptr_t address) {
  const SearchLine* lines = nullptr;
  uint32_t count = 0;
  if (module.unwind_table == nullptr || !ReadSearchTable(module, &lines, &count)) return nullptr;
  const int64_t offset =
      static_cast<int64_t>(address - reinterpret_cast<uintptr_t>(module.unwind_table));
  uint32_t low = 0;
  uint32_t high = count;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (lines[middle].function <= offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) return nullptr;
  const uint8_t* const entry = module.unwind_table + lines[low - 1].entry;
  return module.Contains(reinterpret_cast<uintptr_t>(entry)) ? entry : nullptr;
}

// Both kinds of entry begin with their length. Those of more than 4 GiB do not occur.
bool OpenEntry(const Module& module, const uint8_t* bytes, ByteReader* reader) {
  ByteReader length(bytes, EndOf(module));
  const uint32_t size = length.Read<uint32_t>();
  if (!length.ok() || size == 0 || size >= static_cast<uint64_t>(EndOf(module) - bytes)) {
    return false;
  }
  *reader = ByteReader(length.position(), length.position() + size);
  return true;
}

// The letters of the augmentation after its z; each has its own data, in the same order.
bool ReadAugmentation(const char* letters, ByteReader* reader, FunctionEntry* entry) {
  const uint64_t size = reader->Unsigned();
  const uint8_t* const start = reader->position();
  for (; *letters != '\0'; ++letters) {
    switch (*letters) {
      case 'R':
        entry->pointer_encoding = reader->Read<uint8_t>();
        break;
      case 'P':
        ReadEncodedAddress(reader->Read<uint8_t>(), reader);
        break;
      case 'L':
        reader->Skip(1);
        break;
      case 'S':
        entry->signal_frame = true;
        break;
      case 'B':
        break;
      default:
        return false;
    }
  }
  reader->Skip(size - static_cast<uint64_t>(reader->position() - start));
  return reader->ok();
}

// What many functions share: the CIE.
bool ReadCommon(const Module& module, const uint8_t* bytes, FunctionEntry* entry, bool* augmented) {
  ByteReader reader;
  if (!module.Contains(reinterpret_cast<uintptr_t>(bytes)) || !OpenEntry(module, bytes, &reader)) {
    return false;
  }
  const uint32_t id = reader.Read<uint32_t>();
  const uint8_t version = reader.Read<uint8_t>();
  const char* const letters = reinterpret_cast<const char*>(reader.position());
  while (reader.Read<uint8_t>() != 0) {
  }
  entry->code_alignment = reader.Unsigned();
  entry->data_alignment = reader.Signed();
  const uint64_t column = version == 1 ? reader.Read<uint8_t>() : reader.Unsigned();
  const bool known = id == 0 && (version == 1 || version == 3) && column == kReturnAddressColumn;
  if (!known || !reader.ok()) return false;
  *augmented = *letters == 'z';
  if (*augmented ? !ReadAugmentation(letters + 1, &reader, entry) : *letters != '\0') return false;
  entry->common = reader;
  return true;
}

// The function's own: the FDE. It says how far before itself its CIE is.
bool ReadFunction(const Module& module, const uint8_t* bytes, uintptr_t address,
                  FunctionEntry* entry) {
  ByteReader reader;
  if (!OpenEntry(module, bytes, &reader)) return false;
  const uint8_t* const place = reader.position();
  bool augmented = false;
  if (!ReadCommon(module, place - reader.Read<uint32_t>(), entry, &augmented)) return false;
  entry->begin = ReadEncodedAddress(entry->pointer_encoding, &reader);
  const uintptr_t size = ReadEncodedAddress(entry->pointer_encoding & kFormMask, &reader);
  if (augmented) reader.Skip(reader.Unsigned());
  entry->own = reader;
  return reader.ok() && address - entry->begin < size;
}

}  // namespace

uintptr_t ReadEncodedAddress(uint8_t encoding, ByteReader* reader) {
  const uintptr_t place = reinterpret_cast<uintptr_t>(reader->position());
  const uint8_t base = encoding & 0x70;
  const uintptr_t origin = base == kRelativeToItself ? place : 0;
  switch (encoding & kFormMask) {
    case kFormPointer:
    case kFormUint64:
    case kFormInt64:
      return origin + reader->Read<uint64_t>();
    case kFormUint16:
      return origin + reader->Read<uint16_t>();
    case kFormInt16:
      return origin + static_cast<uintptr_t>(int64_t{reader->Read<int16_t>()});
    case kFormUint32:
      return origin + reader->Read<uint32_t>();
    case kFormInt32:
      return origin + static_cast<uintptr_t>(int64_t{reader->Read<int32_t>()});
    default:
      reader->Skip(~uint64_t{0});
      return 0;
  }
}

bool FindFunctionEntry(const Module& module, uintptr_t address, FunctionEntry* entry) {
  const uint8_t* const bytes = FindEntryBytes(module, address);
  return bytes != nullptr && ReadFunction(module, bytes, address, entry);
}

}  // namespace mymalloc
