// Live memory by what it looks like.

#ifndef MYMALLOC_TOOLS_LOOK_TYPE_TABLE_H_
#define MYMALLOC_TOOLS_LOOK_TYPE_TABLE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tools/look/contents.h"
#include "tools/look/heap_model.h"
#include "tools/look/names.h"

namespace mymalloc::look {

// "class Foo", "text", "function pointer (libc.so.6)", "zero", "other, 48 bytes".
std::string TypeName(const Appearance& appearance, const Block& block);
// How many bytes of memory a block takes: all of its slots.
uint64_t BytesOf(const Block& block);

struct TypeRow {
  std::string name;
  Looks looks = Looks::kOther;
  uint64_t blocks = 0;
  uint64_t bytes = 0;
  static constexpr size_t kExamples = 3;
  std::vector<uint64_t> examples;
};

// Most bytes first.
std::vector<TypeRow> CountTypes(const Memory& memory, const HeapModel& model, Names* names);

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_TYPE_TABLE_H_
