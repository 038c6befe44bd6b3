// The kernel's settings, as /proc/sys and /sys have them.

#ifndef MYMALLOC_OS_SETTING_H_
#define MYMALLOC_OS_SETTING_H_

#include <cstddef>
#include <initializer_list>

namespace mymalloc::os {

// The number in a file; `otherwise` if that cannot be opened.
size_t ReadSetting(const char* path, size_t otherwise);
// Whether a file has one of these words; false if it cannot be opened.
bool SettingHas(const char* path, std::initializer_list<const char*> words);

}  // namespace mymalloc::os

#endif  // MYMALLOC_OS_SETTING_H_
