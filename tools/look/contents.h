// What stands in live blocks: their first bytes read in bulk, and what these look like.

#ifndef MYMALLOC_TOOLS_LOOK_CONTENTS_H_
#define MYMALLOC_TOOLS_LOOK_CONTENTS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "tools/look/heap_model.h"
#include "tools/look/memory.h"
#include "tools/look/names.h"

namespace mymalloc::look {

// So many bytes of each block are enough to tell what it is.
constexpr size_t kFirstBytes = 64;

// Calls visit(block, bytes) for each live block, in address order; `bytes` are its first,
// kFirstBytes at most, and none where it cannot be read.
using VisitContents = std::function<void(const Block& block, absl::string_view bytes)>;
void ForEachContents(const Memory& memory, const HeapModel& model, const VisitContents& visit);

enum class Looks {
  kClass,     // an object of a class with virtual functions: `name` is the class
  kFunction,  // begins with a pointer into code: `name` is the module
  kText,
  kZero,
  kOther,
};

struct Appearance {
  Looks looks = Looks::kOther;
  std::string name;
};

Appearance AppearanceOf(absl::string_view bytes, Names* names);

// Printable text at the begin of these bytes, without what ends it; empty if there is none.
absl::string_view TextIn(absl::string_view bytes);

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_CONTENTS_H_
