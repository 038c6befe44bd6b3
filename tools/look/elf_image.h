// A program or library as it lies in a target's memory: its exported names.

#ifndef MYMALLOC_TOOLS_LOOK_ELF_IMAGE_H_
#define MYMALLOC_TOOLS_LOOK_ELF_IMAGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tools/look/mappings.h"
#include "tools/look/memory.h"
#include "tree/interval.h"

namespace mymalloc::look {

class ElfImage {
 public:
  // False if no program file of this processor lies there.
  bool Open(const Memory& memory, uint64_t base);

  // What is added to addresses in the file.
  uint64_t bias() const { return bias_; }
  // In lower-case hexadecimal digits; empty if it has none, or that cannot be read.
  const std::string& build_id() const { return build_id_; }
  // Its parts that may be written, at least at the start.
  const std::vector<Interval>& data() const { return data_; }

  // The address of what it exports under a name; 0 if there is nothing.
  uint64_t Find(absl::string_view name) const;

 private:
  void ReadNotes(uint64_t address, uint64_t bytes);
  bool ReadDynamic(uint64_t address, uint64_t bytes);
  bool IsNamed(uint32_t symbol, absl::string_view name, uint64_t* value) const;
  uint64_t FindInChain(uint64_t chain, uint32_t first, uint32_t hash, absl::string_view name) const;

  const Memory* memory_ = nullptr;
  uint64_t base_ = 0;
  uint64_t bias_ = 0;
  uint64_t names_ = 0;
  uint64_t symbols_ = 0;
  uint64_t hash_ = 0;
  std::string build_id_;
  std::vector<Interval> data_;
};

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_ELF_IMAGE_H_
