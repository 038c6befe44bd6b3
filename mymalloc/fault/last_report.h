// The last report, kept where a reader of the dead process's memory finds it: a core file says
// nothing of what stood on stderr. Nothing is written here before a report, so that until then it
// costs the process no memory.

#ifndef MYMALLOC_FAULT_LAST_REPORT_H_
#define MYMALLOC_FAULT_LAST_REPORT_H_

#include <cstddef>
#include <cstdint>

namespace mymalloc {

// A reader looks for the magic at the begin of each page, and believes it where the record says
// that it lies there: copies of these bytes elsewhere are none. From the begin of a page on the
// record is also in one segment of the core file, as the kernel's mappings of the library end at
// pages.
struct LastReport {
  static constexpr size_t kAlignment = 4096;
  static constexpr uint64_t kMagic[2] = {0x8f1ed60b7c2a5b93, 0x9d40c7e1fa3688d5};
  static constexpr size_t kCapacity = 4096;

  // One is valid while the other is written: another thread may end the process meanwhile.
  struct Text {
    uint64_t size;
    char bytes[kCapacity];
  };

  uint64_t magic[2];
  uint64_t address;  // its own
  uint64_t current;  // which text is valid
  Text texts[2];
};

// Of reports that come at once one is kept.
void KeepLastReport(const char* text, size_t size);

}  // namespace mymalloc

#endif  // MYMALLOC_FAULT_LAST_REPORT_H_
