// Bytes of files.

#ifndef MYMALLOC_TOOLS_LOOK_FILE_BYTES_H_
#define MYMALLOC_TOOLS_LOOK_FILE_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace mymalloc::look {

// All of it, or false.
bool ReadAt(int fd, uint64_t offset, void* to, size_t bytes);
bool WriteAll(int fd, const void* from, size_t bytes);

// Of a file whose length is not known before, as those of /proc. False, and errno, if it cannot be
// read.
bool ReadWholeFile(const std::string& path, std::string* text);

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_FILE_BYTES_H_
