// Core files: of the kernel, and of gcore.

#ifndef MYMALLOC_TOOLS_LOOK_CORE_TARGET_H_
#define MYMALLOC_TOOLS_LOOK_CORE_TARGET_H_

#include <memory>
#include <string>

#include "tools/look/target.h"

namespace mymalloc::look {

bool IsCore(int fd);
// Takes the descriptor. nullptr, and *error, if the file cannot be made sense of.
std::unique_ptr<Target> OpenCore(int fd, const std::string& name, std::string* error);

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_CORE_TARGET_H_
