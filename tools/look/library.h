// The library in a target: its descriptor, found and believed only if it is one of this build's
// layout.

#ifndef MYMALLOC_TOOLS_LOOK_LIBRARY_H_
#define MYMALLOC_TOOLS_LOOK_LIBRARY_H_

#include <string>

#include "mymalloc/report/descriptor.h"
#include "tools/look/target.h"

namespace mymalloc::look {

enum class LibraryFound {
  kYes,
  kNone,          // the target does not run on mymalloc
  kOtherVersion,  // it does, but on one that this command cannot read
};

// `*descriptor` is set for the last, too: as far as it goes.
LibraryFound FindLibrary(const Target& target, Descriptor* descriptor);

// What is wrong where it was not kYes, and what helps.
std::string ExplainNotFound(const Target& target, LibraryFound found, const Descriptor& descriptor);

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_LIBRARY_H_
