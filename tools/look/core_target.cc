#include "tools/look/core_target.h"

#include <elf.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "absl/strings/str_cat.h"
#include "tools/look/core_notes.h"
#include "tools/look/file_bytes.h"
#include "tools/look/mapped_files.h"

namespace mymalloc::look {
namespace {

constexpr uint64_t kMostSegments = 1 << 20;
constexpr uint64_t kMostNoteBytes = 64 << 20;

bool ReadHeader(int fd, Elf64_Ehdr* header) {
  return ReadAt(fd, 0, header, sizeof(*header)) &&
         std::memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
         header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == ELFDATA2LSB;
}

struct Segment {
  Interval range;   // as far as the file has it
  uint64_t offset;  // in the core file
};

class CoreMemory : public Memory {
 public:
  CoreMemory(int fd, const Mappings* mappings) : fd_(fd), mappings_(mappings) {}
  ~CoreMemory() override { close(fd_); }

  void Add(const Segment& segment) { segments_.push_back(segment); }
  void Sort() {
    std::sort(segments_.begin(), segments_.end(),
              [](const Segment& a, const Segment& b) { return a.range.begin < b.range.begin; });
  }

  bool Read(uint64_t address, void* to, size_t bytes) const override {
    auto* at = static_cast<char*>(to);
    while (bytes > 0) {
      const size_t part = ReadPart(address, at, bytes);
      if (part == 0) return false;
      at += part;
      address += part;
      bytes -= part;
    }
    return true;
  }

 private:
  // As much as one segment has.
  size_t ReadPart(uint64_t address, void* to, size_t bytes) const {
    const auto behind =
        std::upper_bound(segments_.begin(), segments_.end(), address,
                         [](uint64_t a, const Segment& s) { return a < s.range.begin; });
    if (behind != segments_.begin() && (behind - 1)->range.Contains(address)) {
      const Segment& segment = *(behind - 1);
      const size_t part = std::min<uint64_t>(bytes, segment.range.end - address);
      const uint64_t offset = segment.offset + (address - segment.range.begin);
      return ReadAt(fd_, offset, to, part) ? part : 0;
    }
    const uint64_t next = behind == segments_.end() ? ~uint64_t{0} : behind->range.begin;
    const size_t part = std::min<uint64_t>(bytes, next - address);
    return files_.Read(*mappings_, address, to, part) ? part : 0;
  }

  const int fd_;
  const Mappings* const mappings_;
  std::vector<Segment> segments_;
  mutable MappedFiles files_;
};

class CoreTarget : public Target {
 public:
  bool Open(int fd, const std::string& name, std::string* error) {
    name_ = name;
    file_bytes_ = static_cast<uint64_t>(std::max<off_t>(lseek(fd, 0, SEEK_END), 0));
    auto memory = std::make_unique<CoreMemory>(fd, &mappings_);
    CoreNotes notes;
    if (!ReadSegments(fd, memory.get(), &notes)) {
      *error = absl::StrCat(name, ": this core file is cut short, or none");
      return false;
    }
    memory->Sort();
    memory_ = std::move(memory);
    AddFiles(notes);
    threads_ = std::move(notes.threads);
    pid_ = notes.pid;
    program_ = notes.program;
    return true;
  }

 private:
  static uint64_t SegmentCount(int fd, const Elf64_Ehdr& header) {
    Elf64_Shdr section;
    if (header.e_phnum != PN_XNUM) return header.e_phnum;
    return ReadAt(fd, header.e_shoff, &section, sizeof(section)) ? section.sh_info : 0;
  }

