#include "tools/look/mapped_files.h"

#include <fcntl.h>
#include <unistd.h>

#include "tools/look/file_bytes.h"

namespace mymalloc::look {

MappedFiles::~MappedFiles() {
  for (const auto& file : files_) {
    if (file.second >= 0) close(file.second);
  }
}

bool MappedFiles::Read(const Mappings& mappings, uint64_t address, void* to, size_t bytes) {
  const Mapping* const mapping = FindMapping(mappings, address);
  if (mapping == nullptr || !mapping->HasFile() || bytes > mapping->range.end - address) {
    return false;
  }
  auto file = files_.find(mapping->path);
  if (file == files_.end()) {
    const int fd = open(mapping->path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    file = files_.emplace(mapping->path, fd).first;
  }
  const uint64_t offset = mapping->offset + (address - mapping->range.begin);
  return file->second >= 0 && ReadAt(file->second, offset, to, bytes);
}

}  // namespace mymalloc::look
