// The bytes of mapped files, for what is dead and has not kept them: code and constants are in no
// core file.

#ifndef MYMALLOC_TOOLS_LOOK_MAPPED_FILES_H_
#define MYMALLOC_TOOLS_LOOK_MAPPED_FILES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "tools/look/mappings.h"

namespace mymalloc::look {

class MappedFiles {
 public:
  MappedFiles() = default;
  MappedFiles(const MappedFiles&) = delete;
  MappedFiles& operator=(const MappedFiles&) = delete;
  ~MappedFiles();

  // All of the bytes, if they lie in one mapping of a file that is still there.
  bool Read(const Mappings& mappings, uint64_t address, void* to, size_t bytes);

 private:
  std::map<std::string, int> files_;  // -1: cannot be opened
};

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_MAPPED_FILES_H_