  bool ReadSegments(int fd, CoreMemory* memory, CoreNotes* notes) {
    Elf64_Ehdr header;
    if (!ReadHeader(fd, &header) || header.e_phentsize != sizeof(Elf64_Phdr)) return false;
    const uint64_t count = SegmentCount(fd, header);
    if (count == 0 || count > kMostSegments) return false;
    std::vector<Elf64_Phdr> segments(count);
    if (!ReadAt(fd, header.e_phoff, segments.data(), count * sizeof(Elf64_Phdr))) return false;
    for (const Elf64_Phdr& segment : segments) {
      if (segment.p_type == PT_LOAD) AddMemory(segment, memory);
      if (segment.p_type == PT_NOTE) AddNotes(fd, segment, notes);
    }
    return !mappings_.empty();
  }

  void AddMemory(const Elf64_Phdr& segment, CoreMemory* memory) {
    if (segment.p_memsz == 0 || segment.p_memsz > ~segment.p_vaddr) return;
    Mapping mapping;
    mapping.range = Interval::From(segment.p_vaddr, segment.p_memsz);
    mapping.readable = (segment.p_flags & PF_R) != 0;
    mapping.writable = (segment.p_flags & PF_W) != 0;
    mapping.executable = (segment.p_flags & PF_X) != 0;
    mappings_.push_back(mapping);
    const uint64_t bytes = InFile(segment);
    if (bytes == 0) return;
    memory->Add({Interval::From(segment.p_vaddr, bytes), segment.p_offset});
    kept_[segment.p_vaddr] = bytes;
  }

  // What the file has of it, whatever it says.
  uint64_t InFile(const Elf64_Phdr& segment) const {
    if (segment.p_offset >= file_bytes_) return 0;
    return std::min({segment.p_filesz, segment.p_memsz, file_bytes_ - segment.p_offset});
  }

  // What is in no file cannot be read: however long a damaged core file says that it is, nobody
  // shall try.
  void LimitToKept(Mapping* mapping) const {
    const auto kept = kept_.find(mapping->range.begin);
    if (kept == kept_.end()) {
      mapping->readable = false;
    } else {
      mapping->range.end = std::min(mapping->range.end, mapping->range.begin + kept->second);
    }
  }

  static void AddNotes(int fd, const Elf64_Phdr& segment, CoreNotes* notes) {
    if (segment.p_filesz > kMostNoteBytes) return;
    std::string text(segment.p_filesz, '\0');
    if (ReadAt(fd, segment.p_offset, &text[0], text.size())) ParseNotes(text, notes);
  }

  // Not every segment has a file, and not every file a segment.
  void AddFiles(const CoreNotes& notes) {
    const auto by_begin = [](const Mapping& a, const Mapping& b) {
      return a.range.begin < b.range.begin;
    };
    std::sort(mappings_.begin(), mappings_.end(), by_begin);
    Mappings alone;
    for (const Mapping& file : notes.files) {
      bool found = false;
      for (auto m = std::lower_bound(mappings_.begin(), mappings_.end(), file, by_begin);
           m != mappings_.end() && m->range.begin < file.range.end; ++m) {
        m->range.end = std::min(m->range.end, file.range.end);
        m->path = file.path;
        m->offset = file.offset + (m->range.begin - file.range.begin);
        found = true;
      }
      if (found || file.range.begin >= file.range.end) continue;
      alone.push_back(file);
      alone.back().readable = true;
    }
    for (Mapping& mapping : mappings_) {
      if (!mapping.HasFile()) LimitToKept(&mapping);
    }
    mappings_.insert(mappings_.end(), alone.begin(), alone.end());
    std::sort(mappings_.begin(), mappings_.end(), by_begin);
  }

  uint64_t file_bytes_ = 0;
  std::map<uint64_t, uint64_t> kept_;  // bytes in the file, by where they begin
};

}  // namespace

bool IsCore(int fd) {
  Elf64_Ehdr header;
  return ReadHeader(fd, &header) && header.e_type == ET_CORE;
}

std::unique_ptr<Target> OpenCore(int fd, const std::string& name, std::string* error) {
  auto core = std::make_unique<CoreTarget>();
  if (!core->Open(fd, name, error)) return nullptr;
  return core;
}

}  // namespace mymalloc::look
