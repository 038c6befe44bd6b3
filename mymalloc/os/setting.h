// The kernel's settings, as /proc/sys has them.

#ifndef MYMALLOC_OS_SETTING_H_
#define MYMALLOC_OS_SETTING_H_

#include <cstddef>

namespace mymalloc::os {

// The number in a file; `otherwise` if that cannot be opened.
size_t ReadSetting(const char* path, size_t otherwise);

}  // namespace mymalloc::os

#endif  // MYMALLOC_OS_SETTING_H_
