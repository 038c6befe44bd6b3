#include "tools/look/library.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "mymalloc/report/layout.h"
#include "tools/look/elf_image.h"

namespace mymalloc::look {
namespace {

constexpr char kSymbol[] = "mymalloc_descriptor";

// As much of it as all versions have is enough to tell which it is.
bool ReadDescriptor(const Memory& memory, uint64_t address, Descriptor* descriptor) {
  *descriptor = {};
  constexpr size_t kCommon = offsetof(Descriptor, page_map);
  if (!memory.Read(address, descriptor, kCommon)) return false;
  if (descriptor->magic[0] != Descriptor::kMagic[0] ||
      descriptor->magic[1] != Descriptor::kMagic[1] ||
      reinterpret_cast<uint64_t>(descriptor->self) != address) {
    return false;
  }
  const size_t bytes = std::min<uint64_t>(descriptor->bytes, sizeof(Descriptor));
  if (!memory.Read(address, descriptor, std::max(bytes, kCommon))) return false;
  descriptor->version[Descriptor::kVersionCapacity - 1] = '\0';
  return true;
}

bool IsReadable(const Descriptor& descriptor) {
  return descriptor.bytes >= sizeof(Descriptor) && descriptor.fingerprint == Layout::Fingerprint();
}

// Whether it has handed anything out: a program may have two, and use one.
bool IsInUse(const Memory& memory, const Descriptor& descriptor) {
  unsigned highest = 0;
  const auto registry = reinterpret_cast<uint64_t>(descriptor.registry);
  return memory.Get(registry + Layout::kRegistryHighestId, &highest) && highest != 0;
}

// Where a program has no names to be found by.
uint64_t FindByMagic(const Memory& memory, const ElfImage& image) {
  constexpr size_t kStep = Descriptor::kAlignment;
  constexpr size_t kPart = 64 * kKiB;
  std::vector<char> part(kPart);
  for (const Interval& range : image.data()) {
    for (uint64_t at = RoundUp(range.begin, kStep); at < range.end; at += kPart) {
      const size_t bytes = std::min<uint64_t>(kPart, range.end - at);
      if (!memory.Read(at, part.data(), bytes)) break;
      for (size_t i = 0; i + sizeof(Descriptor::kMagic) <= bytes; i += kStep) {
        if (std::memcmp(&part[i], Descriptor::kMagic, sizeof(Descriptor::kMagic)) == 0) {
          return at + i;
        }
      }
    }
  }
  return 0;
}

class Finder {
 public:
  Finder(const Target& target, Descriptor* found) : memory_(target.memory()), found_(found) {}

  // Whether that is as good as it gets.
  bool Try(uint64_t address) {
    Descriptor descriptor;
    if (address == 0 || !ReadDescriptor(memory_, address, &descriptor)) return false;
    const bool readable = IsReadable(descriptor);
    if (best_ == LibraryFound::kNone || (readable && best_ != LibraryFound::kYes)) {
      *found_ = descriptor;
      best_ = readable ? LibraryFound::kYes : LibraryFound::kOtherVersion;
    }
    if (!readable || !IsInUse(memory_, descriptor)) return false;
    *found_ = descriptor;
    return true;
  }

  LibraryFound best() const { return best_; }

 private:
  const Memory& memory_;
  Descriptor* const found_;
  LibraryFound best_ = LibraryFound::kNone;
};

}  // namespace

LibraryFound FindLibrary(const Target& target, Descriptor* descriptor) {
  Finder finder(target, descriptor);
  bool is_program = true;
  for (const Module& module : ModulesOf(target.mappings())) {
    ElfImage image;
    if (!image.Open(target.memory(), module.base)) continue;
    if (finder.Try(image.Find(kSymbol))) return finder.best();
    // The library may be a part of the program, which is what is mapped first.
    const bool by_magic = is_program || module.path == target.program();
    is_program = false;
    if (by_magic && finder.Try(FindByMagic(target.memory(), image))) return finder.best();
  }
  return finder.best();
}

std::string ExplainNotFound(const Target& target, LibraryFound found,
                            const Descriptor& descriptor) {
  const std::string who =
      absl::StrCat(target.is_live() ? "process " : "", target.name(),
                   target.program().empty() ? "" : absl::StrCat(" (", target.program(), ")"));
  if (found == LibraryFound::kOtherVersion) {
    return absl::StrCat(who, " runs on mymalloc ", descriptor.version,
                        ", whose memory is laid out otherwise than this command knows; use the "
                        "command that was built with that library");
  }
  return absl::StrCat(who, " does not run on mymalloc; start it by: mymalloc run -- PROGRAM");
}

}  // namespace mymalloc::look
