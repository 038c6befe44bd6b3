// The kernel's settings, as /proc/sys and /sys have them.

#ifndef MYMALLOC_OS_SETTING_H_
#define MYMALLOC_OS_SETTING_H_

#include <cstddef>

namespace mymalloc::os {

// The number in a file; `otherwise` if that cannot be opened.
size_t ReadSetting(const char* path, size_t otherwise);
// Whether a file has this word; false if it cannot be opened.
bool SettingHas(const char* path, const char* word);

}  // namespace mymalloc::os

#endif  // MYMALLOC_OS_SETTING_H_
