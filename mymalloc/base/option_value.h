// The values of options as people write them: read from text, and printed as they would be read.

#ifndef MYMALLOC_BASE_OPTION_VALUE_H_
#define MYMALLOC_BASE_OPTION_VALUE_H_

#include <cstddef>
#include <cstdint>

#include "mymalloc/base/option_types.h"
#include "mymalloc/base/printer.h"

namespace mymalloc::option_value {

// A piece of the environment: not terminated.
struct Text {
  const char* begin;
  size_t size;

  bool operator==(const char* other) const {
    size_t i = 0;
    while (i < size && other[i] != '\0' && begin[i] == other[i]) ++i;
    return i == size && other[i] == '\0';
  }
  // Whether it is `name`, in capitals or not.
  bool IsName(const char* name) const {
    size_t i = 0;
    while (i < size && name[i] != '\0') {
      const char c = begin[i];
      const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      if (lower != name[i]) return false;
      ++i;
    }
    return i == size && name[i] == '\0';
  }
};

Text ToText(const char* s);

// False if the text is no such value; *result then is anything.
bool Parse(Text value, bool* result);
bool Parse(Text value, uint32_t* result);
bool Parse(Text value, Sampling* result);
bool Parse(Text value, Bytes* result);
bool Parse(Text value, Millis* result);
bool Parse(Text value, OnError* result);
bool Parse(Text value, HugePages* result);
bool Parse(Text value, PrintedStats* result);
bool Parse(Text value, Signal* result);
bool Parse(Text value, MemoryLimit* result);
bool Parse(Text value, Path* result);

void Print(Printer& out, bool value);
void Print(Printer& out, Sampling value);
void Print(Printer& out, Bytes value);
void Print(Printer& out, Millis value);
void Print(Printer& out, OnError value);
void Print(Printer& out, HugePages value);
void Print(Printer& out, PrintedStats value);
void Print(Printer& out, Signal value);
void Print(Printer& out, MemoryLimit value);
void Print(Printer& out, const Path& value);

// What would be a value.
const char* Wanted(bool);
const char* Wanted(Sampling);
const char* Wanted(Bytes);
const char* Wanted(Millis);
const char* Wanted(OnError);
const char* Wanted(HugePages);
const char* Wanted(PrintedStats);
const char* Wanted(Signal);
const char* Wanted(MemoryLimit);
const char* Wanted(const Path&);

}  // namespace mymalloc::option_value

#endif  // MYMALLOC_BASE_OPTION_VALUE_H_
