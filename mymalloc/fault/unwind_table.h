// A module's unwind table, .eh_frame: for every function, a small program that says, for each of
// its instructions, where the caller's frame and registers are. Written by the compiler, mapped
// with the module, never changed.

#ifndef MYMALLOC_FAULT_UNWIND_TABLE_H_
#define MYMALLOC_FAULT_UNWIND_TABLE_H_

#include <cstdint>

#include "mymalloc/fault/byte_reader.h"
#include "mymalloc/fault/modules.h"

namespace mymalloc {

// What the table says of one function.
struct FunctionEntry {
  uintptr_t begin = 0;
  ByteReader common;  // the instructions that many functions share; to be run first
  ByteReader own;     // then the function's own, up to the place in question
  uint64_t code_alignment = 1;
  int64_t data_alignment = 1;
  uint8_t pointer_encoding = 0;
  bool signal_frame = false;  // "the caller" was interrupted here by a signal
};

// The entry of the function that holds `address`, by binary search in .eh_frame_hdr. False if there
// is none, or it is of a form that no usual compiler writes.
bool FindFunctionEntry(const Module& module, uintptr_t address, FunctionEntry* entry);

// An address in one of the table's encodings. Clears reader.ok() for those that are not known.
uintptr_t ReadEncodedAddress(uint8_t encoding, ByteReader* reader);

}  // namespace mymalloc

#endif  // MYMALLOC_FAULT_UNWIND_TABLE_H_
